import type { Signatory } from '../bundle.ts'
import type { TrustedRoot } from '../trusted-root.ts'
import type { IdentityToken } from './identity-token.ts'

/** The services that vouch for an identity's signatures, by address. */
export interface SigningServices {
  /** Issues certificates; Sigstore's own where absent. */
  readonly fulcioUrl?: string | undefined
  /** Keeps the transparency log; Sigstore's own where absent. */
  readonly rekorUrl?: string | undefined
  /** Issues timestamps (RFC 3161); where absent, there are none but the log's. */
  readonly timestampUrl?: string | undefined
  /** By which every signature is verified before it is given: what the services answered may be wrong. Not verified where absent. */
  readonly root?: TrustedRoot | undefined
}

/** Asked again where a signature comes later than a certificate lives. */
export type TokenSource = () => Promise<IdentityToken>

/**
 * A signatory by identity: short-lived keys that a certificate authority certifies for whom a token names, every signature in a
 * transparency log and, where asked for, stamped. The first certificate is issued at once. Rejects with `TOKEN_INVALID` and
 * `SIGNING_REFUSED`, as its methods do, which also reject with `ENVELOPE_UNTRUSTED` for what the root does not vouch for.
 */
export async function openIdentitySignatory(token: TokenSource, services: SigningServices): Promise<Signatory> {
  // Loaded here: it is large, and keys sign without.
  const { newIdentitySignatory } = await import('./identity-signatory.ts')
  return newIdentitySignatory(token, services)
}
