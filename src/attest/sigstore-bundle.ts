import { faultsOf, formatFault, readStrictJson, type Shape } from '#core'
import { BUNDLE_TYPE } from './bundle.ts'
import { type Envelope, parseEnvelope } from './envelope.ts'
import { invalidBundle, materialShape } from './verification-material.ts'

/** A bundle that was read and not verified. */
export interface Bundle {
  readonly envelope: Envelope
  /** Whether it has entries of a transparency log, timestamps, or a certificate. */
  readonly has: { readonly logEntries: boolean; readonly timestamps: boolean; readonly certificate: boolean }
  /** The document itself, of the right shape. */
  readonly json: unknown
}

const LIMITS = { maxBytes: 96 * 2 ** 20, maxDepth: 24 }
/** Versions 0.1 to 0.3; they differ in what they must have, not in where it stands. */
const MEDIA_TYPE = /^application\/vnd\.dev\.sigstore\.bundle(\.v0\.3\+json|\+json;version=0\.[123])$/
const bundleShape: Shape = {
  type: 'object',
  title: 'a bundle',
  properties: {
    mediaType: { type: 'string' },
    verificationMaterial: materialShape,
    dsseEnvelope: { type: 'object' },
  },
  required: ['mediaType', 'verificationMaterial'],
}

interface BundleJson {
  readonly mediaType: string
  readonly verificationMaterial: {
    readonly certificate?: unknown
    readonly x509CertificateChain?: unknown
    readonly tlogEntries?: readonly unknown[]
    readonly timestampVerificationData?: { readonly rfc3161Timestamps?: readonly unknown[] }
  }
  readonly dsseEnvelope?: unknown
}

/** Reads a bundle that holds an envelope, verifying nothing. Throws `BUNDLE_INVALID` and `ENVELOPE_INVALID`. */
export function parseBundle(bytes: Uint8Array, name: string): Bundle {
  const read = readStrictJson(bytes, LIMITS)
  if ('fault' in read) throw invalidBundle(name, read.fault, read.cause)
  const json = withoutNulls(read.value)
  const faults = faultsOf(bundleShape, json)
  if (faults.length > 0) throw invalidBundle(name, faults.map(formatFault).join('; '))
  const { mediaType, verificationMaterial, dsseEnvelope } = json as BundleJson
  if (!MEDIA_TYPE.test(mediaType)) {
    throw invalidBundle(name, `its media type is no bundle's of version 0.1 to 0.3, such as ${BUNDLE_TYPE}`)
  }
  if (dsseEnvelope === undefined) throw invalidBundle(name, 'it holds no envelope')
  const { certificate, x509CertificateChain, tlogEntries, timestampVerificationData } = verificationMaterial
  return {
    envelope: parseEnvelope(Buffer.from(JSON.stringify(dsseEnvelope)), name),
    has: {
      logEntries: (tlogEntries?.length ?? 0) > 0,
      timestamps: (timestampVerificationData?.rfc3161Timestamps?.length ?? 0) > 0,
      certificate: certificate !== undefined || x509CertificateChain !== undefined,
    },
    json,
  }
}

/** A member that is null is one that is not there (protobuf's JSON mapping); bundles that npm publishes have some. */
function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNulls)
  if (typeof value !== 'object' || value === null) return value
  const members = Object.entries(value).filter(([, member]) => member !== null)
  return Object.fromEntries(members.map(([name, member]) => [name, withoutNulls(member)]))
}
