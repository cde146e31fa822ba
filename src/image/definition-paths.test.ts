import assert from 'node:assert/strict'
import { test } from 'node:test'
import { digestOf } from '#core'
import { testEffectInput } from '#testkit'
import type { DefinedPath } from './definition/definition.ts'
import { definitionPaths } from './definition-paths.ts'
import { applyEffects } from './effects/apply-effects.ts'

const CONTENT = 'declared'
const contents = new Map([[digestOf(CONTENT), Buffer.from(CONTENT)]])
const owner = { uid: 0, gid: 0, replace: false }

const file = (path: string, more: Partial<typeof owner> & { mode?: number } = {}): DefinedPath => ({
  ...{ type: 'file', path, mode: 0o644, digest: digestOf(CONTENT), size: CONTENT.length, ...owner },
  ...more,
})
const directory = (path: string, mode = 0o755): DefinedPath => ({ type: 'directory', path, mode, ...owner })
const symlink = (path: string, target: string, replace = false): DefinedPath => ({
  type: 'symlink',
  path,
  target,
  replace,
})
const absent = (path: string): DefinedPath => ({ type: 'absent', path, reason: 'not wanted' })

/** The image's tree after the definition's paths: a package ships `/etc/conf`, `/etc/link` and `/etc/dir`. */
function treeWith(...paths: readonly DefinedPath[]) {
  const input = testEffectInput({
    '/etc/conf': 'packaged',
    '/etc/same': CONTENT,
    '/etc/link': { link: 'conf' },
    '/etc/dir': { directory: true },
  })
  return applyEffects({ ...input, epoch: 7 }, [definitionPaths(paths, contents)])
}

test('new paths are written, with the parents they lack', () => {
  const { tree, read } = treeWith(
    file('/app/conf/x', { mode: 0o600, uid: 5 }),
    symlink('/app/y', 'conf/x'),
    directory('/data', 0o1777),
  )
  assert.deepEqual([tree.get('/app/conf')?.type, tree.get('/data')?.mode], ['directory', 0o1777])
  assert.deepEqual([tree.get('/app/conf/x')?.mode, tree.get('/app/conf/x')?.uid], [0o600, 5])
  assert.equal(Buffer.from(read('/app/conf/x')).toString(), CONTENT)
  assert.equal(tree.resolve('/app/y'), '/app/conf/x')
})

test('what is there already, and alike, merges; other owners and modes are taken over', () => {
  assert.deepEqual(treeWith(symlink('/etc/link', 'conf'), file('/etc/same'), directory('/etc/dir')).changes, [])
  const { tree, changes } = treeWith(file('/etc/same', { mode: 0o600 }), directory('/etc/dir', 0o700))
  assert.deepEqual([tree.get('/etc/same')?.mode, tree.get('/etc/dir')?.mode], [0o600, 0o700])
  assert.deepEqual(
    changes.map(({ path, content }) => [path, content]),
    [
      ['/etc/dir', undefined],
      ['/etc/same', undefined],
    ],
    'the content stays the package’s own',
  )
})

test('`replace` takes the place of what a package has there, whatever its type', () => {
  const replaced = treeWith(
    file('/etc/conf', { replace: true }),
    symlink('/etc/link', 'dir', true),
    file('/etc/dir', { replace: true }),
  )
  assert.equal(Buffer.from(replaced.read('/etc/conf')).toString(), CONTENT)
  assert.equal(replaced.tree.resolve('/etc/link'), '/etc/dir')
  assert.equal(replaced.tree.get('/etc/dir')?.type, 'file')
})

test('a path that the image shall not have is taken away', () => {
  assert.equal(treeWith(absent('/etc/conf')).tree.get('/etc/conf'), undefined)
})

const conflicts: [string, DefinedPath, string, RegExp][] = [
  [
    'a file with other content',
    file('/etc/conf'),
    'PATH_CONFLICT',
    /^cannot write \/etc\/conf: package test already has a file there; say "replace: true"/,
  ],
  ['a link to another place', symlink('/etc/link', 'dir'), 'PATH_CONFLICT', /package test already has a symlink there/],
  [
    'a link where a directory is',
    symlink('/etc/dir', 'conf'),
    'PATH_CONFLICT',
    /package test already has a directory there/,
  ],
  ['a directory where a file is', directory('/etc/conf'), 'PATH_CONFLICT', /package test already has a file there/],
  ['a file below a file', file('/etc/conf/below'), 'EFFECT_CONFLICT', /\/etc\/conf is a file/],
  [
    'a path to leave out that is not there',
    absent('/etc/none'),
    'PATH_CONFLICT',
    /cannot leave out \/etc\/none: the image has no such path/,
  ],
  ["dpkg's own record", file('/var/lib/dpkg/status'), 'PATH_CONFLICT', /it is made from the packages of the image/],
  [
    'a file that was not read',
    { ...file('/x'), digest: digestOf('other') } as DefinedPath,
    'DEFINITION_INVALID',
    /was not read/,
  ],
]
for (const [name, path, code, message] of conflicts) {
  test(`refused: ${name}`, () => assert.throws(() => treeWith(path), { code, message }))
}

test('a directory that is replaced or left out goes with all that is in it', () => {
  const input = testEffectInput({ '/etc/dir/sub/file': 'x', '/etc/dir/other': 'y', '/etc/dire': 'stays' })
  for (const path of [symlink('/etc/dir', 'elsewhere', true), absent('/etc/dir')]) {
    const { tree } = applyEffects(input, [definitionPaths([path], contents)])
    const left = [...tree.entries()].map((entry) => `${entry.path} ${entry.type}`)
    const own = path.type === 'absent' ? [] : ['/etc/dir symlink']
    assert.deepEqual(left, ['/etc directory', ...own, '/etc/dire file'])
  }
})
