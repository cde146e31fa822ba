import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, readFileSync, rmSync, truncateSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import type { TarPart } from '../member-plan.ts'
import { readSpilled, Spill } from './spill.ts'

const MEGABYTE = 1024 * 1024
const chunks = Array.from({ length: 9 }, (_, index) => Buffer.alloc(MEGABYTE + index, index + 1))
const whole = Buffer.concat(chunks)
const parts: readonly TarPart[] = [
  Buffer.from('header'),
  { offset: 0, length: 10 },
  { offset: MEGABYTE - 5, length: 10 },
  Buffer.from('padding'),
  { offset: 7 * MEGABYTE, length: 2 * MEGABYTE },
]
const want = Buffer.concat(
  parts.map((part) => (part instanceof Uint8Array ? part : whole.subarray(part.offset, part.offset + part.length))),
)

function filled(t: TestContext, memoryLimit: number): Spill {
  const folder = mkdtempSync(join(tmpdir(), 'casemate-spill-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const spill = new Spill(join(folder, 'spill'), memoryLimit)
  t.after(() => spill[Symbol.dispose]())
  for (const chunk of chunks) {
    const lent = Buffer.from(chunk)
    spill.append(lent)
    lent.fill(0)
  }
  spill.finish()
  return spill
}

test('contents below the limit stay in memory', (t) => {
  const spill = filled(t, 100 * MEGABYTE)
  assert.deepEqual([spill.isFile, existsSync(spill.path), spill.size], [false, false, whole.length])
  assert.ok(want.equals(spill.assemble(parts)))
})

test('contents above the limit go through a file and come out the same, here and by another thread', (t) => {
  const spill = filled(t, MEGABYTE)
  assert.deepEqual([spill.isFile, spill.size], [true, whole.length])
  assert.ok(whole.equals(readFileSync(spill.path)))
  assert.ok(want.equals(spill.assemble(parts)))
  assert.ok(want.equals(readSpilled(spill.path, parts)))
})

test('what is appended to a file that is there already goes behind what it holds', (t) => {
  const { path } = filled(t, MEGABYTE)
  const spill = new Spill(path, MEGABYTE, whole.length)
  t.after(() => spill[Symbol.dispose]())
  spill.append(Buffer.from('behind'))
  spill.finish()
  assert.deepEqual([spill.isFile, spill.size], [true, whole.length + 6])
  const read: Uint8Array[] = []
  spill.read((chunk) => void read.push(Uint8Array.from(chunk)))
  assert.ok(Buffer.concat([whole, Buffer.from('behind')]).equals(Buffer.concat(read)))
})

test('a file that is shorter than what was written is an error, not other bytes', (t) => {
  const spill = filled(t, MEGABYTE)
  truncateSync(spill.path, 8 * MEGABYTE)
  assert.throws(() => spill.assemble(parts), { code: 'CACHE_DAMAGED' })
  assert.throws(() => readSpilled(spill.path, parts), { code: 'CACHE_DAMAGED' })
})

test('an empty spill gives the parts that are bytes', (t) => {
  const spill = new Spill(join(tmpdir(), 'casemate-spill-unused'))
  t.after(() => spill[Symbol.dispose]())
  spill.finish()
  assert.deepEqual(Buffer.from(spill.assemble([Buffer.from('only')])).toString(), 'only')
})
