import assert from 'node:assert/strict'
import {
  copyFileSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, type TestContext, test } from 'node:test'
import { digestOf, readArMembers, TAR_BLOCK } from '#core'
import { arOf, buildDeb, type DebSpec, runXz } from '#testkit'
import { BLOCK_SIZE, expandBlock, prepareCodec } from '../codec.ts'
import { type LayerCodec, type MemberIndex, type MemberRecipe, memberKey } from '../member.ts'
import { makeMember } from './member-maker.ts'
import { openMemberPool } from './member-pool.ts'
import { MemberStore } from './member-store.ts'

/** Bytes that do not compress to nothing, the same every time. */
function noise(size: number): Uint8Array {
  const bytes = new Uint8Array(size)
  for (let at = 0, state = 1; at < size; at++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    bytes[at] = state >>> 24
  }
  return bytes
}

const small: DebSpec = { name: 'small', files: { '/usr/bin/small': 'small\n', '/usr/share/noise': noise(5000) } }

const pool = openMemberPool(2)
after(() => pool[Symbol.asyncDispose]())

/** A store in a folder of its own, and a way to make the member of a .deb in it. */
async function openStore(t: TestContext) {
  const folder = mkdtempSync(join(tmpdir(), 'casemate-members-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const store = new MemberStore(join(folder, 'members'), 'test')
  const make = async (spec: DebSpec, codec: LayerCodec = 'gzip', bytes = buildDeb(spec)) => {
    const deb = join(folder, `${spec.name}.deb`)
    writeFileSync(deb, bytes)
    const recipe: MemberRecipe = { deb: digestOf(bytes), format: 1, codec, keep: [], edits: [] }
    return makeMember({ name: spec.name, deb, recipe }, store, pool)
  }
  return { folder, store, make }
}

/** Every file in the store with its digest: nothing unfinished may be among them. */
function stored(folder: string): Readonly<Record<string, string>> {
  const files = readdirSync(join(folder, 'members'), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => [name, digestOf(readFileSync(join(parentPath, name)))] as const)
  return Object.fromEntries(files.sort())
}

function entryOf(index: MemberIndex, path: string) {
  const entry = index.entries.find((candidate) => candidate.path === path)
  if (entry === undefined) throw new Error(`no ${path}`)
  return entry
}

test('a member is made once and found again, by another store too', async (t) => {
  const { folder, store, make } = await openStore(t)
  const index = await make(small)
  const files = stored(folder)
  assert.equal(Object.keys(files).length, 2)
  assert.deepEqual(store.find(index.key), index)
  assert.deepEqual(new MemberStore(join(folder, 'members'), 'other').find(index.key), index)
  assert.deepEqual(await make(small), index)
  assert.deepEqual(stored(folder), files)
})

const damages: [string, (paths: { json: string; layer: string }) => void][] = [
  ['a torn index', ({ json }) => truncateSync(json, statSync(json).size - 10)],
  ['an empty index', ({ json }) => truncateSync(json, 0)],
  ['an index with a changed bit', ({ json }) => flip(json, 200)],
  ['an index that is gone', ({ json }) => rmSync(json)],
  ['a truncated stream', ({ layer }) => truncateSync(layer, 100)],
  ['an empty stream', ({ layer }) => truncateSync(layer, 0)],
  ['a stream that is gone', ({ layer }) => rmSync(layer)],
]
for (const [name, damage] of damages) {
  test(`${name}: the member is made anew, with the same bytes`, async (t) => {
    const { folder, store, make } = await openStore(t)
    const index = await make(small)
    const files = stored(folder)
    const layer = store.streamPath(index.key)
    damage({ json: layer.replace(/layer$/, 'json'), layer })
    assert.equal(store.find(index.key), undefined)
    assert.deepEqual(await make(small), index)
    assert.deepEqual(stored(folder), files)
  })
}

function flip(path: string, at: number): void {
  const bytes = readFileSync(path)
  bytes[at] = (bytes[at] ?? 0) ^ 1
  writeFileSync(path, bytes)
}

test("another member's index is not taken for one's own", async (t) => {
  const { store, make } = await openStore(t)
  const [index, other] = [await make(small), await make({ ...small, name: 'other' })]
  const json = (one: MemberIndex) => store.streamPath(one.key).replace(/layer$/, 'json')
  copyFileSync(json(other), json(index))
  assert.equal(store.find(index.key), undefined)
})

test('a stream with a changed bit is never read as content or into a layer; it is made anew', async (t) => {
  for (const use of ['read', 'measure'] as const) {
    const { folder, store, make } = await openStore(t)
    const index = await make(small)
    const files = stored(folder)
    const path = store.streamPath(index.key)
    flip(path, Math.floor(index.size / 2))
    const segment = { path, digest: index.digest, blocks: index.blocks.map(({ length }) => length) }
    if (use === 'read') {
      assert.throws(() => store.readFile(index, entryOf(index, '/usr/share/noise'), 'gzip'), { code: 'CACHE_DAMAGED' })
    } else {
      await assert.rejects(pool.measure({ kind: 'measure', codec: 'gzip', segments: [segment] }), {
        code: 'CACHE_DAMAGED',
      })
    }
    assert.deepEqual(await make(small), index, use)
    assert.deepEqual(stored(folder), files)
  }
})

test('a .deb that cannot be read leaves nothing behind', async (t) => {
  const { folder, make } = await openStore(t)
  const hostile: DebSpec = { name: 'hostile', dataItems: [{ path: './dev/null', type: 'character-device' }] }
  await assert.rejects(make(hostile), {
    code: 'DEB_REFUSED',
    message: /hostile: path "\/dev\/null" is a character-device/,
  })
  assert.deepEqual(stored(folder), {})
})

for (const codec of ['gzip', 'zstd'] as const) {
  test(`a member of several blocks (${codec}): each file is read from the blocks it stands in`, async (t) => {
    await prepareCodec(codec)
    const { store, make } = await openStore(t)
    const files = { '/a': noise(BLOCK_SIZE - 3 * TAR_BLOCK), '/b': noise(2 * BLOCK_SIZE), '/c': 'last\n', '/empty': '' }
    const index = await make({ name: 'blocks', files, compression: 'none' }, codec)
    assert.equal(index.blocks.length, 4)
    for (const [path, content] of Object.entries(files)) {
      assert.ok(Buffer.from(content).equals(store.readFile(index, entryOf(index, path), codec)), path)
    }
    const stream = readFileSync(store.streamPath(index.key))
    const tar = index.blocks.map(({ offset, length }) => expandBlock(codec, stream.subarray(offset, offset + length)))
    assert.equal(
      tar.reduce((sum, block) => sum + block.length, 0),
      index.tarSize,
    )
  })
}

test('a package above the memory limit goes through a file, by all threads, and is what it would be otherwise', async (t) => {
  const { folder, store, make } = await openStore(t)
  const files = { '/usr/share/big': new Uint8Array(29 * BLOCK_SIZE), '/usr/share/noise': noise(BLOCK_SIZE / 2) }
  const index = await make({ name: 'large', files, compression: 'zstd' })
  assert.deepEqual(
    Object.keys(stored(folder))
      .map((name) => name.replace(/^[0-9a-f]{64}/, ''))
      .sort(),
    ['.json', '.layer'],
    'the spill is gone',
  )
  for (const [path, content] of Object.entries(files)) {
    assert.equal(digestOf(store.readFile(index, entryOf(index, path), 'gzip')), digestOf(content))
  }
  assert.equal(index.blocks.length, Math.ceil(index.tarSize / BLOCK_SIZE))
})

/** The .deb of a spec with its data as xz in blocks, as `xz --threads` writes it. */
function debInBlocks(spec: DebSpec, block: string): Uint8Array {
  const plain = buildDeb({ ...spec, compression: 'none' })
  const members = readArMembers((offset, length) => plain.subarray(offset, offset + length), plain.length, spec.name)
  const items = members.map(({ name, offset, size }) => {
    const content = plain.subarray(offset, offset + size)
    if (name !== 'data.tar') return { name, content }
    return { name: 'data.tar.xz', content: runXz(content, ['-0', `--block-size=${block}`]) }
  })
  return arOf(...items)
}

test('a big package whose data is in blocks, decoded by all threads, is the member that it is in one piece', async (t) => {
  const { folder, make } = await openStore(t)
  const spec: DebSpec = { name: 'blocks', files: { '/a': noise(7 * BLOCK_SIZE), '/b': 'after\n' }, compression: 'none' }
  const whole = await make(spec)
  const bytes = debInBlocks(spec, '2MiB')
  const blocks = await make(spec, 'gzip', bytes)
  assert.notEqual(blocks.key, whole.key)
  assert.deepEqual({ ...blocks, key: '' }, { ...whole, key: '' })

  const damaged = Buffer.from(bytes)
  const middle = Math.floor(damaged.length / 2)
  damaged[middle] = (damaged[middle] ?? 0) ^ 1
  const before = stored(folder)
  await assert.rejects(make(spec, 'gzip', damaged), { code: 'COMPRESSION_INVALID' })
  assert.deepEqual(stored(folder), before)
})

test('everything that decides the bytes of a member is in its name', () => {
  const recipe: MemberRecipe = { deb: digestOf('deb'), format: 1, codec: 'gzip', keep: [], edits: [] }
  const others: readonly MemberRecipe[] = [
    { ...recipe, deb: digestOf('other') },
    { ...recipe, format: 2 },
    { ...recipe, codec: 'zstd' },
    { ...recipe, keep: ['man-pages'] },
    { ...recipe, edits: [{ kind: 'leave-out', path: '/x', because: 'y' }] },
  ]
  assert.equal(new Set([recipe, ...others].map(memberKey)).size, others.length + 1)
})
