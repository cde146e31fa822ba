import assert from 'node:assert/strict'
import { test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { sampleElf, type TarItem } from '#testkit'
import { composeRebased } from './compose-rebased.ts'
import { ImageTree } from './image-tree.ts'
import { planRebase } from './plan-rebase.ts'
import { COMMON, listedImage, planOf, rebasedTree, requestOf, treeOf } from './sample-images.test.ts'

const file = (path: string, content: string, more: Partial<TarItem> = {}): TarItem => ({ path, content, ...more })
const directory = (path: string, more: Partial<TarItem> = {}): TarItem => ({ path, type: 'directory', ...more })
const link = (path: string, linkPath: string): TarItem => ({ path, type: 'symlink', linkPath, mode: 0o777 })
const stanza = (name: string, version: string, more = '') =>
  `Package: ${name}\nStatus: install ok installed\nVersion: ${version}\nArchitecture: amd64\n${more}\n`
const STATUS = 'var/lib/dpkg/status'
const LIBRARY = (content: string) => [
  file('usr/lib/libx.so.1', '', {
    content: sampleElf({ soname: 'libx.so.1', versionsDefined: ['X_1'], texts: [content] }),
  }),
]

/** A base with a library, data, a database; the new one has another library, a file more and a file less. */
const old = [
  directory('srv/'),
  directory('usr/share/'),
  file('usr/share/a', '1'),
  file('usr/share/gone', ''),
  file('opt/kept', ''),
  file(STATUS, stanza('libx1', '1') + stanza('tool', '1')),
  ...LIBRARY('old'),
]
const next = [
  directory('srv/'),
  directory('usr/share/'),
  file('usr/share/a', '2'),
  file('usr/share/new', ''),
  file('opt/kept', ''),
  file(STATUS, stanza('libx1', '2') + stanza('tool', '1')),
  ...LIBRARY('new'),
]

/** What an application does: files, links, a program, a package, a directory that it shares, something taken away. */
const own = [
  directory('app/', { uid: 1000, gid: 1000 }),
  file('app/run', '', {
    mode: 0o755,
    content: sampleElf({
      interpreter: '/usr/lib/ld.so',
      needed: ['libx.so.1'],
      versionsNeeded: { 'libx.so.1': ['X_1'] },
    }),
  }),
  file('app/main', '#!/app/run -x\n', { mode: 0o755, uid: 1000 }),
  link('app/data', '/usr/share/a'),
  { path: 'app/again', type: 'hardlink', linkPath: 'app/main', mode: 0o755, uid: 1000 } as const,
  directory('usr/share/'),
  file('usr/share/own', ''),
  file('opt/.wh.kept', ''),
]

test('the result is, file by file, what building on the new base gives', async () => {
  const request = await requestOf({ old, next, own })
  const rebuilt = await listedImage('rebuilt', { layers: [[...COMMON, ...next], own] })
  const { tree } = await rebasedTree(request)
  assert.deepEqual(tree, treeOf(rebuilt.facts.tree))
  assert.ok(tree.has('/usr/share/new') && !tree.has('/usr/share/gone') && !tree.has('/opt/kept'))
})

test('a package that the application has installed stands beside those of the new base, as apt would have it', async () => {
  const database = stanza('libx1', '1') + stanza('own', '1', 'Depends: libx1 (>= 1)\n') + stanza('tool', '1')
  const request = await requestOf({ old, next, own: [...own, file(STATUS, database, { mode: 0o640 })] })
  const apt = stanza('libx1', '2') + stanza('own', '1', 'Depends: libx1 (>= 1)\n') + stanza('tool', '1')
  const rebuilt = await listedImage('rebuilt', {
    layers: [
      [...COMMON, ...next],
      [...own, file(STATUS, apt, { mode: 0o640 })],
    ],
  })
  assert.deepEqual((await rebasedTree(request)).tree, treeOf(rebuilt.facts.tree))
})

test('layers on a tree are what all layers together are, whatever they take away', async () => {
  const upper = [
    [file('usr/share/.wh.a', ''), file('srv/.wh..wh..opq', ''), directory('srv/'), link('usr/lib', '/app')],
    [directory('usr/share/'), file('usr/share/a', 'again'), file('.wh.etc', ''), file('etc/new', '')],
  ]
  const all = await listedImage('all', { layers: [[...COMMON, ...old, file('srv/x/y', '')], ...upper] })
  const below = ImageTree.of(all.facts.tree.layers.slice(0, 1))
  assert.deepEqual(
    [...below.with(all.own).files.entries()].sort(byPath),
    [...all.facts.tree.files.entries()].sort(byPath),
  )
  assert.ok(
    below.files.get('/srv/x/y') && !all.facts.tree.files.get('/srv/x/y') && !all.facts.tree.files.get('/etc/passwd'),
  )
})

const byPath = (left: { path: string }, right: { path: string }) => (left.path < right.path ? -1 : 1)

test('layers of the application stay byte for byte, and equal inputs give equal bytes', async () => {
  const request = await requestOf({ old, next, own })
  const plan = planRebase(request)
  assert.equal(plan.kind, 'possible')
  if (plan.kind !== 'possible') return
  const platform = request.application.image.config.platform
  const [first, again] = [1, 2].map(() => composeRebased({ ...plan.result, platform }, (tar) => gzipSync(tar)))
  assert.deepEqual(first?.image.manifest.bytes, again?.image.manifest.bytes)
  const [base, above] = first?.image.layers ?? []
  assert.deepEqual(base?.descriptor, request.next.image.layers[0]?.descriptor)
  assert.deepEqual(above?.descriptor, request.application.image.layers[1]?.descriptor)
  assert.deepEqual(plan.summary.packages, [{ name: 'libx1', architecture: 'amd64', from: '1', to: '2' }])
})

test('the result says what it is built on, and no longer what it was built on', async () => {
  const request = await requestOf({ old, next, own })
  const key = 'org.opencontainers.image.base'
  const annotations = { [`${key}.name`]: 'localhost/python:3', [`${key}.digest`]: 'sha256:0', other: 'stays' }
  const sample = {
    layers: [[...COMMON, ...old], own],
    annotations,
    config: { Labels: { [`${key}.name`]: 'localhost/python:3' } },
  }
  const application = await listedImage('app', sample)
  const digest = request.next.image.manifestDocument.descriptor.digest
  for (const [more, name] of [
    [{ baseName: 'localhost/python:4' }, { [`${key}.name`]: 'localhost/python:4' }],
    [{}, {}],
  ] as const) {
    const plan = planRebase({ ...request, application, ...more })
    assert.equal(plan.kind, 'possible')
    if (plan.kind !== 'possible') return
    const { image } = composeRebased({ ...plan.result, platform: application.image.config.platform }, (tar) =>
      gzipSync(tar),
    )
    const [manifest, config] = [image.manifest, image.config].map(({ bytes }) =>
      JSON.parse(Buffer.from(bytes).toString()),
    )
    assert.deepEqual(manifest.annotations, { other: 'stays', [`${key}.digest`]: digest, ...name })
    assert.deepEqual(config.config.Labels, { [`${key}.digest`]: digest, ...name })
  }
})

test('history is the new base’s, then the application’s; half a history is none', async () => {
  const entry = (created_by: string, empty = false) => ({ created_by, ...(empty ? { empty_layer: true } : {}) })
  const [oldHistory, newHistory] = [[entry('old'), entry('ENV', true)], [entry('new')]]
  const make = async (history: readonly { created_by: string }[]) => ({
    application: await listedImage('app', { layers: [[...COMMON, ...old], own], history }),
    old: await listedImage('old', { layers: [[...COMMON, ...old]], history: oldHistory }),
    next: await listedImage('new', {
      layers: [[...COMMON, ...next]],
      history: newHistory,
      created: '2026-02-01T00:00:00Z',
    }),
    allowOlder: false,
  })
  for (const [history, want] of [
    [
      [...oldHistory, entry('COPY'), entry('CMD', true)],
      [entry('new'), entry('COPY'), entry('CMD', true)],
    ],
    [
      [entry('another'), entry('COPY')],
      [entry('new'), entry('COPY')],
    ],
    [[entry('COPY')], undefined],
  ] as const) {
    const plan = planRebase(await make(history))
    assert.equal(plan.kind, 'possible')
    assert.deepEqual(plan.kind === 'possible' && plan.result.config['history'], want)
  }
})

test('what was missing on the old base already is a notice, and no reason', async () => {
  const broken = file('app/plugin.so', '', { content: sampleElf({ needed: ['libnever.so'] }) })
  const plan = await planOf({ old, next, own: [broken] })
  assert.equal(plan.kind, 'possible')
  assert.deepEqual(plan.summary?.notices, ['/app/plugin.so wants libnever.so, which it did not have before either'])
})

test('a cache of libraries by name stays right where only what is in them changed', async () => {
  const plan = await planOf({ old, next, own: [file('etc/ld.so.cache', 'made')] })
  assert.equal(plan.kind, 'possible')
})

test('what both sides have made the same is no conflict', async () => {
  const plan = await planOf({ old: [file('etc/x', '1')], next: [file('etc/x', '2')], own: [file('etc/x', '2')] })
  assert.equal(plan.kind, 'possible')
})

test('an application without layers of its own is settings on a base', async () => {
  const config = { old: { Env: ['A=1'] }, application: { Env: ['A=1', 'B=2'], User: '1000' }, next: { Env: ['A=2'] } }
  const request = await requestOf({ old, next, own: [], config })
  const bare = { layers: [[...COMMON, ...old]], config: config.application }
  const { config: merged } = await rebasedTree({ ...request, application: await listedImage('bare', bare) })
  assert.deepEqual(merged, { Env: ['A=2', 'B=2'], User: '1000' })
})
