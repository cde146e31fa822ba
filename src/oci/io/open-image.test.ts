import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { zstdCompressSync } from 'node:zlib'
import { canonicalJson, digestOf, hexOf } from '#core'
import { type ImageSource, openImage, parsePlatform, parseReference, pushImage, type Reference, writeImage } from '#oci'
import { tarOf } from '#testkit'
import { dockerRegistry, httpServer, proxyBefore, run, sampleImage, testFolder } from './fixtures.test.ts'

const FAST = { credentials: null, policy: { backOff: 10 } } as const
const ARM = { ...FAST, platform: parsePlatform('linux/arm64') }

/** Puts an image where the reference says. */
async function store(image: ImageSource, reference: Reference): Promise<void> {
  if (reference.transport === 'docker') await pushImage(image, reference, FAST)
  else await writeImage(image, reference)
}

async function bytesOf(stream: AsyncIterable<Uint8Array>): Promise<Buffer> {
  return Buffer.concat(await Array.fromAsync(stream))
}

for (const transport of ['docker', 'oci', 'oci-archive', 'docker-archive'] as const) {
  test(`an image that was written to ${transport} opens with the same layers`, async (t) => {
    const folder = testFolder(t)
    const places = {
      oci: 'oci:F/out:app',
      'oci-archive': 'oci-archive:F/a.tar:app',
      'docker-archive': 'docker-archive:F/d.tar:app:1',
    }
    const text = transport === 'docker' ? `docker://${await dockerRegistry(t)}/team/app:1` : places[transport]
    const reference = parseReference(text.replace('F', folder))
    const image = sampleImage(folder, { bulk: 100_000 })
    await store(image, reference)
    const opened = await openImage(reference, FAST)
    assert.equal(opened.configDocument.descriptor.digest, image.images[0]?.config.descriptor.digest)
    assert.equal(opened.config.config.User, '65532:65532')
    assert.deepEqual(
      opened.layers.map(({ descriptor, diffId }) => ({ descriptor, diffId })),
      image.images[0]?.layers,
    )
    for (const layer of opened.layers) {
      assert.equal(digestOf(await bytesOf(layer.open())), layer.descriptor.digest)
      assert.equal(digestOf(await bytesOf(layer.openTar())), layer.diffId)
    }
    await opened.close()
  })
}

test('the platform chooses from an index, and without one there must be one image', async (t) => {
  const folder = testFolder(t)
  const reference = parseReference(`oci:${folder}/out:app`)
  const image = sampleImage(folder, { architectures: ['amd64', 'arm64'] })
  await store(image, reference)
  const opened = await openImage(reference, ARM)
  assert.equal(opened.manifestDocument.descriptor.digest, image.images[1]?.manifest.descriptor.digest)
  await assert.rejects(openImage(reference), { code: 'IMAGE_UNKNOWN', message: /2 images only, so name a platform/ })
  await assert.rejects(openImage(reference, { platform: parsePlatform('linux/s390x') }), { code: 'IMAGE_UNKNOWN' })
})

test('what is not there is named with what is', async (t) => {
  const folder = testFolder(t)
  await store(sampleImage(folder), parseReference(`oci:${folder}/out:app`))
  const open = (text: string) => openImage(parseReference(text), FAST)
  await assert.rejects(open(`oci:${folder}/out:other`), { code: 'IMAGE_UNKNOWN', message: /there are \[app\]/ })
  await assert.rejects(open(`oci:${folder}/nowhere`), { code: 'IMAGE_UNKNOWN' })
  await assert.rejects(open(`oci-archive:${folder}/nowhere`), { code: 'IMAGE_UNKNOWN' })
  await assert.rejects(open(`docker://${await dockerRegistry(t)}/app:1`), { code: 'IMAGE_UNKNOWN' })
})

test('archives that skopeo writes open, whatever it called the files', async (t) => {
  const folder = testFolder(t)
  const image = sampleImage(folder)
  await store(image, parseReference(`oci:${folder}/out:app`))
  await run('skopeo', 'copy', `oci:${folder}/out:app`, `docker-archive:${folder}/skopeo.tar:team/app:1`)
  await run('skopeo', 'copy', `oci:${folder}/out:app`, `oci-archive:${folder}/oci.tar:app`)
  for (const text of [`docker-archive:${folder}/skopeo.tar:docker.io/team/app:1`, `oci-archive:${folder}/oci.tar`]) {
    const opened = await openImage(parseReference(text))
    for (const layer of opened.layers) assert.equal(digestOf(await bytesOf(layer.openTar())), layer.diffId)
  }
})

function layerPath(folder: string, image: ImageSource): string {
  return join(folder, 'out/blobs/sha256', hexOf(image.images[0]!.layers[0]!.descriptor.digest))
}

test('a layer with other bytes ends in an error, not in a shorter tree', async (t) => {
  const folder = testFolder(t)
  const reference = parseReference(`oci:${folder}/out:app`)
  const image = sampleImage(folder)
  await store(image, reference)
  const path = layerPath(folder, image)
  const bytes = readFileSync(path)
  bytes[20]! ^= 1
  writeFileSync(path, bytes)
  const opened = await openImage(reference)
  await assert.rejects(bytesOf(opened.layers[0]!.open()), { code: 'BLOB_MISMATCH' })
  await assert.rejects(bytesOf(opened.layers[0]!.openTar()), { code: 'BLOB_MISMATCH' })
})

test('a docker-archive whose layer is not the one that the config names is refused', async (t) => {
  const folder = testFolder(t)
  const config = { architecture: 'amd64', os: 'linux', rootfs: { type: 'layers', diff_ids: [digestOf('another')] } }
  const manifest = [{ Config: 'c.json', RepoTags: ['app:1'], Layers: ['a/layer.tar'] }]
  const tar = tarOf(
    { path: 'c.json', content: canonicalJson(config) },
    { path: 'a/layer.tar', type: 'symlink', linkPath: '../b/layer.tar' },
    { path: 'b/layer.tar', content: tarOf({ path: 'etc/x', content: 'x' }) },
    { path: 'manifest.json', content: canonicalJson(manifest) },
  )
  writeFileSync(join(folder, 'd.tar'), tar)
  const opened = await openImage(parseReference(`docker-archive:${folder}/d.tar`))
  assert.equal((await bytesOf(opened.layers[0]!.open())).length, 2048)
  await assert.rejects(bytesOf(opened.layers[0]!.openTar()), { code: 'BLOB_MISMATCH', message: /uncompressed/ })
})

test('layers without compression and with zstd are read', async (t) => {
  const folder = testFolder(t)
  const tars = [tarOf({ path: 'etc/a', content: 'a' }), tarOf({ path: 'etc/b', content: 'b'.repeat(100_000) })]
  const config = {
    architecture: 'amd64',
    os: 'linux',
    rootfs: { type: 'layers', diff_ids: tars.map((tar) => digestOf(tar)) },
  }
  const archive = tarOf(
    {
      path: 'manifest.json',
      content: canonicalJson([{ Config: 'c.json', RepoTags: [], Layers: ['plain.tar', 'packed.tar'] }]),
    },
    { path: 'c.json', content: canonicalJson(config) },
    { path: 'plain.tar', content: tars[0]! },
    { path: 'packed.tar', content: zstdCompressSync(tars[1]!) },
  )
  writeFileSync(join(folder, 'd.tar'), archive)
  const opened = await openImage(parseReference(`docker-archive:${folder}/d.tar`))
  const read = await Promise.all(opened.layers.map((layer) => bytesOf(layer.openTar())))
  assert.deepEqual(
    read.map((tar) => digestOf(tar)),
    config.rootfs.diff_ids,
  )
})

test('an archive that has a path twice, is cut short or is compressed is refused', async (t) => {
  const folder = testFolder(t)
  const twice = tarOf({ path: 'index.json', content: '{}' }, { path: './index.json', content: '{}' })
  const bad = {
    twice,
    short: twice.subarray(0, 700),
    gzip: Buffer.from([0x1f, 0x8b, 8, 0]),
    device: tarOf({ path: 'x', type: 'fifo' }),
  }
  for (const [name, bytes] of Object.entries(bad)) {
    writeFileSync(join(folder, name), bytes)
    await assert.rejects(openImage(parseReference(`oci-archive:${folder}/${name}`)), { code: 'IMAGE_ARCHIVE_INVALID' })
  }
})

test('a download that breaks off goes on where it stopped', async (t) => {
  const registry = await dockerRegistry(t)
  const image = sampleImage(testFolder(t), { bulk: 2_000_000 })
  await store(image, parseReference(`docker://${registry}/app:1`))
  const ranges: (string | undefined)[] = []
  const proxy = await proxyBefore(t, registry, (request, reply) => {
    if (request.method !== 'GET' || !request.url?.includes(image.images[0]!.layers[1]!.descriptor.digest))
      return undefined
    ranges.push(request.headers.range)
    if (ranges.length > 1) return undefined
    void fetch(`http://${registry}${request.url}`).then(async (blob) => {
      const bytes = Buffer.from(await blob.arrayBuffer())
      reply.writeHead(200, { 'content-length': bytes.length })
      reply.write(bytes.subarray(0, 1_000_000), () => setTimeout(() => reply.destroy(), 50))
    })
    return 'handled'
  })
  const opened = await openImage(parseReference(`docker://${proxy.address}/app:1`), FAST)
  const layer = opened.layers[1]!
  assert.equal(digestOf(await bytesOf(layer.open())), layer.descriptor.digest)
  assert.deepEqual(ranges, [undefined, 'bytes=1000000-'])
  await opened.close()
})

test('a registry that answers with another manifest, or one without end, is refused', async (t) => {
  const digest = digestOf('what was asked for')
  const address = await httpServer(t, (request, reply) => {
    reply.setHeader('content-type', 'application/vnd.oci.image.manifest.v1+json')
    if (request.url === '/v2/') return void reply.end()
    if (request.url?.endsWith(digest)) return void reply.end('{}')
    const flood = () => {
      while (reply.write(Buffer.alloc(65_536, 32)));
    }
    reply.on('drain', flood)
    flood()
  })
  const open = (reference: string) => openImage(parseReference(`docker://${address}/app${reference}`), FAST)
  await assert.rejects(open(`@${digest}`), { code: 'BLOB_MISMATCH' })
  await assert.rejects(open(':endless'), { code: 'REGISTRY_FAILED', message: /over 4194304 bytes/ })
})
