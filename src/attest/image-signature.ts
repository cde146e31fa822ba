import { canonicalJson, type Digest, faultsOf, formatFault, parseDigest, readStrictJson, type Shape } from '#core'
import { AttestError } from './errors.ts'

/** The media type of the payload of an image signature of the older form. */
export const IMAGE_SIGNATURE_TYPE = 'application/vnd.dev.cosign.simplesigning.v1+json'

/** What an image signature of the older form says (containers-signature(5), as cosign writes it). */
export interface ImageSignature {
  /** The repository that it was made for, e.g. `registry.example.org/team/app`. */
  readonly repository: string
  /** Of the manifest or index. */
  readonly digest: Digest
  /** Seconds since the epoch when it was signed, where it says so. */
  readonly signedAt?: number
}

const KIND = 'cosign container image signature'
/** Red Hat's signatures and cosign's differ in this word alone. */
const KINDS = [KIND, 'atomic container signature']
const LIMITS = { maxBytes: 64 * 1024, maxDepth: 8 }
const shape: Shape = {
  type: 'object',
  title: 'an image signature',
  properties: {
    critical: {
      type: 'object',
      properties: {
        type: { type: 'string', enum: KINDS },
        image: {
          type: 'object',
          properties: { 'docker-manifest-digest': { type: 'string', pattern: '^sha256:[0-9a-f]{64}$' } },
          required: ['docker-manifest-digest'],
        },
        identity: {
          type: 'object',
          properties: { 'docker-reference': { type: 'string' } },
          required: ['docker-reference'],
        },
      },
      required: ['type', 'image', 'identity'],
    },
  },
  required: ['critical'],
}

interface SignatureJson {
  readonly critical: {
    readonly image: { readonly 'docker-manifest-digest': string }
    readonly identity: { readonly 'docker-reference': string }
  }
  readonly optional?: { readonly timestamp?: unknown } | null
}

/** Writes the payload of an image signature, the same bytes for the same value. */
export function formatImageSignature({ repository, digest, signedAt }: ImageSignature): Uint8Array {
  const critical = {
    identity: { 'docker-reference': repository },
    image: { 'docker-manifest-digest': digest },
    type: KIND,
  }
  const optional = { creator: 'casemate', ...(signedAt === undefined ? {} : { timestamp: signedAt }) }
  return new TextEncoder().encode(canonicalJson({ critical, optional }))
}

/** Reads the payload of an image signature, verifying nothing; `name` is what messages call it. Throws `SIGNATURE_INVALID`. */
export function parseImageSignature(bytes: Uint8Array, name: string): ImageSignature {
  const invalid = (reason: string, cause?: unknown) =>
    new AttestError('SIGNATURE_INVALID', `cannot read the image signature ${name}: ${reason}`, { cause })
  const read = readStrictJson(bytes, LIMITS)
  if ('fault' in read) throw invalid(read.fault, read.cause)
  const faults = faultsOf(shape, read.value)
  if (faults.length > 0) throw invalid(faults.map(formatFault).join('; '))
  const { critical, optional } = read.value as SignatureJson
  const timestamp = optional?.timestamp
  return {
    repository: critical.identity['docker-reference'],
    digest: parseDigest(critical.image['docker-manifest-digest']),
    ...(typeof timestamp === 'number' && Number.isSafeInteger(timestamp) ? { signedAt: timestamp } : {}),
  }
}
