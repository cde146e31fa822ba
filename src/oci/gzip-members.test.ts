import assert from 'node:assert/strict'
import { test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { gunzip } from './gzip-members.ts'

const BEGIN = Buffer.from('1f8b080000000000', 'hex')
/** The same bytes every time. */
const bytes = (size: number, seed: number) =>
  Buffer.from(Uint8Array.from({ length: size }, (_, at) => (Math.imul(at + seed, 2_654_435_761) >>> 24) & 0x0f))
const PARTS = [bytes(3000, 1), bytes(70_000, 2), Buffer.alloc(0), bytes(1, 3), bytes(200_000, 4)]
const CONTENT = Buffer.concat(PARTS)
const MEMBERS = Buffer.concat(PARTS.map((part) => gzipSync(part)))

async function* inPieces(data: Uint8Array, step: number) {
  for (let at = 0; at < data.length; at += step) yield data.subarray(at, at + step)
}

async function inflated(data: Uint8Array, step = 65_536): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  for await (const chunk of gunzip(inPieces(data, step))) chunks.push(chunk)
  return Buffer.concat(chunks)
}

for (const step of [1, 3, 7, 8, 1000, MEMBERS.length]) {
  test(`members in pieces of ${step} bytes are inflated, in order`, async () => {
    assert.ok((await inflated(MEMBERS, step)).equals(CONTENT))
  })
}

test('a member with a name, or with what looks like a member in it, is inflated all the same', async () => {
  const named = gzipSync(PARTS[1] ?? '')
  named[3] = 8
  const withName = Buffer.concat([named.subarray(0, 10), Buffer.from('name\0'), named.subarray(10)])
  assert.ok((await inflated(withName)).equals(PARTS[1] ?? Buffer.alloc(0)))
  const planted = Buffer.concat([bytes(100, 5), BEGIN, bytes(100, 6), BEGIN, BEGIN])
  const stored = gzipSync(planted, { level: 0 })
  assert.ok(stored.includes(BEGIN, 1))
  for (const step of [1, 90, 100_000]) {
    const all = Buffer.concat([MEMBERS, stored, MEMBERS])
    assert.ok((await inflated(all, step)).equals(Buffer.concat([CONTENT, planted, CONTENT])), `pieces of ${step}`)
  }
})

test('a member that is longer than is held is inflated in order', async () => {
  const long = bytes(20 * 2 ** 20, 7)
  const data = Buffer.concat([gzipSync('first'), gzipSync(long, { level: 0 }), gzipSync('last')])
  assert.ok((await inflated(data, 2 ** 20)).equals(Buffer.concat([Buffer.from('first'), long, Buffer.from('last')])))
})

test('what is damaged or cut short rejects', async () => {
  const second = gzipSync(PARTS[0] ?? '').length
  const flipped = Buffer.from(MEMBERS)
  flipped[second + 300] = (flipped[second + 300] ?? 0) ^ 1
  const wrongSize = Buffer.from(MEMBERS)
  wrongSize[second - 1] = 1
  for (const data of [flipped, wrongSize, MEMBERS.subarray(0, -1), MEMBERS.subarray(0, 5)]) {
    await assert.rejects(inflated(data), Error)
  }
})
