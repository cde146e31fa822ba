import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Digest, digestOf, TAR_LIMITS, TarReader } from '#core'
import { BLOCK_SIZE } from './codec.ts'
import type { MemberEdit, MemberRecipe } from './member.ts'
import { cutBlocks, type MemberPlan, planMember, type TarPart, type UnpackedEntry } from './member-plan.ts'

const contents = new Map<string, { readonly offset: number; readonly bytes: Uint8Array }>()
let spill = Buffer.alloc(0)

function file(path: string, content: string, more: Partial<UnpackedEntry> = {}): UnpackedEntry {
  const bytes = Buffer.from(content)
  const spilled = spill.length
  spill = Buffer.concat([spill, bytes])
  contents.set(path, { offset: spilled, bytes })
  return { ...metadata(path, 0o644), type: 'file', size: bytes.length, digest: digestOf(bytes), spilled, ...more }
}

const metadata = (path: string, mode: number) => ({ path, mode, uid: 0, gid: 0, mtime: 1000 })
const directory = (path: string): UnpackedEntry => ({ ...metadata(path, 0o755), type: 'directory', size: 0 })
const link = (path: string, type: 'symlink' | 'hardlink', target: string): UnpackedEntry => ({
  ...metadata(path, 0o777),
  type,
  size: 0,
  target,
})

const recipe = (edits: readonly MemberEdit[] = [], keep: readonly string[] = []): MemberRecipe => ({
  deb: 'sha256:0' as Digest,
  format: 1,
  codec: 'gzip',
  keep,
  edits,
})

const plan = (entries: readonly UnpackedEntry[], edits?: readonly MemberEdit[], keep?: readonly string[]) =>
  planMember('sample', entries, recipe(edits, keep))

const bytesOf = (parts: readonly TarPart[]) =>
  Buffer.concat(
    parts.map((part) => (part instanceof Uint8Array ? part : spill.subarray(part.offset, part.offset + part.length))),
  )

/** What tar sees in a member: `path -> content`, or `path -> link to target`. */
function tarOf({ parts }: MemberPlan): Record<string, string> {
  const seen: Record<string, string> = {}
  const reader = new TarReader({
    origin: 'member',
    limits: TAR_LIMITS,
    onEntry({ path, type, linkPath }) {
      if (type !== 'file') {
        seen[path] = `${type} to ${linkPath}`
        return undefined
      }
      const chunks: Uint8Array[] = []
      return {
        write: (chunk) => chunks.push(Uint8Array.from(chunk)),
        end: () => {
          seen[path] = Buffer.concat(chunks).toString()
        },
      }
    },
  })
  reader.push(Buffer.concat([bytesOf(parts), new Uint8Array(1024)]))
  reader.end()
  return seen
}

test('entries stand in code-unit order with the merged /usr applied; directories are not in the tar', () => {
  const made = plan([file('/usr/z', 'z'), file('/bin/a', 'a'), directory('/bin'), link('/usr/B', 'symlink', 'z')])
  assert.deepEqual(
    made.entries.map(({ path, type }) => `${path} ${type}`),
    ['/usr/B symlink', '/usr/bin directory', '/usr/bin/a file', '/usr/z file'],
  )
  assert.deepEqual(tarOf(made), { 'usr/B': 'symlink to z', 'usr/bin/a': 'a', 'usr/z': 'z' })
})

test('a file is found in the tar at its offset', () => {
  const made = plan([file('/a', 'first'), file('/b', 'second'), link('/c', 'symlink', 'a')])
  const tar = bytesOf(made.parts)
  assert.equal(tar.length, made.tarSize)
  for (const { path, offset = 0, size, type } of made.entries) {
    if (type === 'file') assert.deepEqual(tar.subarray(offset, offset + size), contents.get(path)?.bytes)
  }
})

const linked = () => [
  file('/usr/bin/perl', 'perl', { mode: 0o4755 }),
  link('/usr/bin/a-perl', 'hardlink', '/usr/bin/perl'),
  link('/usr/bin/z-perl', 'hardlink', '/usr/bin/perl'),
]

test('of the names of one file the first in order carries the content, whichever the package chose', () => {
  const made = plan(linked())
  assert.deepEqual(tarOf(made), {
    'usr/bin/a-perl': 'perl',
    'usr/bin/perl': 'hardlink to usr/bin/a-perl',
    'usr/bin/z-perl': 'hardlink to usr/bin/a-perl',
  })
  assert.deepEqual(
    made.entries.map(({ mode, size }) => [mode, size]),
    [
      [0o755, 4],
      [0o755, 0],
      [0o755, 0],
    ],
    'every name has the mode without setuid',
  )
})

test('when the first name is left out or moved, the next one carries the content', () => {
  const because = 'other replaces it'
  const without = plan(linked(), [{ kind: 'leave-out', path: '/usr/bin/a-perl', because }])
  assert.deepEqual(tarOf(without), { 'usr/bin/perl': 'perl', 'usr/bin/z-perl': 'hardlink to usr/bin/perl' })
  const withoutFile = plan(linked(), [{ kind: 'leave-out', path: '/usr/bin/perl', because }])
  assert.deepEqual(tarOf(withoutFile), { 'usr/bin/a-perl': 'perl', 'usr/bin/z-perl': 'hardlink to usr/bin/a-perl' })
  const moved = plan(linked(), [{ kind: 'rename', path: '/usr/bin/a-perl', to: '/usr/bin/x', because }])
  assert.deepEqual(tarOf(moved), {
    'usr/bin/perl': 'perl',
    'usr/bin/x': 'hardlink to usr/bin/perl',
    'usr/bin/z-perl': 'hardlink to usr/bin/perl',
  })
})

test('a hard link to a file that a rule leaves out becomes that file', () => {
  const made = plan([file('/usr/share/man/x', 'text'), link('/usr/share/x', 'hardlink', '/usr/share/man/x')])
  assert.deepEqual(tarOf(made), { 'usr/share/x': 'text' })
})

test('setuid and setgid are taken from files and reported; a directory keeps its setgid', () => {
  const made = plan([
    file('/usr/bin/su', 'su', { mode: 0o4755 }),
    file('/usr/bin/wall', 'wall', { mode: 0o2755 }),
    { ...directory('/var/mail'), mode: 0o2775 },
  ])
  assert.deepEqual(
    made.entries.map(({ mode }) => mode),
    [0o755, 0o755, 0o2775],
  )
  assert.deepEqual(made.omissions, [
    { path: '/usr/bin/su', rule: 'setuid', size: 0 },
    { path: '/usr/bin/wall', rule: 'setuid', size: 0 },
  ])
})

test('what rules and edits leave out is reported with its reason, unless the definition keeps it', () => {
  const entries = [file('/usr/share/man/man1/x', 'page'), file('/etc/x', 'conf'), file('/etc/y', 'old')]
  const edits: readonly MemberEdit[] = [
    { kind: 'leave-out', path: '/etc/x', because: 'other replaces it' },
    { kind: 'rename', path: '/etc/y', to: '/etc/y.orig', because: 'other diverts it' },
  ]
  const made = plan(entries, edits)
  assert.deepEqual(tarOf(made), { 'etc/y.orig': 'old' })
  assert.deepEqual(made.omissions, [
    { path: '/usr/share/man/man1/x', rule: 'man-pages', size: 4 },
    { path: '/etc/x', rule: 'other replaces it', size: 4 },
  ])
  assert.deepEqual(Object.keys(tarOf(plan(entries, [], ['man-pages']))), ['etc/x', 'etc/y', 'usr/share/man/man1/x'])
})

test('an edit names a path with the merged /usr applied', () => {
  const made = plan([file('/bin/x', 'x')], [{ kind: 'leave-out', path: '/usr/bin/x', because: 'why' }])
  assert.deepEqual(made.entries, [])
})

test('directories that the merged /usr makes one are one entry', () => {
  const made = plan([directory('/bin'), { ...directory('/usr/bin'), mtime: 5 }, directory('/usr')])
  assert.deepEqual(
    made.entries.map(({ path, mtime }) => `${path} ${mtime}`),
    ['/usr 1000', '/usr/bin 5'],
  )
})

test('two files that the merged /usr makes one are refused, with both names', () => {
  assert.throws(() => plan([file('/bin/x', 'one'), link('/usr/bin/x', 'symlink', '/bin/x')]), {
    code: 'PATH_CONFLICT',
    message: 'cannot place /usr/bin/x of sample: /bin/x and /usr/bin/x are one path in an image',
  })
})

test('the order in which a package ships its paths makes no difference', () => {
  const entries = [...linked(), directory('/usr'), file('/etc/x', 'x'), link('/bin/y', 'symlink', 'x')]
  const forward = plan(entries)
  const backward = plan([...entries].reverse())
  assert.deepEqual(backward.entries, forward.entries)
  assert.deepEqual(bytesOf(backward.parts), bytesOf(forward.parts))
})

const cuts: [string, readonly number[], readonly number[]][] = [
  ['nothing makes no block', [], []],
  ['a full block is one block', [BLOCK_SIZE], [BLOCK_SIZE]],
  ['one byte more makes a second', [BLOCK_SIZE + 1], [BLOCK_SIZE, 1]],
  ['a part is cut where the block ends', [BLOCK_SIZE - 3, 10, BLOCK_SIZE], [BLOCK_SIZE, BLOCK_SIZE, 7]],
  ['a long part fills several blocks', [3 * BLOCK_SIZE], [BLOCK_SIZE, BLOCK_SIZE, BLOCK_SIZE]],
]
for (const [name, lengths, want] of cuts) {
  test(`cutting blocks: ${name}`, () => {
    let offset = 0
    const ranges = lengths.map((length) => {
      offset += length
      return { offset: offset - length, length }
    })
    const blocks = cutBlocks(ranges)
    assert.deepEqual(
      blocks.map((block) => block.reduce((sum, part) => sum + part.length, 0)),
      want,
    )
    const covered = blocks.flat().map((part) => (part instanceof Uint8Array ? -1 : part.offset))
    assert.deepEqual(
      covered,
      [...covered].sort((left, right) => left - right),
    )
    const bytes = lengths.map((length, index) => new Uint8Array(length).fill(index + 1))
    assert.ok(Buffer.concat(cutBlocks(bytes).flat() as Uint8Array[]).equals(Buffer.concat(bytes)))
  })
}
