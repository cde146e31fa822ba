import assert from 'node:assert/strict'
import { test } from 'node:test'
import { digestOf } from '#core'
import { bytesOf, runXz } from '#testkit'
import { loadLibarchive } from '../io/libarchive.ts'
import { DECODE_LIMITS } from './decoder.ts'
import { createDecoders } from './decoders.ts'
import { type XzBlock, xzBlockFrame, xzStreams } from './xz-streams.ts'

const decoders = createDecoders(await loadLibarchive())
const TEXT = bytesOf(...Array.from({ length: 30_000 }, (_, line) => `line ${line} of the text, ${line * line}\n`))
const MULTI = runXz(TEXT, ['-T2', '--block-size=131072'])

function blocksOf(data: Uint8Array): XzBlock[] {
  const streams = xzStreams((offset, length) => data.subarray(offset, offset + length), data.length, 'sample')
  return streams.flatMap((stream) => stream.blocks)
}

function decodeBlock(data: Uint8Array, block: XzBlock): Uint8Array {
  const chunks: Uint8Array[] = []
  const onOutput = (chunk: Uint8Array) => void chunks.push(Uint8Array.from(chunk))
  const decoder = decoders('xz', { origin: 'block', limits: DECODE_LIMITS, onOutput })
  const { head, tail } = xzBlockFrame(block)
  for (const part of [head, data.subarray(block.offset, block.offset + block.length), tail]) decoder.push(part)
  decoder.end()
  return Buffer.concat(chunks)
}

for (const options of [
  ['-T2', '--block-size=131072'],
  ['-T1'],
  ['-T2', '--block-size=200001', '--check=crc32'],
  ['-T1', '--check=none'],
]) {
  test(`the blocks of xz ${options.join(' ')} are decoded each on its own, in any order`, () => {
    const data = runXz(TEXT, options)
    const blocks = blocksOf(data)
    const parts = blocks
      .toReversed()
      .map((block) => decodeBlock(data, block))
      .toReversed()
    assert.equal(digestOf(bytesOf(...parts)), digestOf(TEXT))
    assert.deepEqual(
      parts.map((part) => part.length),
      blocks.map((block) => block.uncompressedSize),
    )
    assert.equal(blocks.length > 1, options[0] === '-T2')
  })
}

test('a stream of no blocks has none', () => {
  assert.deepEqual(blocksOf(runXz(new Uint8Array(0), [])), [])
})

test('streams one behind the other are found, with padding between and behind them', () => {
  const data = bytesOf(MULTI, new Uint8Array(8192), MULTI, new Uint8Array(4))
  const streams = xzStreams((offset, length) => data.subarray(offset, offset + length), data.length, 'sample')
  assert.deepEqual(
    streams.map(({ offset }) => offset),
    [0, MULTI.length + 8192],
  )
  const parts = blocksOf(data).map((block) => decodeBlock(data, block))
  assert.equal(digestOf(bytesOf(...parts)), digestOf(bytesOf(TEXT, TEXT)))
})

test('a block that is not what the index says is refused', () => {
  const [block, other] = blocksOf(MULTI)
  assert.ok(block !== undefined && other !== undefined)
  const lies: XzBlock[] = [
    { ...block, uncompressedSize: block.uncompressedSize + 1 },
    { ...block, unpaddedSize: block.unpaddedSize - 1 },
    { ...block, length: block.length + other.length },
    { ...block, length: block.length - 4 },
  ]
  for (const lie of lies) assert.throws(() => decodeBlock(MULTI, lie), { code: 'COMPRESSION_INVALID' })
})

test('header, index and footer with any bit flipped are refused', () => {
  const blocks = blocksOf(MULTI)
  const indexAt = 12 + blocks.reduce((sum, block) => sum + block.length, 0)
  for (let at = 0; at < MULTI.length; at = at === 11 ? indexAt : at + 1) {
    const flipped = Uint8Array.from(MULTI)
    flipped[at] = (flipped[at] ?? 0) ^ (1 << (at % 8))
    assert.throws(() => blocksOf(flipped), { code: 'COMPRESSION_INVALID', message: /of sample: / }, `byte ${at}`)
  }
})

const unfit: [string, Uint8Array][] = [
  ['no bytes', new Uint8Array(0)],
  ['padding alone', new Uint8Array(64)],
  ['padding of two bytes', bytesOf(MULTI, new Uint8Array(2))],
  ['something before it', bytesOf('what is this', MULTI)],
  ['a cut tail', MULTI.subarray(0, -4)],
  ['a cut head', MULTI.subarray(4)],
  ['a missing block', bytesOf(MULTI.subarray(0, 12), MULTI.subarray(12 + (blocksOf(MULTI)[0]?.length ?? 0)))],
]
for (const [what, data] of unfit) {
  test(`xz data with ${what} is not taken apart`, () => {
    assert.throws(() => blocksOf(data), { name: 'DebianError', code: 'COMPRESSION_INVALID' })
  })
}
