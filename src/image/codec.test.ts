import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'
import { digestOf } from '#core'
import { BLOCK_SIZE, compressBlock, expandBlock, prepareCodec } from './codec.ts'

/** Bytes with some repetition in them, the same every time. */
function sample(size: number): Uint8Array {
  const bytes = new Uint8Array(size)
  for (let at = 0, state = 1; at < size; at++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    bytes[at] = at % 7 === 0 ? state >>> 24 : at >>> 9
  }
  return bytes
}

const blocks = [sample(BLOCK_SIZE), new Uint8Array(BLOCK_SIZE), sample(1), sample(700_000), new Uint8Array()]

/** Changing one of these is a new format: every layer would get another digest. */
const pinned = {
  gzip: 'sha256:10665b880cf094321931543036d808fed30e44d2140f4cbf8a22d9f4473d034f',
  zstd: 'sha256:4d406cda8ad16420644f50df005358d4d1b7c05270f052d91d4a446e63c00e70',
}

for (const codec of ['gzip', 'zstd'] as const) {
  test(`${codec}: blocks are read on their own, and as one stream by the host's ${codec}`, async () => {
    await prepareCodec(codec)
    const compressed = blocks.map((block) => compressBlock(codec, block))
    for (const [index, block] of compressed.entries()) {
      assert.ok(Buffer.from(expandBlock(codec, block)).equals(blocks[index] ?? sample(2)), `block ${index}`)
    }
    const input = Buffer.concat(compressed)
    const run = spawnSync(codec, ['--decompress', '--stdout'], { input, maxBuffer: 2 ** 30 })
    assert.equal(run.status, 0, run.stderr.toString())
    assert.ok(Buffer.concat(blocks).equals(run.stdout))
  })

  test(`${codec}: preparing again and again, also at the same time, changes nothing`, async () => {
    await Promise.all([prepareCodec(codec), prepareCodec(codec)])
    const first = blocks.map((block) => digestOf(compressBlock(codec, block)))
    await prepareCodec(codec)
    assert.deepEqual(
      blocks.map((block) => digestOf(compressBlock(codec, block))),
      first,
    )
    for (const block of blocks) assert.ok(Buffer.from(expandBlock(codec, compressBlock(codec, block))).equals(block))
  })

  test(`${codec}: its bytes are those of format 1`, async () => {
    await prepareCodec(codec)
    const stream = Buffer.concat(blocks.map((block) => compressBlock(codec, block)))
    assert.equal(digestOf(stream), pinned[codec])
  })

  test(`${codec}: a block that gives more than a block is refused`, async () => {
    await prepareCodec(codec)
    assert.throws(() => expandBlock(codec, compressBlock(codec, new Uint8Array(BLOCK_SIZE + 1))))
  })
}
