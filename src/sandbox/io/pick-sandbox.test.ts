import assert from 'node:assert/strict'
import { test } from 'node:test'
import { pickSandbox } from './pick-sandbox.ts'

test('the first choice is bwrap, another is taken by name', async () => {
  assert.equal((await pickSandbox()).name, 'bwrap')
  assert.equal((await pickSandbox('runc')).name, 'runc')
})

test('a sandbox that does not exist is an error that names those that do', async () => {
  await assert.rejects(pickSandbox('docker'), {
    code: 'SANDBOX_MISSING',
    message: /want one of bwrap, runc, podman, unshare/,
  })
})

test('without any runtime on the PATH the error says what to install', async (t) => {
  const path = process.env['PATH']
  t.after(() => {
    process.env['PATH'] = path
  })
  process.env['PATH'] = '/nonexistent'
  await assert.rejects(pickSandbox(), {
    code: 'SANDBOX_MISSING',
    message: /install bubblewrap or runc or podman or util-linux/,
  })
})
