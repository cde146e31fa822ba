import assert from 'node:assert/strict'
import { test } from 'node:test'
import { digestOf, TAR_LIMITS, type TarHeader, TarReader } from '#core'
import { testTree } from '#testkit'
import { encodeTar, layerDirectories, tarHeaderOf } from './layer.ts'
import type { MemberEntry, MemberIndex } from './member.ts'

const entry = (path: string, type: MemberEntry['type'], mtime: number): MemberEntry => ({
  ...{ path, type, mode: 0o755, uid: 0, gid: 0, mtime, size: 0 },
})

const alone = { directories: digestOf(''), digest: digestOf(''), diffId: digestOf(''), size: 0 }

function member(...entries: readonly MemberEntry[]): MemberIndex {
  return {
    ...{ key: digestOf('x'), package: 'x', control: '', controlFiles: {}, conffileSums: {}, entries, blocks: [] },
    ...{ omissions: [], size: 0, tarSize: 0, digest: digestOf('x'), alone, newest: 0 },
  }
}

const { tree } = testTree({
  '/usr/': { directory: true },
  '/usr': { directory: true },
  '/usr/bin': { directory: true, mode: 0o2775, gid: 50 },
  '/usr/bin/a': 'a',
  '/usr/bin/b': 'b',
  '/var/run': { link: '/run' },
})

test('each directory stands once, in order, with mode and owner of the merged tree and the newest of its own times', () => {
  const directories = layerDirectories(
    [
      member(entry('/usr', 'directory', 5), entry('/usr/bin', 'directory', 9), entry('/usr/bin/a', 'file', 20)),
      member(entry('/usr/bin', 'directory', 7), entry('/usr/bin/b', 'file', 30)),
    ],
    tree,
  )
  assert.deepEqual(
    directories.map(({ path, mode, gid, mtime }) => [path, mode, gid, mtime]),
    [
      ['/usr', 0o755, 0, 5],
      ['/usr/bin', 0o2775, 50, 9],
    ],
  )
})

test('the directories above a file are there although its package does not ship them', () => {
  const directories = layerDirectories([member(entry('/usr/bin/a', 'file', 20))], tree)
  assert.deepEqual(
    directories.map(({ path, mtime }) => `${path} ${mtime}`),
    ['/usr 0', '/usr/bin 0'],
  )
})

test('a directory that an effect turned into a link is left out of the layers of packages', () => {
  assert.deepEqual(layerDirectories([member(entry('/var/run', 'directory', 3))], tree), [])
})

test('a header has no leading slash, and no time before 1970', () => {
  const link = { ...entry('/usr/x', 'hardlink', -5), target: '/usr/bin/a' }
  const { path, mtime, linkPath } = tarHeaderOf(link)
  assert.deepEqual([path, mtime, linkPath], ['usr/x', 0, 'usr/bin/a'])
  assert.equal(tarHeaderOf({ ...entry('/x', 'symlink', 0), target: '/usr/bin/a' }).linkPath, '/usr/bin/a')
})

test('entries are written as tar with the contents of files, asked for files only', () => {
  const entries = [
    entry('/d', 'directory', 1),
    entry('/d/f', 'file', 2),
    { ...entry('/d/l', 'symlink', 3), target: 'f' },
  ]
  const asked: string[] = []
  const tar = encodeTar(entries, (path) => {
    asked.push(path)
    return Buffer.from('content')
  })
  const seen: TarHeader[] = []
  const reader = new TarReader({
    origin: 'layer',
    limits: TAR_LIMITS,
    onEntry: (header) => {
      seen.push(header)
      return undefined
    },
  })
  reader.push(Buffer.concat([tar, new Uint8Array(1024)]))
  reader.end()
  assert.deepEqual(asked, ['/d/f'])
  assert.deepEqual(
    seen.map(({ path, type, size, mtime }) => [path.replace(/\/$/, ''), type, size, mtime]),
    [
      ['d', 'directory', 0, 1],
      ['d/f', 'file', 7, 2],
      ['d/l', 'symlink', 0, 3],
    ],
  )
})
