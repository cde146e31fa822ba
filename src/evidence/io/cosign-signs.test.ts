import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { identityTrust, keyTrust, parsePublicKey, parseTrustedRoot, type Trust, type TrustedRoot } from '#attest'
import type { Digest } from '#core'
import { debianTool, TEST_ISSUER, type TestSigstore, testSigstore } from '#testkit'
import { judgeEvidence } from '../judge.ts'
import { collectEvidence } from './collect.ts'
import { type Cleanup, clientOf, pushSample, run, testFolder, testRegistry, testSignatory } from './fixtures.test.ts'

const IDENTITY = 'https://ci.test/team/release'
const TYPE = 'https://example.test/review/v1'

/** An image to sign, and how to judge what cosign has attached to it. */
async function unsignedImage(t: Cleanup) {
  const registry = await testRegistry(t)
  const { top } = await pushSample(t, registry)
  const { digest }: { digest: Digest } = top.descriptor
  const repository = clientOf(t, registry)
  const folder = testFolder(t)
  const predicate = join(folder, 'predicate.json')
  writeFileSync(predicate, '{"reviewed":true}')
  const judge = async (trust: Trust) =>
    judgeEvidence(await collectEvidence(repository, digest), { trust, repositories: [`${registry}/team/app`] })
  return {
    name: `${registry}/team/app@${digest}`,
    folder,
    judge,
    attestOptions: ['--type', TYPE, '--predicate', predicate],
  }
}

const rootOf = ({ trustedRoot }: TestSigstore): Promise<TrustedRoot> =>
  parseTrustedRoot(Buffer.from(JSON.stringify(trustedRoot)), 'root')

test('what cosign 2 signs by key into a log is verified with the root, and refused with a root of another log', async (t) => {
  const sigstore = await testSigstore(t)
  const { name, folder, judge, attestOptions } = await unsignedImage(t)
  const key = parsePublicKey(readFileSync(testSignatory(folder).publicKey, 'utf8'), 'key')
  const rekor = join(folder, 'rekor.pem')
  const { rawBytes } = (sigstore.trustedRoot.tlogs[0] as { publicKey: { rawBytes: string } }).publicKey
  writeFileSync(rekor, `-----BEGIN PUBLIC KEY-----\n${rawBytes}\n-----END PUBLIC KEY-----\n`)
  const options = ['--key', join(folder, 'cosign.key'), '--rekor-url', sigstore.url, '--yes', '--allow-http-registry']
  const env = { SIGSTORE_REKOR_PUBLIC_KEY: rekor }
  await run(debianTool('cosign-2'), ['sign', ...options, name], env)
  await run(debianTool('cosign-2'), ['attest', ...options, ...attestOptions, name], env)

  const { signatures, statements, refused } = await judge(keyTrust([key], await rootOf(sigstore)))
  assert.deepEqual(refused, [])
  assert.equal(statements[0]!.statement.predicateType, TYPE)
  for (const { checked, unchecked } of [...signatures, ...statements]) {
    assert.deepEqual(
      checked.map(({ kind }) => kind),
      ['log entry'],
    )
    assert.deepEqual(unchecked, [])
  }
  const unrooted = await judge(keyTrust([key]))
  assert.deepEqual(unrooted.signatures[0]!.unchecked, ['its entry in a transparency log'])
  const stranger = await judge(keyTrust([key], await rootOf(await testSigstore(t))))
  assert.deepEqual([stranger.signatures, stranger.statements], [[], []])
  for (const { reason } of stranger.refused)
    assert.match(reason, /promise of a transparency log to take it does not hold/)
})

test('what cosign 3 signs as an identity is verified with the root, and refused as another identity', async (t) => {
  const sigstore = await testSigstore(t)
  const { name, folder, judge, attestOptions } = await unsignedImage(t)
  const token = join(folder, 'token')
  writeFileSync(token, sigstore.token(IDENTITY))
  const root = join(folder, 'root.json')
  writeFileSync(root, JSON.stringify(sigstore.trustedRoot))
  const config = join(folder, 'signing-config.json')
  const validFor = { start: '2020-01-01T00:00:00Z' }
  const service = [{ url: sigstore.url, majorApiVersion: 1, validFor, operator: 'tests' }]
  writeFileSync(
    config,
    JSON.stringify({
      mediaType: 'application/vnd.dev.sigstore.signingconfig.v0.2+json',
      caUrls: service,
      oidcUrls: [],
      rekorTlogUrls: service,
      tsaUrls: [],
      rekorTlogConfig: { selector: 'ANY' },
      tsaConfig: { selector: 'ANY' },
    }),
  )
  const place = ['--signing-config', config, '--trusted-root', root, '--yes', '--allow-http-registry']
  await run(debianTool('cosign-3'), ['sign', '--identity-token', token, ...place, name])
  await run(debianTool('cosign-3'), ['attest', '--identity-token', token, ...place, ...attestOptions, name])

  const trusted = await rootOf(sigstore)
  const trustIn = (identity: string) => identityTrust(trusted, [{ name: identity, issuer: TEST_ISSUER }])
  const { signatures, statements, refused } = await judge(trustIn(IDENTITY))
  assert.deepEqual(refused, [])
  assert.deepEqual(statements[0]!.statement.predicate, { reviewed: true })
  assert.deepEqual(
    signatures[0]!.checked.map(({ kind }) => kind),
    ['certificate', 'log entry'],
  )
  const other = await judge(trustIn(`${IDENTITY}-2`))
  assert.deepEqual([other.signatures.length, other.statements.length, other.refused.length], [0, 0, 2])
})
