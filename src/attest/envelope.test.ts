import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import {
  type Envelope,
  formatEnvelope,
  isEnvelope,
  parseEnvelope,
  preAuthenticationEncoding,
  verifyEnvelope,
} from './envelope.ts'
import { parsePublicKey } from './public-key.ts'

const PAYLOAD = Buffer.from('{"hello":"world"}')
const TYPE = 'application/vnd.in-toto+json'

const p256 = () => generateKeyPairSync('ec', { namedCurve: 'prime256v1' })
const pemOf = (key: KeyObject) => key.export({ type: 'spki', format: 'pem' }).toString()
const publicKey = (key: KeyObject) => parsePublicKey(pemOf(key), 'test.pub')

function signed(privateKey: KeyObject, payload: Uint8Array = PAYLOAD, payloadType = TYPE): Envelope {
  const bytes = preAuthenticationEncoding(payloadType, payload)
  const algorithm = privateKey.asymmetricKeyType === 'ed25519' ? null : 'sha256'
  return { payloadType, payload, signatures: [{ keyid: 'a hint', signature: sign(algorithm, bytes, privateKey) }] }
}

const code = (expected: string) => (error: unknown) =>
  error instanceof Error && 'code' in error && error.code === expected

test('what is signed over is as the DSSE specification writes it', () => {
  const encoded = preAuthenticationEncoding('http://example.com/HelloWorld', Buffer.from('hello world'))
  assert.equal(Buffer.from(encoded).toString(), 'DSSEv1 29 http://example.com/HelloWorld 11 hello world')
  assert.equal(Buffer.from(preAuthenticationEncoding('é', Buffer.from(''))).toString(), 'DSSEv1 2 é 0 ')
})

test('bytes cannot move between type and payload', () => {
  const pairs: [string, string][] = [
    ['a', 'b 1 c'],
    ['a 5 b', 'c'],
    ['a 1 b 1', 'c'],
    ['', 'a b'],
    ['a', ' b'],
  ]
  const texts = pairs.map(([type, body]) => preAuthenticationEncoding(type, Buffer.from(body)).toString())
  assert.equal(new Set(texts).size, pairs.length)
  const { privateKey, publicKey: own } = p256()
  const envelope = signed(privateKey, Buffer.from('c'), 'a 5 b')
  const moved = { ...envelope, payloadType: 'a', payload: Buffer.from('b 1 c') }
  assert.throws(() => verifyEnvelope(moved, [publicKey(own)], 'moved'), code('ENVELOPE_UNTRUSTED'))
})

for (const [name, pair] of [
  ['ECDSA on P-256', p256()],
  ['Ed25519', generateKeyPairSync('ed25519')],
] as const) {
  test(`an envelope by ${name} is read back and verified; whatever is changed is not`, () => {
    const key = publicKey(pair.publicKey)
    const envelope = parseEnvelope(Buffer.from(formatEnvelope(signed(pair.privateKey))), 'it')
    const verified = verifyEnvelope(envelope, [publicKey(p256().publicKey), key], 'it')
    assert.deepEqual(Buffer.from(verified.payload), PAYLOAD)
    assert.deepEqual([verified.payloadType, verified.signers], [TYPE, [key.fingerprint]])

    const [{ signature }] = envelope.signatures as [{ signature: Uint8Array }]
    const flipped = Uint8Array.from(signature, (byte, index) => (index === 20 ? byte ^ 1 : byte))
    const tampered: Record<string, Envelope> = {
      payload: { ...envelope, payload: Buffer.from('{"hello":"World"}') },
      'payload type': { ...envelope, payloadType: 'text/plain' },
      signature: { ...envelope, signatures: [{ signature: flipped }] },
      'cut signature': { ...envelope, signatures: [{ signature: signature.subarray(0, 40) }] },
      'no signature': { ...envelope, signatures: [] },
    }
    for (const [what, changed] of Object.entries(tampered)) {
      assert.throws(() => verifyEnvelope(changed, [key], what), code('ENVELOPE_UNTRUSTED'), what)
    }
    assert.throws(() => verifyEnvelope(envelope, [publicKey(p256().publicKey)], 'it'), /tried sha256:/)
    assert.throws(() => verifyEnvelope(envelope, [], 'it'), /no key was given/)
  })
}

test('openssl signs what we verify', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'casemate-dsse-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const at = (name: string) => join(folder, name)
  const openssl = (...args: readonly string[]) => execFileSync('openssl', args, { stdio: ['ignore', 'pipe', 'ignore'] })
  openssl('genpkey', '-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256', '-out', at('key'))
  openssl('pkey', '-in', at('key'), '-pubout', '-out', at('pub'))
  writeFileSync(at('pae'), preAuthenticationEncoding(TYPE, PAYLOAD))
  const signature = openssl('dgst', '-sha256', '-sign', at('key'), at('pae'))
  const key = parsePublicKey(readFileSync(at('pub'), 'utf8'), 'pub')
  const envelope = { payloadType: TYPE, payload: PAYLOAD, signatures: [{ signature }] }
  assert.deepEqual(verifyEnvelope(envelope, [key], 'it').signers, [key.fingerprint])
})

const sig = 'AAAA'
const notEnvelopes: [text: string, fault: RegExp, because: string][] = [
  ['', /no JSON/, 'empty'],
  ['{"payload":"AA', /no JSON/, 'cut'],
  ['[]', /want an envelope/, 'a list'],
  [`{"payload":"","payload":"","payloadType":"a","signatures":[{"sig":"${sig}"}]}`, /stands twice/, 'two payloads'],
  [`{"payload":"","payloadType":"a","signatures":[]}`, /at least one signature/, 'no signature'],
  [`{"payload":"A A","payloadType":"a","signatures":[{"sig":"${sig}"}]}`, /payload.*base64/, 'white space in base64'],
  [`{"payload":"AB==","payloadType":"a","signatures":[{"sig":"${sig}"}]}`, /payload.*no base64/, 'stray bits'],
  [`{"payload":"","payloadType":"","signatures":[{"sig":"${sig}"}]}`, /payloadType.*a media type/, 'no type'],
  [
    `{"payload":"","payloadType":"a","signatures":[${Array(17).fill(`{"sig":"${sig}"}`).join()}]}`,
    /17 signatures/,
    'many',
  ],
  [`{"payload":"","payloadType":"a","signatures":${'['.repeat(20)}${']'.repeat(20)}}`, /nested deeper/, 'deep'],
]
for (const [text, fault, because] of notEnvelopes) {
  test(`no envelope: ${because}`, () => {
    assert.throws(() => parseEnvelope(Buffer.from(text), 'it'), code('ENVELOPE_INVALID'))
    assert.throws(() => parseEnvelope(Buffer.from(text), 'it'), fault)
  })
}

test('base64 of either alphabet is read, and an envelope is told from other JSON', () => {
  const text = '{"payload":"-_8","payloadType":"a","signatures":[{"sig":"+/8="}]}'
  const { payload, signatures } = parseEnvelope(Buffer.from(text), 'it')
  assert.deepEqual(
    [Buffer.from(payload).toString('hex'), Buffer.from(signatures[0]!.signature).toString('hex')],
    ['fbff', 'fbff'],
  )
  assert.deepEqual(
    [isEnvelope(JSON.parse(text)), isEnvelope({ statements: [] }), isEnvelope(null)],
    [true, false, false],
  )
})

test('keys of other kinds, private keys and damage are refused', () => {
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 })
  assert.throws(() => publicKey(rsa.publicKey), /it is rsa, want ECDSA on P-256 or Ed25519/)
  const p384 = generateKeyPairSync('ec', { namedCurve: 'secp384r1' })
  assert.throws(() => publicKey(p384.publicKey), /it is ec secp384r1/)
  const secret = p256().privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
  assert.throws(() => parsePublicKey(secret, 'it'), code('KEY_INVALID'))
  assert.throws(() => parsePublicKey('-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n', 'it'), /damaged/)
  const two = pemOf(p256().publicKey) + pemOf(p256().publicKey)
  assert.throws(() => parsePublicKey(two, 'it'), /want one PEM block/)
})
