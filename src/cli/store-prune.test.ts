import assert from 'node:assert/strict'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { digestOf } from '#core'
import { objectPath } from '#debian'
import { writeRelease } from './kept-releases.ts'
import { runStorePrune } from './store-prune.ts'
import type { Terminal } from './terminal.ts'

const DAY = 86_400_000
const daysAgo = (days: number) => new Date(Date.now() - days * DAY)

/** A store with releases of an image, each with files of its own and some that all have. */
async function storeOf(t: TestContext) {
  const dir = mkdtempSync(join(tmpdir(), 'cm-store-'))
  t.after(() => rmSync(dir, { recursive: true }))
  const file = (name: string, days: number) => {
    const path = objectPath(dir, digestOf(name))
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, name)
    utimesSync(path, daysAgo(days), daysAgo(days))
  }
  const keep = async (image: string, days: number, own: string, variant = 'runtime') => {
    const names = ['shared', own]
    for (const name of names) file(name, days)
    await writeRelease(dir, {
      ...{ schema: 'casemate.store/v1', image: digestOf(image), name: 'app', variant, lock: digestOf(own) },
      ...{ kept: daysAgo(days).toISOString(), sources: [], missingSources: [] },
      objects: names.map((name) => ({ what: name, digest: digestOf(name), size: name.length })),
    })
  }
  const has = (name: string) => existsSync(objectPath(dir, digestOf(name)))
  const records = () => readdirSync(join(dir, 'releases')).length
  return { dir, file, keep, has, records }
}

function terminal(): { readonly printed: string[]; readonly terminal: Terminal } {
  const printed: string[] = []
  const nothing = () => undefined
  const of: Terminal = {
    ...{ width: 200, isLive: false, warn: nothing, progress: nothing, picture: nothing },
    print: (line = '') => void printed.push(line),
    style: (_, text) => text,
  }
  return { printed, terminal: of }
}

test('what no release needs that stays goes, and what one needs stays', async (t) => {
  const { dir, file, keep, has, records } = await storeOf(t)
  await keep('one', 300, 'old.deb')
  await keep('two', 200, 'middle.deb')
  await keep('three', 100, 'new.deb')
  await keep('dev', 250, 'dev.deb', 'dev')
  file('of nobody', 2)
  file('being kept', 0)
  const dry = terminal()
  await runStorePrune(dir, { last: '1', dryRun: true }, dry.terminal)
  assert.match(dry.printed.at(-1) ?? '', /^would remove 2 releases and 3 files, .*; 2 stay$/)
  assert.deepEqual([records(), has('old.deb')], [4, true], 'a dry run removes nothing')

  const within = terminal()
  await runStorePrune(dir, { last: '1', within: '35w', json: true }, within.terminal)
  const { kept, removed } = JSON.parse(within.printed.join('\n'))
  assert.deepEqual([kept, removed.releases.length, removed.files], [3, 1, 2])
  assert.deepEqual(['old.deb', 'of nobody', 'middle.deb', 'new.deb', 'dev.deb', 'shared', 'being kept'].map(has), [
    false,
    false,
    true,
    true,
    true,
    true,
    true,
  ])
  await runStorePrune(dir, { last: '1' }, terminal().terminal)
  assert.deepEqual([records(), has('middle.deb'), has('shared')], [2, false, true])
})

test('a store of which something cannot be read, or of which nothing is said, is left as it is', async (t) => {
  const { dir, keep, has } = await storeOf(t)
  await keep('one', 300, 'old.deb')
  await keep('two', 200, 'new.deb')
  await assert.rejects(runStorePrune(dir, {}, terminal().terminal), {
    code: 'USAGE_INVALID',
    message: /say what is kept by --last and --within/,
  })
  await assert.rejects(runStorePrune(dir, { last: 'some' }, terminal().terminal), { code: 'SETTINGS_INVALID' })
  writeFileSync(join(dir, 'releases', `${'0'.repeat(64)}.json`), '{')
  await assert.rejects(runStorePrune(dir, { last: '1' }, terminal().terminal), { code: 'STORE_UNREADABLE' })
  assert.deepEqual([has('old.deb'), has('new.deb')], [true, true])
})
