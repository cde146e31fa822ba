import assert from 'node:assert/strict'
import { test } from 'node:test'
import { digestOf } from '#core'
import { type DebComponent, formatCycloneDx, formatSpdx, type Inventory } from '#sbom'
import { readSbom } from './read-sbom.ts'

const deb = (name: string, version: string, source: { name: string; version: string }): DebComponent => ({
  ...{ name, version, architecture: 'amd64', source, maintainer: '', homepage: '', description: '' },
  ...{ layer: undefined, files: [] },
})
const inventory: Inventory = {
  image: {
    ...{ name: 'cc', digest: digestOf('manifest'), architecture: 'amd64', created: '2026-11-20T10:00:00Z' },
    ...{ version: '', layers: [] },
  },
  distribution: { id: 'debian', versionId: '13', prettyName: 'Debian 13', codename: 'trixie' },
  packages: [
    deb('libstdc++6', '14.2.0-19+b1', { name: 'gcc-14', version: '14.2.0-19' }),
    deb('zlib1g', '1:1.3.dfsg-1', { name: 'zlib', version: '1:1.3.dfsg-1' }),
  ],
  ...{ applications: [], unowned: [], faults: [] },
}

test('our own documents come back with the same packages, sources, release and digest', () => {
  for (const format of [formatSpdx, formatCycloneDx]) {
    const read = readSbom(format(inventory, { tool: 'casemate-0.1.0' }), 'f.json')
    assert.deepEqual(read.packages, inventory.packages)
    assert.deepEqual([read.distribution?.codename, read.image.digest], ['trixie', inventory.image.digest])
    assert.deepEqual([read.image.architecture, read.faults], ['amd64', []])
  }
})

const cycloneDx = (components: readonly object[], more: object = {}) =>
  JSON.stringify({ bomFormat: 'CycloneDX', specVersion: '1.6', components, ...more })
const library = (purl: string, more: object = {}) => ({ type: 'library', name: 'x', purl, ...more })
const sources = ({ packages }: Inventory) =>
  packages.map(({ name, version, source }) => `${name} ${version} < ${source.name} ${source.version}`)

test('syft’s words: the source in the purl; a rebuild without one goes by the version of its source', () => {
  const read = readSbom(
    cycloneDx([
      library('pkg:deb/debian/libssl3t64@3.5.1-1?arch=amd64&distro=debian-13&upstream=openssl'),
      library('pkg:deb/debian/libgcc-s1@14.2.0-19%2Bb1?arch=amd64&distro=debian-13&upstream=gcc-14%4014.2.0-19'),
      library('pkg:deb/debian/bash@5.2.37-2%2Bb5?arch=amd64&distro=debian-13'),
      library('pkg:npm/%40a/b@1.0.0', { properties: [{ name: 'syft:location:0:path', value: '/srv/package.json' }] }),
      library('pkg:maven/org.x/y@1.0', { components: [library('pkg:pypi/Some_Name@2.0')] }),
      library('pkg:golang/example.org/m/v2@v2.0.0'),
    ]),
    'f.json',
  )
  assert.deepEqual(sources(read), [
    'bash 5.2.37-2+b5 < bash 5.2.37-2',
    'libgcc-s1 14.2.0-19+b1 < gcc-14 14.2.0-19',
    'libssl3t64 3.5.1-1 < openssl 3.5.1-1',
  ])
  assert.deepEqual(read.applications.map(({ ecosystem, name, path }) => [ecosystem, name, path]).sort(), [
    ['Go', 'example.org/m/v2', ''],
    ['Maven', 'org.x:y', ''],
    ['PyPI', 'some-name', ''],
    ['npm', '@a/b', '/srv/package.json'],
  ])
})

test('trivy’s words: epoch and source in parts, the source in a sentence, a point release in the purl', () => {
  const trivy = (key: string, value: string) => ({ name: `aquasecurity:trivy:${key}`, value })
  const purl = 'pkg:deb/debian/zlib1g@1.3.dfsg-1%2Bb1?arch=amd64&distro=debian-13.2&epoch=1'
  const properties = [
    trivy('SrcName', 'zlib'),
    trivy('SrcVersion', '1.3.dfsg'),
    trivy('SrcRelease', '1'),
    trivy('SrcEpoch', '1'),
  ]
  const read = readSbom(cycloneDx([library(purl, { properties })]), 'f.json')
  assert.deepEqual(sources(read), ['zlib1g 1:1.3.dfsg-1+b1 < zlib 1:1.3.dfsg-1'])
  assert.deepEqual([read.distribution?.codename, read.distribution?.versionId], ['trixie', '13.2'])
  const externalRefs = [{ referenceCategory: 'PACKAGE-MANAGER', referenceType: 'purl', referenceLocator: purl }]
  const spdx = {
    spdxVersion: 'SPDX-2.3',
    packages: [{ externalRefs, sourceInfo: 'built package from: zlib 1:1.3.dfsg-1' }],
  }
  assert.deepEqual(sources(readSbom(JSON.stringify(spdx), 'f.json')), sources(read))
})

test('what names no package is told, not dropped', () => {
  const { faults } = readSbom(
    cycloneDx([library('nonsense'), library('pkg:npm/a'), { type: 'library', name: 'x' }]),
    'f',
  )
  assert.deepEqual(faults, [
    'f: "nonsense" is no purl',
    'f: "pkg:npm/a" names no version',
    'f: 1 packages have no purl and are held against nothing',
  ])
})

const deb13 = library('pkg:deb/debian/a@1?distro=debian-13')
const wrong: [what: string, text: string, code: string, message: RegExp][] = [
  ['a truncated document', cycloneDx([deb13]).slice(0, -5), 'SBOM_INVALID', /^cannot read the SBOM f: it is no JSON/],
  ['another schema', '{"spdxVersion":"SPDX-3.0"}', 'SBOM_INVALID', /got "SPDX-3\.0"$/],
  ['a list', '[]', 'SBOM_INVALID', /want SPDX 2\.2 or 2\.3/],
  ['components that are none', cycloneDx([], { components: {} }), 'SBOM_INVALID', /`components` is no list/],
  ['a component that is none', cycloneDx([], { components: [7] }), 'SBOM_INVALID', /a component is no object/],
  ['SPDX without packages', '{"spdxVersion":"SPDX-2.3"}', 'SBOM_INVALID', /`packages` is missing/],
  [
    'two distributions',
    cycloneDx([deb13, library('pkg:deb/debian/b@1?distro=debian-12')]),
    'SBOM_INVALID',
    /several distributions: debian-12, debian-13$/,
  ],
  ['too many packages', cycloneDx(Array(500_001).fill({ purl: 'pkg:a/b' })), 'SBOM_LIMIT', /more than 500000 packages/],
]
for (const [what, text, code, message] of wrong) {
  test(`${what} is refused`, () => assert.throws(() => readSbom(text, 'f'), { code, message }))
}

test('components nested without end, and dependencies in a circle, cost nothing', () => {
  let nested: object = deb13
  for (let depth = 0; depth < 2000; depth++) nested = { type: 'library', name: 'x', components: [nested] }
  const dependencies = [
    { ref: 'a', dependsOn: ['b'] },
    { ref: 'b', dependsOn: ['a'] },
  ]
  assert.equal(readSbom(cycloneDx([nested], { dependencies }), 'f').packages.length, 1)
})
