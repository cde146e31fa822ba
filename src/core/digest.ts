import { createHash } from 'node:crypto'
import { CoreError } from './errors.ts'

declare const brand: unique symbol

/** A content digest in canonical form: `sha256:` and 64 lowercase hex digits (image-spec §descriptor). */
export type Digest = string & { readonly [brand]: 'Digest' }

/** Reads a digest as the OCI image-spec writes it. Throws `DIGEST_INVALID`. */
export function parseDigest(text: string): Digest {
  if (!/^sha256:[0-9a-f]{64}$/.test(text)) {
    throw new CoreError('DIGEST_INVALID', `cannot parse digest "${text}": want sha256:<64 hex digits>`)
  }
  return text as Digest
}

/** Gives the SHA-256 digest of bytes, or of a text as UTF-8. */
export function digestOf(bytes: Uint8Array | string): Digest {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}` as Digest
}

/** Gives the digest whose hex part is given, as Debian's indexes write SHA-256. Throws `DIGEST_INVALID`. */
export function digestFromHex(hex: string): Digest {
  return parseDigest(`sha256:${hex}`)
}

/** Gives the 64 hex digits of a digest. */
export function hexOf(digest: Digest): string {
  return digest.slice('sha256:'.length)
}
