import { openIdentitySignatory, readIdentityToken, type Signatory } from '#attest'
import type { Signing } from '#evidence'
import { UsageError } from './errors.ts'
import { trustedRootOf } from './evidence-trust.ts'
import { openSignatory } from './signing-key.ts'

/** The options of every verb that signs: by a key or as an identity. */
export interface SigningOptions {
  /** A file, or the name of a key that a service keeps. */
  readonly key?: string
  /** A file with a token; `true` where the option stands alone: the token that the environment has. */
  readonly identityToken?: string | true
  readonly fulcioUrl?: string
  readonly rekorUrl?: string
  readonly timestampUrl?: string
  /** By which an identity's signatures are verified before they are attached. */
  readonly trustedRoot?: string
  /** Who signs, in place of all of this: no option, for who signs many times. */
  readonly signatory?: Signatory
}

/** What is signed from now on says that it was signed now. */
export function signingNow(signing: Omit<Signing, 'signedAt'>): Signing {
  return { ...signing, signedAt: Math.floor(Date.now() / 1000) }
}

/** Who signs, as the options say. Rejects with `USAGE_INVALID`, and as `openSignatory` and `openIdentitySignatory` do. */
export async function signatoryOf(options: SigningOptions): Promise<Signatory> {
  const { key, identityToken, fulcioUrl, rekorUrl, timestampUrl, signatory } = options
  if (signatory !== undefined) return signatory
  if ((key === undefined) === (identityToken === undefined)) {
    const reason = key === undefined ? 'say who signs' : 'a key and an identity cannot both sign: say one'
    throw new UsageError('USAGE_INVALID', `cannot sign: ${reason}, by --key KEY or by --identity-token [FILE]`)
  }
  if (key !== undefined) {
    const service = Object.entries({ fulcioUrl, rekorUrl, timestampUrl }).find(([, url]) => url !== undefined)
    if (service !== undefined) {
      throw new UsageError(
        'USAGE_INVALID',
        'cannot sign: --fulcio-url, --rekor-url and --timestamp-url go with --identity-token',
      )
    }
    return openSignatory(key)
  }
  const source = () => readIdentityToken(identityToken === true ? undefined : identityToken)
  const { SIGSTORE_FULCIO_URL, SIGSTORE_REKOR_URL, SIGSTORE_TSA_URL } = process.env
  return openIdentitySignatory(source, {
    fulcioUrl: fulcioUrl || SIGSTORE_FULCIO_URL,
    rekorUrl: rekorUrl || SIGSTORE_REKOR_URL,
    timestampUrl: timestampUrl || SIGSTORE_TSA_URL,
    root: await trustedRootOf(options),
  })
}
