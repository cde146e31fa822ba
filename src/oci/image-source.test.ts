import assert from 'node:assert/strict'
import { test } from 'node:test'
import { digestOf } from '#core'
import { composeImage, composeIndex, documentsOf, layersOf } from './image-source.ts'
import { MEDIA_TYPES } from './media-types.ts'
import { platformOfDebian } from './platform.ts'

const blobs = {
  async *open() {
    yield new Uint8Array()
  },
}
const layer = (name: string) => ({
  descriptor: { mediaType: MEDIA_TYPES.layerGzip, digest: digestOf(name), size: name.length },
  diffId: digestOf(`${name}, uncompressed`),
})
const image = (architecture: string) =>
  composeImage({
    config: {
      platform: platformOfDebian(architecture),
      created: '2026-01-02T03:04:05Z',
      config: { User: '65532:65532' },
    },
    layers: [layer('shared'), layer(architecture)],
    annotations: { 'org.opencontainers.image.title': 'sample' },
  })

test('the digest of an image does not change with the program', () => {
  const { top } = composeIndex([image('amd64'), image('arm64')], blobs, { a: 'b' })
  assert.equal(top.descriptor.digest, 'sha256:7ddedc53e29d9bf37d35e6cd2525fc3550af8e3c8aba2a6165cec302885002c2')
})

test('the order of the platforms does not matter', () => {
  const one = composeIndex([image('amd64'), image('arm64')], blobs)
  const two = composeIndex([image('arm64'), image('amd64')], blobs)
  assert.equal(one.top.descriptor.digest, two.top.descriptor.digest)
})

test('a layer that platforms share is given once, and documents come before what names them', () => {
  const source = composeIndex([image('amd64'), image('arm64')], blobs)
  assert.equal(layersOf(source.images).length, 3)
  assert.deepEqual(
    documentsOf(source).map(({ descriptor }) => descriptor.mediaType),
    [MEDIA_TYPES.config, MEDIA_TYPES.config, MEDIA_TYPES.manifest, MEDIA_TYPES.manifest, MEDIA_TYPES.index],
  )
})

test('an index of nothing or of one platform twice is refused', () => {
  assert.throws(() => composeIndex([], blobs), { code: 'PLATFORM_INVALID' })
  assert.throws(() => composeIndex([image('amd64'), image('amd64')], blobs), { code: 'PLATFORM_INVALID' })
})
