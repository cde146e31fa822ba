import { createHash, type Hash } from 'node:crypto'
import type { Digest } from '#core'

declare const brand: unique symbol

/** A digest of a registered algorithm in canonical form: `sha256:` or `sha512:` with all its hex digits (image-spec §digests). */
export type ContentDigest = Digest | (string & { readonly [brand]: 'Sha512Digest' })

/** The algorithms that content may be addressed by, with the hex digits of each. */
export const DIGEST_ALGORITHMS = { sha256: 64, sha512: 128 } as const

export type DigestAlgorithm = keyof typeof DIGEST_ALGORITHMS

const FORM = /^(?:sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})$/

/** Reads a digest, or gives `undefined` for a text that is none, or of another algorithm. */
export function readContentDigest(text: string): ContentDigest | undefined {
  return FORM.test(text) ? (text as ContentDigest) : undefined
}

/** The algorithm of a digest. */
export function algorithmOf(digest: ContentDigest): DigestAlgorithm {
  return digest.startsWith('sha512:') ? 'sha512' : 'sha256'
}

/** The digest of bytes by an algorithm. */
export function contentDigestOf(bytes: Uint8Array, algorithm: DigestAlgorithm = 'sha256'): ContentDigest {
  return finishDigest(createHash(algorithm).update(bytes), algorithm)
}

/** The digest of all that a hash was given. */
export function finishDigest(hash: Hash, algorithm: DigestAlgorithm): ContentDigest {
  return `${algorithm}:${hash.digest('hex')}` as ContentDigest
}
