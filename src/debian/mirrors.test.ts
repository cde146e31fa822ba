import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseArchive } from './archive.ts'
import { chooseMirrors, mirrorsOfSources, parseMirrors, snapshotBase } from './mirrors.ts'

const archive = parseArchive(
  `archive: debian-x
description: for tests
keys: { own: { file: own.asc, fingerprint: 0123456789ABCDEF0123456789ABCDEF01234567 } }
mirrors:
  debian: { built-in: ["https://built-in.example/debian/"] }
  debian-security: {}
suites:
  - { suite: bookworm, mirror: debian, components: [main], identity: { codename: bookworm }, signed-by: [own] }
  - { suite: bookworm-security, mirror: debian-security, components: [main], identity: { label: S }, signed-by: [own] }
`,
  'debian-x.yaml',
)
const kinds = Object.keys(archive.mirrors)

test('a setting names mirrors by kind, several in order of preference', () => {
  assert.deepEqual(parseMirrors('debian=http://a/, debian=http://b,debian-security=http://c', kinds, '--mirror'), {
    debian: ['http://a', 'http://b'],
    'debian-security': ['http://c'],
  })
})

test('a URL alone is the folder above those of all kinds', () => {
  assert.deepEqual(parseMirrors('http://mirror.example/', kinds, '--mirror'), {
    debian: ['http://mirror.example/debian'],
    'debian-security': ['http://mirror.example/debian-security'],
  })
})

test('a setting that is no URL is refused', () => {
  assert.throws(() => parseMirrors('debian=mirror.example', kinds, 'CASEMATE_MIRROR'), {
    code: 'MIRROR_UNKNOWN',
    message: /CASEMATE_MIRROR/,
  })
})

test("apt's sources serve a kind by the suites they list, or by the end of their path", () => {
  const sources = [
    { uris: ['http://other.example/ubuntu'], suites: ['noble'] },
    { uris: ['http://a.example/mirror'], suites: ['bookworm'] },
    { uris: ['http://b.example/debian-security'], suites: ['sid-security'] },
  ]
  assert.deepEqual(mirrorsOfSources(sources, [archive]), {
    debian: ['http://a.example/mirror'],
    'debian-security': ['http://b.example/debian-security'],
  })
})

test('the first setting that says anything of a kind decides, then the built-in mirrors', () => {
  const settings = [{ 'debian-security': ['http://c'] }, { debian: ['http://a'], 'debian-security': ['http://b'] }]
  assert.deepEqual(chooseMirrors('debian-security', settings, archive), ['http://c'])
  assert.deepEqual(chooseMirrors('debian', settings, archive), ['http://a'])
  assert.deepEqual(chooseMirrors('debian', [], archive), ['https://built-in.example/debian'])
  assert.throws(() => chooseMirrors('debian-security', [], archive), { code: 'MIRROR_UNKNOWN' })
})

test('the snapshot service has its timestamps without separators', () => {
  const at = new Date('2026-09-12T07:55:41Z')
  assert.equal(
    snapshotBase('https://s.example/archive/debian/', at),
    'https://s.example/archive/debian/20260912T075541Z',
  )
})
