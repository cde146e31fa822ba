import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { type DebSpec, type ImagePlace, type TestImage, testImagePlace } from '#testkit'

const COPYRIGHT = 'Licence: as you like it.\n'

/** A package with a program of its own. */
function program(name: string, more: Partial<DebSpec> = {}): DebSpec {
  const files = {
    [`/usr/bin/${name}`]: { content: `program ${name}\n`, mode: 0o755 },
    [`/usr/share/doc/${name}/copyright`]: COPYRIGHT,
    ...more.files,
  }
  return { name, version: '1.0', ...more, files }
}

const DEBS: readonly DebSpec[] = [
  program('greet', {
    fields: { Depends: 'libgreet1, greet-data' },
    files: {
      '/etc/greet.conf': 'word = hello\n',
      '/usr/bin/salute': { hardlink: '/usr/bin/greet' },
      '/usr/share/greet/words': 'hello\n',
      '/var/lib/greet/': { mode: 0o2775, gid: 8 },
    },
  }),
  program('libgreet1', { fields: { 'Multi-Arch': 'same' }, files: { '/usr/lib/libgreet.so.1': 'library\n' } }),
  program('greet-data', {
    files: { '/usr/share/greet/more': 'more words\n', '/usr/share/old/': '', '/usr/share/old/x': 'x' },
  }),
  program('tool', { fields: { Depends: 'tool-data, libgreet1' } }),
  program('tool-data', { files: { '/usr/share/tool/data': 'data\n' } }),
  program('shout', { version: '0.9', fields: { Depends: 'libgreet1' } }),
  program('words', { fields: { Replaces: 'greet' }, files: { '/usr/share/greet/words': 'other words\n' } }),
  program('divert', {
    files: { '/usr/bin/greet': { content: 'diverted\n', mode: 0o755 } },
    scripts: {
      preinst:
        '#!/bin/sh\nset -e\ndpkg-divert --package divert --add --rename --divert /usr/bin/greet.distrib /usr/bin/greet\n',
    },
  }),
  program('dpkg', { fields: { Essential: 'yes' } }),
]

const BASE = `image: greeting
archive: test-1
packages: [greet, tool]
platforms: [linux/amd64]
paths:
  - { path: /etc/motd, content: "hello\\n" }
  - { path: /data, type: directory, mode: "1777" }
  - { path: /usr/bin/hi, symlink: greet }
entrypoint: [/usr/bin/greet]
variants: { dev: { packages: [dpkg] } }
tags: ["{greet:upstream}"]
layers: { budget: 5 }
`

async function place(t: TestContext): Promise<ImagePlace> {
  const made = await testImagePlace(t, { debs: DEBS })
  made.write('base/casemate.yaml', BASE)
  return made
}

/** How many of the base's layers an overlay begins with. */
function shared(over: TestImage, base: TestImage): number {
  const first = base.layers.findIndex((digest, number) => over.layers[number] !== digest)
  return first < 0 ? base.layers.length : first
}

/** What an overlay says, what else a definition has to say to be the same in one piece, and how many of the base's five layers stay. */
const overlays: [string, { over: string; whole?: readonly [string, string]; kept: number; layers: number }][] = [
  ['adds a package', { over: 'packages: [shout]', kept: 5, layers: 7 }],
  ['adds a file', { over: 'paths: [{ path: /etc/team, content: t }]', kept: 5, layers: 6 }],
  ['adds a file in a directory of others', { over: 'paths: [{ path: /data/x, content: t }]', kept: 5, layers: 6 }],
  ['adds an account', { over: 'accounts: { users: [{ name: app, uid: 1000 }] }', kept: 5, layers: 6 }],
  [
    'replaces a file of a package',
    { over: 'paths: [{ path: /etc/greet.conf, content: t, replace: true }]', kept: 5, layers: 6 },
  ],
  [
    'replaces the first name of a hard link',
    { over: 'paths: [{ path: /usr/bin/greet, content: t, mode: "0755", replace: true }]', kept: 5, layers: 6 },
  ],
  [
    "gives a package's directory another mode",
    { over: 'paths: [{ path: /usr/share/greet, type: directory, mode: "0700", replace: true }]', kept: 5, layers: 6 },
  ],
  [
    'replaces a file of the base',
    { over: 'paths: [{ path: /etc/motd, content: t, replace: true }]', kept: 5, layers: 6 },
  ],
  ['adds a package that replaces a file of another', { over: 'packages: [words]', kept: 5, layers: 7 }],
  ['adds a package that diverts a file of another', { over: 'packages: [divert]', kept: 5, layers: 7 }],
  [
    'leaves out a file of a package',
    { over: 'paths: [{ path: /etc/greet.conf, type: absent, reason: r }]', kept: 0, layers: 5 },
  ],
  [
    'leaves out a file of the base',
    {
      over: 'paths: [{ path: /usr/bin/hi, type: absent, reason: r }]',
      whole: ['  - { path: /usr/bin/hi, symlink: greet }\n', ''],
      kept: 4,
      layers: 5,
    },
  ],
  [
    'puts a file where a directory was',
    { over: 'paths: [{ path: /usr/share/old, content: t, replace: true }]', kept: 1, layers: 6 },
  ],
  [
    'removes a package and what only that needed',
    { over: 'remove: { tool: nobody calls it }', whole: ['[greet, tool]', '[greet]'], kept: 3, layers: 5 },
  ],
  ['changes nothing but its name', { over: 'title: Another', kept: 5, layers: 5 }],
]

test('an overlay shows what one definition of the same would show, and keeps the layers that can stay', async (t) => {
  const bench = await place(t)
  const base = await bench.build('./base')
  assert.equal(base.layers.length, 5)
  for (const [name, { over, whole, kept, layers }] of overlays) {
    await t.test(`it ${name}`, async () => {
      bench.write('over/casemate.yaml', `image: over\nfrom: ../base\n${over}\ntags: [v1]\n`)
      const [before, after] = whole ?? ['', '']
      bench.write('ground/casemate.yaml', BASE.replace('image: greeting', 'image: ground').replace(before, after))
      const own = whole === undefined ? `${over}\n` : ''
      bench.write('whole/casemate.yaml', `image: over\nextends: ../ground\n${own}tags: [v1]\n`)
      const [stacked, composed] = [await bench.build('./over'), await bench.build('./whole')]
      assert.deepEqual(stacked.files, composed.files)
      assert.deepEqual({ kept: shared(stacked, base), layers: stacked.layers.length }, { kept, layers })
    })
  }
})

test('an overlay has the variants of its base, each on the same variant', async (t) => {
  const bench = await place(t)
  bench.write(
    'over/casemate.yaml',
    'image: over\nfrom: ../base\npackages: [shout]\nvariants: { dev: { packages: [words] } }\n',
  )
  const [base, over] = [
    await bench.build('./base', { variant: 'dev' }),
    await bench.build('./over', { variant: 'dev' }),
  ]
  assert.equal(shared(over, base), base.layers.length)
  assert.deepEqual(
    over.built.packages.map(({ name }) => name).filter((name) => !base.built.packages.some((one) => one.name === name)),
    ['shout', 'words'],
  )
})

test('an overlay on an overlay has the layers of both, and says what it stands on', async (t) => {
  const bench = await place(t)
  bench.write('one/casemate.yaml', 'image: one\nfrom: ../base\npackages: [shout]\ntags: [v1]\n')
  bench.write('two/casemate.yaml', 'image: two\nfrom: ../one\npaths: [{ path: /etc/two, content: "2" }]\n')
  const [base, one, two] = [await bench.build('./base'), await bench.build('./one'), await bench.build('./two')]
  assert.deepEqual(one.layers.slice(0, base.layers.length), base.layers)
  assert.deepEqual(two.layers.slice(0, one.layers.length), one.layers)
  assert.equal(two.layers.length, one.layers.length + 1)
  const { annotations } = JSON.parse(Buffer.from(two.built.image.manifest.bytes).toString('utf8'))
  assert.deepEqual(
    [annotations['org.opencontainers.image.base.name'], annotations['org.opencontainers.image.base.digest']],
    ['one:v1', one.built.image.manifest.descriptor.digest],
  )
})

test('the packages of a base stay in their versions, though the archive has only newer ones, until they are named', async (t) => {
  const bench = await place(t)
  const base = await bench.build('./base')
  const overlay = (packages: string) => `image: over\nfrom: ../base\npackages: [${packages}]\n`
  const versions = async (packages: string) => {
    bench.write('over/casemate.yaml', overlay(packages))
    const solved = await bench.lockAbove('./over', base.lock)
    const found = solved.platforms['linux/amd64']?.packages ?? []
    return found
      .filter(({ name }) => name === 'libgreet1' || name === 'shout')
      .map(({ name, version }) => `${name} ${version}`)
  }
  const newer = program('libgreet1', { version: '2.0', fields: { 'Multi-Arch': 'same' } })
  await bench.archive.publish(newer, program('late', { fields: { Depends: 'libgreet1 (>= 2.0)' } }))
  await bench.archive.republish({
    packages: (text) => text.replace(/Package: libgreet1\nVersion: 1\.0\n(?:.+\n)+\n?/, ''),
  })
  assert.deepEqual(await versions('shout'), ['libgreet1 1.0', 'shout 0.9'])
  assert.deepEqual(await versions('shout, libgreet1'), ['libgreet1 1.0', 'shout 0.9'])
  assert.deepEqual(await versions('"libgreet1>=2"'), ['libgreet1 2.0'])
  assert.deepEqual(await versions('late, libgreet1'), ['libgreet1 2.0'])
  await assert.rejects(
    versions('late'),
    /late selects libgreet1 2\.0, base greeting holds libgreet1 1\.0; ways out: name a package of base greeting/,
  )

  bench.write('over/casemate.yaml', overlay('"libgreet1>=2"'))
  const lock = await bench.lockAbove('./over', base.lock)
  const over = await bench.build('./over', { lock })
  assert.equal(over.layers.length, base.layers.length + 1, 'its layer is made anew in its place')
  assert.equal(over.layers.filter((digest) => !base.layers.includes(digest)).length, 2)
})
