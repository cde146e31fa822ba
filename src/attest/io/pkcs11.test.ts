import assert from 'node:assert/strict'
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { CasemateError } from '#core'
import { softToken } from '#testkit'
import { sampleStatement } from '../fixtures.test.ts'
import { isSignedBy, keySignatory, keyTrust, openServiceSigner, readServiceKeys } from '../index.ts'

/** A token with the key `release`, which this process finds. */
function teamToken(t: TestContext) {
  const token = softToken(t)
  token.createKey('release', { id: '01' })
  withEnvironment(t, token.environment)
  return { ...token, uri: token.uriOf('release') }
}

function withEnvironment(t: TestContext, variables: Readonly<Record<string, string>>): void {
  for (const [name, value] of Object.entries(variables)) {
    const before = process.env[name]
    process.env[name] = value
    t.after(() => {
      if (before === undefined) delete process.env[name]
      else process.env[name] = before
    })
  }
}

function refused(reason: RegExp, code = 'SIGNING_REFUSED') {
  return (error: unknown) => {
    assert.ok(error instanceof CasemateError, String(error))
    assert.equal(error.code, code)
    assert.match(error.message, reason)
    return true
  }
}

test('a key in a token signs statements and images, and its public key verifies them', async (t) => {
  const { uri } = teamToken(t)
  const signer = await openServiceSigner(uri)
  const signatory = keySignatory(signer)
  const [publicKey] = await readServiceKeys(uri)
  assert.equal(publicKey?.fingerprint, signer.publicKey.fingerprint)
  const payload = sampleStatement('x')
  const { bundle } = await signatory.signStatement(payload)
  assert.deepEqual(keyTrust([signer.publicKey]).bundle(bundle, 'it').signers, [signer.publicKey.fingerprint])
  const { signature } = await signatory.signPayload(payload)
  assert.ok(isSignedBy(signer.publicKey, payload, signature))
})

test('a token that is asked for several signatures at once makes them all, however large the SBOMs are', async (t) => {
  const { uri } = teamToken(t)
  const signer = await openServiceSigner(uri)
  const payloads = [1, 2, 3, 20 * 2 ** 20].map((size) => Buffer.alloc(size, 'x'))
  const signatures = await Promise.all(payloads.map((payload) => signer.sign(payload)))
  for (const [index, signature] of signatures.entries()) {
    assert.ok(isSignedBy(signer.publicKey, payloads[index] ?? Buffer.of(), signature))
  }
})

test('a key is found by its id, with module and PIN from the environment', async (t) => {
  const { uri, module, pin } = teamToken(t)
  withEnvironment(t, { COSIGN_PKCS11_MODULE_PATH: module, COSIGN_PKCS11_PIN: pin })
  const byLabel = await openServiceSigner(uri)
  const byId = await openServiceSigner('pkcs11:token=the%20team;id=%01')
  assert.equal(byId.publicKey.fingerprint, byLabel.publicKey.fingerprint)
})

test('the public key is read without a PIN', async (t) => {
  const { uri } = teamToken(t)
  const [path = ''] = uri.split('&')
  assert.equal((await readServiceKeys(path)).length, 1)
  await assert.rejects(openServiceSigner(path), refused(/needs a PIN: want pin-source=file:PATH/, 'KEY_INVALID'))
})

test('a wrong PIN is tried once, when the key is opened, so that the token does not lock itself', async (t) => {
  const { uri, pinFile, pin } = teamToken(t)
  writeFileSync(pinFile, '000000\n')
  await assert.rejects(openServiceSigner(uri), refused(/the PIN is wrong.*CKR_PIN_INCORRECT/))
  writeFileSync(pinFile, pin)
  await openServiceSigner(uri)
})

const faults: readonly [string, (uri: string) => string, RegExp, string?][] = [
  ['of no token', (uri) => uri.replace('the%20team', 'nobody'), /there is no such token/],
  ['that the token has not', (uri) => uri.replace('release', 'other'), /the token has no such key/],
  [
    'by no module',
    (uri) => uri.replace(/module-path=[^&]+/, 'module-path=/nonexistent.so'),
    /its module cannot be loaded/,
  ],
  ['without a module', (uri) => uri.replace(/module-path=[^&]+&/, ''), /want module-path=PATH/, 'KEY_INVALID'],
  ['whose PIN is nowhere', (uri) => uri.replace('/pin', '/nowhere'), /its PIN cannot be read/, 'KEY_INVALID'],
  ['whose PIN never ends', (uri) => uri.replace(/file:.*$/, 'file:/dev/zero'), /its PIN is no PIN/, 'KEY_INVALID'],
]
for (const [what, change, reason, code] of faults) {
  test(`a key ${what} is refused with the reason`, async (t) => {
    const { uri } = teamToken(t)
    await assert.rejects(openServiceSigner(change(uri)), refused(reason, code))
  })
}

for (const kind of ['EC:secp384r1', 'RSA:2048']) {
  test(`a key of another kind than ours is refused: ${kind}`, async (t) => {
    const { createKey, uriOf } = teamToken(t)
    createKey('another', { id: '02', kind })
    await assert.rejects(openServiceSigner(uriOf('another')), /want ECDSA on P-256/)
  })
}

/** Puts a program before OpenSC's in the path, which does something else at times and is OpenSC's otherwise. */
function interpose(t: TestContext, script: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'casemate-tool-'))
  t.after(() => rmSync(folder, { recursive: true }))
  writeFileSync(join(folder, 'pkcs11-tool'), `#!/bin/sh\n${script}\nexec /usr/bin/pkcs11-tool "$@"\n`)
  chmodSync(join(folder, 'pkcs11-tool'), 0o755)
  withEnvironment(t, { PATH: `${folder}:${process.env['PATH']}` })
  return folder
}

test('a signature that does not verify is never used, nor one that is no signature', async (t) => {
  const { uri } = teamToken(t)
  const folder = interpose(t, 'case "$*" in *--sign*) if [ -e "$0.bad" ]; then cat "$0.bad"; exit 0; fi ;; esac')
  const signer = await openServiceSigner(uri)
  const bytes = Buffer.from('x')
  const other = await signer.sign(Buffer.from('y'))
  for (const wrong of [other, Buffer.from('no signature'), Buffer.of()]) {
    writeFileSync(join(folder, 'pkcs11-tool.bad'), wrong)
    await assert.rejects(signer.sign(bytes), refused(/made a signature that does not verify/))
  }
})

test('the PIN is in no argument, where everybody on the machine could read it', async (t) => {
  const { uri, pin } = teamToken(t)
  const folder = interpose(t, 'echo "$@" >> "$0.log"')
  await (await openServiceSigner(uri)).sign(Buffer.from('x'))
  const said = readFileSync(join(folder, 'pkcs11-tool.log'), 'utf8')
  assert.match(said, /--sign/)
  assert.ok(!said.includes(pin), said)
})

test('without the program the error says what to install', async (t) => {
  const { uri } = teamToken(t)
  withEnvironment(t, { PATH: '/nonexistent' })
  await assert.rejects(openServiceSigner(uri), refused(/install OpenSC \(Debian's package opensc\)/))
})
