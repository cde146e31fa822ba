import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, type TestContext, test } from 'node:test'
import { digestOf, TAR_LIMITS, TarReader } from '#core'
import { parseBinaryPackage, parseStanza } from '#debian'
import { buildDeb, type DebSpec } from '#testkit'
import { expandBlock } from '../codec.ts'
import type { MemberIndex } from '../member.ts'
import { MemoryTree } from '../memory-tree.ts'
import { mergePackages } from '../merge.ts'
import { type BuiltLayer, buildPackageLayer, buildStreamLayer } from './layers.ts'
import { measureLayer } from './measure-layer.ts'
import { makeMember } from './member-maker.ts'
import { openMemberPool } from './member-pool.ts'
import { openWorkshop } from './open-workshop.ts'

const packages: readonly DebSpec[] = [
  {
    name: 'one',
    files: {
      '/bin/': '',
      '/usr/bin/one': 'one',
      '/usr/share/doc/one/copyright': 'c',
      '/usr/bin/uno': { hardlink: '/usr/bin/one' },
    },
  },
  { name: 'two', files: { '/usr/bin/two': 'two', '/lib/two': 'two', '/usr/share/doc/two/copyright': 'c' } },
  { name: 'large', files: { '/usr/share/large': new Uint8Array(27 * 1024 * 1024) } },
]

const pool = openMemberPool(2)
after(() => pool[Symbol.asyncDispose]())

/** Members of the packages with the tree that they make. */
async function prepare(t: TestContext) {
  const folder = mkdtempSync(join(tmpdir(), 'casemate-layers-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const workshop = await openWorkshop(folder, pool, { codec: 'gzip', owner: 'test' })
  const members: MemberIndex[] = []
  for (const spec of packages) {
    const bytes = buildDeb(spec)
    const deb = join(folder, `${spec.name}.deb`)
    writeFileSync(deb, bytes)
    const recipe = { deb: digestOf(bytes), format: 1, codec: 'gzip', keep: [], edits: [] } as const
    members.push(await makeMember({ name: spec.name, deb, recipe }, workshop.members, pool))
  }
  const binary = (index: MemberIndex) => parseBinaryPackage(parseStanza(index.control, index.package))
  const merged = mergePackages(
    members.map((index) => ({ index, package: binary(index) })),
    [],
  )
  return { workshop, members, tree: new MemoryTree(merged.entries) }
}

/** The paths of a layer's tar, in order, read from its files. */
function pathsOf({ segments }: BuiltLayer): readonly string[] {
  const paths: string[] = []
  const reader = new TarReader({
    origin: 'layer',
    limits: TAR_LIMITS,
    onEntry: ({ path, type }) => {
      paths.push(`${path.replace(/\/$/, '')} ${type}`)
      return undefined
    },
  })
  for (const { path, blocks } of segments) {
    const stream = readFileSync(path)
    let start = 0
    for (const length of blocks) {
      reader.push(expandBlock('gzip', stream.subarray(start, start + length)))
      start += length
    }
    assert.equal(start, stream.length, 'blocks fill the file')
  }
  reader.end()
  return paths
}

test('a layer of several packages has every directory once and first, and no path twice', async (t) => {
  const { workshop, members, tree } = await prepare(t)
  const layer = await buildPackageLayer('shared', members.slice(0, 2), tree, workshop)
  const paths = pathsOf(layer)
  assert.equal(new Set(paths.map((path) => path.split(' ')[0])).size, paths.length)
  const directories = paths.filter((path) => path.endsWith(' directory'))
  assert.deepEqual(paths.slice(0, directories.length), directories)
  assert.deepEqual(
    paths.slice(directories.length).filter((path) => !path.startsWith('var/')),
    [
      'usr/bin/one file',
      'usr/bin/uno hardlink',
      'usr/share/doc/one/copyright file',
      'usr/bin/two file',
      'usr/lib/two file',
      'usr/share/doc/two/copyright file',
    ],
  )
})

test('the order in which packages are given makes no difference', async (t) => {
  const { workshop, members, tree } = await prepare(t)
  const forward = await buildPackageLayer('x', members, tree, workshop)
  assert.deepEqual(await buildPackageLayer('x', [...members].reverse(), tree, workshop), forward)
})

test('what a layer is known as without reading it is what it is when it is read', async (t) => {
  const { workshop, members, tree } = await prepare(t)
  for (const chosen of [...members.map((member) => [member]), members]) {
    const { digest, diffId, size, segments } = await buildPackageLayer('x', chosen, tree, workshop)
    assert.deepEqual({ digest, diffId, size }, measureLayer({ kind: 'measure', codec: 'gzip', segments }))
    assert.equal(digestOf(Buffer.concat(segments.map(({ path }) => readFileSync(path)))), digest)
  }
})

test('a directory whose mode another package or an effect decides is written so in every layer', async (t) => {
  const { workshop, members, tree } = await prepare(t)
  const [one] = members
  if (one === undefined) throw new Error('no member')
  const changed = new MemoryTree(
    [...tree.entries()].map((entry) => (entry.path === '/usr/bin' ? { ...entry, mode: 0o711 } : entry)),
  )
  const before = await buildPackageLayer('x', [one], tree, workshop)
  const after = await buildPackageLayer('x', [one], changed, workshop)
  assert.notEqual(after.digest, before.digest)
  const { digest, diffId, size } = measureLayer({ kind: 'measure', codec: 'gzip', segments: after.segments })
  assert.deepEqual({ digest, diffId, size }, { digest: after.digest, diffId: after.diffId, size: after.size })
})

test('a layer from memory is its tar with the end mark', async (t) => {
  const { workshop } = await prepare(t)
  const tar = new Uint8Array(512 * 5000)
  const layer = await buildStreamLayer('last', tar, workshop)
  assert.equal(layer.diffId, digestOf(new Uint8Array(tar.length + 1024)))
  assert.deepEqual(await buildStreamLayer('last', tar, workshop), layer)
})
