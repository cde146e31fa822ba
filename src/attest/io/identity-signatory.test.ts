import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { CasemateError } from '#core'
import { TEST_ISSUER, testSigstore } from '#testkit'
import { IDENTITY, identitySignatory, sampleStatement, testFolder, tokenSource } from '../fixtures.test.ts'
import { parseTrustedRoot } from '../index.ts'
import { readIdentityToken } from './identity-token.ts'
import { openIdentitySignatory } from './open-identity.ts'

function failsWith(code: string, reason: RegExp, secret?: string) {
  return (error: unknown) => {
    assert.ok(error instanceof CasemateError, String(error))
    assert.equal(error.code, code)
    assert.match(error.message, reason)
    if (secret !== undefined) assert.ok(!JSON.stringify([error.message, String(error.cause)]).includes(secret))
    return true
  }
}

test('one certificate is enough for everything that is signed while it lives', async (t) => {
  const sigstore = await testSigstore(t)
  const signatory = await identitySignatory(t, sigstore)
  assert.equal(signatory.name, `${IDENTITY} (${TEST_ISSUER})`)
  await signatory.signStatement(sampleStatement('a'))
  await signatory.signPayload(sampleStatement('b'))
  assert.equal(sigstore.requests.filter((path) => path.endsWith('/signingCert')).length, 1)
  assert.equal(sigstore.requests.filter((path) => path.endsWith('/log/entries')).length, 2)
})

test('a certificate that ends soon is renewed, for the same identity and no other', async (t) => {
  const sigstore = await testSigstore(t)
  sigstore.certificateAge = 570
  const tokens = [sigstore.token(IDENTITY), sigstore.token(IDENTITY), sigstore.token('https://ci.test/team/other')]
  const source = async () => tokenSource(t, tokens.shift() ?? '')()
  const signatory = await openIdentitySignatory(source, { fulcioUrl: sigstore.url, rekorUrl: sigstore.url })
  await signatory.signStatement(sampleStatement('x'))
  assert.equal(sigstore.requests.filter((path) => path.endsWith('/signingCert')).length, 2)
  const again = signatory.signStatement(sampleStatement('x'))
  await assert.rejects(again, failsWith('SIGNING_REFUSED', /names another identity than the first/))
})

const faults: readonly [string, string, number, string, RegExp][] = [
  [
    'authority refuses the token',
    '/api/v2/signingCert',
    401,
    '{"message":"no \\u001b[31mway"}',
    /authority issued none \(HTTP 401: no {2}\[31mway\)/,
  ],
  ['authority answers nonsense', '/api/v2/signingCert', 201, '<html>', /authority issued none/],
  [
    'authority issues no certificate',
    '/api/v2/signingCert',
    201,
    '{"signedCertificateEmbeddedSct":{"chain":{"certificates":["x"]}}}',
    /is no certificate/,
  ],
  [
    'log refuses the entry',
    '/api/v1/log/entries',
    400,
    '{"message":"too large"}',
    /log took no entry \(HTTP 400: too large\)/,
  ],
  ['timestamp authority refuses', '/api/v1/timestamp', 400, '{}', /timestamp authority issued none \(HTTP 400:/],
]
for (const [what, where, status, body, reason] of faults) {
  test(`nothing is signed where the ${what}`, async (t) => {
    const sigstore = await testSigstore(t)
    sigstore.fault = (path) => (path === where ? { status, body } : undefined)
    const sign = async () => (await identitySignatory(t, sigstore)).signStatement(sampleStatement('x'))
    await assert.rejects(sign(), failsWith('SIGNING_REFUSED', reason))
  })
}

test('nothing is given that the root does not vouch for, whatever the services answer', async (t) => {
  const sigstore = await testSigstore(t)
  const urls = { fulcioUrl: sigstore.url, rekorUrl: sigstore.url, timestampUrl: sigstore.url }
  const root = await parseTrustedRoot(Buffer.from(JSON.stringify(sigstore.trustedRoot)), 'root')
  const source = tokenSource(t, sigstore.token(IDENTITY))
  const signatory = await openIdentitySignatory(source, { ...urls, root })
  await signatory.signStatement(sampleStatement('x'))
  await signatory.signPayload(sampleStatement('x'))
  sigstore.logAhead = 3600
  const late = /cannot trust what was signed just now: its certificate is not to be believed/
  await assert.rejects(signatory.signStatement(sampleStatement('x')), failsWith('ENVELOPE_UNTRUSTED', late))
  await assert.rejects(signatory.signPayload(sampleStatement('x')), failsWith('ENVELOPE_UNTRUSTED', late))
})

test('a certificate for another key than ours is refused', async (t) => {
  const sigstore = await testSigstore(t)
  const { bundle } = await (await identitySignatory(t, sigstore)).signStatement(sampleStatement('x'))
  const { rawBytes } = JSON.parse(Buffer.from(bundle).toString()).verificationMaterial.certificate
  const pem = `-----BEGIN CERTIFICATE-----\n${rawBytes}\n-----END CERTIFICATE-----\n`
  const body = JSON.stringify({ signedCertificateEmbeddedSct: { chain: { certificates: [pem] } } })
  sigstore.fault = (path) => (path.endsWith('/signingCert') ? { status: 201, body } : undefined)
  await assert.rejects(identitySignatory(t, sigstore), failsWith('SIGNING_REFUSED', /for another key than ours/))
})

test('a token is never sent without encryption to another machine', async (t) => {
  const sigstore = await testSigstore(t)
  const token = sigstore.token(IDENTITY)
  const opened = openIdentitySignatory(tokenSource(t, token), { fulcioUrl: 'http://fulcio.test' })
  await assert.rejects(
    opened,
    failsWith('SIGNING_REFUSED', /want an address of https, not http:\/\/fulcio\.test/, token),
  )
})

const tokens: readonly [string, string, RegExp][] = [
  ['of three words', 'hidden.secret', /no JSON Web Token/],
  ['whose claims are no JSON', `a.${Buffer.from('hidden').toString('base64url')}.c`, /claims cannot be read/],
  ['without an issuer', `a.${Buffer.from('{"sub":"hidden"}').toString('base64url')}.c`, /has no issuer/],
  [
    'of a mail address that nobody has confirmed',
    `a.${Buffer.from('{"iss":"i","email":"hidden@a.test"}').toString('base64url')}.c`,
    /token names nobody/,
  ],
]
for (const [what, token, reason] of tokens) {
  test(`a token is refused, and not shown, that is one ${what}`, async (t) => {
    const sigstore = await testSigstore(t)
    const opened = openIdentitySignatory(tokenSource(t, token), { fulcioUrl: sigstore.url, rekorUrl: sigstore.url })
    await assert.rejects(opened, (error: CasemateError) => {
      assert.match(error.code, /^(TOKEN_INVALID|SIGNING_REFUSED)$/)
      return failsWith(error.code, reason, token)(error)
    })
  })
}

test('a token comes from the environment where no file is named', async (t) => {
  const sigstore = await testSigstore(t)
  const { SIGSTORE_ID_TOKEN } = process.env
  t.after(() => {
    if (SIGSTORE_ID_TOKEN === undefined) delete process.env['SIGSTORE_ID_TOKEN']
    else process.env['SIGSTORE_ID_TOKEN'] = SIGSTORE_ID_TOKEN
  })
  process.env['SIGSTORE_ID_TOKEN'] = sigstore.token(IDENTITY)
  assert.equal((await readIdentityToken()).issuer, TEST_ISSUER)
  delete process.env['SIGSTORE_ID_TOKEN']
  await assert.rejects(readIdentityToken(), failsWith('TOKEN_INVALID', /there is none: name a file/))
  const missing = join(testFolder(t), 'none')
  await assert.rejects(readIdentityToken(missing), failsWith('TOKEN_INVALID', /cannot read the identity token/))
  writeFileSync(missing, '')
  await assert.rejects(readIdentityToken(missing), failsWith('TOKEN_INVALID', /no JSON Web Token/))
})
