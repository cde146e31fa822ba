import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { digestOf, TAR_END } from '#core'
import { BLOCK_SIZE } from '../codec.ts'
import type { LayerCodec } from '../member.ts'
import { LayerStore } from './layer-store.ts'
import { checkLayers, measureLayer } from './measure-layer.ts'
import { openMemberPool } from './member-pool.ts'
import type { LayerSegment } from './member-task.ts'

/** A store with two segments: more than a block, and tar's end. */
async function segmentsIn(t: TestContext, codec: LayerCodec) {
  const folder = mkdtempSync(join(tmpdir(), 'casemate-layers-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const store = new LayerStore(join(folder, 'layers'), 'test')
  const tar = Buffer.alloc(BLOCK_SIZE + 512, 'content ')
  const put = async () => [await store.putStream(tar, codec), await store.putStream(TAR_END, codec)]
  return { folder, store, put, segments: await put(), tar: Buffer.concat([tar, TAR_END]) }
}

/** The host's own program is the second opinion: it must read the concatenated blocks as one stream. */
function expand(codec: LayerCodec, input: Uint8Array): Buffer {
  const run = spawnSync(codec, ['--decompress', '--stdout'], { input, maxBuffer: 2 ** 30 })
  assert.equal(run.status, 0, run.stderr.toString())
  return run.stdout
}

for (const codec of ['gzip', 'zstd'] as const) {
  test(`a layer (${codec}) is measured as stored and as tar, which any reader of ${codec} gives`, async (t) => {
    const { segments, tar } = await segmentsIn(t, codec)
    const stored = Buffer.concat(segments.map(({ path }) => readFileSync(path)))
    assert.deepEqual(measureLayer({ kind: 'measure', codec, segments }), {
      digest: digestOf(stored),
      diffId: digestOf(tar),
      size: stored.length,
    })
    assert.ok(tar.equals(expand(codec, stored)))
  })
}

test('a segment is kept once, and the order of segments is the order of the layer', async (t) => {
  const { put, segments } = await segmentsIn(t, 'gzip')
  assert.deepEqual(await put(), segments)
  const reversed = measureLayer({ kind: 'measure', codec: 'gzip', segments: [...segments].reverse() })
  assert.notEqual(reversed.digest, measureLayer({ kind: 'measure', codec: 'gzip', segments }).digest)
})

function flip(path: string): void {
  const bytes = readFileSync(path)
  bytes[20] = (bytes[20] ?? 0) ^ 1
  writeFileSync(path, bytes)
}

const damages: [string, (segment: LayerSegment) => void][] = [
  ['a changed bit', ({ path }) => flip(path)],
  [
    'a missing end',
    ({ path, blocks }) =>
      truncateSync(
        path,
        blocks.reduce((sum, length) => sum + length, -1),
      ),
  ],
  ['another stream in its place', ({ path }) => writeFileSync(path, readFileSync(path).reverse())],
]
for (const [name, damage] of damages) {
  test(`${name} in a segment: it is taken away, named, and made anew`, async (t) => {
    const { put, segments } = await segmentsIn(t, 'gzip')
    const [segment] = segments
    if (segment === undefined) throw new Error('no segment')
    damage(segment)
    const bytes = readFileSync(segment.path)
    assert.throws(() => checkLayers([{ segments }]), { code: 'CACHE_DAMAGED' })
    writeFileSync(segment.path, bytes)
    assert.throws(
      () => measureLayer({ kind: 'measure', codec: 'gzip', segments }),
      ({ code, message }: Error & { code: string }) => code === 'CACHE_DAMAGED' && message.includes(segment.path),
    )
    await put()
    assert.equal(digestOf(readFileSync(segment.path)), segment.digest)
    measureLayer({ kind: 'measure', codec: 'gzip', segments })
    checkLayers([{ segments }])
  })
}

test('what was measured once is not read again; a record that cannot be read is made anew', async (t) => {
  const { folder, store, segments } = await segmentsIn(t, 'gzip')
  await using pool = openMemberPool(1)
  const measured = await store.measure(segments, 'gzip', pool)
  for (const { path } of segments) rmSync(path)
  const other = new LayerStore(join(folder, 'layers'), 'other')
  assert.deepEqual(await other.measure(segments, 'gzip', pool), measured)
  await assert.rejects(other.measure([...segments].reverse(), 'gzip', pool), /ENOENT/)
})
