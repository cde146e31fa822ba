import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { digestOf } from '#core'
import {
  composeArtifact,
  type Descriptor,
  describe,
  type ImageDocument,
  LayoutRepository,
  memoryBlobs,
  RegistryClient,
  type Repository,
} from '#oci'
import { type Cleanup, dockerRegistry, noise, sampleImage, testFolder } from './fixtures.test.ts'
import { ownRegistry } from './registry/registry-fixtures.test.ts'

const FAST = { credentials: null, policy: { backOff: 1, tries: 2, chunk: 1_000_000 } } as const

async function clientOf(t: Cleanup, registry: string): Promise<Repository> {
  const client = new RegistryClient({ registry, repository: 'team/app' }, FAST)
  t.after(() => client.close())
  return client
}

/** Every implementation of the port, each of them empty. */
const places: Readonly<Record<string, (t: Cleanup) => Promise<Repository>>> = {
  'a folder': (t) => LayoutRepository.open(join(testFolder(t), 'layout')),
  'our registry': async (t) => clientOf(t, (await ownRegistry(t)).address),
  'docker-registry, which has no referrers API,': async (t) => clientOf(t, await dockerRegistry(t)),
}

async function bring(repository: Repository, document: ImageDocument) {
  return repository.ensureBlob(document.descriptor, memoryBlobs([document]))
}

function documentOf(text: string | Uint8Array): ImageDocument {
  const bytes = Buffer.from(text)
  return { descriptor: describe('application/octet-stream', bytes), bytes }
}

async function bringNote(repository: Repository, subject: Descriptor, text: string): Promise<Descriptor> {
  const content = { mediaType: 'text/plain', bytes: Buffer.from(text) }
  const { manifest, blobs } = composeArtifact({
    artifactType: 'application/vnd.example.note',
    content,
    subject,
    annotations: { text },
  })
  for (const blob of blobs) await bring(repository, blob)
  await repository.putManifest(manifest, manifest.descriptor.digest)
  return manifest.descriptor
}

for (const [place, openPlace] of Object.entries(places)) {
  test(`${place} gives back blobs as they were brought, from any byte on`, async (t) => {
    const repository = await openPlace(t)
    const blob = documentOf(noise(2_500_000, 'blob'))
    assert.equal(await bring(repository, blob), 'uploaded')
    assert.equal(await bring(repository, blob), 'present')
    for (const start of [0, 1, 2_499_999]) {
      const read = Buffer.concat(await Array.fromAsync(repository.blobs().open(blob.descriptor.digest, start)))
      assert.ok(read.equals(blob.bytes.subarray(start)), `from ${start}`)
    }
    await assert.rejects(Array.fromAsync(repository.blobs().open(digestOf('none'))), { code: 'BLOB_UNKNOWN' })
  })

  test(`${place} keeps nothing of a blob whose bytes are others`, async (t) => {
    const repository = await openPlace(t)
    const { descriptor, bytes } = documentOf(noise(2_500_000, 'blob'))
    const changed = Buffer.from(bytes)
    changed[3]! ^= 1
    for (const bad of [changed, bytes.subarray(1), Buffer.concat([bytes, bytes])]) {
      await assert.rejects(bring(repository, { descriptor, bytes: bad }), { code: 'BLOB_MISMATCH' })
      await assert.rejects(Array.fromAsync(repository.blobs().open(descriptor.digest)), { code: 'BLOB_UNKNOWN' })
    }
    assert.equal(await bring(repository, { descriptor, bytes }), 'uploaded')
  })

  test(`${place} gives manifests by digest and by tag, and a tag that moves`, async (t) => {
    const repository = await openPlace(t)
    assert.equal(await repository.readManifest('1'), undefined)
    assert.equal(await repository.readManifest(digestOf('none')), undefined)
    assert.deepEqual(await repository.tags(), [])
    const images = ['amd64', 'arm64'].map((architecture) =>
      sampleImage(testFolder(t), { architectures: [architecture] }),
    )
    for (const { top, images: inner, blobs } of images) {
      for (const { manifest, config, layers } of inner) {
        await bring(repository, config)
        for (const { descriptor } of layers) await repository.ensureBlob(descriptor, blobs)
        await repository.putManifest(manifest, manifest.descriptor.digest)
      }
      await repository.putManifest(top, top.descriptor.digest)
      await repository.putManifest(top, '1')
      const found = await repository.readManifest('1')
      assert.equal(found?.mediaType, top.descriptor.mediaType)
      assert.ok(Buffer.from(top.bytes).equals(found.bytes))
    }
    const { top, images: inner } = images.at(-1)!
    for (const { descriptor } of [top, inner[0]!.manifest]) {
      const found = await repository.readManifest(descriptor.digest)
      assert.equal(found?.mediaType, descriptor.mediaType)
      assert.equal(digestOf(found.bytes), descriptor.digest)
    }
    assert.deepEqual(await repository.tags(), ['1'])
  })

  test(`${place} lists what refers to a manifest, whether that is there or not`, async (t) => {
    const repository = await openPlace(t)
    const absent = describe('application/vnd.oci.image.manifest.v1+json', Buffer.from('absent'))
    assert.deepEqual(await repository.referrers(absent.digest), [])
    const notes = [await bringNote(repository, absent, 'one'), await bringNote(repository, absent, 'two')]
    await bringNote(repository, absent, 'one')
    const inner = await bringNote(repository, notes[0]!, 'of a note')
    const byDigest = (left: Descriptor, right: Descriptor) => (left.digest < right.digest ? -1 : 1)
    const listed = [...(await repository.referrers(absent.digest))]
    assert.deepEqual(listed.sort(byDigest), notes.sort(byDigest))
    assert.deepEqual(
      await repository.referrers(notes.find(({ annotations }) => annotations?.['text'] === 'one')!.digest),
      [inner],
    )
  })
}
