import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { crc32, deflateRawSync } from 'node:zlib'
import { readOsvZip, readParts, ZIP_LIMITS } from '#advisory'

const now = '2026-11-21T12:00:00Z'
const sample = readFileSync(join(import.meta.dirname, '..', 'testdata', 'BIT-node-2023-30581.json'))

interface ZipEntry {
  readonly name: string
  readonly content: Buffer
  /** What the headers say in place of the truth. */
  readonly size?: number
  readonly sum?: number
  readonly flags?: number
}

/** A zip as APPNOTE 4.3 lays it out: local headers with content, the central directory, its end. */
function zipOf(entries: readonly ZipEntry[]): Buffer {
  const locals: Buffer[] = []
  const central: Buffer[] = []
  let offset = 0
  for (const { name, content, size = content.length, sum = crc32(content), flags = 0 } of entries) {
    const packed = deflateRawSync(content)
    const fields = Buffer.alloc(26)
    fields.writeUInt16LE(20, 0)
    fields.writeUInt16LE(flags, 2)
    fields.writeUInt16LE(8, 4)
    fields.writeUInt32LE(sum, 10)
    fields.writeUInt32LE(packed.length, 14)
    fields.writeUInt32LE(size, 18)
    fields.writeUInt16LE(Buffer.byteLength(name), 22)
    const local = Buffer.concat([Buffer.from('PK\x03\x04'), fields, Buffer.from(name), packed])
    const tail = Buffer.alloc(14)
    tail.writeUInt32LE(offset, 10)
    central.push(Buffer.concat([Buffer.from('PK\x01\x02\x14\x00'), fields, tail, Buffer.from(name)]))
    locals.push(local)
    offset += local.length
  }
  const directory = Buffer.concat(central)
  const end = Buffer.alloc(22)
  end.write('PK\x05\x06', 'latin1')
  end.writeUInt16LE(entries.length, 8)
  end.writeUInt16LE(entries.length, 10)
  end.writeUInt32LE(directory.length, 12)
  end.writeUInt32LE(offset, 16)
  return Buffer.concat([...locals, directory, end])
}

function zipFile(t: TestContext, bytes: Uint8Array): string {
  const folder = mkdtempSync(join(tmpdir(), 'casemate-zip-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const path = join(folder, 'all.zip')
  writeFileSync(path, bytes)
  return path
}

const record = (id: string) =>
  Buffer.from(
    JSON.stringify({
      id,
      modified: '2026-11-20T00:00:00Z',
      affected: [{ package: { ecosystem: 'npm', name: `p-${id}` }, versions: ['1.0.0'] }],
    }),
  )

test('a zip of OSV records is one part; broken records are left out by name, whatever its entries are called', async (t) => {
  const entries = [
    { name: 'npm/', content: Buffer.alloc(0) },
    { name: 'BIT.json', content: sample },
    { name: '../../etc/GHSA-1.json', content: record('GHSA-1') },
    { name: '/GHSA-2.json', content: record('GHSA-2') },
    { name: 'broken.json', content: Buffer.from('{"id": "B-1", ') },
    { name: 'README.md', content: Buffer.from('no record') },
    { name: 'secret.json', content: record('S-1'), flags: 1 },
  ]
  const [part, ...others] = await readParts([zipFile(t, zipOf(entries))], { now })
  assert.deepEqual(others, [])
  assert.deepEqual([part?.state.kind, part?.state.records, part?.state.quarantined.count], ['osv', 3, 3])
  assert.deepEqual(
    part?.state.quarantined.first.map(({ place }) => place),
    ['all.zip: broken.json', 'all.zip: README.md', 'all.zip: secret.json'],
  )
  assert.equal(part?.state.contentDate, '2026-11-20T00:00:00Z')
})

test('a zip that is cut anywhere, or has a flipped byte in a record, is refused whole', async (t) => {
  const whole = zipOf([
    { name: 'a.json', content: record('GHSA-1') },
    { name: 'b.json', content: record('GHSA-2') },
  ])
  for (let length = 4; length < whole.length; length += 7) {
    const path = zipFile(t, whole.subarray(0, length))
    await assert.rejects(readOsvZip(path, 'all.zip'), { code: 'ADVISORIES_INVALID' }, `cut at ${length}`)
  }
  for (let at = 36; at < 60; at++) {
    const flipped = Buffer.from(whole)
    flipped[at] = (flipped[at] ?? 0) ^ 0x10
    await assert.rejects(readOsvZip(zipFile(t, flipped), 'all.zip'), { code: 'ADVISORIES_INVALID' }, `flipped at ${at}`)
  }
})

test('a bomb is refused: by what it unpacks to, by what it says, by how many entries it has', async (t) => {
  const bomb = Buffer.alloc(4 << 20, ' ')
  const limits = { ...ZIP_LIMITS, recordBytes: 8 << 20, totalBytes: 8 << 20 }
  const read = (entries: readonly ZipEntry[], own = limits) => readOsvZip(zipFile(t, zipOf(entries)), 'all.zip', own)
  const many = ['a', 'b', 'c'].map((name) => ({ name, content: bomb }))
  await assert.rejects(read(many), { code: 'ADVISORIES_LIMIT', message: /unpacks to over 8388608 bytes/ })
  await assert.rejects(read([{ name: 'a', content: bomb, size: 100 }]), /unpacks to more than the 100 bytes announced/)
  await assert.rejects(read(many, { ...limits, entries: 2 }), { code: 'ADVISORIES_LIMIT', message: /over 2 entries/ })
  const { records, quarantined } = await read(
    [
      { name: 'a', content: bomb },
      { name: 'b', content: record('GHSA-1') },
    ],
    {
      ...limits,
      recordBytes: 1 << 20,
    },
  )
  assert.deepEqual([records.length, quarantined.first[0]?.reason], [1, 'it is over 1048576 bytes long'])
})

test('a zip is taken for OSV only', async (t) => {
  const path = zipFile(t, zipOf([{ name: 'a.json', content: record('GHSA-1') }]))
  await assert.rejects(readParts([path], { now, kind: 'kev' }), { code: 'ADVISORIES_INVALID', message: /got a zip/ })
})
