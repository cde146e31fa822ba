import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type BlobSource, describe } from '#oci'
import { noise } from './fixtures.test.ts'
import { VerifiedBlob } from './verified-blob.ts'

const SIZE = 5_000_000
const bytes = noise(SIZE, 'blob')
const blob = describe('application/octet-stream', bytes)

/** Gives bytes in chunks and notes from where they were asked for. */
function sourceOf(given: Uint8Array) {
  const starts: number[] = []
  const blobs: BlobSource = {
    async *open(_, start = 0) {
      starts.push(start)
      for (let at = start; at < given.length; at += 65_536)
        yield given.subarray(at, Math.min(at + 65_536, given.length))
    },
  }
  return { starts, blobs }
}

/** Reads so many bytes and goes away, as an upload does at the end of a chunk. */
async function readSome(stream: AsyncIterable<Uint8Array>, count: number): Promise<Buffer> {
  const read: Uint8Array[] = []
  let left = count
  for await (const chunk of stream) {
    read.push(chunk.subarray(0, left))
    left -= Math.min(left, chunk.length)
    if (left === 0) break
  }
  return Buffer.concat(read)
}

test('a blob that is read in parts, one of them twice, is whole, and little of it is read again', async () => {
  const { starts, blobs } = sourceOf(bytes)
  const verified = new VerifiedBlob(blob, blobs)
  const parts: [start: number, count: number][] = [
    [0, 2_000_000],
    [2_000_000, 1_500_001],
    [2_000_000, 1_500_001],
    [3_500_001, SIZE],
  ]
  for (const [start, count] of parts) {
    const read = await readSome(verified.open(start), count)
    assert.ok(read.equals(bytes.subarray(start, start + count)), `from ${start}`)
  }
  for (const [index, [start]] of parts.entries()) {
    const distance = start - starts[index]!
    assert.ok(distance >= 0 && distance <= 1024 * 1024 + 65_536, `${starts[index]} for ${start}`)
  }
  const anew = await readSome(verified.open(0), SIZE)
  assert.ok(anew.equals(bytes), 'from the beginning again, for a registry that has forgotten everything')
})

test('the last bytes of a blob that is another are never passed on, wherever reading began', async () => {
  const changed = Buffer.from(bytes)
  changed[10]! ^= 1
  for (const given of [changed, bytes.subarray(0, -1), Buffer.concat([bytes, Buffer.of(0)])]) {
    const verified = new VerifiedBlob(blob, sourceOf(given).blobs)
    await readSome(verified.open(0), 3_000_000)
    let passed = 3_000_000
    const rest = async () => {
      for await (const chunk of verified.open(3_000_000)) passed += chunk.length
    }
    await assert.rejects(rest, { code: 'BLOB_MISMATCH' })
    assert.ok(passed < SIZE)
  }
  const empty = new VerifiedBlob({ ...blob, size: 0 }, sourceOf(Buffer.alloc(0)).blobs)
  await assert.rejects(readSome(empty.open(0), 1), { code: 'BLOB_MISMATCH' })
})
