import assert from 'node:assert/strict'
import fs from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, type TestContext, test } from 'node:test'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import { bytesOf, forgedTarItem, type TarItem, tarItem, tarOf } from '#testkit'
import { type ImageLayer, type Rootfs, unpackRootfs } from './rootfs.ts'

const scratch = fs.mkdtempSync(join(tmpdir(), 'sandbox-test-'))
fs.chmodSync(scratch, 0o755)
process.env['TMPDIR'] = scratch
after(() => fs.rmSync(scratch, { recursive: true }))

const TAR = 'application/vnd.oci.image.layer.v1.tar'

function layerOf(bytes: Uint8Array, mediaType = TAR): ImageLayer {
  return {
    mediaType,
    async *open() {
      for (let at = 0; at < bytes.length; at += 700) yield bytes.subarray(at, at + 700)
    },
  }
}

async function unpack(t: TestContext, ...layers: readonly (readonly (TarItem | Uint8Array)[])[]): Promise<Rootfs> {
  const rootfs = await unpackRootfs(layers.map((items) => layerOf(tarOf(...items))))
  t.after(rootfs.remove)
  return rootfs
}

/** `path` to what is there: a file's content, `-> target`, or nothing for a directory. */
function dump({ root }: Rootfs): Record<string, string> {
  const paths = fs.readdirSync(root, { recursive: true, encoding: 'utf8' }).sort()
  return Object.fromEntries(paths.map((path) => [path, describe(join(root, path))]))
}

function describe(path: string): string {
  const found = fs.lstatSync(path)
  if (found.isSymbolicLink()) return `-> ${fs.readlinkSync(path)}`
  return found.isFile() ? fs.readFileSync(path, 'utf8') : ''
}

const dir = (path: string): TarItem => ({ path, type: 'directory' })
const file = (path: string, content = path): TarItem => ({ path, content })
const link = (path: string, linkPath: string): TarItem => ({ path, type: 'symlink', linkPath })

test('modes, owners and times are the layer’s, whatever the umask is', async (t) => {
  const before = process.umask(0o077)
  t.after(() => process.umask(before))
  const rootfs = await unpack(t, [
    { ...dir('d'), mode: 0o555, uid: 7, gid: 8 },
    { ...file('d/setuid', 'x'), mode: 0o4755, uid: 5, gid: 6, mtime: 1000 },
    { path: 'd/hard', type: 'hardlink', linkPath: 'd/setuid' },
  ])
  const found = fs.statSync(join(rootfs.root, 'd/setuid'))
  assert.deepEqual([found.mode & 0o7777, found.uid, found.gid, found.mtimeMs], [0o4755, 5, 6, 1_000_000])
  assert.equal(fs.statSync(join(rootfs.root, 'd/hard')).ino, found.ino)
  assert.equal(fs.statSync(join(rootfs.root, 'd')).mode & 0o7777, 0o555)
  assert.equal(fs.statSync(rootfs.root).mode & 0o7777, 0o755)
})

test('gzip, zstd and plain layers are read; another media type is refused', async () => {
  const tar = tarOf(file('a'))
  const forms: [string, Uint8Array][] = [
    [TAR, tar],
    [`${TAR}+gzip`, gzipSync(tar)],
    [`${TAR}+zstd`, zstdCompressSync(tar)],
    ['application/vnd.docker.image.rootfs.diff.tar.gzip', gzipSync(tar)],
  ]
  for (const [mediaType, bytes] of forms) {
    const rootfs = await unpackRootfs([layerOf(bytes, mediaType)])
    assert.deepEqual(dump(rootfs), { a: 'a' })
    rootfs.remove()
  }
  const other = layerOf(tar, 'application/vnd.oci.image.manifest.v1+json')
  await assert.rejects(unpackRootfs([other]), { code: 'ROOTFS_INVALID' })
})

test('a link in a parent leads to where it leads inside the image, never outside', async (t) => {
  const outside = fs.mkdtempSync(join(tmpdir(), 'outside-'))
  t.after(() => fs.rmSync(outside, { recursive: true }))
  const climbing = `${'../'.repeat(20)}${outside.slice(1)}`
  const rootfs = await unpack(
    t,
    [link('absolute', outside), link('climbing', climbing), link('chain', 'absolute/sub')],
    [file('absolute/one'), file('climbing/two'), file('chain/three'), dir('usr'), link('lib', 'usr')],
    [file('lib/x'), { path: 'hard', type: 'hardlink', linkPath: 'absolute/one' }],
  )
  assert.deepEqual(fs.readdirSync(outside), [])
  const inside = join(rootfs.root, outside)
  assert.deepEqual(fs.readdirSync(inside).sort(), ['one', 'sub', 'two'])
  assert.deepEqual(fs.readdirSync(join(inside, 'sub')), ['three'])
  assert.equal(describe(join(rootfs.root, 'usr/x')), 'lib/x')
  assert.equal(describe(join(rootfs.root, 'hard')), 'absolute/one')
})

test('a file takes the place of a link instead of being written through it', async (t) => {
  const target = join(tmpdir(), `target-${process.pid}`)
  fs.writeFileSync(target, 'untouched')
  t.after(() => fs.rmSync(target))
  const rootfs = await unpack(t, [link('f', target), file('f', 'new'), link('d', '/tmp'), dir('d')])
  assert.deepEqual(dump(rootfs), { d: '', f: 'new' })
  assert.equal(fs.readFileSync(target, 'utf8'), 'untouched')
})

const refused: [readonly (TarItem | Uint8Array)[], RegExp, string][] = [
  [[forgedTarItem(file('aa/b'), { 0: '../b' })], /cannot take path "\.\.\/b"/, 'a path that climbs'],
  [[forgedTarItem(file('a/b'), { 0: '/b\0' })], /absolute/, 'an absolute path'],
  [[{ path: 'h', type: 'hardlink', linkPath: 'etc/passwd' }], /no file in the image/, "a hard link to the host's file"],
  [[forgedTarItem({ path: 'h', type: 'hardlink', linkPath: 'aa/b' }, { 157: '../b' })], /"\.\.\/b"/, 'one that climbs'],
  [[link('a', 'b'), link('b', 'a'), file('a/x')], /circle/, 'a circle of links as a parent'],
  [[file('f'), file('f/x')], /no directory/, 'a file as a parent'],
  [[file('f'), dir('d'), { path: 'h', type: 'hardlink', linkPath: 'd' }], /no file/, 'a hard link to a directory'],
  [[tarItem(file('a', 'x'.repeat(2000))).subarray(0, 1024)], /./, 'a layer that ends inside a file'],
]
for (const [items, reason, because] of refused) {
  test(`refused, with nothing left on disk: ${because}`, async () => {
    const before = leftovers()
    const bytes = because.startsWith('a layer that ends')
      ? bytesOf(...items.filter((x) => x instanceof Uint8Array))
      : tarOf(...items)
    await assert.rejects(unpackRootfs([layerOf(bytes)]), reason)
    assert.deepEqual(leftovers(), before)
  })
}

test('whiteouts hide what is below, and nothing of their own layer', async (t) => {
  const lower = [dir('a'), file('a/old'), dir('a/sub'), file('a/sub/old'), dir('b'), file('b/old'), file('gone')]
  const upper = [file('a/new'), file('a/.wh..wh..opq', ''), file('b/new'), file('.wh.b', ''), file('.wh.gone', '')]
  assert.deepEqual(dump(await unpack(t, lower, upper)), { a: '', 'a/new': 'a/new', b: '', 'b/new': 'b/new' })
  const swapped = [file('a/.wh..wh..opq', ''), file('a/new'), file('.wh.b', ''), file('b/new'), file('.wh.gone', '')]
  assert.deepEqual(dump(await unpack(t, lower, swapped)), { a: '', 'a/new': 'a/new', b: '', 'b/new': 'b/new' })
})

test('a whiteout does not reach through a link to the host', async (t) => {
  const outside = fs.mkdtempSync(join(tmpdir(), 'outside-'))
  t.after(() => fs.rmSync(outside, { recursive: true }))
  fs.writeFileSync(join(outside, 'kept'), '')
  await unpack(t, [link('d', outside)], [file('d/.wh.kept', ''), file('d/.wh..wh..opq', '')], [file('.wh.d', '')])
  assert.deepEqual(fs.readdirSync(outside), ['kept'])
})

test('devices and fifos are left out, and named', async (t) => {
  const rootfs = await unpack(t, [
    dir('dev'),
    { path: 'dev/null', type: 'character-device' },
    { path: 'f', type: 'fifo' },
  ])
  assert.deepEqual([dump(rootfs), rootfs.skipped], [{ dev: '' }, ['/dev/null', '/f']])
})

test('an abort ends the unpacking and leaves nothing', async () => {
  const before = leftovers()
  const stop = new AbortController()
  const endless: ImageLayer = {
    mediaType: TAR,
    async *open() {
      yield tarItem(file('a'))
      stop.abort(new Error('stopped'))
      for (;;) yield tarItem(file('b'))
    },
  }
  await assert.rejects(unpackRootfs([endless], stop.signal), { message: 'stopped' })
  assert.deepEqual(leftovers(), before)
})

function leftovers(): string[] {
  return fs.readdirSync(scratch)
}
