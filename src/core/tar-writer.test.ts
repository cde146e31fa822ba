import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'
import { bytesOf } from '#testkit'
import { digestOf } from './digest.ts'
import { TAR_LIMITS, type TarHeader, type TarHeaderInput } from './tar-header.ts'
import { TarReader } from './tar-reader.ts'
import { encodeTarEntry, TAR_END, tarPadding } from './tar-writer.ts'

const FILE = { type: 'file', mode: 0o644, uid: 0, gid: 0, mtime: 1_700_000_000 } as const
const LONG = `usr/share/${'long-directory-name/'.repeat(6)}`
const ENTRIES: readonly TarHeaderInput[] = [
  { ...FILE, path: 'usr/', type: 'directory', mode: 0o755 },
  { ...FILE, path: 'usr/bin', type: 'directory', mode: 0o1777 },
  { ...FILE, path: 'usr/bin/tool', mode: 0o4755, uid: 65532, gid: 7, uname: 'nonroot', gname: 'lp', size: 5 },
  { ...FILE, path: 'usr/bin/alias', type: 'symlink', mode: 0o777, linkPath: 'tool' },
  { ...FILE, path: 'usr/bin/second', type: 'hardlink', linkPath: 'usr/bin/tool' },
  { ...FILE, path: 'dev/null', type: 'character-device', deviceMajor: 1, deviceMinor: 3 },
  { ...FILE, path: `${LONG}file`, size: 5 },
  { ...FILE, path: `usr/${'x'.repeat(160)}`, size: 5 },
  { ...FILE, path: `usr/${'deep/'.repeat(60)}end`, size: 5 },
  { ...FILE, path: 'usr/share/Főtanúsítvány.crt', size: 5 },
  { ...FILE, path: 'usr/far', type: 'symlink', linkPath: '../'.repeat(60) },
  { ...FILE, path: 'usr/owned', uid: 3_000_000, gid: 2_097_152, uname: 'u'.repeat(40), gname: 'é', size: 5 },
  {
    ...FILE,
    path: 'usr/capable',
    size: 5,
    xattrs: new Map([
      ['user.b', bytesOf('1=\n2')],
      ['user.a', bytesOf('ü')],
    ]),
  },
]
const CONTENT = bytesOf('hello')

function archive(): Uint8Array {
  const parts = ENTRIES.flatMap((entry) => {
    const content = CONTENT.subarray(0, entry.size ?? 0)
    return [encodeTarEntry(entry), content, new Uint8Array(tarPadding(content.length))]
  })
  return bytesOf(...parts, TAR_END)
}

test('an archive of every kind of entry is the same bytes as ever', () => {
  assert.equal(digestOf(archive()), 'sha256:d0949566f02dd2e53c64bf4e8fcdfd4745f896948557dc8e5e79409cd843faf0')
})

test('a plain header is one record, its numbers octal', () => {
  const header = Buffer.from(encodeTarEntry({ ...FILE, path: 'a', size: 8 }))
  assert.equal(header.length, 512)
  assert.equal(
    header.toString('latin1', 100, 156),
    '0000644\x000000000\x000000000\x0000000000010\x0014524770400\x00007401\x00 ',
  )
  assert.equal(header.toString('latin1', 257, 265), 'ustar\x0000')
})

test('our reader gives back what was written', () => {
  const seen: TarHeader[] = []
  const reader = new TarReader({ origin: 'sample', limits: TAR_LIMITS, onEntry: (header) => void seen.push(header) })
  reader.push(archive())
  reader.end()
  const empty = { uname: '', gname: '', size: 0, linkPath: '', deviceMajor: 0, deviceMinor: 0, xattrs: new Map() }
  const want = ENTRIES.map((entry) => ({ ...empty, ...entry, path: entry.path.replace(/bin$/, 'bin/') }))
  const plain = (header: TarHeader) => ({
    ...header,
    xattrs: [...header.xattrs].map(([name, value]) => [name, [...value]]).sort(),
  })
  assert.deepEqual(seen.map(plain), want.map(plain))
})

test('GNU tar lists it, without a warning', () => {
  const run = spawnSync(
    'tar',
    ['--list', '--verbose', '--numeric-owner', '--full-time', '--quoting-style=literal', '--file=-'],
    {
      input: archive(),
      env: { ...process.env, TZ: 'UTC', LC_ALL: 'C' },
    },
  )
  assert.equal(run.stderr.toString(), '')
  const lines = run.stdout.toString().trimEnd().replaceAll(/ +/g, ' ').split('\n')
  assert.equal(lines.length, ENTRIES.length)
  assert.equal(lines[2], '-rwsr-xr-x 65532/7 5 2023-11-14 22:13:20 usr/bin/tool')
  assert.equal(lines[4], 'hrw-r--r-- 0/0 0 2023-11-14 22:13:20 usr/bin/second link to usr/bin/tool')
  assert.equal(lines[5], 'crw-r--r-- 0/0 1,3 2023-11-14 22:13:20 dev/null')
  assert.match(lines[11] ?? '', /^-rw-r--r-- 3000000\/2097152 5 .* usr\/owned$/)
  assert.deepEqual(
    lines.map((line) => line.split(/\d\d:\d\d:\d\d /)[1]?.split(/ -> | link to /)[0]),
    paths(),
  )
})

test('tarfile of Python reads the same names, links, owners and attributes', () => {
  const script = `
import json, sys, tarfile
for e in tarfile.open(fileobj=sys.stdin.buffer, mode="r|"):
    print(json.dumps([e.name + ("/" if e.isdir() else ""), e.linkname, e.uid, e.uname, e.gname, e.pax_headers.get("SCHILY.xattr.user.b")]))`
  const run = spawnSync('python3', ['-c', script], { input: archive() })
  assert.equal(run.stderr.toString(), '')
  const rows = run.stdout
    .toString()
    .trimEnd()
    .split('\n')
    .map((line): unknown => JSON.parse(line))
  const want = ENTRIES.map((entry, index) => {
    const { linkPath = '', uid, uname = '', gname = '', xattrs } = entry
    return [paths()[index], linkPath, uid, uname, gname, xattrs === undefined ? null : '1=\n2']
  })
  assert.deepEqual(rows, want)
})

function paths(): string[] {
  return ENTRIES.map(({ path }) => path.replace(/bin$/, 'bin/'))
}

const unwritable: [string, Partial<TarHeaderInput>][] = [
  ['no path', { path: '' }],
  ['NUL in its path', { path: 'a\u0000b' }],
  ['half a surrogate pair in its target', { linkPath: '\ud800' }],
  ['a time before 1970', { mtime: -1 }],
  ['a time that is no whole second', { mtime: 0.5 }],
  ['a time beyond eleven octal digits', { mtime: 2 ** 33 }],
  ['a mode beyond seven octal digits', { mode: 2 ** 21 }],
  ['a negative owner', { uid: -1 }],
  ['an owner that is no safe integer', { gid: 2 ** 60 }],
  ['a size that is no number', { size: Number.NaN }],
]
for (const [what, fields] of unwritable) {
  test(`an entry with ${what} cannot be written`, () => {
    assert.throws(() => encodeTarEntry({ ...FILE, path: 'a', ...fields }), { name: 'CoreError', code: 'TAR_INVALID' })
  })
}
