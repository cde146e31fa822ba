import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'

const CLI = join(import.meta.dirname, 'main.ts')
const testdata = join(import.meta.dirname, '..', 'advisory', 'testdata')

test('advisories are imported, asked and called stale', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'casemate-advisories-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const advisories = (...args: string[]) =>
    spawnSync(process.execPath, ['--conditions=source', CLI, 'advisories', ...args], {
      encoding: 'utf8',
      env: { ...process.env, XDG_CACHE_HOME: folder },
    })

  assert.deepEqual(
    [advisories('status').status, advisories('show', 'CVE-2026-0861').status],
    [1, 3],
    'without data there is no answer, and no "nothing found"',
  )
  const files = ['export.json', 'DSA-list', 'epss.csv'].map((name) => join(testdata, name))
  const imported = advisories('import', ...files)
  assert.equal(imported.status, 0, imported.stderr)
  assert.match(imported.stdout, /^tracker +7 records/m)
  assert.match(imported.stderr, /left out DSA-list:[0-9]+: found "kernel-image/)

  const shown = advisories('show', 'CVE-2026-0861')
  assert.equal(shown.status, 0)
  assert.match(shown.stdout, /glibc +trixie +open, no-dsa +not yet assigned +Minor issue/)
  assert.match(shown.stdout, /0\.02 % within 30 days/)
  assert.match(shown.stderr, /dsa is stale/)
  assert.equal(JSON.parse(advisories('show', 'cve-2026-0861', '--json').stdout).statements.length, 3)
  assert.equal(advisories('show', 'CVE-2026-9999').status, 1)

  const status = advisories('status', '--json')
  assert.equal(status.status, 1)
  const dsa = JSON.parse(status.stdout).parts.find(({ kind }: { kind: string }) => kind === 'dsa')
  assert.deepEqual([dsa.records, dsa.quarantined.count, dsa.isStale], [8, 1, true])

  const old = join(folder, 'old.json')
  writeFileSync(old, '{"nginx":{"CVE-2026-1000":{"releases":{"sid":{"status":"open","urgency":"low"}}}}}')
  utimesSync(old, new Date(), new Date(Date.now() - 4 * 86_400_000))
  assert.match(advisories('import', old).stdout, /^tracker +1 records .* 4 days old, STALE/m)
  assert.equal(advisories('import', CLI).status, 2)
})
