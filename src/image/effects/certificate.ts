import { createHash } from 'node:crypto'
import { ImageError } from '../errors.ts'
import { encodeDer } from './der.ts'

/** An X.509 certificate as a CA bundle needs it. */
export interface Certificate {
  /** DER, X.690. */
  readonly der: Uint8Array
  /** The eight hex digits that OpenSSL looks a CA up by in a directory (`openssl x509 -subject_hash`). */
  readonly subjectHash: string
}

interface Element {
  readonly tag: number
  readonly content: Uint8Array
  /** Tag, length and content. */
  readonly whole: Uint8Array
}

const SEQUENCE = 0x30
const SET = 0x31
const UTF8_STRING = 0x0c

/** Reads a file that holds exactly one PEM certificate (RFC 7468 §5). Throws `CERTIFICATE_INVALID`, naming `name`. */
export function parseCertificate(pem: string, name: string): Certificate {
  const blocks = [...pem.matchAll(/-----BEGIN ([^-]+)-----([^-]*)-----END \1-----/g)]
  const [block] = blocks
  if (block === undefined || blocks.length !== 1 || block[1] !== 'CERTIFICATE') {
    throw invalid(name, `want one PEM block "CERTIFICATE", got ${blocks.map((each) => each[1]).join(', ') || 'none'}`)
  }
  const base64 = (block[2] ?? '').replace(/\s+/g, '')
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(base64)) throw invalid(name, 'the PEM block is not base64')
  const der = new Uint8Array(Buffer.from(base64, 'base64'))
  return { der, subjectHash: subjectHash(der, name) }
}

function subjectHash(der: Uint8Array, name: string): string {
  const [certificate, ...rest] = elements(der, name)
  if (certificate?.tag !== SEQUENCE || rest.length > 0) throw invalid(name, 'the DER is not one SEQUENCE')
  const [tbs] = elements(certificate.content, name)
  const fields = elements(tbs?.content ?? new Uint8Array(), name)
  const hasVersion = fields[0]?.tag === 0xa0
  const subject = fields[hasVersion ? 5 : 4]
  if (subject?.tag !== SEQUENCE) throw invalid(name, 'there is no subject where RFC 5280 §4.1 has it')
  const canonical = elements(subject.content, name).map((rdn) => canonicalRdn(rdn, name))
  const digest = createHash('sha1').update(Buffer.concat(canonical)).digest()
  return digest.readUInt32LE(0).toString(16).padStart(8, '0')
}

/** OpenSSL's canonical form of one relative distinguished name: each string as lower-case UTF-8, white space collapsed. */
function canonicalRdn(rdn: Element, name: string): Uint8Array {
  const attributes = elements(rdn.content, name).map((attribute) => {
    const [type, value] = elements(attribute.content, name)
    if (type === undefined || value === undefined) throw invalid(name, 'its subject has an attribute without a value')
    return encodeDer(SEQUENCE, Buffer.concat([type.whole, canonicalValue(value)]))
  })
  return encodeDer(SET, Buffer.concat(attributes.sort(Buffer.compare)))
}

function canonicalValue(value: Element): Uint8Array {
  const text = textOf(value)
  if (text === undefined) return value.whole
  const folded = text.replace(/^[ \t-\r]+|[ \t-\r]+$/g, '').replace(/[ \t-\r]+/g, ' ')
  const lower = folded.replace(/[A-Z]/g, (letter) => letter.toLowerCase())
  return encodeDer(UTF8_STRING, Buffer.from(lower, 'utf8'))
}

/** The text of a string type that OpenSSL canonicalises; `undefined` for every other type, which stays as it is. */
function textOf({ tag, content }: Element): string | undefined {
  const bytes = Buffer.from(content)
  switch (tag) {
    case UTF8_STRING:
      return bytes.toString('utf8')
    case 0x13: // PrintableString
    case 0x14: // T61String, read as Latin-1 by OpenSSL
    case 0x16: // IA5String
    case 0x1a: // VisibleString
      return bytes.toString('latin1')
    case 0x1e: // BMPString
      return bytes.length % 2 === 0 ? bytes.swap16().toString('utf16le') : undefined
    case 0x1c: // UniversalString
      return Array.from({ length: bytes.length >> 2 }, (_, at) =>
        String.fromCodePoint(bytes.readUInt32BE(at * 4)),
      ).join('')
    default:
      return undefined
  }
}

/** The elements that fill `bytes`, in order (X.690 §8.1, definite lengths only). */
function elements(bytes: Uint8Array, name: string): readonly Element[] {
  const found: Element[] = []
  for (let at = 0; at < bytes.length; ) {
    const tag = bytes[at] ?? 0
    const first = bytes[at + 1] ?? 0x80
    const lengthBytes = first < 0x80 ? 0 : first & 0x7f
    if (first === 0x80 || lengthBytes > 4) throw invalid(name, `the DER has no definite length at byte ${at}`)
    let length = lengthBytes === 0 ? first : 0
    for (let index = 0; index < lengthBytes; index++) length = length * 256 + (bytes[at + 2 + index] ?? 0)
    const start = at + 2 + lengthBytes
    const end = start + length
    if (end > bytes.length) throw invalid(name, `the DER ends ${end - bytes.length} bytes early`)
    found.push({ tag, content: bytes.subarray(start, end), whole: bytes.subarray(at, end) })
    at = end
  }
  return found
}

function invalid(name: string, reason: string): ImageError {
  return new ImageError('CERTIFICATE_INVALID', `cannot read certificate ${name}: ${reason}`)
}
