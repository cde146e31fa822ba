import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CasemateError, type Json } from '#core'
import { type TestVault, testVault } from '#testkit'
import { sampleStatement } from '../fixtures.test.ts'
import { isSignedBy, keySignatory, keyTrust } from '../index.ts'
import { openVaultKey, vaultAccess } from './vault.ts'

const KEY = 'hashivault://release'

const accessTo = ({ url, token }: TestVault) => ({ address: url, token, engine: 'transit' })

function refused(reason: RegExp, code = 'SIGNING_REFUSED') {
  return (error: unknown) => {
    assert.ok(error instanceof CasemateError, String(error))
    assert.equal(error.code, code)
    assert.match(error.message, reason)
    return true
  }
}

for (const type of ['ecdsa-p256', 'ed25519'] as const) {
  test(`a key of Vault's signs statements and images: ${type}`, async (t) => {
    const vault = await testVault(t)
    vault.createKey('release', type)
    const { signer, publicKeys } = await openVaultKey(KEY, accessTo(vault))
    const signatory = keySignatory(signer)
    const payload = sampleStatement('x')
    const { bundle } = await signatory.signStatement(payload)
    assert.deepEqual(keyTrust(publicKeys).bundle(bundle, 'it').signers, [signer.publicKey.fingerprint])
    const { signature } = await signatory.signPayload(payload)
    assert.ok(isSignedBy(signer.publicKey, payload, signature))
  })
}

test('an SBOM of many megabytes is sent to Vault as its digest', async (t) => {
  const vault = await testVault(t)
  vault.createKey('release')
  const { signer } = await openVaultKey(KEY, accessTo(vault))
  await signer.sign(Buffer.alloc(40 * 2 ** 20))
  const [{ input, prehashed } = {}] = vault.signings
  assert.equal(prehashed, true)
  assert.equal(Buffer.from(String(input), 'base64').length, 32)
})

test('a rotated key signs with its new version, and what the old one has signed still verifies', async (t) => {
  const vault = await testVault(t)
  vault.createKey('release')
  const before = await openVaultKey(KEY, accessTo(vault))
  const payload = sampleStatement('x')
  const old = await keySignatory(before.signer).signStatement(payload)
  vault.rotate('release')
  const after = await openVaultKey(KEY, accessTo(vault))
  assert.notEqual(after.signer.publicKey.fingerprint, before.signer.publicKey.fingerprint)
  const fresh = await keySignatory(after.signer).signStatement(payload)
  for (const { bundle } of [old, fresh]) assert.equal(keyTrust(after.publicKeys).bundle(bundle, 'it').signers.length, 1)
  assert.throws(() => keyTrust(before.publicKeys).bundle(fresh.bundle, 'it'), /no trusted key has signed it/)
  vault.retire('release', 2)
  const { publicKeys } = await openVaultKey(KEY, accessTo(vault))
  assert.throws(() => keyTrust(publicKeys).bundle(old.bundle, 'it'), /no trusted key has signed it/)
})

test('a key that is rotated meanwhile signs on with the version that was opened', async (t) => {
  const vault = await testVault(t)
  vault.createKey('release', 'ed25519')
  const { signer } = await openVaultKey(KEY, accessTo(vault))
  vault.rotate('release')
  const payload = sampleStatement('x')
  assert.ok(isSignedBy(signer.publicKey, payload, await signer.sign(payload)))
})

const faults: readonly [string, (vault: TestVault) => unknown, RegExp][] = [
  [
    'sealed',
    (vault) => Object.assign(vault, { sealed: true }),
    /answers 503, it is sealed or in standby \(Vault is sealed\)/,
  ],
  [
    'asked with a wrong token',
    (vault) => Object.assign(vault, { token: 'another' }),
    /answers 403, the token may not do this \(permission denied\)/,
  ],
  ['giving no key', (vault) => Object.assign(vault, { tamper: () => '{}' }), /`data` is missing/],
  ['giving no JSON', (vault) => Object.assign(vault, { tamper: () => '<html>' }), /cannot be read: it is no JSON/],
  [
    'giving more than anybody reads',
    (vault) => Object.assign(vault, { tamper: () => ' '.repeat(2 ** 20 + 1) }),
    /more than 1048576 bytes/,
  ],
  [
    'giving a number as a key',
    (vault) => Object.assign(vault, { tamper: () => withKeys({ '1': { public_key: 1 } }) }),
    /public_key/,
  ],
  [
    'giving no public key of its newest version',
    (vault) => Object.assign(vault, { tamper: withoutNewest }),
    /no public key of its newest version/,
  ],
]
for (const [what, break_, reason] of faults) {
  test(`a key is not opened from a Vault that is ${what}`, async (t) => {
    const vault = await testVault(t)
    vault.createKey('release')
    const access = accessTo(vault)
    break_(vault)
    await assert.rejects(openVaultKey(KEY, access), refused(reason))
  })
}

function withoutNewest(_: string, answer: Json): string {
  return JSON.stringify(answer).replace('"latest_version":1', '"latest_version":2')
}

function withKeys(keys: Json): Json {
  return { data: { type: 'ecdsa-p256', latest_version: 1, keys } }
}

test('a Vault that does not answer is named as such', async (t) => {
  const vault = await testVault(t)
  const nowhere = { ...accessTo(vault), address: 'http://127.0.0.1:1' }
  await assert.rejects(openVaultKey(KEY, nowhere), refused(/Vault does not answer/))
  await assert.rejects(openVaultKey(KEY, accessTo(vault)), refused(/answers 404, it has no such key or transit engine/))
})

test('a signature of Vault that does not verify is never used', async (t) => {
  const vault = await testVault(t)
  vault.createKey('release', 'ed25519')
  vault.createKey('other', 'ed25519')
  const [{ signer }, other] = [
    await openVaultKey(KEY, accessTo(vault)),
    await openVaultKey('hashivault://other', accessTo(vault)),
  ]
  const wrong = Buffer.from(await other.signer.sign(Buffer.from('x'))).toString('base64')
  vault.tamper = () => ({ data: { signature: `vault:v1:${wrong}` } })
  await assert.rejects(signer.sign(Buffer.from('x')), refused(/made a signature that does not verify/))
  vault.tamper = () => ({ data: { signature: 'vault:v1:' } })
  await assert.rejects(signer.sign(Buffer.from('x')), refused(/a signature of Vault/))
  vault.sealed = true
  await assert.rejects(signer.sign(Buffer.from('x')), refused(/sealed/))
})

const names: readonly [string, string][] = [
  ['without a name', 'hashivault://'],
  ['with a way out of its path', 'hashivault://../sys/seal'],
  ['with a question', 'hashivault://release?version=1'],
  ['of another service', 'awskms://release'],
]
for (const [what, name] of names) {
  test(`a key is refused ${what}`, async (t) => {
    const vault = await testVault(t)
    await assert.rejects(openVaultKey(name, accessTo(vault)), refused(/want hashivault:\/\/NAME/, 'KEY_INVALID'))
  })
}

test('a key of another kind than ours is refused', async (t) => {
  const vault = await testVault(t)
  vault.createKey('release', 'rsa-2048')
  await assert.rejects(openVaultKey(KEY, accessTo(vault)), refused(/a key of type ecdsa-p256 or ed25519/))
})

test('Vault is found by the names that its own client has', async (t) => {
  const names = ['VAULT_ADDR', 'VAULT_TOKEN', 'TRANSIT_SECRET_ENGINE_PATH', 'VAULT_NAMESPACE', 'HOME']
  const kept = names.map((name) => [name, process.env[name]] as const)
  t.after(() => {
    for (const [name, value] of kept) {
      if (value === undefined) delete process.env[name]
      else process.env[name] = value
    }
  })
  for (const name of names) delete process.env[name]
  process.env['HOME'] = '/nonexistent'
  await assert.rejects(vaultAccess(), refused(/set VAULT_ADDR/, 'KEY_INVALID'))
  process.env['VAULT_ADDR'] = 'https://vault.test:8200/behind/'
  await assert.rejects(vaultAccess(), refused(/set VAULT_TOKEN/, 'KEY_INVALID'))
  process.env['VAULT_TOKEN'] = 'hvs.x'
  assert.deepEqual(await vaultAccess(), {
    address: 'https://vault.test:8200/behind',
    token: 'hvs.x',
    engine: 'transit',
  })
  Object.assign(process.env, { TRANSIT_SECRET_ENGINE_PATH: '/team/transit/', VAULT_NAMESPACE: 'team' })
  const { engine, namespace } = await vaultAccess()
  assert.deepEqual([engine, namespace], ['team/transit', 'team'])
})
