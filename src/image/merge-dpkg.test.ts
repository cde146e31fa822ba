import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import {
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { digestOf } from '#core'
import { parseBinaryPackage, parseStanza } from '#debian'
import { buildDeb, type DebSpec } from '#testkit'
import { prepareCodec } from './codec.ts'
import { ImageError } from './errors.ts'
import { unpackMember } from './io/unpack-member.ts'
import type { MemberIndex } from './member.ts'
import { type Diversion, type MemberOfPackage, mergePackages } from './merge.ts'

/** What dpkg itself makes of the same packages is the second opinion on every row. */
const rows: [string, readonly DebSpec[], readonly Diversion[]][] = [
  ['packages that share directories', [deb('one', { '/usr/share/a': 'a' }), deb('two', { '/usr/share/b': 'b' })], []],
  ['one file in two packages', [deb('one', { '/x': '1' }), deb('two', { '/x': '2' })], []],
  ['one identical file in two packages', [deb('one', { '/x': 'same' }), deb('two', { '/x': 'same' })], []],
  ['Replaces', [deb('one', { '/x': '1', '/y': '1' }), deb('two', { '/x': '2' }, { Replaces: 'one' })], []],
  [
    'Replaces of an older version',
    [deb('one', { '/x': '1' }), deb('two', { '/x': '2' }, { Replaces: 'one (<< 2)' })],
    [],
  ],
  [
    'Replaces of another version',
    [deb('one', { '/x': '1' }), deb('two', { '/x': '2' }, { Replaces: 'one (<< 1)' })],
    [],
  ],
  [
    'Replaces of a virtual package',
    [deb('one', { '/x': '1' }, { Provides: 'virtual' }), deb('two', { '/x': '2' }, { Replaces: 'virtual' })],
    [],
  ],
  [
    'Replaces in both directions',
    [deb('one', { '/x': '1' }, { Replaces: 'two' }), deb('two', { '/x': '2' }, { Replaces: 'one' })],
    [],
  ],
  ['one link in two packages', [deb('one', { '/x': { link: 'a' } }), deb('two', { '/x': { link: 'a' } })], []],
  [
    'a link over a file that is replaced',
    [deb('one', { '/x': '1' }), deb('two', { '/x': { link: 'y' } }, { Replaces: 'one' })],
    [],
  ],
  [
    'hard links to a file that is replaced',
    [
      deb('one', { '/a': 'one', '/b': { hardlink: '/a' }, '/c': { hardlink: '/a' } }),
      deb('two', { '/a': 'two' }, { Replaces: 'one' }),
    ],
    [],
  ],
  [
    'a diverted file',
    [deb('one', { '/x': '1' }), deb('two', { '/x': '2' })],
    [{ path: '/x', to: '/x.orig', by: 'two' }],
  ],
  [
    'a diverted file with a hard link',
    [deb('one', { '/x': '1', '/y': { hardlink: '/x' } }), deb('two', { '/x': '2' })],
    [{ path: '/x', to: '/x.orig', by: 'two' }],
  ],
  [
    'a diverted file onto one that is in the way',
    [deb('one', { '/x': '1' }), deb('two', { '/x': '2', '/x.orig': 'here' })],
    [{ path: '/x', to: '/x.orig', by: 'two' }],
  ],
  ['a directory here, a link there', [deb('one', { '/d/a': 'a' }), deb('two', { '/d': { link: 'e' } })], []],
  [
    'a link here, a file below it there',
    [deb('one', { '/e/': '', '/d': { link: 'e' } }), deb('two', { '/d/a': 'a' })],
    [],
  ],
  [
    'a file here, a directory there',
    [deb('one', { '/d': 'file' }), deb('two', { '/d/a': 'a' }, { Replaces: 'one' })],
    [],
  ],
]

function deb(name: string, files: DebSpec['files'], fields: Readonly<Record<string, string>> = {}): DebSpec {
  return files === undefined ? { name, fields } : { name, files, fields }
}

for (const [name, specs, diversions] of rows) {
  test(`${name}: as dpkg in every order, or refused`, async (t) => {
    await prepareCodec('gzip')
    const folder = mkdtempSync(join(tmpdir(), 'casemate-merge-'))
    t.after(() => rmSync(folder, { recursive: true }))
    const ours = await mergedByUs(folder, specs, diversions)
    const theirs = [specs, [...specs].reverse()].map((order, at) => {
      return unpackedByDpkg(t, join(folder, `root-${at}`), order, diversions)
    })
    const [first, second] = theirs
    const agree = first !== undefined && JSON.stringify(first) === JSON.stringify(second)
    if (ours === undefined) assert.ok(!agree, `refused, but dpkg does it in any order: ${JSON.stringify(first)}`)
    else for (const tree of theirs) assert.deepEqual(tree, ours)
  })
}

type SeenTree = Readonly<Record<string, string>>

/** Files and links with their contents, or `undefined` for a conflict. */
async function mergedByUs(
  folder: string,
  specs: readonly DebSpec[],
  diversions: readonly Diversion[],
): Promise<SeenTree | undefined> {
  const members: MemberOfPackage[] = []
  for (const spec of specs) {
    const path = join(folder, `${spec.name}.deb`)
    writeFileSync(path, buildDeb(spec))
    const key = digestOf(path)
    const recipe = { deb: key, format: 1, codec: 'gzip', keep: [], edits: [] } as const
    const { member } = await unpackMember({
      kind: 'unpack',
      name: spec.name,
      deb: path,
      recipe,
      spill: `${path}.spill`,
    })
    const index: MemberIndex = { ...member, key, blocks: [], size: 0, digest: key }
    members.push({ index, package: parseBinaryPackage(parseStanza(index.control, spec.name)) })
  }
  try {
    const { entries } = mergePackages(members, diversions)
    const digests = new Map(entries.flatMap((entry) => (entry.type === 'file' ? [[entry.path, entry.digest]] : [])))
    const seen = entries.flatMap((entry) => {
      if (entry.type === 'directory' || entry.path.startsWith('/var/lib/dpkg')) return []
      if (entry.type === 'symlink') return [[entry.path, `-> ${entry.target}`]]
      return [[entry.path, String(digests.get(entry.type === 'file' ? entry.path : entry.target))]]
    })
    return Object.fromEntries(seen.sort())
  } catch (error) {
    if (error instanceof ImageError && error.code === 'PATH_CONFLICT') return undefined
    throw error
  }
}

/** The same as dpkg unpacks it, or `undefined` where it refuses. */
function unpackedByDpkg(
  t: TestContext,
  root: string,
  specs: readonly DebSpec[],
  diversions: readonly Diversion[],
): SeenTree | undefined {
  for (const path of ['info', 'updates', 'triggers']) mkdirSync(join(root, 'var/lib/dpkg', path), { recursive: true })
  writeFileSync(join(root, 'var/lib/dpkg/status'), '')
  for (const { path, to, by } of diversions) {
    const run = asRoot('dpkg-divert', ['--root', root, '--no-rename', '--package', by, '--divert', to, '--add', path])
    assert.equal(run.status, 0, run.stderr)
  }
  for (const { name } of specs) {
    const path = join(root, `../${name}.deb`)
    const run = asRoot('dpkg', [
      '--root',
      root,
      '--log',
      '/dev/null',
      '--force-all',
      '--no-force-overwrite',
      '--unpack',
      path,
    ])
    t.diagnostic(`${name}: ${run.status} ${run.stderr.trim().split('\n').at(0)}`)
    if (run.status !== 0) return undefined
  }
  return seenBelow(root)
}

/** dpkg wants to be root, if only of a namespace of its own. */
function asRoot(program: string, args: readonly string[]) {
  const isRoot = process.getuid?.() === 0
  const [command = '', ...rest] = isRoot ? [program, ...args] : ['unshare', '--map-root-user', program, ...args]
  return spawnSync(command, rest, { encoding: 'utf8', env: { ...process.env, LC_ALL: 'C' } })
}

function seenBelow(root: string): SeenTree {
  const seen = (readdirSync(root, { recursive: true }) as string[]).flatMap((name) => {
    const path = join(root, name)
    const found = lstatSync(path)
    if (found.isDirectory() || `/${name}`.startsWith('/var/lib/dpkg')) return []
    return [[`/${name}`, found.isSymbolicLink() ? `-> ${readlinkSync(path)}` : digestOf(readFileSync(path))]]
  })
  return Object.fromEntries(seen.sort())
}
