import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { NewDocument, NewStatement } from './format-document.ts'
import { debProduct } from './purl.ts'
import { parseVexDocument } from './read-document.ts'
import {
  formatRepositoryIndex,
  parseRepositoryIndex,
  repositoryLocation,
  splitByPackage,
  updatePackageDocument,
} from './repository.ts'

const BASH = 'pkg:deb/debian/bash'
const purlOf = (name: string, version = '5.2') => debProduct({ name, version, architecture: 'amd64' })

function documentOf(day: number, statements: readonly Partial<NewStatement>[]): NewDocument {
  return {
    author: 'A Team',
    timestamp: `2026-11-${day}T00:00:00Z`,
    statements: statements.map((one) => ({
      ...{ vulnerability: 'CVE-2026-1', products: [{ purl: purlOf('bash') }], status: 'fixed' },
      ...one,
    })),
  }
}

/** `CVE status product, …` of each statement, and the document's version. */
function said(text: string): readonly string[] {
  const { statements, version } = parseVexDocument(Buffer.from(text), { name: 'vex.json' })
  const lines = statements.map(
    ({ vulnerability, status, products }) =>
      `${vulnerability} ${status} ${products.flatMap(({ purls }) => purls.map((one) => one.version)).join(', ')}`,
  )
  return [`version ${version}`, ...lines.sort()]
}

const update = (document: NewDocument, before: string) =>
  updatePackageDocument(BASH, document, { bytes: Buffer.from(before), name: 'vex.json' })

test('each package has a document of its own, with the products that are its', () => {
  const both = { products: [{ purl: purlOf('bash') }, { purl: purlOf('g++', '1:2') }] }
  const split = splitByPackage(documentOf(10, [both]))
  assert.deepEqual([...split.keys()], [BASH, 'pkg:deb/debian/g%2B%2B'])
  assert.deepEqual(split.get(BASH)?.statements[0]?.products, [{ purl: purlOf('bash') }])
  assert.equal(repositoryLocation('pkg:deb/debian/g%2B%2B'), 'pkg/deb/debian/g%2B%2B/vex.json')
})

test('a document grows by what is new, and the later word on a product holds', () => {
  const first = updatePackageDocument(BASH, documentOf(10, [{ status: 'under_investigation' }]))
  assert.deepEqual(said(first), ['version 1', 'CVE-2026-1 under_investigation 5.2'])
  const later = documentOf(12, [{}, { vulnerability: 'CVE-2026-2', products: [{ purl: purlOf('bash', '5.3') }] }])
  const second = update(later, first)
  assert.deepEqual(said(second), ['version 2', 'CVE-2026-1 fixed 5.2', 'CVE-2026-2 fixed 5.3'])
  assert.equal(JSON.parse(second)['@id'], JSON.parse(first)['@id'], 'it is another version of one document')
  const earlier = update(documentOf(11, [{ status: 'under_investigation' }]), second)
  assert.equal(earlier, second, 'an earlier word changes nothing')
})

test('what is said again on a later day leaves the document as it was', () => {
  const first = updatePackageDocument(BASH, documentOf(10, [{}, { products: [{ purl: purlOf('bash', '5.3') }] }]))
  assert.equal(update(documentOf(20, [{}]), first), first)
})

test('a product that is stated anew is taken out of the statement that it was in', () => {
  const products = [{ purl: purlOf('bash') }, { purl: purlOf('bash', '5.3') }]
  const first = updatePackageDocument(BASH, documentOf(10, [{ status: 'under_investigation', products }]))
  const second = update(documentOf(11, [{}]), first)
  assert.deepEqual(said(second), ['version 2', 'CVE-2026-1 fixed 5.2', 'CVE-2026-1 under_investigation 5.3'])
})

test('a document that is none is not overwritten', () => {
  for (const broken of ['', '{', '{}', '[]', '{"@context":"https://openvex.dev/ns/v0.2.0"}', '{"a":'.repeat(10_000)]) {
    assert.throws(() => update(documentOf(10, [{}]), broken), { code: 'VEX_INVALID' }, broken.slice(0, 20))
  }
})

test('an index is read as it is written', () => {
  const packages = [{ id: BASH, location: repositoryLocation(BASH) }]
  const text = formatRepositoryIndex(packages, '2026-11-10T00:00:00Z')
  assert.deepEqual(parseRepositoryIndex(Buffer.from(text), 'index.json'), packages)
})

const indexes: readonly (readonly [index: string, because: string])[] = [
  ['', 'empty'],
  ['{"packages":[]}', 'no time'],
  ['{"updated_at":"2026-11-10T00:00:00Z","packages":{}}', 'no list'],
  ['{"updated_at":"2026-11-10T00:00:00Z","packages":[{"id":"pkg:deb/debian/bash"}]}', 'no location'],
  [`{"updated_at":"2026-11-10T00:00:00Z","packages":${'['.repeat(100_000)}`, 'too deep'],
]
for (const [index, because] of indexes) {
  test(`an index is refused: ${because}`, () => {
    assert.throws(() => parseRepositoryIndex(Buffer.from(index), 'index.json'), { code: 'VEX_INVALID' })
  })
}

const places = [
  'pkg:deb/debian/..',
  'pkg:deb/debian/.',
  'pkg:deb/../x',
  'pkg:deb',
  'pkg:deb//x',
  'pkg:deb/a\\b',
  'pkg:deb/a\nb',
]
for (const id of places) {
  test(`no document is written for ${JSON.stringify(id)}`, () => {
    assert.throws(() => repositoryLocation(id), { code: 'VEX_INVALID' })
  })
}
