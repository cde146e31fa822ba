import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { promisify } from 'node:util'
import { RegistryClient } from '#oci'
import { RegistryServer } from '#oci/registry'
import { debianTool, softToken, testVault } from '#testkit'
import { openWorkplace } from './workplace.ts'

/** A workplace with a registry and two services that keep the key `release`: a token, and Vault. */
async function openPublisher(t: TestContext) {
  const place = await openWorkplace(t)
  const folder = mkdtempSync(join(tmpdir(), 'casemate-reg-'))
  const server = await RegistryServer.start(folder, { host: '127.0.0.1', port: 0 })
  t.after(async () => {
    await server.close(100)
    rmSync(folder, { recursive: true, force: true })
  })
  const [token, vault] = [softToken(t), await testVault(t)]
  token.createKey('release', { id: '01' })
  vault.createKey('release')
  const env = { ...token.environment, VAULT_ADDR: vault.url, VAULT_TOKEN: vault.token }
  const keys = { token: token.uriOf('release'), vault: 'hashivault://release' }
  const run = (...args: readonly string[]) => place.run(args, { env })
  return { run, registry: server.address, token, vault, keys }
}

for (const service of ['token', 'vault'] as const) {
  test(`an image is built and signed by a key in a service (${service}), and verified by it, by its public key, and by cosign`, async (t) => {
    const { run, registry, token, keys } = await openPublisher(t)
    const reference = `${registry}/team/greeting:1`
    const built = await run('build', '.', '-o', `docker://${reference}`, '--key', keys[service])
    assert.equal(built.status, 0, built.stderr)
    const all = ['--require', 'provenance', 'spdx', 'cyclonedx']
    const verified = await run('verify', reference, '--key', keys[service], ...all)
    assert.equal(verified.status, 0, verified.stdout + verified.stderr)
    const other = await run('verify', reference, '--key', keys[service === 'token' ? 'vault' : 'token'])
    assert.equal(other.status, 1, other.stdout)
    if (service === 'vault') return
    const pem = await publicKeyOf(t, token.module, { ...process.env, ...token.environment })
    const common = ['--key', pem, '--insecure-ignore-tlog=true', '--allow-http-registry']
    await promisify(execFile)(debianTool('cosign-2'), ['verify', ...common, reference])
    await promisify(execFile)(debianTool('cosign-3'), ['verify', ...common, '--new-bundle-format=true', reference])
  })
}

/** A file with the public key, as the documentation says to get it. */
async function publicKeyOf(t: TestContext, module: string, env: NodeJS.ProcessEnv): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'casemate-key-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const read = [
    '--module',
    module,
    '--token-label',
    'the team',
    '--read-object',
    '--type',
    'pubkey',
    '--label',
    'release',
  ]
  const { stdout } = await promisify(execFile)('pkcs11-tool', read, { env, encoding: 'buffer' })
  const pem = `-----BEGIN PUBLIC KEY-----\n${stdout.toString('base64')}\n-----END PUBLIC KEY-----\n`
  const path = join(folder, 'token.pub')
  writeFileSync(path, pem)
  return path
}

test('where the service refuses, nothing is published: no tag, no signature', async (t) => {
  const { run, registry, token, vault, keys } = await openPublisher(t)
  const repository = new RegistryClient({ registry, repository: 'team/greeting' })
  t.after(() => repository.close())
  const refusals: readonly [string, string, () => void, RegExp][] = [
    ['a wrong PIN', keys.token, () => writeFileSync(token.pinFile, '000000'), /the PIN is wrong.*\[SIGNING_REFUSED\]/],
    ['a sealed Vault', keys.vault, () => Object.assign(vault, { sealed: true }), /it is sealed.*\[SIGNING_REFUSED\]/],
  ]
  for (const [what, key, refuse, words] of refusals) {
    refuse()
    const { status, stderr } = await run('build', '.', '-o', `docker://${registry}/team/greeting:1`, '--key', key)
    assert.equal(status, 3, `${what}: ${stderr}`)
    assert.match(stderr, words)
    assert.ok(!stderr.includes(readFileSync(token.pinFile, 'utf8').trim()), 'the PIN is not printed')
    assert.deepEqual(await repository.tags(), [], what)
  }
})
