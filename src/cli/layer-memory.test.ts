import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { readInventory } from './image-inventory.ts'
import { sampleLayout } from './sample-layout.test.ts'

/** Bytes that hardly compress, the same every time: a layer with them is worth remembering. */
const NOISE = Array.from({ length: 4000 }, (_, at) => createHash('sha256').update(`${at}`).digest('hex')).join('')
const EXPRESS = { path: 'app/node_modules/express/package.json', content: '{"name":"express","version":"4.19.2"}' }

/** An image with a package of Debian and one of npm in a layer that is remembered, and a cache of its own. */
async function rememberedImage(t: TestContext) {
  const cache = mkdtempSync(join(tmpdir(), 'casemate-memory-'))
  process.env['XDG_CACHE_HOME'] = cache
  t.after(() => rmSync(cache, { recursive: true }))
  const noise = { path: 'opt/noise', content: NOISE }
  const reference = await sampleLayout(t, { packages: { 'bash 5.2': [] }, others: [EXPRESS, noise] })
  const facts = join(cache, 'casemate/layer-facts')
  const record = () => join(facts, readdirSync(facts)[0] ?? '')
  return { reference, facts, record, read: () => readInventory(reference, 'linux/amd64') }
}

test('an image whose layers are known is inventoried by what is known of them, and the same as the first time', async (t) => {
  const { facts, record, read } = await rememberedImage(t)
  const first = await read()
  assert.deepEqual(
    [...first.packages, ...first.applications].map(({ name, version }) => `${name} ${version}`),
    ['bash 5.2', 'express 4.19.2'],
  )
  assert.equal(readdirSync(facts).length, 1, 'a small layer is not remembered')
  assert.deepEqual(await read(), first)

  const changed = readFileSync(record(), 'utf8').slice(65).replaceAll('4.19.2', '4.19.3')
  writeFileSync(record(), `${createHash('sha256').update(changed).digest('hex')}\n${changed}`)
  assert.equal((await read()).applications[0]?.version, '4.19.3', 'the layer is not unpacked again')
})

test('what is damaged in the memory counts as unknown', async (t) => {
  const { record, read } = await rememberedImage(t)
  const first = await read()
  const text = readFileSync(record(), 'utf8')
  for (const damaged of ['', text.slice(0, -1), text.replace('4.19.2', '4.19.3'), text.slice(0, 40)]) {
    writeFileSync(record(), damaged)
    assert.deepEqual(await read(), first)
    assert.equal(readFileSync(record(), 'utf8'), text, 'it is written anew')
  }
})

test('a layer that is known is held against its digest all the same', async (t) => {
  const { reference, read } = await rememberedImage(t)
  await read()
  const blobs = join(reference.split(':')[1] ?? '', 'blobs/sha256')
  for (const name of readdirSync(blobs)) {
    const bytes = readFileSync(join(blobs, name))
    bytes[bytes.length - 20] = (bytes[bytes.length - 20] ?? 0) ^ 1
    if (bytes.length > 65_536) writeFileSync(join(blobs, name), bytes)
  }
  await assert.rejects(read(), { code: 'BLOB_MISMATCH' })
})
