import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { bytesOf, forgedTarItem, paxItem, paxRecord, tarItem, tarOf } from '#testkit'
import { TAR_LIMITS, type TarHeader } from './tar-header.ts'
import { TarReader } from './tar-reader.ts'
import { TAR_END } from './tar-writer.ts'

interface Seen extends TarHeader {
  readonly content: string
}

/** Reads an archive in pieces of `step` bytes. */
function read(archive: Uint8Array, step = archive.length): Seen[] {
  const seen: Seen[] = []
  const reader = new TarReader({
    origin: 'sample',
    limits: TAR_LIMITS,
    onEntry: (header) => {
      const chunks: Uint8Array[] = []
      const end = () => void seen.push({ ...header, content: Buffer.concat(chunks).toString() })
      return { write: (chunk) => void chunks.push(Uint8Array.from(chunk)), end }
    },
  })
  for (let at = 0; at < archive.length; at += step) reader.push(archive.subarray(at, at + step))
  reader.end()
  return seen
}

const SAMPLE = tarOf(
  { path: './', type: 'directory' },
  { path: './empty' },
  { path: './file', content: 'hello', uid: 3_000_000 },
  { path: `./${'long/'.repeat(80)}file`, content: 'x'.repeat(1024) },
  { path: './link', type: 'symlink', linkPath: 'file' },
)

for (const step of [1, 7, 511, 512, 513, 1500]) {
  test(`pieces of ${step} bytes give the same as the whole`, () => assert.deepEqual(read(SAMPLE, step), read(SAMPLE)))
}

test('content is handed on without copying', () => {
  const archive = tarOf({ path: 'file', content: 'hello' })
  const reader = new TarReader({
    origin: 'sample',
    limits: TAR_LIMITS,
    onEntry: () => ({
      write: (chunk) => {
        assert.equal(chunk.buffer, archive.buffer)
        assert.equal(chunk.byteOffset, archive.byteOffset + 512)
      },
      end: () => undefined,
    }),
  })
  reader.push(archive)
  reader.end()
})

test('content that nobody takes is skipped', () => {
  const seen: string[] = []
  const reader = new TarReader({ origin: 'sample', limits: TAR_LIMITS, onEntry: ({ path }) => void seen.push(path) })
  reader.push(SAMPLE)
  reader.end()
  assert.equal(seen.length, 5)
})

for (const format of ['gnu', 'ustar', 'posix']) {
  test(`what GNU tar writes as ${format} is read, long names and all`, (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'casemate-tar-'))
    t.after(() => rmSync(folder, { recursive: true }))
    const long = `${'n'.repeat(90)}/`.repeat(format === 'ustar' ? 2 : 3)
    mkdirSync(join(folder, long), { recursive: true })
    writeFileSync(join(folder, long, 'Ő'), 'content')
    symlinkSync(format === 'ustar' ? 'target' : 't'.repeat(200), join(folder, 'link'))
    const names = [`${long}Ő`, 'link']
    const run = spawnSync('tar', [`--format=${format}`, '--mtime=@1700000000.5', '--create', ...names], { cwd: folder })
    assert.equal(run.stderr.toString(), '')
    const [file, link] = read(run.stdout)
    assert.equal(file?.path, `${long}Ő`)
    assert.equal(file?.content, 'content')
    assert.equal(file?.mtime, 1_700_000_000)
    assert.equal(link?.linkPath, format === 'ustar' ? 'target' : 't'.repeat(200))
  })
}

test('GNU base-256 numbers are read', () => {
  const uid = forgedTarItem({ path: 'a' }, { 108: Uint8Array.of(0x80, 0, 0, 0, 0, 0x2d, 0xc6, 0xc0) })
  assert.equal(read(tarOf(uid))[0]?.uid, 3_000_000)
})

test('in GNU’s own format, what stands where ustar has a prefix is none', () => {
  const item = forgedTarItem({ path: 'a' }, { 257: 'ustar  \u0000', 345: '14524770400' })
  assert.equal(read(tarOf(item))[0]?.path, 'a')
})

test('pax records win over the header and the global ones, and only for the next entry', () => {
  const global = paxItem('g', paxRecord('uname', 'everyone') + paxRecord('comment', 'x') + paxRecord('gid', '7'))
  const own = paxItem(
    'x',
    paxRecord('path', 'own') + paxRecord('uname', 'me') + paxRecord('mtime', '12.75') + paxRecord('gid', ''),
  )
  const seen = read(tarOf(global, own, { path: 'a', gid: 3 }, { path: 'b', gid: 3 }))
  const row = ({ path, uname, gid, mtime }: Seen) => [path, uname, gid, mtime]
  assert.deepEqual(seen.map(row), [
    ['own', 'me', 3, 12],
    ['b', 'everyone', 7, 1_700_000_000],
  ])
})

test('extended attributes are raw bytes', () => {
  const record = bytesOf('30 SCHILY.xattr.security.x=', Uint8Array.of(1, 0, 0xff), '\n')
  const own = paxItem('x', bytesOf(String(record.length), record.subarray(2)))
  assert.deepEqual([...(read(tarOf(own, { path: 'a' }))[0]?.xattrs ?? [])], [['security.x', Buffer.from([1, 0, 0xff])]])
})

test('more zeros than two records may end an archive', () => {
  assert.equal(read(bytesOf(SAMPLE, new Uint8Array(9 * 1024)), 512).length, 5)
})

test('a name in an error is the archive’s, and so is the place', () => {
  const archive = bytesOf(tarItem({ path: './fine' }), forgedTarItem({ path: 'x' }, { 257: 'wrong' }), TAR_END)
  assert.throws(() => read(archive), {
    message: 'cannot read tar archive sample: at or behind entry 1, "./fine": it is no ustar or GNU header',
  })
})
