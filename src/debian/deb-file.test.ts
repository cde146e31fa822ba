import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { arOf, buildDeb, bytesOf, compress, type DebSpec, paxItem, paxRecord, tarItem } from '#testkit'
import { createDecoders } from './compression/decoders.ts'
import { readDebControl, readDebData } from './deb-file.ts'
import { type DebSource, readDebMembers } from './deb-members.ts'
import { loadLibarchive } from './io/libarchive.ts'

const decoders = createDecoders(await loadLibarchive())
const SPEC: DebSpec = {
  name: 'sample',
  version: '1:2.0-1',
  fields: { Depends: 'libc6 (>= 2.36)', 'Multi-Arch': 'same' },
  files: {
    '/usr/bin/tool': { content: 'run me\n', mode: 0o4755 },
    '/usr/bin/alias': { link: '../bin/tool' },
    '/usr/bin/another': { hardlink: '/usr/bin/tool' },
    '/usr/bin/third': { hardlink: '/usr/bin/another' },
    '/usr/share/big': 'content '.repeat(100_000),
    [`/usr/share/${'long-name/'.repeat(30)}end`]: 'deep',
    '/var/lib/sample/': { mode: 0o1777, uid: 7, gid: 8 },
  },
  scripts: { postinst: '#!/bin/sh\nexit 0\n', conffiles: '' },
}

function sourceOf(bytes: Uint8Array): DebSource {
  return { name: 'sample.deb', size: bytes.length, read: (offset, length) => bytes.subarray(offset, offset + length) }
}

/** One line for each entry, with a file's content in full. */
function listing(bytes: Uint8Array): string[] {
  const source = sourceOf(bytes)
  const lines: string[] = []
  readDebData(source, readDebControl(source, decoders).data, {
    decoders,
    onEntry: ({ path, type, mode, uid, gid, linkPath }) => {
      const chunks: Uint8Array[] = []
      const line = [path, type, mode.toString(8), `${uid}:${gid}`, linkPath].join(' ')
      if (type !== 'file') lines.push(line)
      const end = () => void lines.push(line + Buffer.concat(chunks).toString())
      return type === 'file' ? { write: (chunk) => void chunks.push(Uint8Array.from(chunk)), end } : undefined
    },
  })
  return lines
}

for (const compression of ['none', 'gzip', 'xz', 'zstd'] as const) {
  const deb = buildDeb({ ...SPEC, compression })

  test(`a package with ${compression} members gives its control files`, () => {
    const control = readDebControl(sourceOf(deb), decoders)
    assert.deepEqual([...control.files.keys()], ['control', 'md5sums', 'postinst', 'conffiles'])
    assert.equal(Buffer.from(control.files.get('postinst') ?? []).toString(), '#!/bin/sh\nexit 0\n')
    assert.equal(control.files.get('conffiles')?.length, 0)
    assert.equal(control.package.version, '1:2.0-1')
    assert.equal(control.package.multiArch, 'same')
    assert.equal(control.stanza.get('depends'), 'libc6 (>= 2.36)')
    assert.equal(control.data.compression, compression)
  })

  test(`a package with ${compression} members gives what dpkg-deb takes out of it`, (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'casemate-deb-'))
    t.after(() => rmSync(folder, { recursive: true }))
    writeFileSync(join(folder, 'sample.deb'), deb)
    const script = `
import sys, tarfile
name = lambda path: path.removeprefix(".") or "/"
types = {b"0": "file", b"1": "hardlink", b"2": "symlink", b"5": "directory"}
for e in (tar := tarfile.open(fileobj=sys.stdin.buffer, mode="r|")):
    link = "/usr/bin/tool" if e.islnk() else e.linkname
    text = tar.extractfile(e).read().decode() if e.type == b"0" else ""
    sys.stdout.write(f"{name(e.name)} {types[e.type]} {e.mode:o} {e.uid}:{e.gid} {link}{text}\\0")`
    const tar = spawnSync('dpkg-deb', ['--fsys-tarfile', join(folder, 'sample.deb')], { maxBuffer: 2 ** 30 })
    const python = spawnSync('python3', ['-c', script], { input: tar.stdout, maxBuffer: 2 ** 30 })
    assert.equal(python.stderr.toString(), '')
    assert.deepEqual(listing(deb), python.stdout.toString().split('\0').slice(0, -1))
  })
}

test('a package’s entries come in its own order, hard links with the file that they name in the end', () => {
  assert.deepEqual(
    listing(buildDeb({ ...SPEC, files: { ...SPEC.files, '/usr/share/big': 'small' } })).filter((line) =>
      line.includes('/usr/bin'),
    ),
    [
      '/usr/bin directory 755 0:0 ',
      '/usr/bin/alias symlink 777 0:0 ../bin/tool',
      '/usr/bin/tool file 4755 0:0 run me\n',
      '/usr/bin/another hardlink 644 0:0 /usr/bin/tool',
      '/usr/bin/third hardlink 644 0:0 /usr/bin/tool',
    ],
  )
})

test('extended attributes reach the caller, who decides on them', () => {
  const source = sourceOf(
    buildDeb({
      name: 'sample',
      dataItems: [
        bytesOf(paxItem('x', paxRecord('SCHILY.xattr.security.capability', 'x')), tarItem({ path: './ping' })),
      ],
    }),
  )
  const seen: string[] = []
  const onEntry = ({ xattrs }: { xattrs: ReadonlyMap<string, Uint8Array> }) => void seen.push(...xattrs.keys())
  readDebData(source, readDebControl(source, decoders).data, { decoders, onEntry })
  assert.deepEqual(seen, ['security.capability'])
})

test('members whose names begin with "_" are passed over, before and behind the data', () => {
  const plain = buildDeb({ name: 'sample' })
  const { control, data } = readDebMembers(sourceOf(plain))
  const part = (member: typeof control) => ({
    name: member.name,
    content: plain.subarray(member.offset, member.offset + member.size),
  })
  const note = (name: string) => ({ name, content: bytesOf('x') })
  const version = { name: 'debian-binary', content: bytesOf('2.1\nmore\n') }
  const deb = arOf(version, note('_first'), part(control), note('_second'), part(data), note('_gpgorigin'))
  assert.equal(readDebControl(sourceOf(deb), decoders).package.name, 'sample')
  assert.deepEqual(listing(deb), ['/ directory 755 0:0 '])
})

test('control and data may be compressed in different ways', () => {
  const plain = buildDeb({ name: 'sample', compression: 'none' })
  const { control, data } = readDebMembers(sourceOf(plain))
  const content = (member: typeof control) => plain.subarray(member.offset, member.offset + member.size)
  const deb = arOf(
    { name: 'debian-binary', content: bytesOf('2.0\n') },
    { name: 'control.tar.zst', content: compress(content(control), 'zstd') },
    { name: 'data.tar', content: content(data) },
  )
  assert.deepEqual(listing(deb), ['/ directory 755 0:0 '])
})
