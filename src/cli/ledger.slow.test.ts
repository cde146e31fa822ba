import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { type TestContext, test } from 'node:test'
import { generateKeyPair, openPrivateKey } from '#attest'
import { signCheckpoint } from '#factory'
import { openState } from '#store'
import { databaseFolder, serverOptions, TEST_POSTGRES_USER } from '#testkit'

const main = resolve(import.meta.dirname, 'main.ts')
const at = '2026-11-21T12:00:00.000Z'

/** A folder to run `casemate ledger` in, and one for a database. */
function ledgerPlace(t: TestContext) {
  const folder = mkdtempSync(join(tmpdir(), 'casemate-ledger-'))
  t.after(() => rmSync(folder, { recursive: true }))
  // Where these tests are root's, another user's database is made in a folder that this one may pass through.
  chmodSync(folder, 0o755)
  const run = (...args: string[]) => {
    const env = { ...process.env, CASEMATE_POSTGRES_USER: TEST_POSTGRES_USER, CASEMATE_DATABASE: '' }
    const command = ['--conditions=source', main, 'ledger', ...args]
    const { status, stdout, stderr } = spawnSync(process.execPath, command, { cwd: folder, env, encoding: 'utf8' })
    return { status, stdout, stderr }
  }
  return { folder, run, state: databaseFolder(t) }
}

const notes = ['a', 'b', 'c'].map((subject) => ({ kind: 'event', subject, body: { n: 1 }, at }))

test('a ledger is verified where it is and where it was taken to, and what was changed is told', async (t) => {
  const { folder, run, state } = ledgerPlace(t)
  const [ours, other] = [generateKeyPair(''), generateKeyPair('')]
  writeFileSync(join(folder, 'ours.pub'), ours.publicPem)
  writeFileSync(join(folder, 'other.pub'), other.publicPem)

  assert.match(run('verify', '--state', join(state, 'none')).stderr, /there is none {2}\[DATABASE_FAILED\]/)
  const { store, close } = await openState({ embedded: serverOptions('embedded', state) }, { create: true })
  const entries = await store.ledger.append(notes)
  // The factory runs and its database is in use: looking at it does no harm.
  assert.equal(run('verify', '--state', state, '--key', 'ours.pub').status, 1)
  const { sequence, digest } = entries[1]!
  const checkpoint = { sequence, digest, at }
  await store.ledger.keep(checkpoint, await signCheckpoint(checkpoint, openPrivateKey(ours.privatePem, '', 'ours')))
  await close()

  const plain = run('verify', '--state', state)
  assert.deepEqual([plain.status, plain.stderr], [0, ''])
  assert.match(
    plain.stdout,
    /^entries +3, .*\nends with +sha256:[0-9a-f]{64}\ncheckpoints +1, not verified: name who is believed by --key\n$/,
  )
  const exported = run('export', '--state', state)
  assert.equal(exported.stdout.split('\n').length, 5)
  writeFileSync(join(folder, 'ledger.jsonl'), exported.stdout)
  const json = JSON.parse(run('verify', 'ledger.jsonl', '--key', 'ours.pub', '--json').stdout)
  assert.deepEqual(json, {
    schema: 'casemate.ledger/v1',
    whole: true,
    entries: 3,
    digest: entries[2]!.digest,
    checkpoints: 1,
    believed: 1,
    vouched: 2,
  })

  const strange = run('verify', 'ledger.jsonl', '--key', 'other.pub')
  assert.deepEqual([strange.status, /no trusted key has signed it/.test(strange.stdout)], [1, true])
  const changed: [string, string, number, RegExp][] = [
    ['"subject":"b"', '"subject":"x"', 1, /cannot believe the ledger: .* at entry 2/],
    [exported.stdout.split('\n')[1]!, '', 2, /line 2: it is no JSON/],
    ['"kind":"event"', '"kind":7', 2, /line 1: .*LEDGER_INVALID/],
  ]
  for (const [from, to, status, message] of changed) {
    writeFileSync(join(folder, 'changed.jsonl'), exported.stdout.replace(from, to))
    const answer = run('verify', 'changed.jsonl')
    assert.equal(answer.status, status)
    assert.match(answer.stdout + answer.stderr, message)
  }
})

test('a backup is written while the factory runs, and restored into a database that is made for it', async (t) => {
  const { folder, run, state } = ledgerPlace(t)
  const { store, close } = await openState({ embedded: serverOptions('embedded', state) }, { create: true })
  await store.ledger.append(notes)
  assert.match(run('backup', 'all.jsonl', '--state', state).stdout, /^wrote 3 rows to all\.jsonl\n$/)
  const exported = run('export', '--state', state).stdout
  await close()
  assert.equal(readFileSync(join(folder, 'all.jsonl'), 'utf8').split('\n').length, 4)
  const restored = run('restore', 'all.jsonl', '--state', 'new')
  assert.deepEqual([restored.status, restored.stdout], [0, 'restored 3 rows from all.jsonl\n'])
  assert.equal(run('export', '--state', 'new').stdout, exported)
  const again = run('restore', 'all.jsonl', '--state', 'new')
  assert.deepEqual([again.status, /has rows, want a new database/.test(again.stderr)], [2, true])
})
