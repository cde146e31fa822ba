import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  type ApplicationComponent,
  compareLicences,
  type DebComponent,
  licenceIds,
  readPackageLicence,
  unclassifiedLicence,
} from '#sbom'

/** A package whose copyright file declares this licence; without one it could not be classified. */
function deb(name: string, licence?: string): DebComponent {
  const format = 'Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/'
  const text = `${format}\n\nFiles: *\nCopyright: somebody\nLicense: ${licence}\n`
  return {
    ...{ name, version: '1', architecture: 'amd64', source: { name, version: '1' } },
    ...{ maintainer: '', homepage: '', description: '', layer: undefined, files: [] },
    licence: licence === undefined ? unclassifiedLicence('no file') : readPackageLicence(text),
  }
}

function npm(name: string, licence: string, path = '/app'): ApplicationComponent {
  return { ecosystem: 'npm', name, version: '1', purl: `pkg:npm/${name}@1`, path, layer: undefined, licence }
}

function image(...components: readonly (DebComponent | ApplicationComponent)[]) {
  return {
    packages: components.filter((one) => 'source' in one),
    applications: components.filter((one) => 'ecosystem' in one),
  }
}

test('a licence came when no package had it before, however many bring it, and went when none has it any more', () => {
  const from = image(deb('a', 'Expat'), deb('b', 'Apache-2.0'), deb('gone', 'ISC and Zlib'))
  const to = image(deb('a', 'Expat'), deb('b', 'Apache-2.0'), deb('new', 'Expat and GPL-3'), npm('x', 'GPL-3.0-only'))
  const { added, removed, changed } = compareLicences(from, to)
  assert.deepEqual(added, [{ id: 'GPL-3.0-only', packages: ['new', 'npm:x'] }])
  assert.deepEqual(removed, [
    { id: 'ISC', packages: ['gone'] },
    { id: 'Zlib', packages: ['gone'] },
  ])
  assert.deepEqual(changed, [])
})

test('packages of both images whose licence changed in the same way are one change; what is not classified is none', () => {
  const from = image(deb('a', 'Expat'), deb('b', 'Expat'), deb('c', 'Expat'), deb('d'), deb('e'), deb('f', 'Zlib'))
  const to = image(deb('a', 'ISC'), deb('b', 'ISC'), deb('c'), deb('d', 'Zlib'), deb('e'), deb('f', 'Zlib'), deb('g'))
  const { changed, unclassified } = compareLicences(from, to)
  assert.deepEqual(changed, [
    { from: 'MIT', to: 'ISC', packages: ['a', 'b'] },
    { from: 'MIT', to: undefined, packages: ['c'] },
    { from: undefined, to: 'Zlib', packages: ['d'] },
  ])
  assert.deepEqual(unclassified, ['g'])
})

test('copies of one package are taken together', () => {
  const from = image(npm('x', 'MIT', '/a'), npm('x', 'MIT', '/b'))
  const to = image(npm('x', 'MIT', '/a'), npm('x', 'ISC OR MIT', '/b'))
  assert.deepEqual(compareLicences(from, to).changed, [
    { from: 'MIT', to: '(ISC OR MIT) AND (MIT)', packages: ['npm:x'] },
  ])
})

test('an expression names its licences, each with its exception, once', () => {
  const rows: [string, string[]][] = [
    ['MIT', ['MIT']],
    [
      '(ISC OR MIT) AND GPL-2.0-only WITH Classpath-exception-2.0 AND (MIT)',
      [...['ISC', 'MIT', 'GPL-2.0-only WITH Classpath-exception-2.0']],
    ],
    ['LicenseRef-debian-ANDOR-0a1b2c3d AND BSD-3-Clause', ['LicenseRef-debian-ANDOR-0a1b2c3d', 'BSD-3-Clause']],
    ['', []],
  ]
  for (const [expression, want] of rows) assert.deepEqual(licenceIds(expression), want, expression)
})
