import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseArchivePackage } from './binary-package.ts'
import { formatRelation, parseDependencies, parseProvisions, parseRelation } from './relation.ts'
import { parseStanza, parseStanzas } from './stanza.ts'

test('a dependency field is or-groups between commas', () => {
  assert.deepEqual(parseDependencies('libc6 (>= 2.38), default-mta | mail-transport-agent, python3:any (<< 3.14)'), [
    [{ name: 'libc6', operator: '>=', version: '2.38' }],
    [{ name: 'default-mta' }, { name: 'mail-transport-agent' }],
    [{ name: 'python3', qualifier: 'any', operator: '<<', version: '3.14' }],
  ])
})

test('the obsolete operators are read as dpkg reads them', () => {
  assert.equal(formatRelation(parseRelation('a (> 1)')), 'a (>= 1)')
  assert.equal(formatRelation(parseRelation('a (< 1)')), 'a (<= 1)')
})

test('a trailing comma and an empty field give no group', () => {
  assert.deepEqual(parseDependencies('a,'), [[{ name: 'a' }]])
  assert.deepEqual(parseDependencies(''), [])
})

for (const text of ['a (>= )', 'a (=> 1)', '-a', 'a b', 'a (>= 1', '../a']) {
  test(`"${text}" is no relation`, () => assert.throws(() => parseRelation(text), { code: 'RELATION_INVALID' }))
}

test('a provided name is versioned by = only', () => {
  assert.deepEqual(parseProvisions('awk, editor (= 2)'), [{ name: 'awk' }, { name: 'editor', version: '2' }])
  assert.throws(() => parseProvisions('awk (>= 2)'), { code: 'RELATION_INVALID' })
})

const paragraph = `Package: libssl3t64
Source: openssl (3.5.7-1)
Version: 3.5.7-1~deb13u3
Architecture: amd64
Multi-Arch: same
Installed-Size: 10
Filename: pool/main/o/openssl/libssl3t64_3.5.7-1~deb13u3_amd64.deb
Size: 100
SHA256: ${'ab'.repeat(32)}
Description: a library
 .
 More.`

test('a package paragraph keeps its source, size and digest', () => {
  const read = parseArchivePackage(parseStanza(paragraph, 'Packages'), 'debian-13', 'trixie')
  assert.deepEqual(read.source, { name: 'openssl', version: '3.5.7-1' })
  assert.equal(read.installedSize, 10240)
  assert.equal(read.digest, `sha256:${'ab'.repeat(32)}`)
  assert.equal(read.description, 'a library')
})

const broken: [string, string, string, string][] = [
  ['Filename: pool/main', 'Filename: ../main', 'PACKAGE_INVALID', 'a file name may not leave the archive'],
  ['Filename: pool', 'Filename: /pool', 'PACKAGE_INVALID', 'a file name may not be absolute'],
  ['SHA256: ab', 'SHA256: zz', 'PACKAGE_INVALID', 'a digest is hexadecimal'],
  ['Package: libssl3t64', 'Package: ../x', 'PACKAGE_INVALID', 'a name is no path'],
  ['Version: 3', 'Version: x', 'VERSION_INVALID', 'a version starts with a digit'],
  ['Size: 100', 'Size: -1', 'PACKAGE_INVALID', 'a size is not negative'],
  ['Size: 100', 'Version: 1', 'CONTROL_INVALID', 'a field occurs once'],
  ['Size: 100', 'no field at all', 'CONTROL_INVALID', 'a line is a field or a continuation'],
]
for (const [from, to, code, because] of broken) {
  test(`${to}: ${because}`, () => {
    const text = paragraph.replace(from, to)
    assert.throws(() => parseArchivePackage(parseStanza(text, 'Packages'), 'debian-13', 'trixie'), { code })
  })
}

test('paragraphs are parted by blank lines, however many', () => {
  assert.equal(parseStanzas('A: 1\n\n\nB: 2\n \nC: 3\n', 'control').length, 3)
})
