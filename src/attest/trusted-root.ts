import { faultsOf, formatFault, readStrictJson, type Shape } from '#core'
import { AttestError } from './errors.ts'
import type { PublicKey } from './public-key.ts'
import type { Check } from './trust.ts'

/** What is verified with a root: a bundle, or an older form made into one. */
export interface RootQuestion {
  /** The bundle's JSON, whose shape was checked. */
  readonly bundle: unknown
  /** The bytes that were signed, where the bundle does not hold them. */
  readonly payload?: Uint8Array
  /** What timestamps are over, where that is not the signature: in the older form of statements, the whole envelope. */
  readonly stamped?: Uint8Array
  /** What messages call it. */
  readonly name: string
}

/** What a root vouches for. */
export interface RootAnswer {
  readonly checked: readonly Check[]
  /** Whom a certificate was issued to, and by whose word. */
  readonly identity: { readonly name: string; readonly issuer: string } | undefined
  /** Seconds since the epoch: the earliest time that a log or timestamp authority vouches for. */
  readonly time?: number
}

/** Whose certificates, logs and timestamps are believed. Both methods throw `BUNDLE_INVALID` and `ENVELOPE_UNTRUSTED`. */
export interface TrustedRoot {
  /** Verifies log entries and timestamps of something that a key has signed; there need not be any, but each must hold. */
  verifyBesideKey(key: PublicKey, question: RootQuestion): RootAnswer
  /**
   * Verifies something signed by an identity: its certificate up to the root, at the time of signing, which a log entry or timestamp
   * proves; the certificate's own log; the log entries; the signature. What the root has, a log of signatures and a log
   * of certificates, must vouch.
   */
  verifyByCertificate(question: RootQuestion): RootAnswer
}

const LIMITS = { maxBytes: 4 * 2 ** 20, maxDepth: 16 }
const some = (required: readonly string[]): Shape => ({
  type: 'array',
  maxItems: 256,
  items: { type: 'object', required: [...required] },
  title: 'a list',
})
const rootShape: Shape = {
  type: 'object',
  title: 'a trusted root',
  properties: {
    mediaType: {
      type: 'string',
      pattern: '^application/vnd\\.dev\\.sigstore\\.trustedroot(\\.v0\\.[12])?\\+json(;version=0\\.[12])?$',
    },
    tlogs: some(['publicKey', 'logId']),
    ctlogs: some(['publicKey', 'logId']),
    certificateAuthorities: some(['certChain']),
    timestampAuthorities: some(['certChain']),
  },
  required: ['mediaType'],
}

/** Reads a trusted root as Sigstore writes it; `name` is what messages call it. Rejects with `ROOT_INVALID`. */
export async function parseTrustedRoot(bytes: Uint8Array, name: string): Promise<TrustedRoot> {
  const read = readStrictJson(bytes, LIMITS)
  if ('fault' in read) throw invalidRoot(name, read.fault, read.cause)
  const faults = faultsOf(rootShape, read.value)
  if (faults.length > 0) throw invalidRoot(name, faults.map(formatFault).join('; '))
  // Loaded here: it is large, and keys are verified without.
  const { importRoot } = await import('./root-verification.ts')
  return importRoot(read.value, name)
}

/** Why a trusted root cannot be read. */
export function invalidRoot(name: string, reason: string, cause?: unknown): AttestError {
  return new AttestError('ROOT_INVALID', `cannot read the trusted root ${name}: ${reason}`, { cause })
}
