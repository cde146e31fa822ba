import { createHash } from 'node:crypto'
import { trustedCertificates } from './ca-bundle.ts'
import { parseCertificate } from './certificate.ts'
import type { Effect } from './effect.ts'
import { hasPackage } from './entry.ts'
import { encodePkcs12, type TrustedEntry } from './pkcs12.ts'

const MAGIC = 0xfeedfeed
const VERSION = 2
const TRUSTED_CERTIFICATE = 2
const PASSWORD = 'changeit'

/**
 * Debian's Java looks for roots in one keystore only, which a script of ca-certificates-java makes with the JRE itself.
 * The format is Java's JKS, as Debian has it, or PKCS#12 where the definition asks for it; Java tells them apart itself. Entries
 * of a JKS bear the date of the image; the names are those that the script would give.
 */
export const javaKeystore: Effect = {
  name: 'java-keystore',
  summary:
    'Writes the CA certificates as the keystore that Java reads: JKS, or PKCS#12 where the definition asks for it.',
  apply(context) {
    if (!hasPackage(context, 'ca-certificates-java')) return []
    const trusted = trustedCertificates(context)
    const entries = trusted.map(({ path, pem, linkName }) => {
      return { alias: `debian:${linkName.toLowerCase()}`, der: parseCertificate(pem, path).der }
    })
    const content = context.keystore === 'pkcs12' ? encodePkcs12(entries) : encodeJks(entries, context.epoch)
    return [{ type: 'file', path: '/etc/ssl/certs/java/cacerts', mode: 0o644, uid: 0, gid: 0, content }]
  },
}

function encodeJks(trusted: readonly TrustedEntry[], epoch: number): Uint8Array {
  const entries = trusted.map((entry) => keystoreEntry(entry, epoch))
  return sealed(Buffer.concat([words(MAGIC, VERSION, entries.length), ...entries]))
}

function keystoreEntry({ alias, der }: TrustedEntry, epoch: number): Uint8Array {
  const date = Buffer.alloc(8)
  date.writeBigUInt64BE(BigInt(epoch) * 1000n)
  return Buffer.concat([words(TRUSTED_CERTIFICATE), utf(alias), date, utf('X.509'), words(der.length), der])
}

/** Adds the digest that stands for the store's integrity: SHA-1 of password, a fixed phrase and the store. */
function sealed(store: Uint8Array): Uint8Array {
  const password = Buffer.from(PASSWORD, 'utf16le').swap16()
  const digest = createHash('sha1').update(password).update('Mighty Aphrodite').update(store).digest()
  return Buffer.concat([store, digest])
}

function words(...values: readonly number[]): Uint8Array {
  const bytes = Buffer.alloc(values.length * 4)
  for (const [index, value] of values.entries()) bytes.writeUInt32BE(value, index * 4)
  return bytes
}

/** A text with its length in two bytes before it, as java.io.DataOutput writes it. */
function utf(text: string): Uint8Array {
  const bytes = Buffer.from(text, 'utf8')
  const length = Buffer.alloc(2)
  length.writeUInt16BE(bytes.length)
  return Buffer.concat([length, bytes])
}
