import { canonicalJson, hexOf, type Json } from '#core'
import { spdxFiles } from './files/spdx-files.ts'
import type { ApplicationComponent, BaseImage, DebComponent, FileGroup, Inventory } from './inventory.ts'
import { joinExtracted } from './licences/extracted-licences.ts'
import type { PackageLicence } from './licences/package-licence.ts'
import { definitionNote, groupName, versionOfImage } from './own-components.ts'
import { debPurl, imagePurl } from './purl.ts'
import { baseId, elementId, IMAGE_ID, relationship } from './spdx-elements.ts'
import { supplierOf } from './supplier.ts'

/** What tells how documents are made. */
export interface DocumentMaker {
  /** `casemate-0.1.0`. */
  readonly tool: string
}

const NONE = 'NOASSERTION'

/** A package of a document, but for what is said of its files. */
type Package = { readonly SPDXID: string } & { readonly [key: string]: Json }

/**
 * Writes an inventory as an SPDX 2.3 document: the image, one package for each binary package in it, and what contains what.
 * The same inventory gives the same bytes: `created` is the image's, the namespace hangs on its digest.
 */
export function formatSpdx(inventory: Inventory, { tool }: DocumentMaker): string {
  const { image, packages, distribution } = inventory
  const groups = inventory.account?.groups ?? []
  const bases = inventory.bases ?? []
  const components = [
    ...packages.map((one) => debPackage(one, debPurl(one, distribution))),
    ...inventory.applications.map(applicationPackage),
    ...groups.map((group) => groupPackage(group, inventory, tool)),
  ]
  const listed = spdxFiles(inventory)
  const texts = joinExtracted(packages)
  const document: Json = {
    spdxVersion: 'SPDX-2.3',
    dataLicense: 'CC0-1.0',
    SPDXID: 'SPDXRef-DOCUMENT',
    name: `${image.name}@${image.digest}`,
    documentNamespace: `urn:casemate:sbom:spdx:${image.digest}${inventory.files === undefined ? '' : ':files'}`,
    creationInfo: { created: image.created, creators: [`Tool: ${tool}`] },
    packages: [imagePackage(inventory, tool), ...bases.map(basePackage), ...components].map((one) => ({
      ...one,
      ...listed.analysisOf(one.SPDXID),
    })),
    ...(listed.files.length === 0 ? {} : { files: listed.files }),
    ...(texts.length === 0
      ? {}
      : {
          hasExtractedLicensingInfos: texts.map(({ id, name, text }) => ({ licenseId: id, name, extractedText: text })),
        }),
    relationships: [
      relationship('SPDXRef-DOCUMENT', 'DESCRIBES', IMAGE_ID),
      ...components.map(({ SPDXID }) => relationship(IMAGE_ID, 'CONTAINS', SPDXID)),
      ...baseRelationships(inventory),
      ...listed.relationships,
    ],
  }
  return `${JSON.stringify(JSON.parse(canonicalJson(document)), null, 1)}\n`
}

function imagePackage(inventory: Inventory, tool: string): Package {
  const { image } = inventory
  const notes = imageNotes(inventory)
  return {
    SPDXID: IMAGE_ID,
    name: image.name,
    versionInfo: versionOfImage(inventory),
    supplier: NONE,
    downloadLocation: NONE,
    licenseConcluded: NONE,
    licenseDeclared: NONE,
    copyrightText: NONE,
    primaryPackagePurpose: 'CONTAINER',
    checksums: [{ algorithm: 'SHA256', checksumValue: image.digest.replace('sha256:', '') }],
    externalRefs: [purlReference(imagePurl(image))],
    ...(notes.length === 0 ? {} : { annotations: notes.map((text) => note(text, inventory, tool)) }),
  }
}

/** An image below this one; what it has brought hangs on it by `CONTAINS`. */
function basePackage(base: BaseImage): Package {
  return {
    SPDXID: baseId(base),
    name: base.name,
    versionInfo: base.digest,
    supplier: NONE,
    downloadLocation: NONE,
    licenseConcluded: NONE,
    licenseDeclared: NONE,
    copyrightText: NONE,
    comment: `${base.origin}: the image's lowest ${base.layers} layers are its, by their diff IDs`,
    primaryPackagePurpose: 'CONTAINER',
    checksums: [{ algorithm: 'SHA256', checksumValue: hexOf(base.digest) }],
    externalRefs: [purlReference(imagePurl(base))],
  }
}

/** The image descends from the topmost of them, which descends from the one below it (SPDX 2.3, clause 11). */
function baseRelationships({ bases = [], packages, applications }: Inventory): Json[] {
  const chain = [...bases.map(baseId), IMAGE_ID]
  const descent = chain.slice(1).map((id, index) => relationship(id, 'DESCENDANT_OF', chain[index] ?? ''))
  const brought = [...packages, ...applications].flatMap((one) => {
    const base = bases.findLast(({ origin }) => origin === one.origin)
    return base === undefined ? [] : [relationship(baseId(base), 'CONTAINS', elementId(one))]
  })
  return [...descent, ...brought]
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

function debPackage(one: DebComponent, purl: string): Package {
  return {
    SPDXID: elementId(one),
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

function applicationPackage(one: ApplicationComponent): Package {
  return {
    SPDXID: elementId(one),
    name: one.name,
    versionInfo: one.version,
    supplier: NONE,
    downloadLocation: NONE,
    licenseConcluded: NONE,
    licenseDeclared: one.licence ?? NONE,
    copyrightText: NONE,
    sourceInfo: `found by ${one.path}`,
    primaryPackagePurpose: 'LIBRARY',
    externalRefs: [purlReference(one.purl)],
  }
}

/** Files that no package brought, as one component of the image's own. */
function groupPackage(group: FileGroup, inventory: Inventory, tool: string): Package {
  return {
    SPDXID: elementId(group),
    name: groupName(group),
    versionInfo: versionOfImage(inventory),
    supplier: NONE,
    ...originOf(group),
    licenseConcluded: NONE,
    licenseDeclared: NONE,
    copyrightText: NONE,
    summary: group.description,
    primaryPackagePurpose: 'FILE',
    annotations: [note(`files:\n${group.files.join('\n')}`, inventory, tool)],
  }
}

/** Where the files of a group can be had, with the digest of what is found there. */
function originOf({ origin }: FileGroup): { readonly [key: string]: Json } {
  if (origin === undefined) return { downloadLocation: 'NONE' }
  const { at, digest, purl } = origin
  return {
    downloadLocation: /^https?:/.test(at) ? at : NONE,
    checksums: [{ algorithm: 'SHA256', checksumValue: hexOf(digest) }],
    ...(purl === undefined ? {} : { externalRefs: [purlReference(purl)] }),
  }
}

/** How the declared licence was read, or why there is none. */
function commentOf({ expression, by, unclassified }: PackageLicence): string {
  return expression === undefined ? `not classified: ${unclassified.join('; ')}` : `read from the copyright file, ${by}`
}

function purlReference(purl: string): Json {
  return { referenceCategory: 'PACKAGE-MANAGER', referenceType: 'purl', referenceLocator: purl }
}
