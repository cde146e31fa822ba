import { createHash, type KeyObject, sign } from 'node:crypto'

/** A log of certificates (RFC 6962) that signs whatever it is shown, as `@sigstore/mock` wants one. */
export class CertificateLog {
  readonly #privateKey: KeyObject
  readonly publicKey: Buffer
  readonly logID: Buffer

  constructor({ privateKey, publicKey }: { readonly privateKey: KeyObject; readonly publicKey: KeyObject }) {
    this.#privateKey = privateKey
    this.publicKey = publicKey.export({ type: 'spki', format: 'der' })
    this.logID = createHash('sha256').update(this.publicKey).digest()
  }

  /** The signed timestamp of a certificate that has none in it yet, behind its length (RFC 6962, sections 3.2 and 3.3). */
  async log(certificate: ArrayBuffer, issuerId: ArrayBuffer): Promise<ArrayBuffer> {
    const time = Buffer.alloc(8)
    time.writeBigUInt64BE(BigInt(Date.now()))
    const tbs = firstMember(Buffer.from(certificate))
    const noExtensions = uint(2, 0)
    const entry = [
      Buffer.of(0, 0),
      time,
      Buffer.of(0, 1),
      Buffer.from(issuerId),
      uint(3, tbs.length),
      tbs,
      noExtensions,
    ]
    const signature = sign('sha256', Buffer.concat(entry), this.#privateKey)
    // 4 and 3 are SHA-256 and ECDSA.
    const algorithms = Buffer.of(4, 3)
    const timestamp = [Buffer.of(0), this.logID, time, noExtensions, algorithms, uint(2, signature.length), signature]
    const bytes = Buffer.concat(timestamp)
    return new Uint8Array(Buffer.concat([uint(2, bytes.length), bytes])).buffer
  }
}

function uint(width: number, value: number): Buffer {
  const bytes = Buffer.alloc(width)
  bytes.writeUIntBE(value, 0, width)
  return bytes
}

/** The first member of a DER sequence, whole: of a certificate, what is signed. */
function firstMember(der: Buffer): Buffer {
  const { content } = element(der)
  return content.subarray(0, element(content).end)
}

function element(der: Buffer): { content: Buffer; end: number } {
  const short = der[1]!
  const lengthBytes = short < 0x80 ? 0 : short & 0x7f
  const length = lengthBytes === 0 ? short : der.readUIntBE(2, lengthBytes)
  const start = 2 + lengthBytes
  return { content: der.subarray(start, start + length), end: start + length }
}
