import { createPublicKey, X509Certificate } from 'node:crypto'
import { faultsOf, readStrictJson, type Shape } from '#core'

const text: Shape = { type: 'string' }
const record = (properties: Readonly<Record<string, Shape>>): Shape => ({ type: 'object', properties })
const list = (items: Shape): Shape => ({ type: 'array', items })
const der = record({ rawBytes: text })
const verifier = record({ x509Certificate: der, publicKey: der })
/** Where the kinds of entries keep the key or certificate by which the log has verified the signature. */
const bodyShape: Shape = record({
  spec: record({
    signature: record({ publicKey: record({ content: text }) }),
    signatures: list(record({ verifier: text })),
    content: record({ envelope: record({ signatures: list(record({ publicKey: text })) }) }),
    dsseV002: record({ signatures: list(record({ verifier })) }),
    hashedRekordV002: record({ signature: record({ verifier }) }),
  }),
})

interface Verifier {
  readonly x509Certificate?: { readonly rawBytes?: string }
  readonly publicKey?: { readonly rawBytes?: string }
}

interface Body {
  readonly spec?: {
    readonly signature?: { readonly publicKey?: { readonly content?: string } }
    readonly signatures?: readonly { readonly verifier?: string }[]
    readonly content?: { readonly envelope?: { readonly signatures?: readonly { readonly publicKey?: string }[] } }
    readonly dsseV002?: { readonly signatures?: readonly { readonly verifier?: Verifier }[] }
    readonly hashedRekordV002?: { readonly signature?: { readonly verifier?: Verifier } }
  }
}

/**
 * The key (SubjectPublicKeyInfo) or certificate, in DER, by which a log says that it has verified an entry's signature: kinds
 * `dsse`, `hashedrekord` and `intoto` of Rekor's both versions. `undefined` where its body names none that can be read.
 */
export function verifierOfEntry(canonicalizedBody: Uint8Array): Uint8Array | undefined {
  const read = readStrictJson(canonicalizedBody, { maxBytes: 8 * 2 ** 20, maxDepth: 16 })
  if ('fault' in read || faultsOf(bodyShape, read.value).length > 0) return undefined
  const { spec = {} } = read.value as Body
  const pem =
    spec.signature?.publicKey?.content ??
    spec.signatures?.[0]?.verifier ??
    spec.content?.envelope?.signatures?.[0]?.publicKey
  if (pem !== undefined) return derOf(Buffer.from(pem, 'base64').toString('latin1'))
  const raw = spec.dsseV002?.signatures?.[0]?.verifier ?? spec.hashedRekordV002?.signature?.verifier
  const encoded = raw?.x509Certificate?.rawBytes ?? raw?.publicKey?.rawBytes
  return encoded === undefined ? undefined : Buffer.from(encoded, 'base64')
}

function derOf(pem: string): Uint8Array | undefined {
  try {
    return pem.includes('-----BEGIN CERTIFICATE-----')
      ? new X509Certificate(pem).raw
      : createPublicKey(pem).export({ type: 'spki', format: 'der' })
  } catch {
    return undefined
  }
}
