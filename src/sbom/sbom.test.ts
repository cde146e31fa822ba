import assert from 'node:assert/strict'
import { test } from 'node:test'
import { digestOf } from '#core'
import { type DebComponent, debPurl, formatCycloneDx, formatSpdx, type Inventory, imagePurl } from '#sbom'
import { supplierOf } from './supplier.ts'

const layer = digestOf('layer')
const libstdc: DebComponent = {
  name: 'libstdc++6',
  version: '14.2.0-19+b1',
  architecture: 'amd64',
  source: { name: 'gcc-14', version: '14.2.0-19' },
  maintainer: 'Debian GCC Maintainers <gcc@example.org>',
  homepage: 'https://gcc.example.org/',
  description: 'GNU Standard C++ Library v3',
  layer,
  files: ['/usr/lib/libstdc++.so.6'],
}
const tzdata: DebComponent = {
  ...libstdc,
  name: 'tzdata',
  version: '2026f-0+deb13u1',
  architecture: 'all',
  source: { name: 'tzdata', version: '2026f-0+deb13u1' },
  maintainer: '',
  homepage: '',
  layer: undefined,
}
const inventory: Inventory = {
  image: {
    name: 'cc',
    digest: digestOf('manifest'),
    architecture: 'amd64',
    created: '2026-11-20T10:00:00Z',
    version: '14.2.0',
    layers: [layer],
  },
  distribution: { id: 'debian', versionId: '13', prettyName: 'Debian GNU/Linux 13 (trixie)' },
  packages: [libstdc, tzdata],
  applications: [],
  unowned: [],
  faults: [],
}
const maker = { tool: 'casemate-0.1.0' }

test('purls say architecture, distribution, and the source where it is another', () => {
  const { distribution } = inventory
  assert.equal(
    debPurl(libstdc, distribution),
    'pkg:deb/debian/libstdc%2B%2B6@14.2.0-19%2Bb1?arch=amd64&distro=debian-13&upstream=gcc-14%4014.2.0-19',
  )
  assert.equal(debPurl(tzdata, distribution), 'pkg:deb/debian/tzdata@2026f-0%2Bdeb13u1?arch=all&distro=debian-13')
  assert.equal(debPurl(tzdata, undefined), 'pkg:deb/debian/tzdata@2026f-0%2Bdeb13u1?arch=all')
  assert.match(imagePurl(inventory.image), /^pkg:oci\/cc@sha256(:|%3A)[0-9a-f]{64}\?arch=amd64$/)
})

test('an SPDX document has each package once, under an id that the specification allows', () => {
  const document = JSON.parse(formatSpdx(inventory, maker))
  assert.equal(document.spdxVersion, 'SPDX-2.3')
  assert.equal(document.creationInfo.created, '2026-11-20T10:00:00Z')
  assert.deepEqual(
    document.packages.map((one: { SPDXID: string; versionInfo: string; supplier: string }) => [
      one.SPDXID,
      one.versionInfo,
      one.supplier,
    ]),
    [
      ['SPDXRef-Image', '14.2.0', 'NOASSERTION'],
      [
        'SPDXRef-deb-libstdc.plus..plus.6-amd64',
        '14.2.0-19+b1',
        'Organization: Debian GCC Maintainers (gcc@example.org)',
      ],
      ['SPDXRef-deb-tzdata-all', '2026f-0+deb13u1', 'NOASSERTION'],
    ],
  )
  const ids = new Set(document.packages.map((one: { SPDXID: string }) => one.SPDXID))
  for (const id of ids) assert.match(String(id), /^SPDXRef-[A-Za-z0-9.-]+$/)
  for (const { relatedSpdxElement } of document.relationships) assert.ok(ids.has(relatedSpdxElement))
})

test('a CycloneDX document refers to what it holds, and says where a package lies', () => {
  const document = JSON.parse(formatCycloneDx(inventory, maker))
  assert.match(document.serialNumber, /^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
  const references = document.components.map((one: Record<string, string>) => one['bom-ref'])
  assert.equal(new Set(references).size, 3)
  assert.deepEqual(document.dependencies[0].dependsOn, references)
  const [, first, second] = document.components
  assert.ok(first.properties.some((one: { value: string }) => one.value === layer))
  assert.equal(second.supplier, undefined)
})

test('the same inventory gives the same bytes, another image others', () => {
  for (const format of [formatSpdx, formatCycloneDx]) {
    assert.equal(format(inventory, maker), format(structuredClone(inventory), maker))
    const other = { ...inventory, image: { ...inventory.image, digest: digestOf('other') } }
    assert.notEqual(format(inventory, maker), format(other, maker))
  }
})

test('a maintainer is taken apart, whatever stands in the field', () => {
  assert.deepEqual(supplierOf('"A. Name" <a@b.example>'), {
    name: 'A. Name',
    address: 'a@b.example',
    text: 'A. Name (a@b.example)',
  })
  assert.deepEqual(supplierOf('Somebody'), { name: 'Somebody', address: '', text: 'Somebody' })
})
