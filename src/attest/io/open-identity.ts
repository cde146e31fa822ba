import type { Signatory } from '../bundle.ts'
import type { SigningServices, TokenSource } from './identity-signatory.ts'

/**
 * A signatory by identity; see `identity-signatory.ts`, which is loaded where somebody signs so: what it speaks to the services
 * with is large. Rejects with `TOKEN_INVALID` and `SIGNING_REFUSED`.
 */
export async function openIdentitySignatory(token: TokenSource, services: SigningServices): Promise<Signatory> {
  const { identitySignatory } = await import('./identity-signatory.ts')
  return identitySignatory(token, services)
}
