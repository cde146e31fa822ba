import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before } from 'node:test'
import { bundleToJSON } from '@sigstore/bundle'
import { DSSEBundleBuilder, RekorWitness, TSAWitness } from '@sigstore/sign'
import { CasemateError, digestOf, type Json } from '#core'
import { TEST_ISSUER, type TestSigstore, testSigstore } from '#testkit'
import {
  formatStatement,
  generateKeyPair,
  type IdentityToken,
  identityTrust,
  openIdentitySignatory,
  openPrivateKey,
  type PublicKey,
  readIdentityToken,
  type Signatory,
  STATEMENT_TYPE,
  type Trust,
} from './index.ts'
import { importRoot } from './root-verification.ts'

/** What ends with a test. */
export interface Cleanup {
  after(end: () => unknown): void
}

export const IDENTITY = 'https://ci.test/team/release'

export function testFolder(t: Cleanup): string {
  const folder = mkdtempSync(join(tmpdir(), 'casemate-attest-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** Where a stand-in's token comes from, as the command line has it. */
export function tokenSource(t: Cleanup, token: string): () => Promise<IdentityToken> {
  const path = join(testFolder(t), 'token')
  writeFileSync(path, `${token}\n`)
  return () => readIdentityToken(path)
}

export async function identitySignatory(
  t: Cleanup,
  sigstore: TestSigstore,
  { identity = IDENTITY, issuer = TEST_ISSUER, stamped = true } = {},
): Promise<Signatory> {
  return openIdentitySignatory(tokenSource(t, sigstore.token(identity, issuer)), {
    fulcioUrl: sigstore.url,
    rekorUrl: sigstore.url,
    timestampUrl: stamped ? sigstore.url : undefined,
  })
}

/** A trust in one identity by the stand-in's root, or by a root that was changed. */
export function trustIn(root: object, name: string | RegExp = IDENTITY, issuer = TEST_ISSUER): Trust {
  return identityTrust(importRoot(root, 'root'), [{ name, issuer }])
}

export function sampleStatement(about: string): Uint8Array {
  const subjects = [{ name: 'registry.test/app', digest: digestOf(Buffer.from(about)) }]
  return formatStatement({ subjects, predicateType: 'https://example.test/review/v1', predicate: { about } })
}

/** A bundle that a fresh key has signed, in the log and stamped. */
export async function loggedKeyBundle(
  sigstore: TestSigstore,
  algorithm: PublicKey['algorithm'] = 'ecdsa-p256-sha256',
): Promise<{ bundle: Uint8Array; key: PublicKey }> {
  const { privatePem, publicPem } = generateKeyPair('', algorithm)
  const signer = openPrivateKey(privatePem, '', 'key')
  const builder = new DSSEBundleBuilder({
    signer: {
      sign: async (data) => ({
        signature: Buffer.from(await signer.sign(data)),
        key: { $case: 'publicKey', publicKey: publicPem, hint: 'ours' },
      }),
    },
    witnesses: [new RekorWitness({ rekorBaseURL: sigstore.url }), new TSAWitness({ tsaBaseURL: sigstore.url })],
  })
  const bundle = await builder.create({ data: Buffer.from(sampleStatement('key')), type: STATEMENT_TYPE })
  return { bundle: Buffer.from(JSON.stringify(bundleToJSON(bundle))), key: signer.publicKey }
}

/** A bundle's JSON, as far as it is tampered with. */
export interface Tampered {
  mediaType?: string
  verificationMaterial: {
    certificate?: { rawBytes: string }
    publicKey?: { hint: string }
    tlogEntries: Entry[]
    timestampVerificationData?: { rfc3161Timestamps: { signedTimestamp: string }[] }
  }
  dsseEnvelope?: { payload: string; payloadType: string; signatures: { sig: string }[] }
  messageSignature?: Json
}

export interface Entry {
  logIndex: string
  logId: { keyId: string }
  kindVersion: { kind: string; version: string }
  integratedTime: string
  inclusionPromise?: { signedEntryTimestamp: string }
  inclusionProof?: {
    logIndex: string
    rootHash: string
    treeSize: string
    hashes: string[]
    checkpoint: { envelope: string }
  }
  canonicalizedBody?: string
}

/** Bundles as they were made, each under the name of what is special about it. */
export type BundleName =
  | 'good'
  | 'other'
  | 'strange'
  | 'late'
  | 'early'
  | 'elsewhere'
  | 'unstamped'
  | 'key'
  | 'ed25519'
  | 'otherKey'

/** What tampering starts from. */
export class BundleWorld {
  readonly sigstore: TestSigstore
  /** Services with the same names and other keys. */
  readonly stranger: TestSigstore
  readonly bundles = new Map<BundleName, Uint8Array>()
  readonly keys = new Map<BundleName, PublicKey>()

  private constructor(sigstore: TestSigstore, stranger: TestSigstore) {
    this.sigstore = sigstore
    this.stranger = stranger
  }

  static async create(t: Cleanup): Promise<BundleWorld> {
    const [sigstore, stranger] = [await testSigstore(t), await testSigstore(t)]
    const world = new BundleWorld(sigstore, stranger)
    const signatory = await identitySignatory(t, sigstore)
    const sign = async (name: BundleName, about: string, by = signatory) => {
      world.bundles.set(name, (await by.signStatement(sampleStatement(about))).bundle)
    }
    await sign('good', 'good')
    await sign('other', 'other')
    await sign('unstamped', 'good', await identitySignatory(t, sigstore, { stamped: false }))
    await sign('strange', 'good', await identitySignatory(t, stranger))
    await sign('elsewhere', 'good', await identitySignatory(t, sigstore, { issuer: 'https://elsewhere.test' }))
    sigstore.logAhead = 3600
    await sign('late', 'good')
    sigstore.logAhead = -3600
    await sign('early', 'good')
    sigstore.logAhead = 0
    for (const name of ['key', 'otherKey', 'ed25519'] as const) {
      const { bundle, key } = await loggedKeyBundle(sigstore, name === 'ed25519' ? 'ed25519' : undefined)
      world.bundles.set(name, bundle)
      world.keys.set(name, key)
    }
    return world
  }

  read(name: BundleName): Tampered {
    return JSON.parse(Buffer.from(this.bundles.get(name)!).toString())
  }

  /** The log entry of a bundle. */
  entry(name: BundleName): Entry {
    return entryOf(this.read(name))
  }

  /** A true entry of the log for the same signature, verified by somebody else's certificate. */
  forgedEntry(bundle: Tampered): Entry {
    const other = this.read('unstamped').verificationMaterial.certificate!.rawBytes
    const pem = `-----BEGIN CERTIFICATE-----\n${other.replace(/.{64}(?=.)/g, '$&\n')}\n-----END CERTIFICATE-----\n`
    const envelope = JSON.stringify(bundle.dsseEnvelope)
    const proposedContent = { envelope, verifiers: [Buffer.from(pem).toString('base64')] }
    const answer: Record<string, LogAnswer> = JSON.parse(
      JSON.stringify(this.sigstore.log({ kind: 'dsse', apiVersion: '0.0.1', spec: { proposedContent } })),
    )
    const [{ body, integratedTime, logID, logIndex, verification } = {} as LogAnswer] = Object.values(answer)
    const { checkpoint, hashes, rootHash, treeSize, logIndex: place } = verification.inclusionProof
    const base64 = (hex: string) => Buffer.from(hex, 'hex').toString('base64')
    return {
      logIndex: String(logIndex),
      logId: { keyId: base64(logID) },
      kindVersion: { kind: 'dsse', version: '0.0.1' },
      integratedTime: String(integratedTime),
      inclusionPromise: { signedEntryTimestamp: verification.signedEntryTimestamp },
      inclusionProof: {
        logIndex: String(place),
        rootHash: base64(rootHash),
        treeSize: String(treeSize),
        hashes: hashes.map(base64),
        checkpoint: { envelope: checkpoint },
      },
      canonicalizedBody: body,
    }
  }
}

/** A world for all tests of a file: made before the first, gone after the last. */
export function bundleWorld(): () => BundleWorld {
  const cleanups: (() => unknown)[] = []
  let world: BundleWorld | undefined
  before(async () => {
    world = await BundleWorld.create({ after: (end: () => unknown) => void cleanups.push(end) })
  })
  after(() => Promise.all(cleanups.map((end) => end())))
  return () => {
    if (world === undefined) throw new Error('the world is made when the tests begin')
    return world
  }
}

export const write = (bundle: unknown): Uint8Array => Buffer.from(JSON.stringify(bundle))
export const entryOf = (bundle: Tampered): Entry => bundle.verificationMaterial.tlogEntries[0]!
export const proofOf = (bundle: Tampered) => entryOf(bundle).inclusionProof!
export const stampsOf = (bundle: Tampered) => bundle.verificationMaterial.timestampVerificationData!.rfc3161Timestamps

/** The same base64 with one bit of one byte turned; from the end where `at` is negative. */
export function turned(base64: string, at = -1): string {
  const bytes = Buffer.from(base64, 'base64')
  const index = at < 0 ? bytes.length + at : at
  bytes[index] = bytes[index]! ^ 1
  return bytes.toString('base64')
}

/** Changes a bundle; `world` has others to take pieces from. */
export type Tamper = (bundle: Tampered, world: BundleWorld) => unknown

interface LogAnswer {
  readonly body: string
  readonly integratedTime: number
  readonly logID: string
  readonly logIndex: number
  readonly verification: {
    readonly inclusionProof: {
      readonly checkpoint: string
      readonly hashes: string[]
      readonly logIndex: number
      readonly rootHash: string
      readonly treeSize: number
    }
    readonly signedEntryTimestamp: string
  }
}

export function editCheckpoint(bundle: Tampered, edit: (lines: string[]) => unknown): void {
  const lines = proofOf(bundle).checkpoint.envelope.split('\n')
  edit(lines)
  proofOf(bundle).checkpoint.envelope = lines.join('\n')
}

/** Fails unless something is refused for a reason, as not to be believed or not to be read. */
export function refuses(judge: () => unknown, reason: RegExp): void {
  assert.throws(judge, (error) => {
    assert.ok(error instanceof CasemateError, `no refusal but a fault: ${error}`)
    assert.match(error.code, /^(ENVELOPE|BUNDLE|ROOT)_(UNTRUSTED|INVALID)$/)
    assert.match(error.message, reason)
    return true
  })
}
