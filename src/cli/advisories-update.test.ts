import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'

const CLI = join(import.meta.dirname, 'main.ts')
const testdata = join(import.meta.dirname, '..', 'advisory', 'testdata')

test('advisories update: one part that fails is named with the age of what stays, and the status is 3', (t) => {
  const cache = mkdtempSync(join(tmpdir(), 'casemate-update-'))
  t.after(() => rmSync(cache, { recursive: true }))
  const run = (...args: string[]) =>
    spawnSync(process.execPath, ['--conditions=source', CLI, ...args], {
      encoding: 'utf8',
      env: { ...process.env, XDG_CACHE_HOME: cache, CASEMATE_ADVISORIES: `dsa=${join(testdata, 'DSA-list')}` },
    })
  const args = ['advisories', 'update', 'tracker', 'dsa', '--source']
  assert.equal(run(...args, `tracker=${join(testdata, 'export.json')}`).status, 0)
  const failed = run(...args, 'tracker=/nowhere/export.json', '--json')
  assert.equal(failed.status, 3)
  assert.match(failed.stderr, /tracker was not updated: cannot read \/nowhere.*; what is there stays, [0-9]+ days? old/)
  const { parts } = JSON.parse(failed.stdout)
  assert.deepEqual(
    parts.map(({ outcome }: { outcome: string }) => outcome),
    ['failed', 'updated'],
  )
})
