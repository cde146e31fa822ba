import assert from 'node:assert/strict'
import { test } from 'node:test'
import { digestOf } from '#core'
import {
  CONTENTS_LIMITS,
  type ContentsOf,
  composeArtifact,
  describe,
  type ImageDocument,
  MEDIA_TYPES,
  parseReference,
  pushImage,
  RegistryClient,
  type RegistryReference,
  storeContents,
} from '#oci'
import { type Cleanup, dockerRegistry, noise, proxyBefore, sampleImage, testFolder } from './fixtures.test.ts'
import { authorityOf, ownRegistry } from './registry/registry-fixtures.test.ts'

const FAST = { credentials: null, policy: { backOff: 1, tries: 2 } } as const
const SUBJECT = describe(MEDIA_TYPES.manifest, Buffer.from('absent'))

function clientOf(t: Cleanup, registry: string, repository: string, options: object = FAST): RegistryClient {
  const client = new RegistryClient({ registry, repository }, options)
  t.after(() => client.close())
  return client
}

function documentOf(bytes: Uint8Array): ImageDocument {
  return { descriptor: describe('application/octet-stream', bytes), bytes }
}

/** Notes about a subject, the first of them with a tag, and blobs besides. */
function notes(repository: RegistryClient, texts: readonly string[], blobs: readonly ImageDocument[] = []): ContentsOf {
  const artifacts = texts.map((text) => {
    const content = { mediaType: 'text/plain', bytes: Buffer.from(text) }
    return composeArtifact({ artifactType: 'application/vnd.example.note', content, subject: SUBJECT })
  })
  const placed = artifacts.map(({ manifest }) => ({ document: manifest, reference: manifest.descriptor.digest }))
  const tagged = placed.slice(0, 1).map(({ document }) => ({ document, reference: 'note' }))
  return {
    repository,
    contents: { blobs: [...blobs, ...artifacts.flatMap((one) => one.blobs)], manifests: [placed, tagged] },
  }
}

async function textsAbout(repository: RegistryClient): Promise<number> {
  return (await repository.referrers(SUBJECT.digest)).length
}

const places = {
  'our registry': async (t: Cleanup) => (await ownRegistry(t)).address,
  'docker-registry, which takes each by itself,': dockerRegistry,
}
for (const [place, start] of Object.entries(places)) {
  test(`contents of several repositories are in ${place} afterwards`, async (t) => {
    const registry = await start(t)
    const clients = ['one', 'two', 'three'].map((name) => clientOf(t, registry, name))
    const report = await storeContents(clients.map((client, at) => notes(client, ['same', `own ${at}`])))
    assert.deepEqual([report.missing, report.moved], [[], []])
    for (const client of clients) {
      assert.equal(await textsAbout(client), 2)
      assert.deepEqual(
        (await client.tags()).filter((tag) => !tag.startsWith('sha256-')),
        ['note'],
      )
    }
  })
}

test('contents of twenty repositories go in one request, those of more in more', async (t) => {
  const { address, server } = await ownRegistry(t)
  const proxy = await proxyBefore(t, address)
  const clients = Array.from({ length: 41 }, (_, at) => clientOf(t, proxy.address, `r${at}`))
  await clients[0]?.takesContents()
  const report = await storeContents(clients.map((client) => notes(client, ['text'])))
  assert.equal(report.added.length, 41 * 3)
  assert.deepEqual(proxy.sent(), Array(3).fill('POST /v2/_casemate/contents'))
  assert.ok(server.store.counts.batches <= 3)
})

test('more than fits into one request goes in several, the manifests last', async (t) => {
  const { address } = await ownRegistry(t)
  const proxy = await proxyBefore(t, address)
  const client = clientOf(t, proxy.address, 'app')
  const blobs = Array.from({ length: 20 }, (_, at) => documentOf(noise(CONTENTS_LIMITS.content, `${at}`)))
  const report = await storeContents([notes(client, ['text'], blobs)])
  assert.equal(report.added.length, 23)
  assert.equal(proxy.sent().length, 3)
  const big = documentOf(noise(CONTENTS_LIMITS.content + 1, 'big'))
  assert.equal((await storeContents([notes(client, ['other'], [big])])).singly, 1)
  assert.equal(await textsAbout(client), 2)
})

test('one repository whose tag is not as expected keeps none of the others out', async (t) => {
  const { address } = await ownRegistry(t)
  const clients = ['one', 'two', 'three'].map((name) => clientOf(t, address, name))
  const parts = clients.map((client, at) => {
    const { repository, contents } = notes(client, [`text ${at}`])
    const manifests = contents.manifests.map((stage) => stage.map((one) => ({ ...one, expected: 'none' as const })))
    return { repository, contents: { ...contents, manifests } }
  })
  await storeContents([notes(clients[1] ?? assert.fail(), ['before'])])
  const report = await storeContents(parts)
  assert.deepEqual(report.moved, [{ repository: 'two', tag: 'note' }])
  assert.deepEqual(await Promise.all(clients.map(textsAbout)), [1, 1, 1])
})

test('one repository that may not be written to is refused by itself, and says so', async (t) => {
  const access = 'repositories:\n  - { match: [one, two], push: ["user:wanda"] }'
  const authority = authorityOf(access, ['wanda'], { scheme: 'token' })
  const { address } = await ownRegistry(t, { authority })
  const options = { ...FAST, credentials: { kind: 'password', username: 'wanda', password: 'secret' } }
  const clients = ['one', 'secret', 'two'].map((name) => clientOf(t, address, name, options))
  await storeContents(
    [clients[0] ?? assert.fail(), clients[2] ?? assert.fail()].map((client) => notes(client, ['text'])),
  )
  await assert.rejects(storeContents(clients.map((client) => notes(client, ['more']))), { code: 'REGISTRY_REFUSED' })
  assert.equal(await textsAbout(clients[0] ?? assert.fail()), 2)
})

test('a push to our registry is one request where it has the layers or may mount them, and two where not', async (t) => {
  const { address } = await ownRegistry(t)
  const proxy = await proxyBefore(t, address)
  const image = sampleImage(testFolder(t), { architectures: ['amd64', 'arm64'] })
  const push = (name: string, mountFrom?: readonly string[]) => {
    const reference = parseReference(`${proxy.address}/${name}`) as RegistryReference
    proxy.requests.length = 0
    return pushImage(image, reference, { ...FAST, ...(mountFrom === undefined ? {} : { mountFrom }) })
  }
  const first = await push('base:1')
  assert.deepEqual([first.blobs, first.manifests], [{ present: 0, mounted: 0, uploaded: 5 }, 4])
  assert.equal(proxy.sent().length, 2)
  const again = await push('base:1')
  assert.deepEqual([again.blobs, again.manifests, again.uploadedBytes], [{ present: 5, mounted: 0, uploaded: 0 }, 0, 0])
  assert.equal(proxy.sent().length, 1)
  const mounted = await push('app:1', ['void', 'base'])
  assert.deepEqual(mounted.blobs, { present: 0, mounted: 3, uploaded: 2 })
  assert.deepEqual(proxy.requests, ['GET /v2/', 'POST /v2/_casemate/contents'])
  const big = sampleImage(testFolder(t), { bulk: 4_000_000 })
  const reference = parseReference(`${proxy.address}/big:1`) as RegistryReference
  const report = await pushImage(big, reference, FAST)
  assert.deepEqual(report.blobs, { present: 0, mounted: 0, uploaded: 3 })
  const layer = big.images[0]?.layers[1]?.descriptor ?? assert.fail()
  const read = await Array.fromAsync(clientOf(t, address, 'big').blobs().open(layer.digest))
  assert.equal(digestOf(Buffer.concat(read)), layer.digest)
})
