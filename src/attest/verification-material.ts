import type { Shape } from '#core'
import { AttestError } from './errors.ts'

/** The longest certificate that is read, in base64. */
export const MAX_CERTIFICATE = 64 * 1024
export const base64Shape: Shape = { type: 'string', pattern: '^[A-Za-z0-9+/]*={0,2}$', title: 'base64' }
/** JSON's numbers are too small for some; both ways are right (protobuf's JSON mapping, int64). */
const whole: Shape = {
  title: 'a whole number',
  anyOf: [
    { type: 'integer', minimum: 0 },
    { type: 'string', pattern: '^(0|[1-9][0-9]{0,15})$' },
  ],
}
const certificate: Shape = { type: 'object', properties: { rawBytes: { ...base64Shape, maxLength: MAX_CERTIFICATE } } }
const proof: Shape = {
  type: 'object',
  properties: {
    logIndex: whole,
    treeSize: whole,
    rootHash: base64Shape,
    // A tree of 2^64 entries has no longer path.
    hashes: { type: 'array', items: base64Shape, maxItems: 64, title: 'a list of at most 64' },
    checkpoint: { type: 'object', properties: { envelope: { type: 'string', maxLength: 16 * 1024 } } },
  },
}
const entry: Shape = {
  type: 'object',
  properties: {
    logIndex: whole,
    logId: { type: 'object', properties: { keyId: base64Shape } },
    kindVersion: { type: 'object', properties: { kind: { type: 'string' }, version: { type: 'string' } } },
    integratedTime: whole,
    inclusionPromise: { type: 'object', properties: { signedEntryTimestamp: base64Shape } },
    inclusionProof: proof,
    canonicalizedBody: { ...base64Shape, minLength: 1 },
  },
  required: ['canonicalizedBody'],
}
const timestamp: Shape = { type: 'object', properties: { signedTimestamp: { ...base64Shape, minLength: 1 } } }

/** The shape of a bundle's `verificationMaterial`, with the bounds that keep verifying cheap. */
export const materialShape: Shape = {
  type: 'object',
  properties: {
    publicKey: { type: 'object', properties: { hint: { type: 'string' } } },
    certificate,
    x509CertificateChain: {
      type: 'object',
      properties: {
        certificates: { type: 'array', items: certificate, minItems: 1, maxItems: 8, title: 'a list of 1 to 8' },
      },
    },
    tlogEntries: { type: 'array', items: entry, maxItems: 8, title: 'a list of at most 8' },
    timestampVerificationData: {
      type: 'object',
      properties: { rfc3161Timestamps: { type: 'array', items: timestamp, maxItems: 8, title: 'a list of at most 8' } },
    },
  },
}

/** Why a bundle cannot be read. */
export function invalidBundle(name: string, reason: string, cause?: unknown): AttestError {
  return new AttestError('BUNDLE_INVALID', `cannot read the bundle ${name}: ${reason}`, { cause })
}
