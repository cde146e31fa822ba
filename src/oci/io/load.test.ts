import assert from 'node:assert/strict'
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { loadImage } from '#oci'
import { run, sampleImage, testFolder } from './fixtures.test.ts'

test('podman loads an image, under its name and with its id', async (t) => {
  const folder = testFolder(t)
  const image = sampleImage(folder)
  const storage = { driver: 'vfs', graphroot: join(folder, 'graph'), runroot: join(folder, 'run') }
  const lines = Object.entries(storage).map(([key, value]) => `${key} = ${JSON.stringify(value)}`)
  writeFileSync(join(folder, 'storage.conf'), ['[storage]', ...lines].join('\n'))
  process.env['CONTAINERS_STORAGE_CONF'] = join(folder, 'storage.conf')
  t.after(() => delete process.env['CONTAINERS_STORAGE_CONF'])
  const report = await loadImage(image, 'team/app:1', { engine: 'podman' })
  assert.equal(report.imageId, image.images[0]?.config.descriptor.digest)
  const [seen] = JSON.parse(await run('podman', 'image', 'inspect', 'team/app:1'))
  assert.equal(`sha256:${seen.Id}`, report.imageId)
  assert.equal(seen.Config.User, '65532:65532')
})

test('an engine that fails is quoted', async (t) => {
  const folder = testFolder(t)
  mkdirSync(join(folder, 'bin'))
  writeFileSync(join(folder, 'bin/docker'), '#!/bin/sh\necho "Cannot connect to the Docker daemon" >&2\nexit 1\n')
  chmodSync(join(folder, 'bin/docker'), 0o755)
  const { PATH } = process.env
  t.after(() => {
    process.env['PATH'] = PATH
  })
  process.env['PATH'] = join(folder, 'bin')
  await assert.rejects(loadImage(sampleImage(folder, { bulk: 1_000_000 }), 'app:1'), {
    code: 'LOAD_FAILED',
    message: 'cannot load app:1 into docker: Cannot connect to the Docker daemon',
  })
  process.env['PATH'] = folder
  await assert.rejects(loadImage(sampleImage(folder), 'app:1'), {
    code: 'LOAD_FAILED',
    message: /neither podman nor docker/,
  })
})

test('a damaged layer is not loaded', async (t) => {
  const folder = testFolder(t)
  const image = sampleImage(folder)
  writeFileSync(join(folder, 'shared.1'), 'damaged')
  await assert.rejects(loadImage(image, 'app:1', { engine: 'podman' }), { code: 'BLOB_MISMATCH' })
})
