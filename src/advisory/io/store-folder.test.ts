import assert from 'node:assert/strict'
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { FILE_LIMIT, openStore, readParts, storeParts, storePath } from '#advisory'

const now = '2026-11-21T12:00:00Z'
const testdata = join(import.meta.dirname, '..', 'testdata')

function folderOf(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'casemate-advisories-'))
  t.after(() => rmSync(folder, { recursive: true }))
  return folder
}

test('what was imported is found by the next process, and an open store goes on with what it opened', async (t) => {
  const cache = folderOf(t)
  assert.equal(openStore(cache), undefined)
  await storeParts(cache, await readParts([join(testdata, 'DSA-list'), join(testdata, 'kev.json')], { now }))
  const first = openStore(cache)
  assert.ok(first !== undefined)
  await storeParts(cache, await readParts([join(testdata, 'export.json')], { now }))
  const second = openStore(cache)
  assert.ok(second !== undefined)
  assert.deepEqual(
    second.parts.map(({ kind }) => kind),
    ['tracker', 'dsa', 'kev'],
  )
  assert.equal(first.debianStatements('glibc').length, 0)
  assert.equal(first.announcements('libpng1.6').length, 1)
  assert.equal(second.announcements('libpng1.6').length, 1)
  assert.equal(second.debianStatements('glibc').length, 3)
  first.close()
  second.close()
  assert.deepEqual(readdirSync(dirname(storePath(cache))), ['store'], 'nothing is left beside the store')
})

test('imports at the same time all end up in the store', async (t) => {
  const cache = folderOf(t)
  const files = ['export.json', 'DSA-list', 'DLA-list', 'kev.json', 'epss.csv'].map((name) => join(testdata, name))
  const parts = await readParts(files, { now })
  await Promise.all(parts.map((part) => storeParts(cache, [part])))
  const store = openStore(cache)
  assert.deepEqual(
    store?.parts.map(({ kind }) => kind),
    ['tracker', 'dsa', 'dla', 'kev', 'epss'],
  )
  store?.close()
})

test('a file over the limit is refused before it is read', async (t) => {
  const path = join(folderOf(t), 'huge.json')
  writeFileSync(path, '')
  truncateSync(path, FILE_LIMIT + 1)
  await assert.rejects(readParts([path], { now }), { code: 'ADVISORIES_LIMIT' })
})

test('a damaged store is refused and left as it is', async (t) => {
  const cache = folderOf(t)
  mkdirSync(dirname(storePath(cache)), { recursive: true })
  writeFileSync(storePath(cache), 'x'.repeat(100))
  const parts = await readParts([join(testdata, 'kev.json')], { now })
  assert.throws(() => openStore(cache), { code: 'ADVISORY_STORE_INVALID' })
  await assert.rejects(storeParts(cache, parts), { code: 'ADVISORY_STORE_INVALID' })
  assert.equal(readFileSync(storePath(cache), 'utf8').length, 100)
})

test('gzip is unpacked, and a file of it that is cut short is refused', async (t) => {
  const folder = folderOf(t)
  const packed = gzipSync(readFileSync(join(testdata, 'epss.csv')))
  writeFileSync(join(folder, 'epss.csv.gz'), packed)
  writeFileSync(join(folder, 'short.gz'), packed.subarray(0, -20))
  const [part] = await readParts([join(folder, 'epss.csv.gz')], { now })
  assert.deepEqual([part?.state.kind, part?.state.records, part?.state.dated], ['epss', 2, 'content'])
  await assert.rejects(readParts([join(folder, 'short.gz')], { now }), { code: 'ADVISORIES_INVALID' })
  await assert.rejects(readParts([join(folder, 'absent')], { now }), { code: 'ADVISORIES_UNREADABLE' })
})

test('of a folder of OSV files a broken one is left out by name', async (t) => {
  const folder = folderOf(t)
  copyFileSync(join(testdata, 'BIT-node-2023-30581.json'), join(folder, 'a.json'))
  writeFileSync(join(folder, 'b.json'), '{"id": "B-1", ')
  writeFileSync(join(folder, 'notes.txt'), 'not looked at')
  const [part, ...others] = await readParts([folder], { now, kind: 'osv' })
  assert.deepEqual(others, [])
  assert.deepEqual([part?.state.records, part?.state.quarantined.first[0]?.place], [1, 'b.json'])
  await assert.rejects(readParts([folder], { now }), { code: 'ADVISORIES_INVALID' }, 'unless it is said to be OSV')
  await assert.rejects(readParts([join(folder, 'b.json')], { now, kind: 'osv' }), { code: 'ADVISORIES_INVALID' })
})
