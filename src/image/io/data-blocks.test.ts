import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, type TestContext, test } from 'node:test'
import { digestOf } from '#core'
import { arOf, bytesOf, runXz } from '#testkit'
import { decodeDataBlocks } from './data-blocks.ts'
import { openMemberPool } from './member-pool.ts'

const MEGABYTE = 1024 * 1024

/** Bytes that hardly compress, the same every time: a package counts as big by its size as it is stored. */
function noise(size: number): Uint8Array {
  const bytes = new Uint8Array(size)
  for (let at = 0, state = 7; at < size; at++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    bytes[at] = state >>> 24
  }
  return bytes
}

const CONTENT = noise(7 * MEGABYTE)
const BLOCKS = runXz(CONTENT, ['-0', '--block-size=2MiB'])

const pool = openMemberPool(2)
after(() => pool[Symbol.asyncDispose]())

/** Decodes a .deb with that data. */
async function decode(t: TestContext, data: Uint8Array, suffix = '.xz') {
  const folder = mkdtempSync(join(tmpdir(), 'casemate-blocks-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const [deb, spill] = [join(folder, 'x.deb'), join(folder, 'spill')]
  const control = { name: 'control.tar', content: new Uint8Array(0) }
  const version = { name: 'debian-binary', content: bytesOf('2.0\n') }
  writeFileSync(deb, arOf(version, control, { name: `data.tar${suffix}`, content: data }))
  const size = await decodeDataBlocks({ name: 'x', deb, weight: 1, spill }, pool)
  return { size, spill }
}

test('data in blocks is decoded into its file, whole and in order', async (t) => {
  const { size, spill } = await decode(t, BLOCKS)
  assert.equal(size, CONTENT.length)
  assert.equal(digestOf(readFileSync(spill)), digestOf(CONTENT))
})

test('the blocks of two streams are decoded one behind the other', async (t) => {
  const { size, spill } = await decode(t, bytesOf(BLOCKS, BLOCKS))
  assert.equal(size, 2 * CONTENT.length)
  assert.equal(digestOf(readFileSync(spill)), digestOf(bytesOf(CONTENT, CONTENT)))
})

const others: [string, Uint8Array, string?][] = [
  ['data in one block', runXz(CONTENT, ['-0', '-T1'])],
  ['small data', runXz(CONTENT.subarray(0, 3 * MEGABYTE), ['-0', '--block-size=1MiB'])],
  ['data in tiny blocks', runXz(CONTENT, ['-0', '--block-size=64KiB'])],
  ['data that is cut short', BLOCKS.subarray(0, -8)],
  ['data that is no xz', CONTENT, '.gz'],
]
for (const [what, data, suffix] of others) {
  test(`${what} is left to one thread`, async (t) => {
    const { size, spill } = await decode(t, data, suffix)
    assert.deepEqual([size, existsSync(spill)], [undefined, false])
  })
}

test('a damaged block rejects, when no thread writes any more', async (t) => {
  const damaged = Buffer.from(BLOCKS)
  damaged[3 * MEGABYTE] = (damaged[3 * MEGABYTE] ?? 0) ^ 1
  await assert.rejects(decode(t, damaged), { code: 'COMPRESSION_INVALID', message: /x \(data\.tar\.xz\)/ })
})
