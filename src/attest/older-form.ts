import type { Bundle as SigstoreBundle } from '@sigstore/bundle'
import { faultsOf, formatFault, readStrictJson, type Shape } from '#core'
import type { Envelope } from './envelope.ts'
import { base64Shape, invalidBundle, MAX_CERTIFICATE } from './verification-material.ts'

/** What stands beside a signature: of an image's layer, or of its manifest. */
export type Annotations = Readonly<Record<string, string>>

/** The annotations by which cosign 2 keeps beside a signature what a bundle holds. */
export const BESIDE = {
  certificate: 'dev.sigstore.cosign/certificate',
  log: 'dev.sigstore.cosign/bundle',
  timestamp: 'dev.sigstore.cosign/rfc3161timestamp',
} as const

/** What was signed in the older form: bytes as they are, or an envelope. */
export type OlderForm =
  | { readonly payloadDigest: Uint8Array; readonly signature: Uint8Array }
  | { readonly envelope: Envelope }

const payloadShape: Shape = {
  type: 'object',
  title: 'a log entry',
  properties: {
    SignedEntryTimestamp: { ...base64Shape, minLength: 1 },
    Payload: {
      type: 'object',
      properties: {
        body: { ...base64Shape, minLength: 1 },
        integratedTime: { type: 'integer', minimum: 0 },
        logIndex: { type: 'integer', minimum: 0 },
        logID: { type: 'string', pattern: '^[0-9a-f]{64}$', title: 'a SHA-256' },
      },
      required: ['body', 'integratedTime', 'logIndex', 'logID'],
    },
  },
  required: ['SignedEntryTimestamp', 'Payload'],
}

interface LogAnnotation {
  readonly SignedEntryTimestamp: string
  readonly Payload: {
    readonly body: string
    readonly integratedTime: number
    readonly logIndex: number
    readonly logID: string
  }
}

/** Makes the bundle, as JSON, that says what a signature of the older form and its annotations say. Throws `BUNDLE_INVALID`. */
export function bundleOfAnnotations(signed: OlderForm, annotations: Annotations, name: string): object {
  const encode = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64')
  const content =
    'envelope' in signed
      ? {
          dsseEnvelope: {
            payload: encode(signed.envelope.payload),
            payloadType: signed.envelope.payloadType,
            signatures: signed.envelope.signatures.map(({ signature }) => ({ sig: encode(signature) })),
          },
        }
      : {
          messageSignature: {
            messageDigest: { algorithm: 'SHA2_256', digest: encode(signed.payloadDigest) },
            signature: encode(signed.signature),
          },
        }
  const pem = annotations[BESIDE.certificate]
  return {
    mediaType: 'application/vnd.dev.sigstore.bundle+json;version=0.1',
    verificationMaterial: {
      ...(pem === undefined
        ? { publicKey: { hint: '' } }
        : { x509CertificateChain: { certificates: [{ rawBytes: certificateOf(pem, name) }] } }),
      tlogEntries: annotations[BESIDE.log] === undefined ? [] : [logEntryOf(annotations[BESIDE.log] ?? '', name)],
      timestampVerificationData: { rfc3161Timestamps: timestampsOf(annotations[BESIDE.timestamp], name) },
    },
    ...content,
  }
}

function certificateOf(pem: string, name: string): string {
  const [, body] =
    /^\s*-----BEGIN CERTIFICATE-----\r?\n([A-Za-z0-9+/=\r\n]+)-----END CERTIFICATE-----\s*$/.exec(pem) ?? []
  if (body === undefined || pem.length > MAX_CERTIFICATE)
    throw invalidBundle(name, 'its certificate is no PEM block of one')
  return body.replace(/\s/g, '')
}

function logEntryOf(text: string, name: string) {
  const { SignedEntryTimestamp, Payload } = readAnnotation(text, payloadShape, name) as LogAnnotation
  const { body, integratedTime, logIndex, logID } = Payload
  return {
    logIndex: String(logIndex),
    logId: { keyId: Buffer.from(logID, 'hex').toString('base64') },
    kindVersion: kindOf(body),
    integratedTime: String(integratedTime),
    inclusionPromise: { signedEntryTimestamp: SignedEntryTimestamp },
    canonicalizedBody: body,
  }
}

/** The older form does not repeat what kind of entry a log has; its body says it, and is what was promised. */
function kindOf(body: string): { kind: string; version: string } {
  const read = readStrictJson(Buffer.from(body, 'base64'), { maxBytes: 2 ** 20, maxDepth: 16 })
  const { kind, apiVersion } = ('fault' in read ? {} : read.value) as { kind?: unknown; apiVersion?: unknown }
  return { kind: String(kind), version: String(apiVersion) }
}

function timestampsOf(text: string | undefined, name: string): { signedTimestamp: string }[] {
  if (text === undefined) return []
  const shape: Shape = {
    type: 'object',
    title: 'a timestamp',
    properties: { SignedRFC3161Timestamp: { ...base64Shape, minLength: 1 } },
    required: ['SignedRFC3161Timestamp'],
  }
  const read = readAnnotation(text, shape, name) as { readonly SignedRFC3161Timestamp: string }
  return [{ signedTimestamp: read.SignedRFC3161Timestamp }]
}

function readAnnotation(text: string, shape: Shape, name: string): unknown {
  const read = readStrictJson(Buffer.from(text), { maxBytes: 2 ** 20, maxDepth: 8 })
  if ('fault' in read) throw invalidBundle(name, `what stands beside it cannot be read: ${read.fault}`, read.cause)
  const faults = faultsOf(shape, read.value)
  if (faults.length > 0) throw invalidBundle(name, faults.map(formatFault).join('; '))
  return read.value
}

/** Writes as annotations what a bundle holds beside its signature; `timestamps` are those over what the older form has stamped. */
export function annotationsOfBundle(
  { verificationMaterial }: SigstoreBundle,
  timestamps: readonly Uint8Array[],
): Annotations {
  const { content, tlogEntries } = verificationMaterial
  const annotations: Record<string, string> = {}
  const leaf =
    content.$case === 'certificate'
      ? content.certificate
      : content.$case === 'x509CertificateChain'
        ? content.x509CertificateChain.certificates[0]
        : undefined
  if (leaf !== undefined) {
    const body = leaf.rawBytes.toString('base64').match(/.{1,64}/g) ?? []
    annotations[BESIDE.certificate] = `-----BEGIN CERTIFICATE-----\n${body.join('\n')}\n-----END CERTIFICATE-----\n`
  }
  const [first] = tlogEntries
  if (first?.inclusionPromise !== undefined) {
    annotations[BESIDE.log] = JSON.stringify({
      SignedEntryTimestamp: first.inclusionPromise.signedEntryTimestamp.toString('base64'),
      Payload: {
        body: first.canonicalizedBody.toString('base64'),
        integratedTime: Number(first.integratedTime),
        logIndex: Number(first.logIndex),
        logID: first.logId.keyId.toString('hex'),
      },
    })
  }
  const [stamp] = timestamps
  if (stamp !== undefined) {
    annotations[BESIDE.timestamp] = JSON.stringify({ SignedRFC3161Timestamp: Buffer.from(stamp).toString('base64') })
  }
  return annotations
}
