import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { digestOf } from '#core'
import { defaultCacheFolder, ObjectCache } from './object-cache.ts'

function newCache(t: TestContext): ObjectCache {
  const folder = mkdtempSync(join(tmpdir(), 'casemate-cache-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  return new ObjectCache(folder)
}

const bytes = Buffer.from('content')
const digest = digestOf(bytes)
const hex = digest.slice(7)
const host = hostname().replace(/[^A-Za-z0-9]/g, '-')
const leave = (cache: ObjectCache, owner: string) => {
  const path = join(cache.folder, 'partial', `${hex}.${owner}`)
  writeFileSync(path, 'con')
  return path
}

test('an object appears whole, is found by its digest, and nothing else is left', async (t) => {
  const cache = newCache(t)
  assert.equal(await cache.find(digest), undefined)
  const path = await cache.put(digest, bytes)
  assert.equal(await cache.find(digest), path)
  assert.equal(path, join(cache.folder, 'objects/sha256', hex.slice(0, 2), hex))
  assert.deepEqual(readdirSync(join(cache.folder, 'partial')), [])
})

test('a damaged object is removed and not found', async (t) => {
  const cache = newCache(t)
  const path = await cache.put(digest, bytes)
  writeFileSync(path, 'zero')
  assert.equal(await cache.find(digest), undefined)
  assert.throws(() => readFileSync(path))
})

test('bytes of another digest are refused and not kept', async (t) => {
  const cache = newCache(t)
  await assert.rejects(cache.put(digest, Buffer.from('other')), { code: 'FETCH_MISMATCH' })
  assert.deepEqual(readdirSync(join(cache.folder, 'partial')), [])
})

test('what a dead process left is continued', async (t) => {
  const cache = newCache(t)
  const { pid } = spawnSync('true')
  leave(cache, `${host}.${pid}.1`)
  const partial = await cache.openPartial(digest)
  assert.equal(partial.size, 3)
  await partial.append(bytes.subarray(3))
  assert.equal(readFileSync(await partial.commit(), 'utf8'), 'content')
  await partial.release()
})

test('what a living process writes is left alone, here and on another host', async (t) => {
  const cache = newCache(t)
  const paths = [leave(cache, `${host}.${process.pid}.999`), leave(cache, 'elsewhere.1.1')]
  const partial = await cache.openPartial(digest)
  assert.equal(partial.size, 0)
  await partial.release()
  for (const path of paths) assert.equal(readFileSync(path, 'utf8'), 'con')
})

test('what another host left ten minutes ago is continued', async (t) => {
  const cache = newCache(t)
  const long = Date.now() / 1000 - 700
  utimesSync(leave(cache, 'elsewhere.1.1'), long, long)
  const partial = await cache.openPartial(digest)
  assert.equal(partial.size, 3)
  await partial.release()
})

test('of two that want the same leftover one gets it', async (t) => {
  const cache = newCache(t)
  leave(cache, 'free')
  const partials = await Promise.all([cache.openPartial(digest), cache.openPartial(digest)])
  assert.deepEqual(partials.map(({ size }) => size).sort(), [0, 3])
  for (const partial of partials) await partial.release()
})

test('a cache that cannot be made is an error with its name', () => {
  assert.throws(() => new ObjectCache('/dev/null/cache'), { code: 'CACHE_FAILED', message: /\/dev\/null\/cache/ })
})

test('the cache lies where the XDG base directory specification says', (t) => {
  const { XDG_CACHE_HOME } = process.env
  t.after(() => {
    if (XDG_CACHE_HOME === undefined) delete process.env['XDG_CACHE_HOME']
    else process.env['XDG_CACHE_HOME'] = XDG_CACHE_HOME
  })
  process.env['XDG_CACHE_HOME'] = '/var/cache/xdg'
  assert.equal(defaultCacheFolder(), '/var/cache/xdg/casemate')
  process.env['XDG_CACHE_HOME'] = 'relative'
  assert.match(defaultCacheFolder(), /\/\.cache\/casemate$/)
})
