import { type Digest, faultsOf, formatFault, readStrictJson, type Shape } from '#core'
import { BUNDLE_TYPE } from './bundle.ts'
import { type Envelope, parseEnvelope, verifyEnvelope } from './envelope.ts'
import { AttestError } from './errors.ts'
import { isSignedBy, type PublicKey } from './public-key.ts'

/** What is believed of something signed, and how far it was checked. */
export interface Believed {
  /** Who signed it: fingerprints of keys, or identities. */
  readonly signers: readonly string[]
  /** What it claims besides and nobody has checked, in words, e.g. that it stands in a log whose root is not known. */
  readonly unchecked: readonly string[]
}

/** An envelope's payload that is believed. */
export interface BelievedPayload extends Believed {
  readonly payloadType: string
  readonly payload: Uint8Array
}

/** Whom to believe. Every method throws `ENVELOPE_UNTRUSTED` where nobody who is trusted has signed, `name` is what messages call it. */
export interface Trust {
  /** Judges a signature over bytes, with what stands beside it. */
  signature(signed: { payload: Uint8Array; signature: Uint8Array; annotations: Annotations }, name: string): Believed
  /** Judges an envelope, with what stands beside it. */
  envelope(envelope: Envelope, annotations: Annotations, name: string): BelievedPayload
  /** Judges a Sigstore bundle that holds an envelope. Throws `BUNDLE_INVALID` for anything else, too. */
  bundle(bytes: Uint8Array, name: string): BelievedPayload
}

type Annotations = Readonly<Record<string, string>>

/** A bundle that was read and not verified. */
export interface Bundle {
  readonly envelope: Envelope
  /** Whether it has entries of a transparency log, timestamps, or a certificate. */
  readonly has: { readonly logEntries: boolean; readonly timestamps: boolean; readonly certificate: boolean }
}

const LIMITS = { maxBytes: 96 * 2 ** 20, maxDepth: 24 }
/** Versions 0.1 to 0.3; they differ in what they must have, not in where it stands. */
const MEDIA_TYPE = /^application\/vnd\.dev\.sigstore\.bundle(\.v0\.3\+json|\+json;version=0\.[123])$/
const object: Shape = { type: 'object' }
const list: Shape = { type: 'array' }
const bundleShape: Shape = {
  type: 'object',
  title: 'a bundle',
  properties: {
    mediaType: { type: 'string' },
    verificationMaterial: {
      type: 'object',
      properties: { tlogEntries: list, timestampVerificationData: object },
    },
    dsseEnvelope: object,
  },
  required: ['mediaType', 'verificationMaterial'],
}

interface BundleJson {
  readonly mediaType: string
  readonly verificationMaterial: {
    readonly publicKey?: unknown
    readonly certificate?: unknown
    readonly x509CertificateChain?: unknown
    readonly tlogEntries?: readonly unknown[]
    readonly timestampVerificationData?: { readonly rfc3161Timestamps?: readonly unknown[] }
  }
  readonly dsseEnvelope?: unknown
}

/** Reads a bundle that holds an envelope, verifying nothing. Throws `BUNDLE_INVALID` and `ENVELOPE_INVALID`. */
export function parseBundle(bytes: Uint8Array, name: string): Bundle {
  const invalid = (reason: string, cause?: unknown) =>
    new AttestError('BUNDLE_INVALID', `cannot read the bundle ${name}: ${reason}`, { cause })
  const read = readStrictJson(bytes, LIMITS)
  if ('fault' in read) throw invalid(read.fault, read.cause)
  const faults = faultsOf(bundleShape, read.value)
  if (faults.length > 0) throw invalid(faults.map(formatFault).join('; '))
  const { mediaType, verificationMaterial, dsseEnvelope } = read.value as BundleJson
  if (!MEDIA_TYPE.test(mediaType))
    throw invalid(`its media type is no bundle's of version 0.1 to 0.3, such as ${BUNDLE_TYPE}`)
  if (dsseEnvelope === undefined) throw invalid('it holds no envelope')
  const { certificate, x509CertificateChain, tlogEntries, timestampVerificationData } = verificationMaterial
  return {
    envelope: parseEnvelope(Buffer.from(JSON.stringify(dsseEnvelope)), name),
    has: {
      logEntries: (tlogEntries?.length ?? 0) > 0,
      timestamps: (timestampVerificationData?.rfc3161Timestamps?.length ?? 0) > 0,
      certificate: certificate !== undefined || x509CertificateChain !== undefined,
    },
  }
}

/** Believes what one of these keys has signed. Logs and timestamps are not looked at, and are named as unchecked. */
export function keyTrust(keys: readonly PublicKey[]): Trust {
  return {
    signature({ payload, signature, annotations }, name) {
      const signers = keys.filter((key) => isSignedBy(key, payload, signature)).map(({ fingerprint }) => fingerprint)
      if (signers.length === 0) throw untrusted(keys, name)
      return { signers, unchecked: besides(annotations) }
    },
    envelope(envelope, annotations, name) {
      return { ...verifyEnvelope(envelope, keys, name), unchecked: besides(annotations) }
    },
    bundle(bytes, name) {
      const { envelope, has } = parseBundle(bytes, name)
      const unchecked = [
        ...(has.logEntries ? ['its entry in a transparency log'] : []),
        ...(has.timestamps ? ['its timestamp'] : []),
      ]
      return { ...verifyEnvelope(envelope, keys, name), unchecked }
    },
  }
}

/** What the older form keeps beside a signature that a key does not vouch for. */
function besides(annotations: Annotations): string[] {
  return [
    ...('dev.sigstore.cosign/bundle' in annotations ? ['its entry in a transparency log'] : []),
    ...('dev.sigstore.cosign/rfc3161timestamp' in annotations ? ['its timestamp'] : []),
  ]
}

function untrusted(keys: readonly PublicKey[], name: string): AttestError {
  const tried: readonly Digest[] = keys.map(({ fingerprint }) => fingerprint)
  const reason = tried.length === 0 ? 'no key was given' : `tried ${tried.join(', ')}`
  return new AttestError('ENVELOPE_UNTRUSTED', `cannot trust ${name}: no trusted key has signed it (${reason})`)
}
