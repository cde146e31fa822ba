import { canonicalJson, digestOf, hexOf, type Json } from '#core'
import type { DebComponent, Inventory } from './inventory.ts'
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
  const components = packages.map((one) => component(one, debPurl(one, distribution)))
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
    serialNumber: serialNumber(image.digest),
    version: 1,
    metadata: {
      timestamp: image.created,
      tools: { components: [{ type: 'application', name, version }] },
      component: {
        'bom-ref': own,
        type: 'container',
        name: image.name,
        version: image.version === '' ? image.digest : image.version,
        purl: own,
        hashes: [{ alg: 'SHA-256', content: image.digest.replace('sha256:', '') }],
        properties: image.layers.map((layer) => ({ name: 'casemate:layer:diff-id', value: layer })),
      },
    },
    components: [...system, ...components],
    dependencies: [
      {
        ref: own,
        dependsOn: [...system.map((one) => one['bom-ref']), ...packages.map((one) => debPurl(one, distribution))],
      },
    ],
  }
  return `${JSON.stringify(JSON.parse(canonicalJson(document)), null, 1)}\n`
}

function component(one: DebComponent, purl: string): Json {
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
    ...(one.homepage === '' ? {} : { externalReferences: [{ type: 'website', url: one.homepage }] }),
    properties: [
      { name: 'casemate:deb:source', value: one.source.name },
      { name: 'casemate:deb:source-version', value: one.source.version },
      { name: 'casemate:deb:architecture', value: one.architecture },
      ...(one.licence?.unclassified ?? []).map((value) => ({ name: 'casemate:licence:unclassified', value })),
      ...(one.layer === undefined ? [] : [{ name: 'casemate:layer:diff-id', value: one.layer }]),
    ],
  }
}

/** A UUID of version 8 (RFC 9562, clause 5.8) made of the image's digest. */
function serialNumber(digest: string): string {
  const hex = hexOf(digestOf(`cyclonedx ${digest}`)).slice(0, 32)
  const variant = ((Number.parseInt(hex[16] ?? '0', 16) & 3) | 8).toString(16)
  const bits = `${hex.slice(0, 12)}8${hex.slice(13, 16)}${variant}${hex.slice(17)}`
  return `urn:uuid:${bits.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')}`
}
