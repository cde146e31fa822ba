import { canonicalJson, type Json } from '#core'
import type { DebComponent, Inventory } from './inventory.ts'
import { joinExtracted } from './licences/extracted-licences.ts'
import type { PackageLicence } from './licences/package-licence.ts'
import { debPurl, imagePurl } from './purl.ts'
import { supplierOf } from './supplier.ts'

/** What tells how documents are made. */
export interface DocumentMaker {
  /** `casemate-0.1.0`. */
  readonly tool: string
}

const NONE = 'NOASSERTION'

/**
 * Writes an inventory as an SPDX 2.3 document: the image, one package for each binary package in it, and what contains what.
 * The same inventory gives the same bytes: `created` is the image's, the namespace hangs on its digest.
 */
export function formatSpdx(inventory: Inventory, { tool }: DocumentMaker): string {
  const { image, packages, distribution } = inventory
  const ids = packages.map(idOf)
  const texts = joinExtracted(packages)
  const document: Json = {
    spdxVersion: 'SPDX-2.3',
    dataLicense: 'CC0-1.0',
    SPDXID: 'SPDXRef-DOCUMENT',
    name: `${image.name}@${image.digest}`,
    documentNamespace: `urn:casemate:sbom:spdx:${image.digest}`,
    creationInfo: { created: image.created, creators: [`Tool: ${tool}`] },
    packages: [imagePackage(inventory), ...packages.map((one) => debPackage(one, debPurl(one, distribution)))],
    ...(texts.length === 0
      ? {}
      : {
          hasExtractedLicensingInfos: texts.map(({ id, name, text }) => ({ licenseId: id, name, extractedText: text })),
        }),
    relationships: [
      relationship('SPDXRef-DOCUMENT', 'DESCRIBES', IMAGE),
      ...ids.map((id) => relationship(IMAGE, 'CONTAINS', id)),
    ],
  }
  return `${JSON.stringify(JSON.parse(canonicalJson(document)), null, 1)}\n`
}

const IMAGE = 'SPDXRef-Image'

function imagePackage({ image }: Inventory): Json {
  return {
    SPDXID: IMAGE,
    name: image.name,
    versionInfo: image.version === '' ? image.digest : image.version,
    supplier: NONE,
    downloadLocation: NONE,
    filesAnalyzed: false,
    licenseConcluded: NONE,
    licenseDeclared: NONE,
    copyrightText: NONE,
    primaryPackagePurpose: 'CONTAINER',
    checksums: [{ algorithm: 'SHA256', checksumValue: image.digest.replace('sha256:', '') }],
    externalRefs: [purlReference(imagePurl(image))],
  }
}

function debPackage(one: DebComponent, purl: string): Json {
  return {
    SPDXID: idOf(one),
    name: one.name,
    versionInfo: one.version,
    supplier: one.maintainer === '' ? NONE : `Organization: ${supplierOf(one.maintainer).text}`,
    downloadLocation: NONE,
    ...(one.homepage === '' ? {} : { homepage: one.homepage }),
    filesAnalyzed: false,
    licenseConcluded: NONE,
    licenseDeclared: one.licence?.expression ?? NONE,
    ...(one.licence === undefined ? {} : { licenseComments: commentOf(one.licence) }),
    copyrightText: NONE,
    ...(one.description === '' ? {} : { summary: one.description }),
    sourceInfo: `built from the Debian source package ${one.source.name} ${one.source.version}`,
    primaryPackagePurpose: 'LIBRARY',
    externalRefs: [purlReference(purl)],
  }
}

/** How the declared licence was read, or why there is none. */
function commentOf({ expression, by, unclassified }: PackageLicence): string {
  return expression === undefined ? `not classified: ${unclassified.join('; ')}` : `read from the copyright file, ${by}`
}

function purlReference(purl: string): Json {
  return { referenceCategory: 'PACKAGE-MANAGER', referenceType: 'purl', referenceLocator: purl }
}

function relationship(from: string, type: string, to: string): Json {
  return { spdxElementId: from, relationshipType: type, relatedSpdxElement: to }
}

/** Letters, digits, dots and dashes only (SPDX 2.3, clause 7.2); what a name has beside them is spelt out. */
function idOf({ name, architecture }: DebComponent): string {
  return `SPDXRef-deb-${name.replaceAll('+', '.plus.')}-${architecture}`
}
