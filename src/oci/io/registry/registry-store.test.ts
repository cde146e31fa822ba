import assert from 'node:assert/strict'
import {
  appendFileSync,
  existsSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { type Digest, digestOf, hexOf } from '#core'
import { MEDIA_TYPES } from '#oci'
import { collectGarbage, RegistryStore, scrub } from '#oci/registry'
import { readManifestContent } from '../../registry/manifest-content.ts'
import { type Cleanup, noise, run } from '../fixtures.test.ts'
import {
  authorityOf,
  closeWith,
  manifestOf,
  ownRegistry,
  putBlob,
  putImage,
  registryFolder,
} from './registry-fixtures.test.ts'

const DAY = 86_400_000

/** A store whose folder is copied as it lies, which is what a killed process leaves. */
async function killed(t: Cleanup, folder: string): Promise<RegistryStore> {
  const copy = registryFolder(t)
  rmSync(copy, { recursive: true })
  await run('cp', '-a', folder, copy)
  rmSync(join(copy, 'control.sock'), { force: true })
  return await opened(copy)
}

async function opened(folder: string, now?: () => number): Promise<RegistryStore> {
  const store = await RegistryStore.open(folder, now === undefined ? {} : { now })
  closeWith(folder, () => store.close())
  return store
}

async function storeImage(
  store: RegistryStore,
  repository: string,
  layers: readonly (string | Uint8Array)[],
  tag?: string,
): Promise<Digest> {
  for (const layer of ['{}', ...layers]) await store.putBlob(repository, digestOf(layer), Buffer.from(layer))
  const bytes = manifestOf(layers)
  const digest = digestOf(bytes)
  const content = readManifestContent(bytes, MEDIA_TYPES.manifest)
  await store.putManifest({
    repository,
    digest,
    size: bytes.length,
    bytes,
    content,
    ...(tag === undefined ? {} : { tag }),
  })
  return digest
}

test('what was acknowledged is there when the process is killed, before and after a checkpoint', async (t) => {
  const store = await opened(registryFolder(t))
  const first = await storeImage(store, 'app', ['one'], '1')
  await store.checkpoint()
  const second = await storeImage(store, 'app', ['two'], '2')
  const again = await killed(t, store.root)
  assert.deepEqual([again.get('app', '1'), again.get('app', '2')], [first, second])
  assert.deepEqual((await scrub(again)).broken, [])
  for (const text of ['one', 'two', '{}']) assert.ok(again.state.has(digestOf(text)))
})

test('a batch that was cut off is left out, and everything before it is there', async (t) => {
  const store = await opened(registryFolder(t))
  await storeImage(store, 'app', ['one'], '1')
  const journal = join(store.root, 'journal', '000000000001.journal')
  const whole = readFileSync(journal).length
  await storeImage(store, 'app', ['two'], '2')
  await store.folderLock.release()
  for (const size of [whole, whole + 1, whole + 15, whole + 16, readFileSync(journal).length - 1]) {
    const copy = registryFolder(t)
    rmSync(copy, { recursive: true })
    await run('cp', '-a', store.root, copy)
    truncateSync(join(copy, 'journal', '000000000001.journal'), size)
    const again = await opened(copy)
    assert.ok(again.get('app', '1') !== undefined, `cut at ${size}`)
    assert.equal(again.get('app', '2'), undefined)
    await storeImage(again, 'app', ['three'], '3')
    const third = await killed(t, copy)
    assert.deepEqual(third.list('app'), ['1', '3'])
  }
})

test('damage in the middle of the journal or in the snapshot is an error that names the place, never a smaller registry', async (t) => {
  const store = await opened(registryFolder(t))
  await storeImage(store, 'app', ['one'], '1')
  await storeImage(store, 'app', ['two'], '2')
  const folder = registryFolder(t)
  rmSync(folder, { recursive: true })
  await run('cp', '-a', store.root, folder)
  rmSync(join(folder, 'control.sock'))
  const journal = join(folder, 'journal', '000000000001.journal')
  const bytes = readFileSync(journal)
  bytes[40]! ^= 1
  writeFileSync(journal, bytes)
  await assert.rejects(RegistryStore.open(folder), {
    code: 'STORE_DAMAGED',
    message: /journal: the batch at byte 0 is damaged/,
  })
  bytes[40]! ^= 1
  writeFileSync(journal, bytes)
  await (await RegistryStore.open(folder)).close()
  const snapshot = join(folder, 'state.jsonl')
  writeFileSync(snapshot, readFileSync(snapshot, 'utf8').replace('"app"', '"apq"'))
  await assert.rejects(RegistryStore.open(folder), {
    code: 'STORE_DAMAGED',
    message: /state\.jsonl: its checksum differs/,
  })
})

test('a folder is served by one process only', async (t) => {
  const store = await opened(registryFolder(t))
  await assert.rejects(RegistryStore.open(store.root), { code: 'STORE_LOCKED' })
  await store.close()
  await (await RegistryStore.open(store.root)).close()
})

test('tags move all together or not at all', async (t) => {
  const store = await opened(registryFolder(t))
  const one = await storeImage(store, 'app', ['one'], 'a')
  const two = await storeImage(store, 'app', ['two'])
  const refused = await store.moveTags('app', [
    { tag: 'a', expected: one, next: two },
    { tag: 'b', expected: one, next: two },
  ])
  assert.deepEqual(refused, {
    moved: false,
    found: new Map([
      ['a', one],
      ['b', undefined],
    ]),
  })
  assert.deepEqual([store.get('app', 'a'), store.list('app')], [one, ['a']])
  const moves = [
    { tag: 'a', expected: one, next: two },
    { tag: 'b', expected: undefined, next: one },
  ]
  const outcomes = await Promise.all([store.moveTags('app', moves), store.moveTags('app', moves)])
  assert.deepEqual(
    outcomes.map(({ moved }) => moved),
    [true, false],
    'of two that expect the same, one wins',
  )
  const again = await killed(t, store.root)
  assert.deepEqual([again.get('app', 'a'), again.get('app', 'b')], [two, one])
  const absent = digestOf('absent')
  await assert.rejects(store.moveTags('app', [{ tag: 'a', expected: two, next: absent }]), {
    refusal: 'MANIFEST_UNKNOWN',
  })
  assert.deepEqual(await store.moveTags('app', [{ tag: 'b', expected: one, next: undefined }]), { moved: true })
  assert.deepEqual(store.list('app'), ['a'])
})

test('tags of several repositories move together or not at all, for whoever may push to each of them', async (t) => {
  const access = `repositories:
  - { match: [one, two], pull: [authenticated], push: ["user:wanda"] }
  - { match: [three], pull: [authenticated] }
`
  const { ask, server, close } = await ownRegistry(t, { authority: authorityOf(access, ['wanda', 'rudi']) })
  const user = 'wanda:secret'
  const [one, two] = [
    await putImage(ask, { repository: 'one', tag: 'a', user }, ['1']),
    await putImage(ask, { repository: 'two', user }, ['2']),
  ]
  const post = (moves: readonly object[], as?: string) =>
    ask('POST /v2/_casemate/tag-moves', { body: JSON.stringify({ moves }), ...(as === undefined ? {} : { user: as }) })
  const both = [
    { repository: 'one', tag: 'b', next: one },
    { repository: 'two', tag: 'a', next: two },
  ]
  assert.equal((await post(both)).status, 401)
  assert.equal((await post(both, 'rudi:secret')).status, 403)
  assert.equal((await post([...both, { repository: 'three', tag: 'a', next: one }], user)).status, 403)
  assert.equal((await post([...both, { repository: 'one', tag: 'a', next: one }], user)).status, 409)
  assert.equal((await post([{ repository: 'two', tag: 'a', next: one }], user)).code, 'MANIFEST_UNKNOWN')
  assert.equal((await post([{ repository: '../two', tag: 'a', next: two }], user)).status, 400)
  assert.equal((await post([both[0] ?? {}, both[0] ?? {}], user)).status, 400)
  assert.deepEqual([server.store.list('one'), server.store.list('two')], [['a'], []])
  assert.equal((await post(both, user)).status, 200)
  assert.deepEqual([server.store.get('one', 'b'), server.store.get('two', 'a')], [one, two])
  assert.equal((await ask('GET /v2/_casemate/tag-moves', { user })).status, 405)
  await close()
})

test('many that come together share their syncs', async (t) => {
  const store = await opened(registryFolder(t))
  await Promise.all(
    Array.from({ length: 500 }, (_, index) => store.putBlob('app', digestOf(`${index}`), Buffer.from(`${index}`))),
  )
  assert.ok(store.counts.batches < 20, `${store.counts.batches} batches`)
})

test('case 32: garbage collection takes what nothing leads to, and nothing of an image', async (t) => {
  let now = Date.now()
  const folder = registryFolder(t)
  const store = await opened(folder, () => now)
  const image = await storeImage(store, 'app', ['layer'], '1')
  const untagged = await storeImage(store, 'app', ['layer', 'other'])
  await store.putBlob('app', digestOf('stray'), Buffer.from('stray'))
  await store.checkpoint()
  writeFileSync(join(folder, 'blobs/sha256', hexOf(digestOf('orphan'))), 'orphan')
  const first = await collectGarbage(store, { grace: DAY })
  assert.deepEqual(first, { manifests: 0, links: 0, contents: 0, bytes: 0, orphans: 1 })
  now += 2 * DAY
  const second = await collectGarbage(store, { grace: DAY })
  assert.deepEqual(second, { manifests: 0, links: 1, contents: 1, bytes: 5, orphans: 0 })
  const third = await collectGarbage(store, { grace: DAY, untagged: true })
  assert.equal(third.manifests, 1)
  assert.ok(store.state.has(image) && !store.state.has(untagged) && !store.state.has(digestOf('other')))
  const again = await killed(t, folder)
  assert.deepEqual(again.list('app'), ['1'])
  assert.deepEqual(
    readdirSync(join(folder, 'blobs/sha256')).sort(),
    [image, digestOf('layer'), digestOf('{}')].map(hexOf).sort(),
  )
  assert.deepEqual(await scrub(again), { contents: 3, bytes: (await scrub(store)).bytes, damaged: [], broken: [] })
})

test('case 32: pushes, deletions and garbage collection race, and no acknowledged image loses a part', async (t) => {
  const { ask, server, folder } = await ownRegistry(t)
  const shared = noise(300_000, 'a layer in a file')
  let stop = false
  let collected = 0
  const collect = async () => {
    while (!stop) {
      const { links, contents } = await collectGarbage(server.store, { grace: 0 })
      collected += links + contents
      await new Promise((resolve) => setTimeout(resolve, 1))
    }
  }
  const acknowledged = new Map<string, Digest>()
  let refused = 0
  const push = async (worker: number) => {
    for (let round = 0; round < 12; round++) {
      const repository = `app${worker % 3}`
      const layers = [shared, `small ${round}`]
      for (const layer of ['{}', ...layers]) await putBlob(ask, repository, layer)
      const body = manifestOf(layers, { annotations: { worker: `${worker}.${round}` } })
      const tag = `t${worker}-${round}`
      const answer = await ask(`PUT /v2/${repository}/manifests/${tag}`, {
        body,
        headers: { 'content-type': MEDIA_TYPES.manifest },
      })
      if (answer.status === 201) acknowledged.set(`${repository}:${tag}`, digestOf(body))
      else refused++
      if (round % 4 === 3 && acknowledged.delete(`${repository}:${tag}`)) {
        assert.equal((await ask(`DELETE /v2/${repository}/manifests/${digestOf(body)}`)).status, 202)
      }
    }
  }
  const collecting = collect()
  await Promise.all([0, 1, 2, 3, 4, 5].map(push))
  stop = true
  await collecting
  assert.ok(
    collected > 0 && acknowledged.size > 0,
    `${collected} collected, ${refused} refused, ${acknowledged.size} acknowledged`,
  )
  const report = await scrub(server.store)
  assert.deepEqual([report.damaged, report.broken], [[], []])
  for (const [name, digest] of acknowledged) {
    const [repository, tag] = name.split(':')
    const manifest = await ask(`GET /v2/${repository}/manifests/${tag}`)
    assert.equal(digestOf(manifest.body), digest)
    for (const { digest: blob } of [...JSON.parse(manifest.body.toString()).layers]) {
      assert.equal(digestOf((await ask(`GET /v2/${repository}/blobs/${blob}`)).body), blob)
    }
  }
  assert.ok(existsSync(folder))
})

test('case 32: what a manifest refers to is not deleted, a manifest of an index neither', async (t) => {
  const { ask } = await ownRegistry(t)
  const digest = await putImage(ask, { repository: 'app', tag: '1' }, ['layer'])
  const body = JSON.stringify({
    schemaVersion: 2,
    mediaType: MEDIA_TYPES.index,
    manifests: [{ mediaType: MEDIA_TYPES.manifest, digest, size: 1 }],
  })
  await ask('PUT /v2/app/manifests/index', { body, headers: { 'content-type': MEDIA_TYPES.index } })
  const remove = async (path: string) => (await ask(`DELETE /v2/app/${path}`)).status
  assert.equal(await remove(`blobs/${digestOf('layer')}`), 405)
  assert.equal(await remove(`manifests/${digest}`), 405)
  assert.equal(await remove('manifests/1'), 202)
  assert.equal(await remove(`manifests/${digestOf(body)}`), 202)
  assert.equal((await ask('GET /v2/app/manifests/index')).status, 404, 'a manifest takes its tags with it')
  assert.equal(await remove(`manifests/${digest}`), 202)
  assert.equal(await remove(`blobs/${digestOf('layer')}`), 202)
  assert.equal((await ask(`GET /v2/app/blobs/${digestOf('layer')}`)).status, 404)
})

test('scrub finds changed, shortened and missing files, puts them aside, and a push heals them', async (t) => {
  const { ask, server, folder, close } = await ownRegistry(t)
  const layers = ['changed', 'shortened', 'missing'].map((name) => noise(300_000, name))
  await putImage(ask, { repository: 'app', tag: '1' }, layers)
  const paths = layers.map((layer) => join(folder, 'blobs/sha256', hexOf(digestOf(layer))))
  writeFileSync(paths[0]!, Buffer.from(layers[1]!))
  truncateSync(paths[1]!, 0)
  renameSync(paths[2]!, join(folder, 'elsewhere'))
  assert.equal(
    (await ask(`GET /v2/app/blobs/${digestOf(layers[1]!)}`)).status,
    404,
    'an empty file is never sent as a blob',
  )
  const report = await scrub(server.store)
  assert.deepEqual(report.damaged.map(({ digest }) => digest).sort(), layers.map((layer) => digestOf(layer)).sort())
  assert.equal(report.broken.length, 1)
  assert.equal(readdirSync(join(folder, 'quarantine')).length, 2)
  for (const layer of layers) assert.equal((await ask(`HEAD /v2/app/blobs/${digestOf(layer)}`)).status, 404)
  await putImage(ask, { repository: 'app', tag: '1' }, layers)
  assert.deepEqual(await scrub(server.store).then(({ damaged, broken }) => [damaged, broken]), [[], []])
  for (const layer of layers)
    assert.deepEqual((await ask(`GET /v2/app/blobs/${digestOf(layer)}`)).body, Buffer.from(layer))
  appendFileSync(join(folder, 'elsewhere'), '')
  await close()
})

test('a file that is gone when the registry starts is a blob that is not there, so that clients push it again', async (t) => {
  const first = await ownRegistry(t)
  const layer = noise(300_000, 'gone')
  await putImage(first.ask, { repository: 'app', tag: '1' }, [layer])
  await first.close()
  rmSync(join(first.folder, 'blobs/sha256', hexOf(digestOf(layer))))
  const { ask, server } = await ownRegistry(t, {}, first.folder)
  assert.equal((await ask(`HEAD /v2/app/blobs/${digestOf(layer)}`)).status, 404)
  assert.match(server.metrics.format(), /^casemate_registry_damaged_contents 1$/m)
  await putBlob(ask, 'app', layer)
  assert.match(server.metrics.format(), /^casemate_registry_damaged_contents 0$/m)
})
