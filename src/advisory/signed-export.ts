import { isSignedBy, type PublicKey, preAuthenticationEncoding, type Signer } from '#attest'
import { canonicalJson } from '#core'
import { AdvisoryError } from './errors.ts'
import { isRecord } from './fields.ts'

/** What the envelope of an export is about; the DSSE `payloadType`. */
const PAYLOAD_TYPE = 'application/vnd.casemate.advisories.v1+json'

/** Bytes that the envelope at the start of an export may have. */
export const ENVELOPE_LIMIT = 1 << 20

/** The store behind an envelope, as the envelope names it. */
export interface ExportedStore {
  /** Bytes. */
  readonly size: number
  /** `sha256:` and hex digits. */
  readonly digest: string
}

/**
 * Writes the envelope that stands before a store in an export, on one line: a DSSE envelope (version 1) around the store's
 * size and digest, signed by `signer`, or by nobody. The same store gives the same line, but for ECDSA's random numbers.
 */
export async function formatEnvelope({ size, digest }: ExportedStore, signer: Signer | undefined): Promise<string> {
  const payload = Buffer.from(canonicalJson({ store: { digest, size } }))
  const signatures = []
  if (signer !== undefined) {
    const signature = await signer.sign(preAuthenticationEncoding(PAYLOAD_TYPE, payload))
    signatures.push({ keyid: signer.publicKey.fingerprint, sig: Buffer.from(signature).toString('base64') })
  }
  return `${canonicalJson({ payload: payload.toString('base64'), payloadType: PAYLOAD_TYPE, signatures })}\n`
}

/** Tells whether a file begins as an export does. */
export function isExport(start: Uint8Array): boolean {
  return Buffer.from(start.subarray(0, START.length)).equals(START)
}

const START = Buffer.from('{"payload":"')

/**
 * Reads the envelope of an export and verifies its signature with a public key; without one (`undefined`) it believes
 * whatever the envelope says. Only the exact bytes that `formatEnvelope` writes are taken, so that no byte is free. Throws
 * `ADVISORY_EXPORT_INVALID` when it is no such envelope, `ADVISORY_EXPORT_UNTRUSTED` when nobody, or another key, signed it.
 */
export function verifyEnvelope(line: string, key: PublicKey | undefined, path: string): ExportedStore {
  const { payload, signature } = envelopeOf(line, path)
  if (key !== undefined) {
    const untrusted = (reason: string) =>
      new AdvisoryError('ADVISORY_EXPORT_UNTRUSTED', `cannot import ${path}: ${reason}`)
    if (signature === undefined) throw untrusted('it is not signed')
    const { fingerprint } = key
    if (signature.keyid !== fingerprint) throw untrusted(`it is signed by key ${signature.keyid}, want ${fingerprint}`)
    const signed = preAuthenticationEncoding(PAYLOAD_TYPE, payload)
    if (!isSignedBy(key, signed, signature.sig)) throw untrusted('its signature is wrong')
  }
  const document: unknown = JSON.parse(payload.toString('utf8'))
  const store = isRecord(document) && isRecord(document['store']) ? document['store'] : {}
  const { size, digest } = store
  if (typeof size !== 'number' || !Number.isSafeInteger(size) || typeof digest !== 'string') {
    throw exportInvalid(path, 'its envelope names no store')
  }
  return { size, digest }
}

interface Signature {
  readonly keyid: string
  readonly sig: Buffer
}

function envelopeOf(line: string, path: string): { payload: Buffer; signature: Signature | undefined } {
  try {
    const document: unknown = JSON.parse(line)
    const { payload, payloadType, signatures } = isRecord(document) ? document : {}
    const [first] = Array.isArray(signatures) && signatures.length <= 1 ? signatures : [null]
    if (typeof payload !== 'string' || payloadType !== PAYLOAD_TYPE || first === null) throw new Error('its form')
    const { keyid, sig } = isRecord(first) ? first : {}
    const signature =
      typeof keyid === 'string' && typeof sig === 'string' ? { keyid, sig: Buffer.from(sig, 'base64') } : undefined
    const bytes = Buffer.from(payload, 'base64')
    const again = canonicalJson({
      payload: bytes.toString('base64'),
      payloadType: PAYLOAD_TYPE,
      signatures: signature === undefined ? [] : [{ keyid: signature.keyid, sig: signature.sig.toString('base64') }],
    })
    if (`${again}\n` !== line) throw new Error('its spelling')
    return { payload: bytes, signature }
  } catch (cause) {
    throw exportInvalid(path, 'its first line is no envelope as Casemate writes it', cause)
  }
}

/** The error of a file that is no whole export. */
export function exportInvalid(path: string, reason: string, cause?: unknown): AdvisoryError {
  return new AdvisoryError('ADVISORY_EXPORT_INVALID', `cannot import ${path}: ${reason}`, { cause })
}
