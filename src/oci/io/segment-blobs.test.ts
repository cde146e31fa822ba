import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { digestOf } from '#core'
import { verifyBlob } from '../blob-source.ts'
import { type FileSegment, segmentBlobs } from './segment-blobs.ts'

const MIB = 2 ** 20

/** A blob made of segments, each the bytes it is to give, in files of its own. */
function blobOf(
  t: TestContext,
  parts: readonly Uint8Array[],
  change: (segment: FileSegment) => FileSegment = (one) => one,
) {
  const folder = mkdtempSync(join(tmpdir(), 'casemate-segments-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const segments = parts.map((bytes, number) => {
    const path = join(folder, `${number}`)
    writeFileSync(path, Buffer.concat([Buffer.from('before'), bytes, Buffer.from('after')]))
    return change({ path, offset: 6, length: bytes.length })
  })
  const bytes = Buffer.concat(parts)
  const descriptor = { mediaType: 'x/y', digest: digestOf(bytes), size: bytes.length }
  return { bytes, descriptor, blobs: segmentBlobs([{ descriptor, segments }]) }
}

const sizes = [[0], [1], [MIB - 1], [MIB], [MIB + 1], [3 * MIB + 7, 0, 5, 2 * MIB]]
for (const lengths of sizes) {
  test(`segments of ${lengths.join(', ')} bytes are passed on as they are opened`, async (t) => {
    const { bytes, descriptor, blobs } = blobOf(
      t,
      lengths.map((length) => randomBytes(length)),
    )
    const passed: Buffer[] = []
    await blobs.pass?.(descriptor.digest, (chunk) => passed.push(Buffer.from(chunk)))
    assert.ok(Buffer.concat(passed).equals(bytes))
    assert.ok(Buffer.concat(await Array.fromAsync(blobs.open(descriptor.digest))).equals(bytes))
    await verifyBlob(descriptor, blobs)
  })
}

test('a blob that is other, shorter or longer than its descriptor, or not there, is refused', async (t) => {
  const { descriptor, blobs } = blobOf(t, [randomBytes(MIB), randomBytes(10)])
  const wrong = [
    { ...descriptor, size: descriptor.size - 1 },
    { ...descriptor, size: descriptor.size + 1 },
  ]
  for (const expected of wrong) await assert.rejects(verifyBlob(expected, blobs), { code: 'BLOB_MISMATCH' })
  await assert.rejects(verifyBlob({ ...descriptor, digest: digestOf('other') }, blobs), { code: 'BLOB_UNKNOWN' })
  const cut = blobOf(t, [randomBytes(MIB)], (segment) => ({ ...segment, length: 2 * MIB }))
  await assert.rejects(verifyBlob(cut.descriptor, cut.blobs), { code: 'BLOB_MISMATCH' })
  const moved = blobOf(t, [randomBytes(MIB)], (segment) => ({ ...segment, path: `${segment.path}x` }))
  await assert.rejects(verifyBlob(moved.descriptor, moved.blobs), { code: 'BLOB_UNKNOWN' })
})

test('whoever refuses a chunk ends the reading, and the file is closed', async (t) => {
  const { descriptor, blobs } = blobOf(t, [randomBytes(5 * MIB)])
  const open = () => readdirSync('/proc/self/fd').length
  const before = open()
  let calls = 0
  const refusing = blobs.pass?.(descriptor.digest, () => {
    calls++
    throw new Error('enough')
  })
  await assert.rejects(refusing ?? Promise.resolve(), /enough/)
  assert.equal(calls, 1)
  assert.equal(open(), before)
})
