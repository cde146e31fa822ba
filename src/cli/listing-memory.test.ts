import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { openImage, parseReference } from '#oci'
import { sampleElf } from '#testkit'
import { ListingMemory } from './listing-memory.ts'
import { sampleLayout } from './sample-layout.test.ts'

/** Bytes that hardly compress: a layer with them is worth a note. */
const NOISE = Array.from({ length: 4000 }, (_, at) => createHash('sha256').update(`${at}`).digest('hex')).join('')
const FILES = [
  { path: 'opt/noise', content: NOISE },
  {
    path: 'usr/bin/run',
    mode: 0o755,
    content: sampleElf({ needed: ['libc.so.6'], versionsNeeded: { 'libc.so.6': ['X_1'] } }),
  },
  { path: 'usr/bin/broken', mode: 0o755, content: '\u007fELF' },
  { path: 'usr/bin/script', mode: 0o755, content: '#!/usr/bin/run -x\n' },
  { path: 'usr/bin/.wh.gone', content: '' },
  { path: 'opt/capable', content: 'x', xattrs: new Map([['security.capability', Buffer.from([1, 2])]]) },
]

async function listed(t: TestContext) {
  const cache = mkdtempSync(join(tmpdir(), 'casemate-listings-'))
  const before = process.env['XDG_CACHE_HOME']
  process.env['XDG_CACHE_HOME'] = cache
  t.after(() => {
    if (before === undefined) delete process.env['XDG_CACHE_HOME']
    else process.env['XDG_CACHE_HOME'] = before
    rmSync(cache, { recursive: true })
  })
  const image = await openImage(parseReference(await sampleLayout(t, { packages: { 'bash 5.2': [] }, others: FILES })))
  const folder = join(cache, 'casemate/layer-listings')
  const note = () => join(folder, readdirSync(folder)[0] ?? '')
  return { layers: image.layers, note }
}

test('what is noted of a layer is what was read of it, and the layer is not read again', async (t) => {
  const { layers } = await listed(t)
  const [, first] = await new ListingMemory().listingsOf(layers)
  assert.deepEqual(
    [...(first?.programs ?? [])].map(([path]) => path),
    ['/usr/bin/run'],
  )
  assert.deepEqual([...(first?.scripts ?? [])], [['/usr/bin/script', '/usr/bin/run -x']])
  assert.deepEqual([...(first?.unreadable.keys() ?? [])], ['/usr/bin/broken'])
  assert.deepEqual(first?.content.removed, ['/usr/bin/gone'])
  const unreadable = layers.slice(1).map((layer) => ({ ...layer, openTar: () => assert.fail('it is read') }))
  assert.deepEqual((await new ListingMemory().listingsOf(unreadable))[0], first)
})

test('a note that is damaged, or of a layer with another diff ID, counts as unknown', async (t) => {
  const { layers, note } = await listed(t)
  const [, first] = await new ListingMemory().listingsOf(layers)
  const text = readFileSync(note(), 'utf8')
  for (const damaged of ['', text.slice(0, -1), text.replace('/usr/bin/run', '/usr/bin/ran')]) {
    writeFileSync(note(), damaged)
    assert.deepEqual((await new ListingMemory().listingsOf(layers))[1], first)
  }
  const [layer] = layers.slice(1)
  assert.ok(layer)
  const other = { ...layer, diffId: layers[0]?.diffId ?? layer.diffId, openTar: () => assert.fail('it is read') }
  await assert.rejects(new ListingMemory().listingsOf([other]), /it is read/)
})
