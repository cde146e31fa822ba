import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { digestOf } from '#core'
import { TEST_ISSUER, testSigstore } from '#testkit'
import {
  formatEnvelope,
  formatStatement,
  identityTrust,
  openIdentitySignatory,
  parseTrustedRoot,
  readIdentityToken,
} from './index.ts'

test('what an identity signs is believed', async (t) => {
  const sigstore = await testSigstore(t)
  const folder = mkdtempSync(join(tmpdir(), 'casemate-identity-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const path = join(folder, 'token')
  writeFileSync(path, sigstore.token('https://ci.test/team/release'))
  const urls = { fulcioUrl: sigstore.url, rekorUrl: sigstore.url, timestampUrl: sigstore.url }
  const signatory = await openIdentitySignatory(() => readIdentityToken(path), urls)
  assert.equal(signatory.name, `https://ci.test/team/release (${TEST_ISSUER})`)
  const root = parseTrustedRoot(Buffer.from(JSON.stringify(sigstore.trustedRoot)), 'root')
  const trust = identityTrust(root, [{ name: 'https://ci.test/team/release', issuer: TEST_ISSUER }])
  const payload = formatStatement({
    subjects: [{ digest: digestOf(Buffer.from('x')) }],
    predicateType: 'https://a.test/x',
    predicate: {},
  })
  const { bundle, envelope, annotations } = await signatory.signStatement(payload)
  console.log(trust.bundle(bundle, 'bundle').checked)
  console.log(trust.envelope(Buffer.from(formatEnvelope(envelope)), annotations, 'envelope').checked)
  const signed = await signatory.signPayload(payload)
  console.log(trust.signature({ payload, ...signed }, 'signature').checked)
})
