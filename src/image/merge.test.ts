import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Digest, digestOf } from '#core'
import { parseBinaryPackage, parseStanza } from '#debian'
import type { MemberEntry, MemberIndex } from './member.ts'
import { type Diversion, type MemberOfPackage, mergePackages } from './merge.ts'

/** What a package ships: text is a file, `-> x` a link, `= /x` a hard link, a path that ends in `/` a directory. */
type Shipped = Readonly<Record<string, string>>

const alone = { directories: digestOf(''), digest: digestOf(''), diffId: digestOf(''), size: 0 }

function shipping(name: string, shipped: Shipped, fields: Readonly<Record<string, string>> = {}): MemberOfPackage {
  const lines = Object.entries({ Package: name, Version: '1.0', Architecture: 'amd64', ...fields })
  const control = lines.map(([field, value]) => `${field}: ${value}\n`).join('')
  const entries = Object.entries(shipped)
    .map(([path, what]) => entryOf(path, what))
    .sort((left, right) => (left.path < right.path ? -1 : 1))
  const index: MemberIndex = {
    ...{ key: digestOf(name), package: name, control, controlFiles: {}, conffileSums: {}, entries },
    ...{ blocks: [], omissions: [], size: 0, tarSize: 0, digest: digestOf(''), alone, newest: 0 },
  }
  return { package: parseBinaryPackage(parseStanza(control, name)), index }
}

function entryOf(path: string, what: string): MemberEntry {
  const metadata = { uid: 0, gid: 0, mtime: 0, size: 0 }
  if (path.endsWith('/')) {
    return {
      ...metadata,
      path: path.slice(0, -1),
      type: 'directory',
      mode: what === '' ? 0o755 : Number.parseInt(what, 8),
    }
  }
  const [, kind, target = ''] = /^(->|=) (.*)$/.exec(what) ?? []
  if (kind === '->') return { ...metadata, path, type: 'symlink', mode: 0o777, target }
  if (kind === '=') return { ...metadata, path, type: 'hardlink', mode: 0o644, target }
  return { ...metadata, path, type: 'file', mode: 0o644, size: what.length, digest: digestOf(what), offset: 512 }
}

/** `path -> package` with what stands there, and the edits, in a form to compare. */
function merged(members: readonly MemberOfPackage[], diversions: readonly Diversion[] = []) {
  const { entries, edits, sources } = mergePackages(members, diversions)
  const tree = entries.map((entry) => {
    const owner = entry.origin.kind === 'package' ? entry.origin.name : ''
    const what = 'digest' in entry ? entry.digest : 'target' in entry ? `${entry.type} ${entry.target}` : entry.type
    return [entry.path, `${owner} ${what}`] as const
  })
  const changes = [...edits].flatMap(([owner, own]) =>
    own.map((edit) => `${owner} ${edit.kind} ${edit.path}${edit.kind === 'rename' ? ` ${edit.to}` : ''}`),
  )
  return { tree: Object.fromEntries(tree), changes: changes.sort(), sources }
}

const content = (text: string): Digest => digestOf(text)

/** Every order of a short list. */
function orders<Item>(items: readonly Item[]): Item[][] {
  if (items.length < 2) return [[...items]]
  return items.flatMap((item, at) => orders(items.toSpliced(at, 1)).map((rest) => [item, ...rest]))
}

test('packages that share directories only are merged, the newest time of a directory winning', () => {
  const { tree, changes } = merged([
    shipping('one', { '/usr/': '', '/usr/a': 'a' }),
    shipping('two', { '/usr/': '', '/usr/b': '-> a' }),
  ])
  assert.deepEqual(tree, { '/usr': 'one directory', '/usr/a': `one ${content('a')}`, '/usr/b': 'two symlink a' })
  assert.deepEqual(changes, [])
})

const replacing: [string, Readonly<Record<string, string>>, Readonly<Record<string, string>>, string][] = [
  ['by name', { Replaces: 'old' }, {}, 'Replaces names it'],
  ['by name and version', { Replaces: 'old (<< 2)' }, {}, 'Replaces names its version'],
]
for (const [name, winner, loser, because] of replacing) {
  test(`a package that replaces another ${name} gets the path: ${because}`, () => {
    const members = [shipping('old', { '/x': 'old' }, loser), shipping('new', { '/x': 'new' }, winner)]
    for (const order of orders(members)) {
      const { tree, changes } = merged(order)
      assert.deepEqual(tree, { '/x': `new ${content('new')}` })
      assert.deepEqual(changes, ['old:amd64 leave-out /x'])
    }
  })
}

const conflicts: [string, readonly MemberOfPackage[], readonly Diversion[], RegExp][] = [
  [
    'one file, and neither replaces the other',
    [shipping('one', { '/x': '1' }), shipping('two', { '/x': '2' }, { Version: '2.0' })],
    [],
    /^cannot merge \/x of one 1\.0 with two 2\.0: both ship it and neither declares Replaces$/,
  ],
  [
    'the same file in both is no different: dpkg refuses it too',
    [shipping('one', { '/x': 'same' }), shipping('two', { '/x': 'same' })],
    [],
    /one 1\.0 with two 1\.0/,
  ],
  [
    'each replaces the other, so the later one would win',
    [shipping('one', { '/x': '1' }, { Replaces: 'two' }), shipping('two', { '/x': '2' }, { Replaces: 'one' })],
    [],
    /each declares that it Replaces the other/,
  ],
  [
    'Replaces names another version',
    [shipping('one', { '/x': '1' }), shipping('two', { '/x': '2' }, { Replaces: 'one (<< 1.0)' })],
    [],
    /neither declares Replaces/,
  ],
  [
    'Replaces names a virtual package, which is not considered (Debian policy 7.6.1)',
    [shipping('one', { '/x': '1' }, { Provides: 'virtual' }), shipping('two', { '/x': '2' }, { Replaces: 'virtual' })],
    [],
    /neither declares Replaces/,
  ],
  [
    'a directory here, a link there',
    [shipping('one', { '/x/': '' }), shipping('two', { '/x': '-> usr' }, { Replaces: 'one' })],
    [],
    /\/x of one 1\.0 with two 1\.0: one ships a directory, the other a symlink/,
  ],
  [
    'two modes of one directory',
    [shipping('one', { '/x/': '0755' }), shipping('two', { '/x/': '1777' })],
    [],
    /different modes or owners \(0755 0:0, 1777 0:0\)/,
  ],
  [
    'a link out of the tree in one package, a file through it in another',
    [shipping('one', { '/d': '-> /outside' }), shipping('two', { '/d/f': 'escaped' })],
    [],
    /cannot merge \/d of one 1\.0 with two 1\.0: \/d is a symlink, and the other ships \/d\/f below it/,
  ],
  [
    'the same through a directory that only the second one has',
    [shipping('one', { '/d': '-> ../..' }), shipping('two', { '/d/e/f': 'escaped' })],
    [],
    /\/d is a symlink, and the other ships \/d\/e\/f below it/,
  ],
  [
    'a file where another package has a directory above its own',
    [shipping('one', { '/d': 'file' }), shipping('two', { '/d/f': 'below' })],
    [],
    /\/d is a file/,
  ],
  [
    'two packages divert one path',
    [shipping('one', { '/x': '1' })],
    [
      { path: '/x', to: '/x.a', by: 'a' },
      { path: '/x', to: '/x.b', by: 'b' },
    ],
    /^cannot divert \/x: a and b both divert it \(\/x\.a, \/x\.b\)$/,
  ],
  [
    'a diverted file lands on one that another package ships',
    [shipping('one', { '/x': '1' }), shipping('two', { '/x': '2', '/x.orig': 'in the way' })],
    [{ path: '/x', to: '/x.orig', by: 'two' }],
    /cannot merge \/x\.orig of one 1\.0 with two 1\.0/,
  ],
]
for (const [name, members, diversions, message] of conflicts) {
  test(`a conflict in any order, both packages named: ${name}`, () => {
    for (const order of orders(members)) {
      for (const diverted of orders(diversions)) {
        assert.throws(() => mergePackages(order, diverted), { code: 'PATH_CONFLICT', message })
      }
    }
  })
}

test('a diverted path moves for every package but the one that diverts it', () => {
  const members = [
    shipping('dash', { '/usr/bin/sh': 'dash' }),
    shipping('other', { '/usr/bin/sh': 'other' }),
    shipping('last', { '/usr/share/last': 'last' }),
  ]
  for (const order of orders(members)) {
    const { tree, changes, sources } = merged(order, [{ path: '/usr/bin/sh', to: '/usr/bin/sh.orig', by: 'dash' }])
    assert.deepEqual(tree, {
      '/usr/bin/sh': `dash ${content('dash')}`,
      '/usr/bin/sh.orig': `other ${content('other')}`,
      '/usr/share/last': `last ${content('last')}`,
    })
    assert.deepEqual(changes, ['other:amd64 rename /usr/bin/sh /usr/bin/sh.orig'])
    assert.equal(sources.get('/usr/bin/sh.orig')?.shippedAs, '/usr/bin/sh')
  }
})

test('a diverted file that another package replaces is left out by the name its own package gives it', () => {
  const { tree, changes } = merged(
    [
      shipping('one', { '/x': '1' }),
      shipping('two', { '/x': '2' }),
      shipping('three', { '/x.orig': '3' }, { Replaces: 'one' }),
    ],
    [{ path: '/x', to: '/x.orig', by: 'two' }],
  )
  assert.deepEqual(tree, { '/x': `two ${content('2')}`, '/x.orig': `three ${content('3')}` })
  assert.deepEqual(changes, ['one:amd64 leave-out /x'])
})

test('hard links to a file that another package replaces keep their own content', () => {
  const members = [
    shipping('old', { '/a': 'old', '/b': '= /a', '/c': '= /a' }),
    shipping('new', { '/a': 'new' }, { Replaces: 'old' }),
  ]
  for (const order of orders(members)) {
    const { tree, sources } = merged(order)
    assert.deepEqual(tree, {
      '/a': `new ${content('new')}`,
      '/b': `old ${content('old')}`,
      '/c': 'old hardlink /b',
    })
    assert.equal(sources.get('/b')?.entry.offset, 512, 'its content is found where the member has it')
  }
})

test('hard links to a diverted file follow it', () => {
  const { tree } = merged(
    [shipping('one', { '/a': 'one', '/b': '= /a' }), shipping('two', { '/a': 'two' })],
    [{ path: '/a', to: '/z', by: 'two' }],
  )
  assert.deepEqual(tree, { '/a': `two ${content('two')}`, '/b': `one ${content('one')}`, '/z': 'one hardlink /b' })
})

test('the result does not depend on the order of packages', () => {
  const members = [
    shipping('aa', { '/usr/': '', '/usr/x': 'a', '/usr/y': 'a' }),
    shipping('bb', { '/usr/': '', '/usr/x': 'b' }, { Replaces: 'aa, cc' }),
    shipping('cc', { '/usr/': '', '/usr/z': 'c', '/usr/w': '= /usr/z' }),
    shipping('dd', { '/usr/z': 'd' }, { Replaces: 'cc' }),
  ]
  const results = orders(members).map((order) => JSON.stringify({ ...merged(order), sources: 0 }))
  assert.equal(new Set(results).size, 1)
})
