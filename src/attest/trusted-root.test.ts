import assert from 'node:assert/strict'
import { test } from 'node:test'
import { testSigstore } from '#testkit'
import { loggedKeyBundle } from './fixtures.test.ts'
import { AttestError, eitherTrust, generateKeyPair, keyTrust, openPrivateKey, parseTrustedRoot } from './index.ts'

test('a root is read that names a log alone, or timestamp authorities alone', async (t) => {
  const { trustedRoot } = await testSigstore(t)
  for (const part of [{ tlogs: trustedRoot.tlogs }, { timestampAuthorities: trustedRoot.timestampAuthorities }]) {
    const bytes = Buffer.from(JSON.stringify({ mediaType: trustedRoot.mediaType, ...part }))
    assert.ok(await parseTrustedRoot(bytes, 'root'))
  }
})

const damaged: readonly [string, (text: string) => string, RegExp][] = [
  ['is no JSON', () => 'root', /no JSON/],
  ['has a media type of something else', (text) => text.replace('trustedroot', 'bundle'), /mediaType/],
  ['has another version', (text) => text.replace('version=0.1', 'version=0.9'), /mediaType/],
  ['has two members of one name', (text) => text.replace('{', '{"tlogs":[],'), /tlogs/],
  [
    'names nobody who proves a time',
    (text) => withMembers(text, { tlogs: [], timestampAuthorities: [] }),
    /neither a transparency log nor/,
  ],
  [
    'has a log without a key',
    (text) => withMembers(text, { tlogs: [{ logId: { keyId: 'AAAA' } }] }),
    /`publicKey` is missing/,
  ],
  [
    'has a log with a damaged key',
    (text) =>
      withMembers(text, {
        tlogs: [{ logId: { keyId: 'AAAA' }, publicKey: { rawBytes: 'AAAA', keyDetails: 'PKIX_ECDSA_P256_SHA_256' } }],
      }),
    /is damaged/,
  ],
  [
    'has an authority without certificates',
    (text) => withMembers(text, { certificateAuthorities: [{ certChain: { certificates: [] } }] }),
    /has no certificate/,
  ],
  [
    'has a damaged certificate',
    (text) => withMembers(text, { certificateAuthorities: [{ certChain: { certificates: [{ rawBytes: 'AAAA' }] } }] }),
    /is damaged/,
  ],
  ['has a thousand logs', (text) => withMembers(text, { tlogs: Array.from({ length: 1000 }, () => ({})) }), /tlogs/],
]

function withMembers(text: string, members: object): string {
  return JSON.stringify({ ...JSON.parse(text), ...members })
}

for (const [what, damage, reason] of damaged) {
  test(`a root is refused that ${what}`, async (t) => {
    const { trustedRoot } = await testSigstore(t)
    const bytes = Buffer.from(damage(JSON.stringify(trustedRoot)))
    await assert.rejects(parseTrustedRoot(bytes, 'root.json'), (error) => {
      assert.ok(error instanceof AttestError, String(error))
      assert.equal(error.code, 'ROOT_INVALID')
      assert.match(error.message, /^cannot read the trusted root root\.json: /)
      assert.match(error.message, reason)
      return true
    })
  })
}

test('one of several who believe is enough, and where none does every reason is said', async (t) => {
  const sigstore = await testSigstore(t)
  const { bundle, key } = await loggedKeyBundle(sigstore)
  const strangers = [0, 1].map(() => openPrivateKey(generateKeyPair('').privatePem, '', 'key').publicKey)
  const [first, second] = strangers.map((stranger) => keyTrust([stranger]))
  assert.deepEqual(eitherTrust([first!, keyTrust([key])]).bundle(bundle, 'it').signers, [key.fingerprint])
  assert.throws(
    () => eitherTrust([first!, second!]).bundle(bundle, 'it'),
    (error: Error) => strangers.every(({ fingerprint }) => error.message.includes(fingerprint)),
  )
})
