import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'
import { tarOf, testTree } from '#testkit'
import { decodeDerived, derivedEntries, encodeDerived } from './derived-tar.ts'

const { tree } = testTree(
  {
    '/usr/lib/py/a.py': 'a',
    '/usr/lib/private': { directory: true, mode: 0o750, gid: 8 },
    '/usr/link': { link: 'lib' },
  },
  'python',
)
const placement = { effect: 'python-bytecode', tree, mtime: 1_000 }
const files = new Map([
  ['/usr/lib/py/__pycache__/b.pyc', Buffer.from('b')],
  ['/usr/lib/py/__pycache__/a.pyc', Buffer.from('a')],
  ['/usr/lib/private/c.pyc', Buffer.from('')],
])

test('files get fixed metadata, and directories what the image has', () => {
  const entries = derivedEntries(files, placement)
  assert.deepEqual(
    entries.map(({ path, mode, uid, gid, mtime, origin }) => {
      return [path, mode.toString(8), `${uid}:${gid}`, mtime, 'name' in origin ? origin.name : '']
    }),
    [
      ['/usr', '755', '0:0', 1000, 'python'],
      ['/usr/lib', '755', '0:0', 1000, 'python'],
      ['/usr/lib/private', '750', '0:8', 1000, 'python'],
      ['/usr/lib/private/c.pyc', '644', '0:0', 1000, 'python-bytecode'],
      ['/usr/lib/py', '755', '0:0', 1000, 'python'],
      ['/usr/lib/py/__pycache__', '755', '0:0', 1000, 'python-bytecode'],
      ['/usr/lib/py/__pycache__/a.pyc', '644', '0:0', 1000, 'python-bytecode'],
      ['/usr/lib/py/__pycache__/b.pyc', '644', '0:0', 1000, 'python-bytecode'],
    ],
  )
})

test('the tar is the same in whatever order the files come, reads back, and tar takes it', () => {
  const tar = encodeDerived(files, placement)
  assert.deepEqual(encodeDerived(new Map([...files].reverse()), placement), tar)
  assert.deepEqual(
    decodeDerived(tar, placement).files,
    new Map([...files].sort(([left], [right]) => (left < right ? -1 : 1))),
  )
  const { stdout, status } = spawnSync('tar', ['--list', '--file=-'], { input: tar, encoding: 'utf8' })
  assert.equal(status, 0)
  assert.equal(stdout.trim().split('\n').at(-1), 'usr/lib/py/__pycache__/b.pyc')
})

const refused: [string, string, string][] = [
  ['/usr/lib/py/a.py', 'EFFECT_CONFLICT', 'a package has the file already'],
  ['/usr/lib/py/a.py/b', 'EFFECT_CONFLICT', 'a parent is a file'],
  ['/usr/link/b', 'EFFECT_CONFLICT', 'a parent is a link'],
  ['/usr/lib/.wh.py', 'DERIVED_INVALID', 'it would hide what a package ships'],
  ['/usr/../etc/x', 'PATH_INVALID', 'it climbs'],
]
for (const [path, code, because] of refused) {
  test(`${path} is refused: ${because}`, () => {
    assert.throws(() => derivedEntries(new Map([[path, Buffer.from('')]]), placement), { code })
  })
}

test('a tar that is not exactly in our form is refused, though its digest be right', () => {
  const setuid = tarOf({ path: 'usr/bin/sh', mode: 0o4755, content: 'x' })
  const link = tarOf({ path: 'usr/x', type: 'symlink', linkPath: '/etc' })
  for (const tar of [setuid, link, tarOf()]) {
    const padded = Buffer.concat([tar, Buffer.alloc(512)])
    assert.throws(() => decodeDerived(padded, placement), { code: 'DERIVED_INVALID' })
  }
  assert.throws(() => decodeDerived(Buffer.from('no tar'), placement), { code: 'TAR_INVALID' })
})
