import assert from 'node:assert/strict'
import { test } from 'node:test'
import { TEST_ISSUER, testSigstore } from '#testkit'
import {
  bundleWorld,
  entryOf,
  IDENTITY,
  identitySignatory,
  proofOf,
  refuses,
  sampleStatement,
  type Tamper,
  trustIn,
  turned,
  write,
} from './fixtures.test.ts'
import { keyTrust } from './index.ts'
import { importRoot } from './root-verification.ts'

const world = bundleWorld()

test('bundles of an identity and of keys are believed as they were made', () => {
  for (const name of ['good', 'other', 'unstamped'] as const) {
    const { signers, checked, unchecked } = trustIn(world().sigstore.trustedRoot).bundle(
      world().bundles.get(name)!,
      name,
    )
    assert.deepEqual(signers, [`${IDENTITY} (${TEST_ISSUER})`])
    const kinds = ['certificate', 'log entry', ...(name === 'unstamped' ? [] : ['timestamp'])]
    assert.deepEqual(
      checked.map(({ kind }) => kind),
      kinds,
    )
    assert.deepEqual(unchecked, [])
  }
})

test('members that are null are members that are not there, as in bundles that npm publishes', () => {
  const bundle = world().read('unstamped')
  const { verificationMaterial } = bundle
  const written = {
    ...bundle,
    verificationMaterial: { ...verificationMaterial, timestampVerificationData: null, publicKey: null },
  }
  const { signers } = trustIn(world().sigstore.trustedRoot).bundle(Buffer.from(JSON.stringify(written)), 'nulls')
  assert.deepEqual(signers, [`${IDENTITY} (${TEST_ISSUER})`])
  const unlogged = { ...written, verificationMaterial: { ...written.verificationMaterial, tlogEntries: null } }
  assert.throws(() => trustIn(world().sigstore.trustedRoot).bundle(Buffer.from(JSON.stringify(unlogged)), 'unlogged'), {
    code: 'ENVELOPE_UNTRUSTED',
  })
})

test('an entry after the certificate has expired is refused, and one before it was valid', () => {
  refuses(
    () => trustIn(world().sigstore.trustedRoot).bundle(world().bundles.get('late')!, 'it'),
    /certificate is not to be believed/,
  )
  refuses(
    () => trustIn(world().sigstore.trustedRoot).bundle(world().bundles.get('early')!, 'it'),
    /certificate is not to be believed/,
  )
})

const strangers: readonly [
  string,
  () => { root?: object; name?: string | RegExp; issuer?: string; bundle?: Uint8Array },
  RegExp,
][] = [
  ['another identity', () => ({ name: `${IDENTITY}-2` }), /is signed by .*release .*, want .*release-2/],
  ['an identity that begins alike', () => ({ name: /https:\/\/ci\.test\/team/ }), /want/],
  ['an identity that ends alike', () => ({ name: /release/ }), /want/],
  ['a pattern with alternatives of which one is a part', () => ({ name: /https|release/ }), /want/],
  ['the same identity of another issuer', () => ({ bundle: world().bundles.get('elsewhere')! }), /elsewhere\.test/],
  [
    'the same identity by another root',
    () => ({ bundle: world().bundles.get('strange')! }),
    /time of its signature is not proven/,
  ],
  [
    'a root without the certificate authority',
    () => ({ root: { ...world().sigstore.trustedRoot, certificateAuthorities: [] } }),
    /not to be believed/,
  ],
  [
    'a root with another log',
    () => ({ root: { ...world().sigstore.trustedRoot, tlogs: world().stranger.trustedRoot.tlogs } }),
    /transparency log/,
  ],
  [
    'a root with another log of certificates',
    () => ({ root: { ...world().sigstore.trustedRoot, ctlogs: world().stranger.trustedRoot.ctlogs } }),
    /not to be believed/,
  ],
  [
    'a root with another timestamp authority',
    () => ({
      root: {
        ...world().sigstore.trustedRoot,
        timestampAuthorities: world().stranger.trustedRoot.timestampAuthorities,
      },
    }),
    /time of its signature/,
  ],
]
for (const [what, how, reason] of strangers) {
  test(`an identity is not believed for: ${what}`, () => {
    const {
      root = world().sigstore.trustedRoot,
      name = IDENTITY,
      issuer = TEST_ISSUER,
      bundle = world().bundles.get('good')!,
    } = how()
    refuses(() => trustIn(root, name, issuer).bundle(bundle, 'it'), reason)
  })
}

test('a certificate that stands in no log of certificates is refused', async (context) => {
  const unlogged = await testSigstore(context, { unlogged: true })
  const { bundle } = await (await identitySignatory(context, unlogged)).signStatement(sampleStatement('x'))
  refuses(() => trustIn(unlogged.trustedRoot).bundle(bundle, 'it'), /SCT/)
})

test('a pattern is believed that the whole identity matches', () => {
  const { signers } = trustIn(world().sigstore.trustedRoot, /https:\/\/ci\.test\/team\/\w+/).bundle(
    world().bundles.get('good')!,
    'it',
  )
  assert.equal(signers.length, 1)
})

const rootOf = () => importRoot(world().sigstore.trustedRoot, 'root')

for (const name of ['key', 'ed25519'] as const) {
  test(`log entries and timestamps of a key's bundle are verified with a root, and named as unchecked without: ${name}`, () => {
    const withRoot = keyTrust([world().keys.get(name)!], rootOf()).bundle(world().bundles.get(name)!, 'it')
    assert.deepEqual(
      withRoot.checked.map(({ kind }) => kind),
      ['log entry', 'timestamp'],
    )
    assert.deepEqual(withRoot.unchecked, [])
    const without = keyTrust([world().keys.get(name)!]).bundle(world().bundles.get(name)!, 'it')
    assert.deepEqual(without.checked, [])
    assert.equal(without.unchecked.length, 2)
  })
}

const ofKeys: readonly [string, Tamper, RegExp][] = [
  [
    'promise of the log',
    (b) => {
      entryOf(b).inclusionPromise!.signedEntryTimestamp = turned(entryOf(b).inclusionPromise!.signedEntryTimestamp)
    },
    /promise of a transparency log/,
  ],
  [
    'inclusion proof',
    (b) => {
      proofOf(b).hashes[0] = turned(proofOf(b).hashes[0]!)
    },
    /proof that it stands/,
  ],
  [
    'log entry of another key',
    (b, w) => {
      b.verificationMaterial.tlogEntries = w.read('otherKey').verificationMaterial.tlogEntries
    },
    /something else/,
  ],
  [
    'timestamp of another signature',
    (b, w) => {
      b.verificationMaterial.timestampVerificationData =
        w.read('otherKey').verificationMaterial.timestampVerificationData!
    },
    /time of its signature/,
  ],
  [
    'signature of another key',
    (b, w) => {
      b.dsseEnvelope = w.read('otherKey').dsseEnvelope!
    },
    /no trusted key has signed it/,
  ],
  [
    'log entry of the same signature, by a certificate',
    (b, w) => {
      b.verificationMaterial.tlogEntries = [w.forgedEntry(b)]
    },
    /names another key or certificate/,
  ],
]
for (const [what, tamper, reason] of ofKeys) {
  test(`a key's bundle is refused with a root for what was tampered with: ${what}`, () => {
    const bundle = world().read('key')
    tamper(bundle, world())
    refuses(() => keyTrust([world().keys.get('key')!], rootOf()).bundle(write(bundle), 'it'), reason)
  })
}

test('a root without a log is content with a timestamp, and one with a log is not', () => {
  const bundle = world().read('good')
  bundle.verificationMaterial.tlogEntries = []
  const { trustedRoot } = world().sigstore
  const { checked } = trustIn({ ...trustedRoot, tlogs: [] }).bundle(write(bundle), 'it')
  assert.deepEqual(
    checked.map(({ kind }) => kind),
    ['certificate', 'timestamp'],
  )
  refuses(() => trustIn(trustedRoot).bundle(write(bundle), 'it'), /stands in no transparency log/)
  refuses(() => trustIn({ ...trustedRoot, tlogs: [] }).bundle(world().bundles.get('good')!, 'it'), /transparency log/)
})
