import assert from 'node:assert/strict'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { digestOf } from '#core'
import { parseReference, writeImage } from '#oci'
import { run, sampleImage, testFolder } from './fixtures.test.ts'

type FileReference = Parameters<typeof writeImage>[1]

function fileReference(text: string): FileReference {
  return parseReference(text) as FileReference
}

test('skopeo and tar read an oci-archive, and its bytes are the same every time', async (t) => {
  const folder = testFolder(t)
  const image = sampleImage(folder, { architectures: ['amd64', 'arm64'] })
  await writeImage(image, fileReference(`oci-archive:${folder}/one.tar:app`))
  await writeImage(image, fileReference(`oci-archive:${folder}/two.tar:app`))
  assert.equal(digestOf(readFileSync(`${folder}/one.tar`)), digestOf(readFileSync(`${folder}/two.tar`)))
  const listed = (await run('tar', 'tf', `${folder}/one.tar`)).trim().split('\n')
  assert.deepEqual(listed.slice(0, 4), ['oci-layout', 'index.json', 'blobs/', 'blobs/sha256/'])
  assert.deepEqual(listed.slice(4), listed.slice(4).sort())
  const seen = JSON.parse(await run('skopeo', 'inspect', `oci-archive:${folder}/one.tar:app`))
  assert.equal(seen.Digest, image.top.descriptor.digest)
  await run('skopeo', 'copy', '--all', `oci-archive:${folder}/one.tar:app`, `oci:${folder}/copy:app`)
})

test('skopeo reads a docker-archive and finds the layers that the config names', async (t) => {
  const folder = testFolder(t)
  const image = sampleImage(folder)
  await writeImage(image, fileReference(`docker-archive:${folder}/app.tar:team/app:1`))
  const seen = JSON.parse(await run('skopeo', 'inspect', `docker-archive:${folder}/app.tar`))
  assert.deepEqual(
    seen.Layers,
    image.images[0]?.layers.map(({ diffId }) => diffId),
  )
  await run('skopeo', 'copy', `docker-archive:${folder}/app.tar:docker.io/team/app:1`, `oci:${folder}/copy:app`)
  await run('umoci', 'unpack', '--rootless', '--image', `${folder}/copy:app`, `${folder}/bundle`)
  assert.equal(readFileSync(`${folder}/bundle/rootfs/etc/shared`, 'utf8'), 'shared\n')
})

test('a docker-archive holds one platform', async (t) => {
  const folder = testFolder(t)
  const image = sampleImage(folder, { architectures: ['amd64', 'arm64'] })
  const write = writeImage(image, fileReference(`docker-archive:${folder}/app.tar:app`))
  await assert.rejects(write, { code: 'PLATFORM_INVALID', message: /linux\/amd64, linux\/arm64\/v8/ })
})

test('a failed write keeps the archive that was there', async (t) => {
  const folder = testFolder(t)
  const image = sampleImage(folder)
  const reference = fileReference(`oci-archive:${folder}/out/app.tar`)
  await writeImage(image, reference)
  const before = digestOf(readFileSync(`${folder}/out/app.tar`))
  writeFileSync(join(folder, 'shared.1'), 'damaged')
  await assert.rejects(writeImage(image, reference), { code: 'BLOB_MISMATCH' })
  assert.equal(digestOf(readFileSync(`${folder}/out/app.tar`)), before)
  assert.deepEqual(readdirSync(`${folder}/out`), ['app.tar'])
})

test('a place that cannot be written to is named', async (t) => {
  const folder = testFolder(t)
  writeFileSync(join(folder, 'file'), '')
  await assert.rejects(writeImage(sampleImage(folder), fileReference(`oci-archive:${folder}/file/app.tar`)), {
    code: 'OUTPUT_FAILED',
    message: /cannot write .*\/file\/app\.tar: /,
  })
})
