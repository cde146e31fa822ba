import assert from 'node:assert/strict'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { arOf, bytesOf, runXz } from '#testkit'
import { checkHostXz, decodeByHost } from './host-xz.ts'

const MEGABYTE = 1024 * 1024
const CONTENT = Buffer.from(
  Array.from({ length: 400_000 }, (_, line) => `${line} ${(line * 7919) % 65_521}\n`).join(''),
)
const DATA = runXz(CONTENT, ['-0'])

function write(t: TestContext, data: Uint8Array, suffix = '.xz'): string {
  const folder = mkdtempSync(join(tmpdir(), 'casemate-xz-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const deb = join(folder, 'x.deb')
  const control = { name: 'control.tar', content: new Uint8Array(0) }
  const version = { name: 'debian-binary', content: bytesOf('2.0\n') }
  writeFileSync(deb, arOf(version, control, { name: `data.tar${suffix}`, content: data }))
  return deb
}

/** A program that says it is xz and does something else. */
function pretender(t: TestContext, does: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'casemate-no-xz-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const program = join(folder, 'xz')
  writeFileSync(program, `#!/bin/sh\n[ "$1" = --version ] && { echo 'xz (XZ Utils) 9.9.9'; exit; }\n${does}\n`)
  chmodSync(program, 0o755)
  return program
}

/** What is behind the member in the file is not xz's to read. */
function dataOf(deb: string) {
  return { deb, data: { name: 'data.tar.xz', offset: 192, size: DATA.length, compression: 'xz' as const } }
}

test("the host's xz is found and agrees with our own decoder", async (t) => {
  assert.ok(DATA.length > MEGABYTE)
  const small = write(t, runXz(bytesOf('small'), []))
  const xz = await checkHostXz([small, write(t, CONTENT, '.gz'), write(t, DATA)])
  assert.match(xz?.version ?? '', /^\d+\.\d+/)
})

test('where it is of use for no package, no xz is looked for', async (t) => {
  const small = write(t, runXz(bytesOf('small'), []))
  assert.equal(await checkHostXz([small], '/nowhere/xz'), undefined)
})

const unusable: [string, string, RegExp][] = [
  ['gives other bytes', 'xz -dc | tr 1 2', /it decodes .* to other bytes than ours/],
  ['fails', 'xz -dc; exit 3', /it ended with 3/],
  ['gives nothing', 'true', /to other bytes than ours/],
]
for (const [what, does, message] of unusable) {
  test(`an xz that ${what} is not used`, async (t) => {
    const deb = write(t, DATA)
    await assert.rejects(checkHostXz([deb], pretender(t, does)), { code: 'XZ_UNUSABLE', message })
  })
}

test('an xz that is not there is not used', async (t) => {
  const deb = write(t, DATA)
  await assert.rejects(checkHostXz([deb], '/nowhere/xz'), { code: 'XZ_UNUSABLE', message: /it is not there/ })
})

test('an xz that gives more than the data can hold is ended', async (t) => {
  const { deb, data } = dataOf(write(t, DATA))
  const xz = { program: pretender(t, 'yes'), version: '9' }
  await assert.rejects(
    decodeByHost(xz, { deb, data: { ...data, size: 1000 } }, () => undefined),
    { code: 'XZ_UNUSABLE', message: /1000 bytes give over 33554432 bytes/ },
  )
})

test('damaged data is refused', async (t) => {
  const damaged = Buffer.from(DATA)
  damaged[MEGABYTE / 2] = (damaged[MEGABYTE / 2] ?? 0) ^ 1
  const deb = write(t, damaged)
  const xz = { program: 'xz', version: '5' }
  await assert.rejects(
    decodeByHost(xz, dataOf(deb), () => undefined),
    { code: 'XZ_UNUSABLE', message: /it ended with 1/ },
  )
})
