import { DER, encodeDer, encodeOid } from './der.ts'

const OID = {
  data: '1.2.840.113549.1.7.1',
  certificateBag: '1.2.840.113549.1.12.10.1.3',
  x509Certificate: '1.2.840.113549.1.9.22.1',
  friendlyName: '1.2.840.113549.1.9.20',
  /** By which Java knows that an entry is trusted: Oracle's TrustedKeyUsage, with the value for any usage. */
  trustedKeyUsage: '2.16.840.1.113894.746875.1.1',
  anyExtendedKeyUsage: '2.5.29.37.0',
} as const

const VERSION = encodeDer(DER.integer, Uint8Array.of(3))

/** A certificate that is trusted, under the name that keystores list it by. */
export interface TrustedEntry {
  readonly alias: string
  readonly der: Uint8Array
}

/**
 * Writes trusted certificates as a PKCS#12 store (RFC 7292) without password: not encrypted and without MAC, as OpenJDK ships its
 * own roots since release 18. No time and nothing random is in it, so the same certificates give the same bytes.
 */
export function encodePkcs12(entries: readonly TrustedEntry[]): Uint8Array {
  const bags = encodeDer(DER.sequence, ...entries.map(certificateBag))
  const safe = encodeDer(DER.sequence, contentInfo(bags))
  return encodeDer(DER.sequence, VERSION, contentInfo(safe))
}

/** ContentInfo of type data (RFC 5652, clause 4). */
function contentInfo(content: Uint8Array): Uint8Array {
  const octets = encodeDer(DER.octetString, content)
  return encodeDer(DER.sequence, encodeOid(OID.data), encodeDer(DER.explicit0, octets))
}

function certificateBag({ alias, der }: TrustedEntry): Uint8Array {
  const octets = encodeDer(DER.explicit0, encodeDer(DER.octetString, der))
  const certificate = encodeDer(DER.sequence, encodeOid(OID.x509Certificate), octets)
  const name = encodeDer(DER.bmpString, Buffer.from(alias, 'utf16le').swap16())
  // Members of a SET stand in the order of their encodings (X.690, clause 11.6).
  const attributes = [
    attribute(OID.friendlyName, name),
    attribute(OID.trustedKeyUsage, encodeOid(OID.anyExtendedKeyUsage)),
  ].sort(Buffer.compare)
  return encodeDer(
    DER.sequence,
    encodeOid(OID.certificateBag),
    encodeDer(DER.explicit0, certificate),
    encodeDer(DER.set, ...attributes),
  )
}

function attribute(type: string, value: Uint8Array): Uint8Array {
  return encodeDer(DER.sequence, encodeOid(type), encodeDer(DER.set, value))
}
