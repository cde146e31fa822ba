import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MemoryTree } from './memory-tree.ts'
import type { TreeEntry } from './tree.ts'

const metadata = { mode: 0o755, uid: 0, gid: 0, mtime: 0, origin: { kind: 'package', name: 'a' } } as const
const directory = (path: string): TreeEntry => ({ type: 'directory', path, ...metadata })
const link = (path: string, target: string): TreeEntry => ({ type: 'symlink', path, target, ...metadata })

const tree = new MemoryTree([
  directory('/usr'),
  directory('/usr/bin'),
  { type: 'hardlink', path: '/usr/bin/x', target: '/usr/bin/y', ...metadata },
  link('/bin', 'usr/bin'),
  link('/usr/sh', '../bin/x'),
  link('/up', '../../../usr'),
  link('/round', 'about'),
  link('/about', '/round'),
  link('/nowhere', '/missing'),
])

const resolutions: [string, string | undefined, string][] = [
  ['/bin/x', '/usr/bin/x', 'a link on the way is followed'],
  ['/usr/sh', '/usr/bin/x', 'so is one at the end, through another'],
  ['/up/bin', '/usr/bin', '.. stops at the root, as after chroot'],
  ['/usr/../bin/./x', '/usr/bin/x', '. and .. are walked, not cut out as text'],
  ['/round', undefined, 'a circle leads nowhere'],
  ['/nowhere', undefined, 'a dangling link leads nowhere'],
  ['/bin/x/y', undefined, 'a file holds nothing'],
  ['/', '/', 'the root is itself'],
]
for (const [path, want, because] of resolutions) {
  test(`${path} resolves to ${want}: ${because}`, () => assert.equal(tree.resolve(path), want))
}

test('names in a directory come in order', () => {
  assert.deepEqual(tree.list('/'), ['about', 'bin', 'nowhere', 'round', 'up', 'usr'])
  assert.deepEqual(tree.list('/usr'), ['bin', 'sh'])
})
