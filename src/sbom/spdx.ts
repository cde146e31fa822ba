import { canonicalJson, digestOf, hexOf, type Json } from '#core'
import type { ApplicationComponent, DebComponent, FileGroup, Inventory } from './inventory.ts'
import { joinExtracted } from './licences/extracted-licences.ts'
import type { PackageLicence } from './licences/package-licence.ts'
import { definitionNote, groupName, versionOfImage } from './own-components.ts'
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
  const groups = inventory.account?.groups ?? []
  const ids = [...packages.map(idOf), ...inventory.applications.map(applicationId), ...groups.map(groupId)]
  const texts = joinExtracted(packages)
  const document: Json = {
    spdxVersion: 'SPDX-2.3',
    dataLicense: 'CC0-1.0',
    SPDXID: 'SPDXRef-DOCUMENT',
    name: `${image.name}@${image.digest}`,
    documentNamespace: `urn:casemate:sbom:spdx:${image.digest}`,
    creationInfo: { created: image.created, creators: [`Tool: ${tool}`] },
    packages: [
      imagePackage(inventory, tool),
      ...packages.map((one) => debPackage(one, debPurl(one, distribution))),
      ...inventory.applications.map(applicationPackage),
      ...groups.map((group) => groupPackage(group, inventory, tool)),
    ],
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

function imagePackage(inventory: Inventory, tool: string): Json {
  const { image } = inventory
  const notes = imageNotes(inventory)
  return {
    SPDXID: IMAGE,
    name: image.name,
    versionInfo: versionOfImage(inventory),
    supplier: NONE,
    downloadLocation: NONE,
    filesAnalyzed: false,
    licenseConcluded: NONE,
    licenseDeclared: NONE,
    copyrightText: NONE,
    primaryPackagePurpose: 'CONTAINER',
    checksums: [{ algorithm: 'SHA256', checksumValue: image.digest.replace('sha256:', '') }],
    externalRefs: [purlReference(imagePurl(image))],
    ...(notes.length === 0 ? {} : { annotations: notes.map((text) => note(text, inventory, tool)) }),
  }
}

/** What the image's own entry says beside its components: what was left out, what could not be read or explained. */
function imageNotes({ definition, account, faults }: Inventory): string[] {
  const leftOut = definition?.leftOut ?? []
  const unexplained = account?.unexplained ?? []
  return [
    ...(definition === undefined ? [] : [definitionNote(definition)]),
    ...leftOut.map(({ name, reason }) => `left out by the definition: ${name}: ${reason}`),
    ...(unexplained.length === 0 ? [] : [`files that nothing explains:\n${unexplained.join('\n')}`]),
    ...faults.map((fault) => `not read: ${fault}`),
  ]
}

function note(comment: string, { image }: Inventory, tool: string): Json {
  return { annotationType: 'OTHER', annotator: `Tool: ${tool}`, annotationDate: image.created, comment }
}

function debPackage(one: DebComponent, purl: string): Json {
  return {
    SPDXID: idOf(one),
    name: one.name,
    versionInfo: one.version,
    supplier: one.maintainer === '' ? NONE : `Organization: ${supplierOf(one.maintainer).text}`,
    downloadLocation: NONE,
    ...(one.file === undefined
      ? {}
      : {
          packageFileName: one.file.path,
          checksums: [{ algorithm: 'SHA256', checksumValue: hexOf(one.file.digest) }],
        }),
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

function applicationPackage(one: ApplicationComponent): Json {
  return {
    SPDXID: applicationId(one),
    name: one.name,
    versionInfo: one.version,
    supplier: NONE,
    downloadLocation: NONE,
    filesAnalyzed: false,
    licenseConcluded: NONE,
    licenseDeclared: one.licence ?? NONE,
    copyrightText: NONE,
    sourceInfo: `found by ${one.path}`,
    primaryPackagePurpose: 'LIBRARY',
    externalRefs: [purlReference(one.purl)],
  }
}

/** Files that no package brought, as one component of the image's own. */
function groupPackage(group: FileGroup, inventory: Inventory, tool: string): Json {
  return {
    SPDXID: groupId(group),
    name: groupName(group),
    versionInfo: versionOfImage(inventory),
    supplier: NONE,
    downloadLocation: 'NONE',
    filesAnalyzed: false,
    licenseConcluded: NONE,
    licenseDeclared: NONE,
    copyrightText: NONE,
    summary: group.description,
    primaryPackagePurpose: 'FILE',
    annotations: [note(`files:\n${group.files.join('\n')}`, inventory, tool)],
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

/** A purl and a path have more than an id may; both are in the digest. */
function applicationId({ ecosystem, purl, path }: ApplicationComponent): string {
  return `SPDXRef-${ecosystem}-${hexOf(digestOf(`${purl}\0${path}`)).slice(0, 24)}`
}

function groupId({ kind, name }: FileGroup): string {
  return `SPDXRef-${kind}-${name}`
}
