import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type TestPath, testEffectInput } from '#testkit'
import { ImageError } from '../errors.ts'
import { applyEffects } from './apply-effects.ts'
import type { Effect, EffectEntry } from './effect.ts'
import { textFile } from './entry.ts'

const effect = (name: string, ...entries: EffectEntry[]): Effect => ({ name, summary: '', apply: () => entries })

function apply(paths: Record<string, TestPath>, ...ordered: Effect[]) {
  return applyEffects(testEffectInput(paths), ordered)
}

function refused(pattern: RegExp): (error: unknown) => boolean {
  return (error) => error instanceof ImageError && error.code === 'EFFECT_CONFLICT' && pattern.test(error.message)
}

test('later effects see what earlier ones did', () => {
  const reader: Effect = {
    name: 'reader',
    summary: '',
    apply: ({ tree, read }) => [textFile('/copy', `${tree.list('/etc').join()} ${Buffer.from(read('/etc/a'))}`)],
  }
  const { read, changes } = apply({ '/etc/z': '' }, effect('writer', textFile('/etc/a', 'hello')), reader)
  assert.equal(Buffer.from(read('/copy')).toString(), 'a,z hello')
  assert.deepEqual(
    changes.map(({ path, effect: name }) => [path, name]),
    [
      ['/copy', 'reader'],
      ['/etc/a', 'writer'],
    ],
  )
})

test('missing parents are made, and links in parents followed', () => {
  const { tree } = apply(
    { '/run': { directory: true }, '/var/run': { link: '/run' } },
    effect('e', textFile('/var/run/x/y/z', '')),
  )
  assert.equal(tree.get('/run/x/y/z')?.type, 'file')
  const made = tree.get('/run/x')
  assert.deepEqual([made?.type, made?.mode, made?.origin], ['directory', 0o755, { kind: 'effect', name: 'e' }])
  assert.deepEqual(tree.list('/run'), ['x'])
  assert.equal(tree.resolve('/var/run/x/y/z'), '/run/x/y/z')
})

test('what is there already is no change', () => {
  const paths: Record<string, TestPath> = { '/etc/a': 'same', '/d': { directory: true }, '/l': { link: 'd' } }
  const { changes } = apply(
    paths,
    effect(
      'e',
      textFile('/etc/a', 'same'),
      { type: 'directory', path: '/d', mode: 0o755, uid: 0, gid: 0 },
      { type: 'symlink', path: '/l', target: 'd' },
      { type: 'metadata', path: '/etc/a', mode: 0o644 },
    ),
  )
  assert.deepEqual(changes, [])
})

const conflicts: [string, Record<string, TestPath>, Effect[], RegExp][] = [
  [
    'a file of a package',
    { '/etc/a': 'theirs' },
    [effect('e', textFile('/etc/a', 'ours'))],
    /effect e to \/etc\/a: package test has a file/,
  ],
  [
    'a file of another effect',
    {},
    [effect('one', textFile('/a', '1')), effect('two', textFile('/a', '2'))],
    /effect two to \/a: effect one has/,
  ],
  [
    'a directory of another mode',
    { '/d': { directory: true } },
    [effect('e', { type: 'directory', path: '/d', mode: 0o700, uid: 0, gid: 0 })],
    /\(0755 0:0\)/,
  ],
  [
    'a directory that holds something',
    { '/d/x': '' },
    [effect('e', { type: 'removal', path: '/d' })],
    /the directory still holds x/,
  ],
  ['a file where a directory would have to be', { '/d': '' }, [effect('e', textFile('/d/x', ''))], /\/d is a file/],
  [
    'a mode that two effects see differently',
    { '/a': '' },
    [
      effect('one', { type: 'metadata', path: '/a', mode: 0o600 }),
      effect('two', { type: 'metadata', path: '/a', mode: 0o640 }),
    ],
    /effect two to \/a: package test has a file there \(0600 0:0\); effect one already gave it/,
  ],
]
for (const [because, paths, ordered, reason] of conflicts) {
  test(`a conflict names both sides: ${because}`, () => assert.throws(() => apply(paths, ...ordered), refused(reason)))
}

test('an explicit removal makes room', () => {
  const { tree, changes } = apply(
    { '/var/run': { directory: true } },
    effect('e', { type: 'removal', path: '/var/run' }, { type: 'symlink', path: '/var/run', target: '/run' }),
  )
  assert.equal(tree.get('/var/run')?.type, 'symlink')
  assert.deepEqual(
    changes.map(({ path, entry }) => [path, entry?.type]),
    [['/var/run', 'symlink']],
  )
})

test('metadata of a package file leaves its content with the package', () => {
  const { changes, tree } = apply(
    { '/etc/a': 'x' },
    effect('e', { type: 'metadata', path: '/etc/a', mode: 0o640, gid: 4 }),
  )
  assert.deepEqual(
    changes.map(({ path, content }) => [path, content]),
    [['/etc/a', undefined]],
  )
  const entry = tree.get('/etc/a')
  assert.deepEqual([entry?.mode, entry?.gid, entry?.origin], [0o640, 4, { kind: 'package', name: 'test' }])
})

test('metadata of a path that does not exist is an error', () => {
  assert.throws(
    () => apply({}, effect('e', { type: 'metadata', path: '/a', mode: 0 })),
    (error) => error instanceof ImageError && error.code === 'EFFECT_INVALID',
  )
})

test('the tree lists what it holds, in order, each path once', () => {
  const { tree } = apply({ '/b': '', '/c': '' }, effect('e', textFile('/a', ''), { type: 'removal', path: '/b' }))
  assert.deepEqual(
    [...tree.entries()].map(({ path }) => path),
    ['/a', '/c'],
  )
  assert.deepEqual(tree.list('/'), ['a', 'c'])
})

test('a mode that another effect gave is replaced where that is said', () => {
  const { tree } = apply(
    { '/a': '' },
    effect('one', { type: 'metadata', path: '/a', mode: 0o600 }),
    effect('two', { type: 'metadata', path: '/a', mode: 0o640, replace: true }),
  )
  assert.equal(tree.get('/a')?.mode, 0o640)
})

for (const path of ['/a/', '/a//b', 'a', '/a/../b', '/./a', '']) {
  test(`a path in another form is refused: "${path}"`, () => {
    assert.throws(
      () => apply({}, effect('e', { type: 'directory', path, mode: 0o755, uid: 0, gid: 0 })),
      (error) => error instanceof ImageError && error.code === 'EFFECT_INVALID',
    )
  })
}
