import assert from 'node:assert/strict'
import { test } from 'node:test'
import { digestOf } from '#core'
import { formatIndex, parseIndex } from './index-document.ts'
import { formatManifest, type Manifest, parseManifest } from './manifest.ts'
import { MEDIA_TYPES } from './media-types.ts'

const bytes = (value: unknown) => new TextEncoder().encode(JSON.stringify(value))
const config = { mediaType: MEDIA_TYPES.config, digest: digestOf('config'), size: 6 }
const layer = { mediaType: MEDIA_TYPES.layerGzip, digest: digestOf('layer'), size: 5, annotations: { b: '2', a: '1' } }
const manifest: Manifest = { mediaType: MEDIA_TYPES.manifest, config, layers: [layer], annotations: { title: 'x' } }

test('a manifest comes back as it was written', () => {
  assert.deepEqual(parseManifest(formatManifest(manifest)), manifest)
})

test('an index comes back as it was written', () => {
  const platform = { os: 'linux', architecture: 'arm64', variant: 'v8' }
  const manifests = [{ ...config, mediaType: MEDIA_TYPES.manifest, platform }]
  const index = {
    mediaType: MEDIA_TYPES.index,
    artifactType: 'application/x',
    manifests,
    subject: config,
    annotations: {},
  }
  assert.deepEqual(parseIndex(formatIndex(index)), index)
})

test('a manifest has the same bytes whatever order its members were given in', () => {
  const { annotations = {}, layers, mediaType } = manifest
  assert.deepEqual(formatManifest({ annotations, layers, config, mediaType }), formatManifest(manifest))
  assert.match(new TextDecoder().decode(formatManifest(manifest)), /^\{"annotations":\{"title":"x"\},"config":/)
})

test('members that nobody knows are tolerated', () => {
  const unknown = { schemaVersion: 2, config: { ...config, future: [1] }, layers: [], future: { x: 1 } }
  assert.deepEqual(parseManifest(bytes(unknown)), { mediaType: MEDIA_TYPES.manifest, config, layers: [] })
})

test('a document that both a manifest reader and an index reader would take is refused by both', () => {
  const both = { schemaVersion: 2, config, layers: [layer], manifests: [config] }
  assert.throws(() => parseManifest(bytes(both)), {
    code: 'DOCUMENT_INVALID',
    message: /both "layers" and "manifests"/,
  })
  assert.throws(() => parseIndex(bytes(both)), { code: 'DOCUMENT_INVALID' })
})

const refused: [object, string][] = [
  [{ schemaVersion: 1, config, layers: [] }, 'schema 1 is not read'],
  [{ schemaVersion: 2, layers: [] }, 'an image has a config'],
  [{ schemaVersion: 2, mediaType: MEDIA_TYPES.index, config, layers: [] }, 'the type says index'],
  [{ schemaVersion: 2, config: { ...config, digest: 'md5:0' }, layers: [] }, 'only SHA-256 is trusted'],
  [
    { schemaVersion: 2, config: { ...config, digest: config.digest.toUpperCase() }, layers: [] },
    'digests are lower case',
  ],
  [{ schemaVersion: 2, config: { ...config, size: 1.5 }, layers: [] }, 'sizes are whole'],
  [{ schemaVersion: 2, config: { ...config, mediaType: 'not a type' }, layers: [] }, 'media types are RFC 6838'],
  [{ schemaVersion: 2, config, layers: {} }, 'layers are a list'],
]
for (const [document, because] of refused) {
  test(`a manifest is refused: ${because}`, () => {
    assert.throws(() => parseManifest(bytes(document)), { code: 'DOCUMENT_INVALID' })
  })
}
