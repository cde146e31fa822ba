import assert from 'node:assert/strict'
import {
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { hexOf } from '#core'
import { type ImageSource, parseIndex, writeLayout } from '#oci'
import { run, sampleImage, testFolder } from './fixtures.test.ts'

function layerPath(layout: string, image: ImageSource): string {
  return join(layout, 'blobs/sha256', hexOf(image.images[0]!.layers[0]!.descriptor.digest))
}

test('skopeo and umoci read a layout', async (t) => {
  const folder = testFolder(t)
  const image = sampleImage(folder)
  await writeLayout(join(folder, 'out'), image, 'app')
  const seen = JSON.parse(await run('skopeo', 'inspect', `oci:${folder}/out:app`))
  assert.equal(seen.Digest, image.top.descriptor.digest)
  assert.deepEqual(
    seen.Layers,
    image.images[0]?.layers.map(({ descriptor }) => descriptor.digest),
  )
  await run('umoci', 'unpack', '--rootless', '--image', `${folder}/out:app`, `${folder}/bundle`)
  assert.equal(readFileSync(`${folder}/bundle/rootfs/etc/shared`, 'utf8'), 'shared\n')
})

test('skopeo copies every platform of a layout', async (t) => {
  const folder = testFolder(t)
  const image = sampleImage(folder, { architectures: ['arm64', 'amd64', 'armhf'] })
  await writeLayout(join(folder, 'out'), image, 'app')
  await run('skopeo', 'copy', '--all', `oci:${folder}/out:app`, `oci:${folder}/copy:app`)
  const { manifests } = parseIndex(readFileSync(join(folder, 'copy/index.json')))
  assert.equal(manifests[0]?.digest, image.top.descriptor.digest)
})

test('an image joins what a layout holds, and takes a tag over', async (t) => {
  const folder = testFolder(t)
  const out = join(folder, 'out')
  const one = sampleImage(folder)
  const two = sampleImage(folder, { architectures: ['arm64'] })
  await writeLayout(out, one, 'a')
  await writeLayout(out, one, 'b')
  await writeLayout(out, two, 'a')
  const listed = parseIndex(readFileSync(join(out, 'index.json'))).manifests
  assert.deepEqual(
    listed.map(({ digest, annotations }) => [annotations?.['org.opencontainers.image.ref.name'], digest]),
    [
      ['b', one.top.descriptor.digest],
      ['a', two.top.descriptor.digest],
    ],
  )
  assert.deepEqual((await run('umoci', 'ls', '--layout', out)).trim().split('\n').sort(), ['a', 'b'])
})

test('a blob of the right size is left alone, one of another size is written again', async (t) => {
  const folder = testFolder(t)
  const out = join(folder, 'out')
  const image = sampleImage(folder)
  await writeLayout(out, image, 'app')
  const path = layerPath(out, image)
  utimesSync(path, 1, 1)
  await writeLayout(out, image, 'app')
  assert.equal(statSync(path).mtimeMs, 1000)
  truncateSync(path, 3)
  await writeLayout(out, image, 'app')
  await run('skopeo', 'copy', `oci:${out}:app`, `oci:${folder}/copy:app`)
})

test('a layer that is not what its descriptor says is refused and leaves nothing behind', async (t) => {
  const folder = testFolder(t)
  const out = join(folder, 'out')
  const image = sampleImage(folder)
  const segment = join(folder, 'shared.1')
  const good = readFileSync(segment)
  const changed = Buffer.from(good)
  changed[changed.length - 1]! ^= 1
  for (const bad of [changed, Buffer.concat([good, good]), good.subarray(1)]) {
    writeFileSync(segment, bad)
    await assert.rejects(writeLayout(out, image, 'app'), { code: 'BLOB_MISMATCH' })
    assert.throws(() => statSync(layerPath(out, image)), { code: 'ENOENT' })
    assert.throws(() => statSync(join(out, 'index.json')), { code: 'ENOENT' })
    assert.deepEqual(
      readdirSync(join(out, 'blobs/sha256')).filter((name) => name.startsWith('.')),
      [],
    )
  }
  rmSync(segment)
  await assert.rejects(writeLayout(out, image, 'app'), { code: 'BLOB_UNKNOWN', message: /shared\.1 is not readable/ })
  writeFileSync(segment, good)
  await writeLayout(out, image, 'app')
})

test('a folder that holds something else is not touched', async (t) => {
  const folder = testFolder(t)
  const image = sampleImage(folder)
  mkdirSync(join(folder, 'home'))
  writeFileSync(join(folder, 'home/letter'), 'dear')
  await assert.rejects(writeLayout(join(folder, 'home'), image), { code: 'LAYOUT_INVALID', message: /holds "letter"/ })
  assert.deepEqual(readdirSync(join(folder, 'home')), ['letter'])
  await assert.rejects(writeLayout(join(folder, 'home/letter'), image), { code: 'LAYOUT_INVALID' })
  mkdirSync(join(folder, 'future'))
  writeFileSync(join(folder, 'future/oci-layout'), '{"imageLayoutVersion":"2.0.0"}')
  await assert.rejects(writeLayout(join(folder, 'future'), image), { code: 'LAYOUT_INVALID', message: /2\.0\.0/ })
})

test('an index that cannot be read is an error, not a reason to forget its tags', async (t) => {
  const folder = testFolder(t)
  const out = join(folder, 'out')
  const image = sampleImage(folder)
  await writeLayout(out, image, 'app')
  writeFileSync(join(out, 'index.json'), '{"schemaVersion":2,"manifests":[],"layers":[]}')
  await assert.rejects(writeLayout(out, image, 'other'), { code: 'DOCUMENT_INVALID' })
})
