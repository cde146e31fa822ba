import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync, truncateSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { canonicalJson, digestOf, hexOf } from '#core'
import {
  composeArtifact,
  type Descriptor,
  describe,
  type ImageDocument,
  LayoutRepository,
  MAX_REFERRERS,
  MEDIA_TYPES,
  memoryBlobs,
  openImage,
  parseIndex,
  parseManifest,
  parseReference,
  type Repository,
  writeLayout,
} from '#oci'
import { debianTool } from '#testkit'
import { dockerRegistry, run, sampleImage, testFolder } from './fixtures.test.ts'

const NOTE = 'application/vnd.example.note'

/** Attaches a note to a manifest and gives the note's descriptor. */
async function attachNote(repository: Repository, subject: Descriptor, text: string): Promise<Descriptor> {
  const content = { mediaType: 'text/plain', bytes: Buffer.from(text) }
  const { manifest, blobs } = composeArtifact({ artifactType: NOTE, content, subject, annotations: { text } })
  for (const blob of blobs) await putBytes(repository, blob)
  await repository.putManifest(manifest, manifest.descriptor.digest)
  return manifest.descriptor
}

async function putBytes(repository: Repository, document: ImageDocument): Promise<void> {
  await repository.ensureBlob(document.descriptor, memoryBlobs([document]))
}

function entriesOf(out: string): [tag: string | undefined, digest: string][] {
  const { manifests } = parseIndex(readFileSync(join(out, 'index.json')))
  return manifests.map(({ digest, annotations }) => [annotations?.['org.opencontainers.image.ref.name'], digest])
}

test('what refers to an image in a folder is listed with its type and notes, and oras carries it to a registry', async (t) => {
  const folder = testFolder(t)
  const out = join(folder, 'out')
  const image = sampleImage(folder, { architectures: ['amd64', 'arm64'] })
  await writeLayout(out, image, 'app')
  const repository = await LayoutRepository.open(out)
  const note = await attachNote(repository, image.top.descriptor, 'of the index')
  const inner = await attachNote(repository, image.images[0]!.manifest.descriptor, 'of amd64')
  const about = await attachNote(repository, note, 'of a note')
  assert.deepEqual(await repository.referrers(image.top.descriptor.digest), [note])
  assert.deepEqual(await repository.referrers(image.images[0]!.manifest.descriptor.digest), [inner])
  assert.deepEqual(await repository.referrers(note.digest), [about])
  assert.deepEqual(await repository.referrers(about.digest), [])
  assert.deepEqual(await repository.tags(), ['app'])

  const registry = await dockerRegistry(t)
  const target = `${registry}/team/app:1`
  const copied = ['cp', '--recursive', '--from-oci-layout', '--to-plain-http', `${out}:app`, target]
  await run(debianTool('oras'), ...copied)
  const seen = await run(debianTool('oras'), 'discover', '--plain-http', '--format', 'json', target)
  assert.equal(JSON.parse(seen).manifests[0].digest, note.digest)
  await repository.close()
})

test('a folder that oras has written is read with its referrers', async (t) => {
  const folder = testFolder(t)
  const out = join(folder, 'out')
  const image = sampleImage(folder, { architectures: ['amd64', 'arm64'] })
  await writeLayout(out, image, 'app')
  const note = await attachNote(await LayoutRepository.open(out), image.top.descriptor, 'x')
  const copy = join(folder, 'copy')
  await run(debianTool('oras'), 'cp', '-r', '--from-oci-layout', `${out}:app`, '--to-oci-layout', `${copy}:app`)
  const repository = await LayoutRepository.open(copy)
  assert.deepEqual(await repository.referrers(image.top.descriptor.digest), [note])
  assert.equal((await repository.findImage()).digest, image.top.descriptor.digest)
})

test('evidence beside one image does not hide it: no tag is needed, and skopeo reads it by its tag', async (t) => {
  const folder = testFolder(t)
  const out = join(folder, 'out')
  const image = sampleImage(folder)
  await writeLayout(out, image, 'app')
  const repository = await LayoutRepository.open(out)
  const note = await attachNote(repository, image.top.descriptor, 'x')
  const kept = await repository.readManifest(note.digest)
  const document = { descriptor: note, bytes: kept!.bytes }
  const { digest } = image.top.descriptor
  for (const ending of ['', '.sig', '.att', '.sbom']) {
    await repository.putManifest(document, `${digest.replace(':', '-')}${ending}`)
  }
  const opened = await openImage(parseReference(`oci:${out}`))
  assert.equal(opened.top.descriptor.digest, digest)
  assert.equal(JSON.parse(await run('skopeo', 'inspect', `oci:${out}:app`)).Digest, digest)
  // One image is still one when it is written again without a tag, and evidence stays listed.
  await writeLayout(out, sampleImage(folder, { architectures: ['arm64'] }))
  assert.deepEqual((await repository.referrers(digest)).length, 1)
  await assert.rejects(openImage(parseReference(`oci:${out}`)), {
    code: 'IMAGE_UNKNOWN',
    message: /2 images, so name a tag; there are \[app, no tag\]/,
  })
})

test('an image is put in by digest, found through its index and then by its tag, and listed once', async (t) => {
  const folder = testFolder(t)
  const out = join(folder, 'out')
  const image = sampleImage(folder, { architectures: ['amd64', 'arm64'] })
  const repository = await LayoutRepository.open(out)
  const [first, second] = image.images
  for (const { config, manifest } of [first!, second!]) {
    for (const { digest } of parseManifest(manifest.bytes).layers) {
      const layer = [...first!.layers, ...second!.layers].find(({ descriptor }) => descriptor.digest === digest)
      assert.equal(await repository.ensureBlob(layer!.descriptor, image.blobs), existsOnce(digest))
    }
    await putBytes(repository, config)
    await repository.putManifest(manifest, manifest.descriptor.digest)
  }
  const digests = [first!.manifest.descriptor.digest, second!.manifest.descriptor.digest]
  assert.deepEqual(
    entriesOf(out),
    digests.map((digest) => [undefined, digest]),
  )
  const { digest } = image.top.descriptor
  await repository.putManifest(image.top, digest)
  assert.deepEqual(entriesOf(out), [[undefined, digest]])
  assert.equal((await repository.readManifest(digests[1]!))?.mediaType, MEDIA_TYPES.manifest)
  await repository.putManifest(image.top, '1.0')
  await repository.putManifest(image.top, digest)
  assert.deepEqual(entriesOf(out), [['1.0', digest]])
  assert.equal((await openImage(parseReference(`oci:${out}`), { platform: first!.platform })).layers.length, 2)
})

const met = new Set<string>()
function existsOnce(digest: string): 'present' | 'uploaded' {
  if (met.has(digest)) return 'present'
  met.add(digest)
  return 'uploaded'
}

test('a damaged blob of a folder is refused to readers and healed by whoever brings it again', async (t) => {
  const folder = testFolder(t)
  const out = join(folder, 'out')
  const image = sampleImage(folder)
  await writeLayout(out, image, 'app')
  const layer = image.images[0]!.layers[0]!.descriptor
  const path = join(out, 'blobs/sha256', hexOf(layer.digest))
  const good = readFileSync(path)
  const repository = await LayoutRepository.open(out)
  for (const bad of [Buffer.alloc(good.length), good.subarray(1)]) {
    writeFileSync(path, bad)
    assert.equal(await repository.ensureBlob(layer, image.blobs), 'uploaded')
    assert.deepEqual(readFileSync(path), good)
  }
  const other = { ...layer, digest: digestOf('other') }
  await assert.rejects(repository.ensureBlob(other, { open: () => image.blobs.open(layer.digest) }), {
    code: 'BLOB_MISMATCH',
  })
  assert.ok(!existsSync(join(out, 'blobs/sha256', hexOf(other.digest))))
  assert.deepEqual(
    readdirSync(join(out, 'blobs/sha256')).filter((name) => name.endsWith('.partial')),
    [],
  )
  const manifest = join(out, 'blobs/sha256', hexOf(image.top.descriptor.digest))
  truncateSync(manifest, 40)
  await assert.rejects((await LayoutRepository.open(out)).readManifest('app'), { code: 'BLOB_MISMATCH' })
})

test('what a writer that was killed has left goes when nobody writes to it any more', async (t) => {
  const folder = testFolder(t)
  const out = join(folder, 'out')
  const image = sampleImage(folder)
  await writeLayout(out, image, 'app')
  const names = ['old', 'new'].map((age) => join(out, 'blobs/sha256', `.${age}.0123456789ab.partial`))
  for (const name of names) writeFileSync(name, 'part')
  const past = Date.now() / 1000 - 7200
  utimesSync(names[0]!, past, past)
  await attachNote(await LayoutRepository.open(out), image.top.descriptor, 'x')
  assert.deepEqual(
    names.map((name) => existsSync(name)),
    [false, true],
  )
})

test('a folder that lists what is not there, or more referrers than anybody attaches, is refused', async (t) => {
  const folder = testFolder(t)
  const out = join(folder, 'out')
  const image = sampleImage(folder)
  await writeLayout(out, image, 'app')
  const index = parseIndex(readFileSync(join(out, 'index.json')))
  const write = (manifests: readonly Descriptor[]) =>
    writeFileSync(
      join(out, 'index.json'),
      canonicalJson({ schemaVersion: 2, manifests: manifests.map((one) => ({ ...one, platform: undefined })) }),
    )
  write([...index.manifests, describe(MEDIA_TYPES.manifest, Buffer.from('nowhere'))])
  const repository = await LayoutRepository.open(out)
  await assert.rejects(repository.readManifest('app'), { code: 'BLOB_UNKNOWN' })
  const notes = Array.from({ length: MAX_REFERRERS + 1 }, (_, number) => {
    const content = { mediaType: 'text/plain', bytes: Buffer.from(String(number)) }
    const { manifest } = composeArtifact({ artifactType: NOTE, content, subject: image.top.descriptor })
    writeFileSync(join(out, 'blobs/sha256', hexOf(manifest.descriptor.digest)), manifest.bytes)
    return describe(MEDIA_TYPES.manifest, manifest.bytes)
  })
  write([...index.manifests, ...notes])
  await assert.rejects(repository.referrers(image.top.descriptor.digest), { code: 'REFERRERS_TOO_MANY' })
  write([...index.manifests, ...notes.slice(1)])
  assert.equal((await repository.referrers(image.top.descriptor.digest)).length, MAX_REFERRERS)
})
