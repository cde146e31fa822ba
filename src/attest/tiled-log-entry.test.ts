import assert from 'node:assert/strict'
import { createHash, generateKeyPairSync, sign } from 'node:crypto'
import { test } from 'node:test'
import { canonicalJson } from '#core'
import { TEST_ISSUER } from '#testkit'
import { bundleWorld, IDENTITY, refuses, type Tampered, trustIn, write } from './fixtures.test.ts'

const world = bundleWorld()

const sha256 = (...parts: readonly Uint8Array[]) => createHash('sha256').update(Buffer.concat(parts)).digest()
const ORIGIN = 'tiles.log.test'

/** What a test may do to an entry before the log takes it, and to the bundle afterwards. */
interface Changes {
  readonly entry?: (spec: EntrySpec) => void
  readonly bundle?: (bundle: Tampered) => void
  readonly signedBy?: 'another log'
}

// A type and not an interface, so that it is JSON.
type EntrySpec = {
  payloadHash: { algorithm: string; digest: string }
  signatures: { content: string; verifier: { keyDetails: string; x509Certificate: { rawBytes: string } } }[]
}

/**
 * The stamped bundle with an entry as Rekor's second version has it (`dsse` 0.0.2): no promise and no time of the log's own, but a
 * proof under a checkpoint that the log has signed by Ed25519; with the root that names that log.
 */
function logged({ entry, bundle: change, signedBy }: Changes = {}): { bundle: Uint8Array; root: object } {
  const bundle = world().read('good')
  const envelope = bundle.dsseEnvelope!
  const spec: EntrySpec = {
    payloadHash: { algorithm: 'SHA2_256', digest: sha256(Buffer.from(envelope.payload, 'base64')).toString('base64') },
    signatures: envelope.signatures.map(({ sig }) => ({
      content: sig,
      verifier: { keyDetails: 'PKIX_ECDSA_P256_SHA_256', x509Certificate: bundle.verificationMaterial.certificate! },
    })),
  }
  entry?.(spec)
  const body = Buffer.from(canonicalJson({ apiVersion: '0.0.2', kind: 'dsse', spec: { dsseV002: spec } }))
  // Of a tree with two entries: what is hashed on the way is that of the other one.
  const other = sha256(Buffer.of(0), Buffer.from('{"nobody":1}'))
  const rootHash = sha256(Buffer.of(1), other, sha256(Buffer.of(0), body))
  const key = generateKeyPairSync('ed25519')
  const spki = key.publicKey.export({ type: 'spki', format: 'der' })
  const keyId = sha256(spki)
  const note = `${ORIGIN}\n2\n${rootHash.toString('base64')}\n`
  const signer = signedBy === undefined ? key : generateKeyPairSync('ed25519')
  const line = Buffer.concat([keyId.subarray(0, 4), sign(null, Buffer.from(note), signer.privateKey)])
  bundle.verificationMaterial.tlogEntries = [
    {
      logIndex: '1',
      logId: { keyId: keyId.toString('base64') },
      kindVersion: { kind: 'dsse', version: '0.0.2' },
      integratedTime: '0',
      inclusionProof: {
        logIndex: '1',
        rootHash: rootHash.toString('base64'),
        treeSize: '2',
        hashes: [other.toString('base64')],
        checkpoint: { envelope: `${note}\n\u2014 ${ORIGIN} ${line.toString('base64')}\n` },
      },
      canonicalizedBody: body.toString('base64'),
    },
  ]
  change?.(bundle)
  const log = {
    baseUrl: `https://${ORIGIN}`,
    hashAlgorithm: 'SHA2_256',
    publicKey: {
      rawBytes: spki.toString('base64'),
      keyDetails: 'PKIX_ED25519',
      validFor: { start: '2020-01-01T00:00:00Z' },
    },
    logId: { keyId: keyId.toString('base64') },
  }
  return { bundle: write(bundle), root: { ...world().sigstore.trustedRoot, tlogs: [log] } }
}

test("a bundle with an entry of Rekor's second version is believed by its proof, and by a timestamp for the time", () => {
  const { bundle, root } = logged()
  const { signers, checked, unchecked } = trustIn(root).bundle(bundle, 'tiled')
  assert.deepEqual(signers, [`${IDENTITY} (${TEST_ISSUER})`])
  assert.deepEqual(
    checked.map(({ kind }) => kind),
    ['certificate', 'log entry', 'timestamp'],
  )
  assert.deepEqual(unchecked, [])
})

const refused: readonly [string, Changes, RegExp][] = [
  [
    'no timestamp: the log says no time',
    { bundle: ({ verificationMaterial }) => delete verificationMaterial.timestampVerificationData },
    /time of its signature is not proven/,
  ],
  [
    'an entry of another payload',
    {
      entry: (spec) => {
        spec.payloadHash.digest = sha256(Buffer.from('another')).toString('base64')
      },
    },
    /log entry is of something else/,
  ],
  [
    'an entry of another signature',
    {
      entry: ({ signatures }) => {
        signatures[0]!.content = world().read('other').dsseEnvelope!.signatures[0]!.sig
      },
    },
    /log entry is of something else/,
  ],
  [
    "an entry by another's certificate",
    {
      entry: ({ signatures }) => {
        signatures[0]!.verifier.x509Certificate = world().read('strange').verificationMaterial.certificate!
      },
    },
    /names another key or certificate/,
  ],
  ['a checkpoint that the log has not signed', { signedBy: 'another log' }, /proof that it stands .* does not hold/],
  [
    'a proof of another entry',
    {
      bundle: ({ verificationMaterial }) => {
        verificationMaterial.tlogEntries[0]!.inclusionProof!.hashes = [sha256(Buffer.of(7)).toString('base64')]
      },
    },
    /proof that it stands .* does not hold/,
  ],
  [
    'no proof',
    { bundle: ({ verificationMaterial }) => delete verificationMaterial.tlogEntries[0]!.inclusionProof },
    /inclusion|nothing proves/,
  ],
]
for (const [what, changes, reason] of refused) {
  test(`a bundle with an entry of Rekor's second version is refused for ${what}`, () => {
    const { bundle, root } = logged(changes)
    refuses(() => trustIn(root).bundle(bundle, 'tiled'), reason)
  })
}
