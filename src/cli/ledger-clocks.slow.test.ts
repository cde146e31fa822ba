import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { test } from 'node:test'
import { openState } from '#store'
import { databaseFolder, serverOptions, TEST_POSTGRES_USER } from '#testkit'

const main = resolve(import.meta.dirname, 'main.ts')
const DAY = 86_400_000
const ago = (days: number) => new Date(Date.now() - days * DAY).toISOString()

test('clocks tell how long fixes took and what is late, and an excuse stands in the ledger', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'casemate-clocks-'))
  t.after(() => rmSync(folder, { recursive: true }))
  chmodSync(folder, 0o755)
  const state = databaseFolder(t)
  const { store, close } = await openState({ embedded: serverOptions('embedded', state) }, { create: true })
  const mark = { image: 'base', severity: 'high' } as const
  const [done, late] = ['CVE-2026-1 openssl', 'CVE-2026-2 zlib']
  await store.clocks.record([
    { ...mark, finding: done, mark: 'disclosed', at: ago(9) },
    { ...mark, finding: done, mark: 'fix-available', at: ago(5) },
    { ...mark, finding: done, mark: 'published', at: ago(4) },
    { ...mark, finding: late, mark: 'fix-available', at: ago(8) },
    { ...mark, finding: 'CVE-2026-3 perl', mark: 'disclosed', at: ago(8) },
  ])
  await close()
  const run = (...args: string[]) => {
    const env = { ...process.env, CASEMATE_POSTGRES_USER: TEST_POSTGRES_USER, CASEMATE_DATABASE: '', NO_COLOR: '1' }
    const command = ['--conditions=source', main, 'ledger', ...args, '--state', state]
    return spawnSync(process.execPath, command, { cwd: folder, env, encoding: 'utf8' })
  }
  const page = run('clocks', '--check')
  assert.equal(page.status, 1, page.stderr)
  const lines = page.stdout.split('\n')
  assert.match(lines[0] ?? '', /published +open +from disclosure +p50 +p90 +from fix +p50 +p90 +waiting for Debian$/)
  assert.match(lines[1] ?? '', /^high +1 +2 +5 d +5 d +5 d +1 d +1 d +1 d +4 d$/)
  assert.equal(lines[3], '2 open findings: 1 late, 0 nearly late, 0 excused, 0 in time, 1 waiting for Debian')
  assert.match(lines[4] ?? '', /^late {2}base {2}high {2}CVE-2026-2 zlib {2}due /)

  const until = new Date(Date.now() + 30 * DAY).toISOString().slice(0, 10)
  const words = ['--image', 'base', '--by', 'ana', '--reason', 'no path to it']
  assert.match(run('excuse', 'CVE-2026-9', ...words, '--until', until).stderr, /has no open finding of that name/)
  assert.match(run('excuse', 'CVE-2026-2', ...words, '--until', '2026-01-01').stderr, /that day has begun already/)
  assert.match(
    run('excuse', 'CVE-2026-2', ...words, '--until', until).stdout,
    /^entry 1 of the ledger: CVE-2026-2 in base/,
  )
  assert.equal(run('clocks', '--check').status, 0)
  assert.match(
    run('clocks').stdout,
    new RegExp(`excused +base +high +CVE-2026-2 zlib +until ${until} by ana: no path to it`),
  )

  writeFileSync(join(folder, 'factory.yaml'), 'sla: { high: 3w, warn: 90% }\n')
  const report = JSON.parse(run('clocks', '--json', '--all').stdout)
  assert.deepEqual(
    report.findings.map(({ finding, state: standing }: { finding: string; state: string }) => [finding, standing]),
    [
      [late, 'within'],
      [done, 'within'],
      ['CVE-2026-3 perl', 'waiting'],
    ],
  )
})
