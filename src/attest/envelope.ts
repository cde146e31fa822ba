import { type Digest, faultsOf, formatFault, readStrictJson, type Shape } from '#core'
import { AttestError } from './errors.ts'
import { isSignedBy, type PublicKey } from './public-key.ts'

/** The media type of a DSSE envelope. */
export const ENVELOPE_TYPE = 'application/vnd.dsse.envelope.v1+json'

/** A payload with signatures over it and its type (DSSE v1.0). */
export interface Envelope {
  readonly payloadType: string
  readonly payload: Uint8Array
  readonly signatures: readonly EnvelopeSignature[]
}

/** A signature, with the hint at its key, which nobody has authenticated. */
export interface EnvelopeSignature {
  readonly keyid?: string
  readonly signature: Uint8Array
}

/** A payload that a trusted key has signed. */
export interface VerifiedPayload {
  readonly payloadType: string
  readonly payload: Uint8Array
  /** The keys whose signatures hold, in the order in which the keys were given. */
  readonly signers: readonly Digest[]
}

const LIMITS = { maxBytes: 64 * 2 ** 20, maxDepth: 8 }
const MAX_SIGNATURES = 16
const base64: Shape = { type: 'string', pattern: '^[A-Za-z0-9+/_-]*={0,2}$', title: 'base64' }
const envelopeShape: Shape = {
  type: 'object',
  title: 'an envelope',
  properties: {
    payloadType: { type: 'string', minLength: 1, maxLength: 255, title: 'a media type' },
    payload: base64,
    signatures: {
      type: 'array',
      minItems: 1,
      title: 'a list with at least one signature',
      items: {
        type: 'object',
        properties: { keyid: { type: 'string' }, sig: { ...base64, minLength: 1 } },
        required: ['sig'],
      },
    },
  },
  required: ['payloadType', 'payload', 'signatures'],
}

interface EnvelopeJson {
  readonly payloadType: string
  readonly payload: string
  readonly signatures: readonly { readonly keyid?: string; readonly sig: string }[]
}

/** Whether a JSON value looks as if it were meant to be an envelope, valid or not. */
export function isEnvelope(value: unknown): boolean {
  return typeof value === 'object' && value !== null && ('payloadType' in value || 'signatures' in value)
}

/**
 * Reads a DSSE envelope (DSSE v1.0, envelope.md), verifying nothing; base64 may be of either alphabet. `name` is what
 * messages call it. Throws `ENVELOPE_INVALID` for anything else, and for more than 64 MiB or 16 signatures.
 */
export function parseEnvelope(bytes: Uint8Array, name: string): Envelope {
  const invalid = (reason: string, cause?: unknown) =>
    new AttestError('ENVELOPE_INVALID', `cannot read the envelope ${name}: ${reason}`, { cause })
  const read = readStrictJson(bytes, LIMITS)
  if ('fault' in read) throw invalid(read.fault, read.cause)
  if (!isEnvelopeJson(read.value)) throw invalid(faultsOf(envelopeShape, read.value).map(formatFault).join('; '))
  const { payloadType, payload, signatures } = read.value
  if (signatures.length > MAX_SIGNATURES) throw invalid(`it has ${signatures.length} signatures, more than 16`)
  const decode = (text: string, place: string) => {
    const decoded = decodeBase64(text)
    if (decoded === undefined) throw invalid(`${place} is no base64`)
    return decoded
  }
  return {
    payloadType,
    payload: decode(payload, '`payload`'),
    signatures: signatures.map(({ keyid, sig }, index) => ({
      ...(keyid === undefined ? {} : { keyid }),
      signature: decode(sig, `\`signatures[${index}].sig\``),
    })),
  }
}

/** Writes a DSSE envelope as JSON, the same bytes for the same value. */
export function formatEnvelope({ payloadType, payload, signatures }: Envelope): string {
  const encode = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64')
  return JSON.stringify({
    payload: encode(payload),
    payloadType,
    signatures: signatures.map(({ keyid, signature }) => ({ keyid, sig: encode(signature) })),
  })
}

/**
 * The bytes that a DSSE signature is over (DSSE v1.0, PAE): type and payload, each behind its length in bytes, so that no part of
 * one can be taken for the other.
 */
export function preAuthenticationEncoding(payloadType: string, payload: Uint8Array): Uint8Array {
  const type = Buffer.from(payloadType, 'utf8')
  return Buffer.concat([
    Buffer.from(`DSSEv1 ${type.length} `),
    type,
    Buffer.from(` ${payload.length} `),
    Buffer.from(payload),
  ])
}

/**
 * Gives the payload of an envelope if at least one of `keys` has signed it. Every signature is held against every key: the hint
 * `keyid` decides nothing. Throws `ENVELOPE_UNTRUSTED`, naming the keys that were tried.
 */
export function verifyEnvelope(envelope: Envelope, keys: readonly PublicKey[], name: string): VerifiedPayload {
  const { payloadType, payload, signatures } = envelope
  const signed = preAuthenticationEncoding(payloadType, payload)
  const signers = keys
    .filter((key) => signatures.some(({ signature }) => isSignedBy(key, signed, signature)))
    .map(({ fingerprint }) => fingerprint)
  if (signers.length === 0) {
    const tried = keys.length === 0 ? 'no key was given' : `tried ${keys.map((key) => key.fingerprint).join(', ')}`
    throw new AttestError('ENVELOPE_UNTRUSTED', `cannot trust ${name}: no trusted key has signed it (${tried})`)
  }
  return { payloadType, payload, signers }
}

function isEnvelopeJson(value: unknown): value is EnvelopeJson {
  return faultsOf(envelopeShape, value).length === 0
}

/** Decodes base64 of either alphabet; `undefined` where another text would give the same bytes. */
function decodeBase64(text: string): Buffer | undefined {
  const standard = text.replaceAll('-', '+').replaceAll('_', '/')
  const decoded = Buffer.from(standard, 'base64')
  return decoded.toString('base64').replace(/=+$/, '') === standard.replace(/=+$/, '') ? decoded : undefined
}
