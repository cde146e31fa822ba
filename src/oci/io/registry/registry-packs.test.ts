import assert from 'node:assert/strict'
import { cpSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { digestOf } from '#core'
import { MEDIA_TYPES } from '#oci'
import { collectGarbage, RegistryStore, scrub } from '#oci/registry'
import type { ContentDigest } from '../../registry/content-digest.ts'
import { readManifestContent } from '../../registry/manifest-content.ts'
import type { Cleanup } from '../fixtures.test.ts'
import { closeWith, manifestOf, ownRegistry, putBlob, registryFolder } from './registry-fixtures.test.ts'

const DAY = 86_400_000

async function opened(folder: string, options: { now?: () => number; memory?: number } = {}): Promise<RegistryStore> {
  const store = await RegistryStore.open(folder, options)
  closeWith(folder, () => store.close())
  return store
}

/** What a process that is killed now would leave. */
function leftBy({ root }: RegistryStore, t: Cleanup): string {
  const copy = registryFolder(t)
  cpSync(root, copy, { recursive: true, filter: (path) => !path.endsWith('.sock') })
  return copy
}

const layersOf = (name: string, count: number) => Array.from({ length: count }, (_, at) => `${name} ${at}`)

/** Stores an image of so many small layers under a tag. */
async function storeImage(store: RegistryStore, layers: readonly string[], tag: string): Promise<void> {
  const blobs = ['{}', ...layers]
  await Promise.all(blobs.map((blob) => store.putBlob('app', digestOf(blob), Buffer.from(blob))))
  const bytes = manifestOf(layers)
  const content = readManifestContent(bytes, MEDIA_TYPES.manifest)
  await store.putManifest({ repository: 'app', digest: digestOf(bytes), size: bytes.length, bytes, content, tag })
}

async function textOf(store: RegistryStore, text: string): Promise<string | undefined> {
  const content = store.state.contents.get(digestOf(text))
  const bytes = content && (await store.small.read(content))
  return bytes && Buffer.from(bytes).toString()
}

async function assertWhole(store: RegistryStore, texts: readonly string[]): Promise<void> {
  for (const text of texts) assert.equal(await textOf(store, text), text)
  const { damaged, broken } = await scrub(store)
  assert.deepEqual([damaged, broken], [[], []])
}

const packsIn = (folder: string) => readdirSync(join(folder, 'packs'))

test('many small contents share a pack after a checkpoint, and are there after a kill', async (t) => {
  const store = await opened(registryFolder(t))
  const layers = layersOf('layer', 200)
  await storeImage(store, layers, '1')
  await assertWhole(await opened(leftBy(store, t)), layers)
  await store.checkpoint()
  assert.deepEqual([packsIn(store.root).length, readdirSync(join(store.root, 'blobs/sha256'))], [1, []])
  assert.equal(store.small.size, 0)
  await storeImage(store, ['later'], '2')
  await assertWhole(await opened(leftBy(store, t)), layers)
  await assertWhole(store, layers)
})

test('contents leave the memory for packs while the journal goes on', async (t) => {
  const store = await opened(registryFolder(t), { memory: 1000 })
  const layers = layersOf('layer', 300)
  for (let start = 0; start < layers.length; start += 100) {
    await storeImage(store, layers.slice(start, start + 100), `${start}`)
    while (store.small.size > 1000) await storeImage(store, [`more ${store.small.size}`], 'more')
  }
  assert.ok(store.counts.packs >= 3 && store.counts.checkpoints === 0, `${store.counts.packs} packs`)
  const whole = leftBy(store, t)
  await assertWhole(await opened(whole), layers)
  // A pack that did not become durable is none: the contents stand in the journal still.
  for (const spoil of [
    (path: string) => rmSync(path),
    (path: string) => truncateSync(path, 5),
    (path: string) => truncateSync(path, 0),
  ]) {
    const copy = leftBy(store, t)
    for (const name of packsIn(copy)) spoil(join(copy, 'packs', name))
    await assertWhole(await opened(copy), layers)
  }
})

test('a pack that nothing leads to goes, and of one that is mostly empty the rest is written anew', async (t) => {
  let now = Date.now()
  const store = await opened(registryFolder(t), { now: () => now })
  const [kept, gone] = [layersOf('kept', 20), layersOf('gone', 200)]
  await storeImage(store, kept, 'kept')
  await storeImage(store, gone, 'gone')
  await store.checkpoint()
  writeFileSync(join(store.root, 'packs/000000000007.pack'), 'left by a killed process')
  const { tags } = store.state.repositories.get('app') ?? assert.fail()
  const digest = tags.get('gone') as ContentDigest
  await store.moveTags('app', [{ tag: 'gone', expected: digest, next: undefined }])
  now += 2 * DAY
  const report = await collectGarbage(store, { grace: DAY, untagged: true })
  assert.deepEqual([report.manifests, report.contents], [1, 201])
  await assertWhole(store, kept)
  await assertWhole(await opened(leftBy(store, t)), kept)
  assert.deepEqual(packsIn(store.root), ['000000000007.pack'], 'a pack of which this process does not know')
  await store.checkpoint()
  const again = await opened(leftBy(store, t))
  await collectGarbage(again, { grace: DAY })
  assert.deepEqual(packsIn(again.root), [])
  await assertWhole(again, [])
  assert.equal(again.state.contents.size, kept.length + 2)
})

test('a content of a pack is sent in parts; damage is found and healed by a push', async (t) => {
  const { ask, server, folder, close } = await ownRegistry(t)
  const layers = layersOf('layer', 100)
  await storeImage(server.store, layers, '1')
  await server.store.checkpoint()
  const path = `/v2/app/blobs/${digestOf('layer 7')}`
  const part = await ask(`GET ${path}`, { headers: { range: 'bytes=2-4' } })
  assert.deepEqual([part.status, part.body.toString()], [206, 'yer'])
  const head = await ask(`HEAD ${path}`)
  assert.deepEqual([head.status, head.headers['content-length']], [200, '7'])
  const pack = join(folder, 'packs', packsIn(folder)[0] ?? '')
  const bytes = readFileSync(pack)
  bytes[bytes.indexOf('layer 7')]! ^= 1
  writeFileSync(pack, bytes)
  const report = await scrub(server.store)
  assert.deepEqual(report.damaged, [{ digest: digestOf('layer 7') }])
  assert.equal((await ask(`HEAD ${path}`)).status, 404)
  await putBlob(ask, 'app', 'layer 7')
  assert.equal((await ask(`GET ${path}`)).body.toString(), 'layer 7')
  await assertWhole(await opened(leftBy(server.store, t)), layers)
  truncateSync(pack, 100)
  const { damaged } = await scrub(server.store)
  assert.ok(damaged.length > 50, `${damaged.length} are lost with the end of their pack`)
  await close()
})
