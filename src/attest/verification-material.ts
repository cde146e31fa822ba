import { bundleFromJSON, type Bundle as SigstoreBundle, ValidationError } from '@sigstore/bundle'
import { messageOf, type Shape } from '#core'
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

/** Reads a bundle's JSON, whose shape was checked, as the library has it. Throws `BUNDLE_INVALID`. */
export function importBundle(json: unknown, name: string): SigstoreBundle {
  let bundle: SigstoreBundle
  try {
    bundle = bundleFromJSON(json)
  } catch (cause) {
    const reason = cause instanceof ValidationError ? `wrong or missing: ${cause.fields.join(', ')}` : messageOf(cause)
    throw invalidBundle(name, reason, cause)
  }
  for (const { inclusionProof } of bundle.verificationMaterial.tlogEntries) {
    if (inclusionProof !== undefined) checkProof(inclusionProof, name)
  }
  return bundle
}

type Proof = NonNullable<SigstoreBundle['verificationMaterial']['tlogEntries'][number]['inclusionProof']>

/** What the library takes from an inclusion proof as it stands, or not at all. */
function checkProof({ checkpoint, rootHash, treeSize }: Proof, name: string): void {
  const note = checkpoint?.envelope ?? ''
  // The name before a signature is a regular expression to the library: here it can only mean itself.
  for (const [, signer = ''] of note.matchAll(/\u2014 (\S+)/g)) {
    if (!/^[\w.:/-]{1,255}$/.test(signer)) throw invalidBundle(name, 'the name in its checkpoint is no log\u2019s')
  }
  // The proof is verified against the checkpoint alone, so what it says besides must be the same.
  const [, size, root] = note.split('\n')
  if (size !== treeSize || root !== rootHash.toString('base64')) {
    throw invalidBundle(name, 'its inclusion proof is of another tree than its checkpoint')
  }
}

/** Why a bundle cannot be read. */
export function invalidBundle(name: string, reason: string, cause?: unknown): AttestError {
  return new AttestError('BUNDLE_INVALID', `cannot read the bundle ${name}: ${reason}`, { cause })
}
