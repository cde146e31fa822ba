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
import { after, test } from 'node:test'
import { isDeepStrictEqual } from 'node:util'
import { digestOf } from '#core'
import { parseBinaryPackage, parseStanza } from '#debian'
import { buildDeb, type DebSpec } from '#testkit'
import { ImageError } from './errors.ts'
import { makeMember } from './io/member-maker.ts'
import { openMemberPool } from './io/member-pool.ts'
import { MemberStore } from './io/member-store.ts'
import { type Diversion, type MemberOfPackage, mergePackages } from './merge.ts'

/**
 * What dpkg itself makes of the same packages is the second opinion: `merged` is dpkg's own result in either order,
 * `in order` its result when the packages come as they stand here, the other order giving something else, `refused` an
 * error where dpkg refuses in an order, or its result depends on the order. `strict` is refused although dpkg does it:
 * a file may not turn into a directory.
 */
const rows: [string, 'merged' | 'in order' | 'refused' | 'strict', readonly DebSpec[], readonly Diversion[]][] = [
  [
    'packages that share directories',
    'merged',
    [deb('one', { '/usr/share/a': 'a' }), deb('two', { '/usr/share/b': 'b' })],
    [],
  ],
  ['one file in two packages', 'refused', [deb('one', { '/x': '1' }), deb('two', { '/x': '2' })], []],
  ['one identical file in two packages', 'refused', [deb('one', { '/x': 'same' }), deb('two', { '/x': 'same' })], []],
  ['Replaces', 'merged', [deb('one', { '/x': '1', '/y': '1' }), deb('two', { '/x': '2' }, { Replaces: 'one' })], []],
  [
    'Replaces of an older version',
    'merged',
    [deb('one', { '/x': '1' }), deb('two', { '/x': '2' }, { Replaces: 'one (<< 2)' })],
    [],
  ],
  [
    'Replaces of another version',
    'refused',
    [deb('one', { '/x': '1' }), deb('two', { '/x': '2' }, { Replaces: 'one (<< 1)' })],
    [],
  ],
  [
    'Replaces of a virtual package',
    'refused',
    [deb('one', { '/x': '1' }, { Provides: 'virtual' }), deb('two', { '/x': '2' }, { Replaces: 'virtual' })],
    [],
  ],
  [
    'Replaces in both directions',
    'refused',
    [deb('one', { '/x': '1' }, { Replaces: 'two' }), deb('two', { '/x': '2' }, { Replaces: 'one' })],
    [],
  ],
  [
    'one link in two packages',
    'refused',
    [deb('one', { '/x': { link: 'a' } }), deb('two', { '/x': { link: 'a' } })],
    [],
  ],
  [
    'a link over a file that is replaced',
    'merged',
    [deb('one', { '/x': '1' }), deb('two', { '/x': { link: 'y' } }, { Replaces: 'one' })],
    [],
  ],
  [
    'hard links to a file that is replaced',
    'in order',
    [
      deb('one', { '/a': 'one', '/b': { hardlink: '/a' }, '/c': { hardlink: '/a' } }),
      deb('two', { '/a': 'two' }, { Replaces: 'one' }),
    ],
    [],
  ],
  [
    'a diverted file',
    'merged',
    [deb('one', { '/x': '1' }), deb('two', { '/x': '2' })],
    [{ path: '/x', to: '/x.orig', by: 'two' }],
  ],
  [
    'a diverted file with a hard link',
    'merged',
    [deb('one', { '/x': '1', '/y': { hardlink: '/x' } }), deb('two', { '/x': '2' })],
    [{ path: '/x', to: '/x.orig', by: 'two' }],
  ],
  [
    'a diverted file onto one that is in the way',
    'refused',
    [deb('one', { '/x': '1' }), deb('two', { '/x': '2', '/x.orig': 'here' })],
    [{ path: '/x', to: '/x.orig', by: 'two' }],
  ],
  ['a directory here, a link there', 'refused', [deb('one', { '/d/a': 'a' }), deb('two', { '/d': { link: 'e' } })], []],
  [
    'a link here, a file below it there',
    'refused',
    [deb('one', { '/e/': '', '/d': { link: 'e' } }), deb('two', { '/d/a': 'a' })],
    [],
  ],
  [
    'a file here, a directory there',
    'strict',
    [deb('one', { '/d': 'file' }), deb('two', { '/d/a': 'a' }, { Replaces: 'one' })],
    [],
  ],
]

function deb(name: string, files: DebSpec['files'], fields: Readonly<Record<string, string>> = {}): DebSpec {
  return files === undefined ? { name, fields } : { name, files, fields }
}

for (const [name, want, specs, diversions] of rows) {
  test(`dpkg and ours, ${want}: ${name}`, async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'casemate-merge-'))
    t.after(() => rmSync(folder, { recursive: true }))
    const ours = await mergedByUs(folder, specs, diversions)
    const [forward, backward] = [specs, [...specs].reverse()].map((order, at) =>
      unpackedByDpkg(join(folder, `root-${at}`), order, diversions),
    )
    const isSettled = forward !== undefined && isDeepStrictEqual(forward, backward)
    assert.equal(isSettled, want === 'merged' || want === 'strict', `${JSON.stringify([forward, backward])}`)
    assert.deepEqual(ours, want === 'merged' || want === 'in order' ? forward : undefined)
  })
}

const pool = openMemberPool(1)
after(() => pool[Symbol.asyncDispose]())

type SeenTree = Readonly<Record<string, string>>

/** Files and links with their contents, or `undefined` for a conflict. */
async function mergedByUs(
  folder: string,
  specs: readonly DebSpec[],
  diversions: readonly Diversion[],
): Promise<SeenTree | undefined> {
  const store = new MemberStore(join(folder, 'members'), 'test')
  const members: MemberOfPackage[] = []
  for (const spec of specs) {
    const bytes = buildDeb(spec)
    const deb = join(folder, `${spec.name}.deb`)
    writeFileSync(deb, bytes)
    const recipe = { deb: digestOf(bytes), format: 1, codec: 'gzip', keep: [], edits: [] } as const
    const index = await makeMember({ name: spec.name, deb, recipe }, store, pool)
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
  const paths = specs.map(({ name }) => join(root, `../${name}.deb`))
  const forced = ['--log', '/dev/null', '--force-all', '--no-force-overwrite']
  if (asRoot('dpkg', ['--root', root, ...forced, '--unpack', ...paths]).status !== 0) return undefined
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
