import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { resolve } from 'node:path'
import { test } from 'node:test'
import { openState } from '#store'
import { databaseFolder, serverOptions, TEST_POSTGRES_USER } from '#testkit'

const main = resolve(import.meta.dirname, 'main.ts')

test('a token is made, listed and revoked beside the factory that runs', async (t) => {
  const state = databaseFolder(t)
  const run = (...args: string[]) => {
    const env = { ...process.env, CASEMATE_POSTGRES_USER: TEST_POSTGRES_USER, CASEMATE_DATABASE: '' }
    const command = ['--conditions=source', main, 'token', ...args, '--state', state]
    const { status, stdout, stderr } = spawnSync(process.execPath, command, { env, encoding: 'utf8' })
    return { status, stdout, stderr }
  }
  const { store, close } = await openState({ embedded: serverOptions('embedded', state) }, { create: true })
  t.after(close)
  const made = run('create', 'ci of team a', '--role', 'operator', '--images', 'team-a/**', 'base', '--expires', '90d')
  assert.equal(made.status, 0, made.stderr)
  assert.match(made.stdout, /^casemate_[\w-]{43}\n$/)
  assert.match(made.stderr, /the only time that token 1 is shown/)
  const json = JSON.parse(run('create', 'old', '--role', 'reader', '--expires', '0h', '--json').stdout || '{}')
  assert.deepEqual(json, {})
  assert.match(
    run('create', 'old', '--role', 'king').stderr,
    /nothing is known of the role "king".* {2}\[TOKEN_INVALID\]/,
  )
  const admin = JSON.parse(run('create', 'alice', '--role', 'admin', '--json').stdout)
  assert.deepEqual([admin.id, admin.images, admin.expires, /^casemate_/.test(admin.secret)], [2, ['**'], null, true])

  assert.equal(run('revoke', '2').stdout, 'revoked token 2\n')
  assert.match(run('revoke', '77').stderr, /cannot revoke token 77: there is none {2}\[NOT_THERE\]/)
  assert.equal(run('revoke', 'two').status, 2)
  const listed = run('list')
    .stdout.split('\n')
    .map((line) => line.trim().split(/ {2,}/))
  assert.deepEqual(
    listed.slice(0, 3).map((row) => [row[0], row[1], row[2], row[3], row[5]]),
    [
      ['number', 'name', 'role', 'state', 'images'],
      ['2', 'alice', 'admin', 'revoked', '**'],
      ['1', 'ci of team a', 'operator', 'holds', 'team-a/** base'],
    ],
  )
  const shown = run('list', '--json').stdout
  assert.doesNotMatch(shown, /digest|sha256|secret/)
  assert.equal(JSON.parse(shown).tokens.length, 2)
  assert.deepEqual(
    (await store.audit.list(1e9, 10)).map(({ target }) => target),
    ['casemate token revoke', 'casemate token create', 'casemate token create'],
  )
})
