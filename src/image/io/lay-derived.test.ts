import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, type TestContext, test } from 'node:test'
import { gunzipSync } from 'node:zlib'
import { digestOf, TAR_LIMITS, TarReader } from '#core'
import { testTree } from '#testkit'
import { decodeDerived, encodeDerived } from '../derived/derived-tar.ts'
import { type LaidLayer, layOwn } from './laid-layers.ts'
import { layDerived } from './lay-derived.ts'
import { openMemberPool } from './member-pool.ts'
import { openWorkshop } from './open-workshop.ts'

const pool = openMemberPool(1)
after(() => pool[Symbol.asyncDispose]())

const { tree } = testTree({ '/usr/lib/a.py': 'a', '/usr/lib/b.py': 'b' })
const EFFECT = 'python-bytecode'

/** What an effect gave that made these files of the image. */
function resultOf(files: Readonly<Record<string, string>>, base: readonly LaidLayer[] = []) {
  const contents = new Map(Object.entries(files).map(([path, text]) => [path, Buffer.from(text)] as const))
  const placement = { effect: EFFECT, tree, mtime: 1000 }
  const tar = encodeDerived(contents, placement)
  return { effect: EFFECT, ...decodeDerived(tar, placement), tar, digest: digestOf(tar), base }
}

/** The paths of files in a layer's tar. */
function pathsOf({ segments }: LaidLayer): readonly string[] {
  const paths: string[] = []
  const onEntry = ({ path, type }: { path: string; type: string }) => void (type === 'file' && paths.push(`/${path}`))
  const reader = new TarReader({ origin: 'layer', limits: TAR_LIMITS, onEntry })
  for (const { path } of segments) reader.push(gunzipSync(readFileSync(path)))
  reader.end()
  return paths
}

async function base(t: TestContext, files: Readonly<Record<string, string>>) {
  const folder = mkdtempSync(join(tmpdir(), 'casemate-derived-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const workshop = openWorkshop(folder, pool, { codec: 'gzip', owner: 'test' })
  const own = await layOwn({ kind: 'own', entries: [], read: () => new Uint8Array() }, workshop)
  const layers = await layDerived([own], resultOf(files), workshop)
  assert.deepEqual(
    layers.map(({ content }) => content.kind),
    ['derived', 'own'],
    'it stands below the last layer',
  )
  return { workshop, layers, top: { ...own, name: 'top of the overlay' } }
}

test('what a base shows already is not put above it a second time', async (t) => {
  const { workshop, layers, top } = await base(t, { '/usr/lib/a.pyc': '1', '/usr/lib/b.pyc': '1' })
  const whole = resultOf({ '/usr/lib/a.pyc': '1', '/usr/lib/b.pyc': '2', '/usr/lib/c.pyc': '1' }, layers)
  const laid = await layDerived([...layers, top], whole, workshop)
  assert.deepEqual([laid.slice(0, 2), laid.at(-1)], [layers, top])
  const added = laid[2] ?? assert.fail('there is no layer with the rest')
  assert.deepEqual([laid.length, pathsOf(added)], [4, ['/usr/lib/b.pyc', '/usr/lib/c.pyc']])
})

test('the same result needs no layer, with or without a last one of the overlay', async (t) => {
  const files = { '/usr/lib/a.pyc': '1' }
  const { workshop, layers, top } = await base(t, files)
  assert.deepEqual(await layDerived([...layers, top], resultOf(files, layers), workshop), [...layers, top])
  assert.deepEqual(await layDerived(layers, resultOf(files, layers), workshop), layers)
})

test('above a base whose last layer is the last of all, more comes above that', async (t) => {
  const { workshop, layers } = await base(t, { '/usr/lib/a.pyc': '1' })
  const laid = await layDerived(layers, resultOf({ '/usr/lib/a.pyc': '1', '/usr/lib/b.pyc': '1' }, layers), workshop)
  assert.deepEqual(laid.slice(0, 2), layers)
  assert.deepEqual(
    laid.map(({ content }) => content.kind),
    ['derived', 'own', 'derived'],
  )
})

test('where the base shows what the image shall not have, one layer with the whole takes its place', async (t) => {
  const { workshop, layers, top } = await base(t, { '/usr/lib/a.pyc': '1', '/usr/lib/b.pyc': '1' })
  const whole = resultOf({ '/usr/lib/b.pyc': '1' }, layers)
  const [first, ...others] = await layDerived([...layers, top], whole, workshop)
  assert.deepEqual(others, [...layers.slice(1), top])
  assert.equal(first?.diffId, whole.digest)
})
