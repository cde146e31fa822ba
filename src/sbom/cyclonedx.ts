import { canonicalJson, digestOf, hexOf, type Json } from '#core'
import { cycloneDxFiles } from './files/cyclonedx-files.ts'
import type { FileHolder } from './files/placed-file.ts'
import type { ApplicationComponent, DebComponent, FileGroup, Inventory } from './inventory.ts'
import { definitionNote, groupName, versionOfImage } from './own-components.ts'
import { debPurl, imagePurl } from './purl.ts'
import type { DocumentMaker } from './spdx.ts'
import { supplierOf } from './supplier.ts'

/**
 * Writes an inventory as a CycloneDX 1.6 document. The same inventory gives the same bytes: the serial number is made of the
 * image's digest, the time is the image's.
 */
export function formatCycloneDx(inventory: Inventory, { tool }: DocumentMaker): string {
  const { image, distribution, packages } = inventory
  const [name = tool, version = ''] = tool.split(/-(?=[0-9])/)
  const own = imagePurl(image)
  const files = cycloneDxFiles(inventory)
  const referenceOf = (one: FileHolder) => componentOf(one, inventory)['bom-ref']
  const components = [...packages, ...inventory.applications, ...(inventory.account?.groups ?? [])].map((one) => ({
    ...componentOf(one, inventory),
    ...files.componentsOf(one),
  }))
  const system =
    distribution === undefined
      ? []
      : [
          {
            'bom-ref': `os:${distribution.id}`,
            type: 'operating-system',
            name: distribution.id,
            version: distribution.versionId,
            description: distribution.prettyName,
          },
        ]
  const document: Json = {
    $schema: 'http://cyclonedx.org/schema/bom-1.6.schema.json',
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
    serialNumber: serialNumber(`cyclonedx ${inventory.files === undefined ? '' : 'files '}${image.digest}`),
    version: 1,
    metadata: {
      timestamp: image.created,
      tools: { components: [{ type: 'application', name, version }] },
      component: {
        'bom-ref': own,
        type: 'container',
        name: image.name,
        version: versionOfImage(inventory),
        purl: own,
        hashes: [{ alg: 'SHA-256', content: image.digest.replace('sha256:', '') }],
        properties: imageProperties(inventory),
        ...pedigree(inventory),
        ...files.componentsOf(),
      },
    },
    components: [...system, ...components],
    dependencies: [
      {
        ref: own,
        dependsOn: [...system, ...components].map((one) => one['bom-ref']),
      },
      ...files.dependencies(referenceOf),
    ],
  }
  return `${JSON.stringify(JSON.parse(canonicalJson(document)), null, 1)}\n`
}

/** What the image is built on, nearest first (CycloneDX 1.6, `pedigree.ancestors`). */
function pedigree({ bases = [] }: Inventory): { readonly [key: string]: Json } {
  if (bases.length === 0) return {}
  const ancestors = bases.toReversed().map((base) => ({
    type: 'container',
    name: base.name,
    version: base.digest,
    purl: imagePurl(base),
    hashes: [{ alg: 'SHA-256', content: hexOf(base.digest) }],
    properties: [
      { name: 'casemate:origin', value: base.origin },
      { name: 'casemate:base:layers', value: `${base.layers}` },
    ],
  }))
  return { pedigree: { ancestors } }
}

/** Whether a component came with a base, an overlay or the application. */
function originProperty({ origin }: Pick<DebComponent, 'origin'>): Json[] {
  return origin === undefined ? [] : [{ name: 'casemate:origin', value: origin }]
}

function imageProperties({ image, definition, account, faults }: Inventory): Json[] {
  const leftOut = definition?.leftOut ?? []
  const property = (name: string) => (value: string) => ({ name, value })
  return [
    ...image.layers.map(property('casemate:layer:diff-id')),
    ...(definition === undefined ? [] : [definitionNote(definition)].map(property('casemate:definition'))),
    ...leftOut.map(({ name, reason }) => `${name}: ${reason}`).map(property('casemate:left-out')),
    ...(account?.unexplained ?? []).map(property('casemate:file:unexplained')),
    ...faults.map(property('casemate:fault')),
  ]
}

type Component = { readonly 'bom-ref': string } & { readonly [key: string]: Json }

function componentOf(one: FileHolder, inventory: Inventory): Component {
  if ('kind' in one) return groupComponent(one, inventory)
  return 'ecosystem' in one ? applicationComponent(one) : component(one, debPurl(one, inventory.distribution))
}

function applicationComponent(one: ApplicationComponent): Component {
  return {
    'bom-ref': `${one.purl}#${one.path}`,
    type: 'library',
    name: one.name,
    version: one.version,
    purl: one.purl,
    ...(one.licence === undefined ? {} : { licenses: [{ expression: one.licence, acknowledgement: 'declared' }] }),
    evidence: { occurrences: [{ location: one.path }] },
    properties: [
      { name: 'casemate:application:ecosystem', value: one.ecosystem },
      ...(one.layer === undefined ? [] : [{ name: 'casemate:layer:diff-id', value: one.layer }]),
      ...originProperty(one),
    ],
  }
}

/** Files that no package brought, as one component of the image's own. */
function groupComponent(group: FileGroup, inventory: Inventory): Component {
  return {
    'bom-ref': `${group.kind}:${group.name}`,
    type: 'data',
    name: groupName(group),
    version: versionOfImage(inventory),
    description: group.description,
    ...originOf(group),
    evidence: { occurrences: group.files.map((location) => ({ location })) },
  }
}

/** Where the files of a group were taken from, with the digest of what is found there. */
function originOf({ origin }: FileGroup): { readonly [key: string]: Json } {
  if (origin === undefined) return {}
  const { at, digest, purl = at } = origin
  const hashes = [{ alg: 'SHA-256', content: hexOf(digest) }]
  return { externalReferences: [{ type: 'distribution', url: purl, hashes }] }
}

function component(one: DebComponent, purl: string): Component {
  const { name, address } = supplierOf(one.maintainer)
  const contact = address === '' ? {} : { contact: [{ email: address }] }
  return {
    'bom-ref': purl,
    type: 'library',
    name: one.name,
    version: one.version,
    purl,
    ...(one.maintainer === '' ? {} : { supplier: { name, ...contact } }),
    ...(one.licence?.expression === undefined
      ? {}
      : { licenses: [{ expression: one.licence.expression, acknowledgement: 'declared' }] }),
    ...(one.description === '' ? {} : { description: one.description }),
    ...externalReferences(one),
    properties: [
      { name: 'casemate:deb:source', value: one.source.name },
      { name: 'casemate:deb:source-version', value: one.source.version },
      { name: 'casemate:deb:architecture', value: one.architecture },
      ...(one.licence?.unclassified ?? []).map((value) => ({ name: 'casemate:licence:unclassified', value })),
      ...(one.layer === undefined ? [] : [{ name: 'casemate:layer:diff-id', value: one.layer }]),
      ...originProperty(one),
    ],
  }
}

/** Where a package is at home, and below any mirror's root its .deb, for who knows which. */
function externalReferences({ homepage, file }: DebComponent): { readonly [key: string]: Json } {
  const references = [
    ...(homepage === '' ? [] : [{ type: 'website', url: homepage }]),
    ...(file === undefined
      ? []
      : [{ type: 'distribution', url: file.path, hashes: [{ alg: 'SHA-256', content: hexOf(file.digest) }] }]),
  ]
  const hashes = file === undefined ? {} : { hashes: [{ alg: 'SHA-256', content: hexOf(file.digest) }] }
  return references.length === 0 ? hashes : { ...hashes, externalReferences: references }
}

/** A UUID of version 8 (RFC 9562, clause 5.8) made of what tells documents apart. */
function serialNumber(subject: string): string {
  const hex = hexOf(digestOf(subject)).slice(0, 32)
  const variant = ((Number.parseInt(hex[16] ?? '0', 16) & 3) | 8).toString(16)
  const bits = `${hex.slice(0, 12)}8${hex.slice(13, 16)}${variant}${hex.slice(17)}`
  return `urn:uuid:${bits.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')}`
}
