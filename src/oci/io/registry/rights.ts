import { Refusal } from '../../registry/refusal.ts'
import type { Exchange } from './exchange.ts'
import type { Action, Serving } from './serving.ts'

/** Throws a `Refusal` for what somebody may not do: `UNAUTHORIZED` where saying who he is may help, else `DENIED`. */
export function checkRight(exchange: Exchange, { authority }: Serving, repository: string, action: Action): void {
  if (authority.allows(exchange.identity, repository, action)) return
  const wanted = action === 'push' ? 'pull,push' : action
  if (exchange.identity.user === undefined || exchange.identity.granted !== undefined) {
    throw unauthorized(exchange, authority, `repository:${repository}:${wanted}`)
  }
  throw new Refusal('DENIED', `${exchange.identity.user} may not ${action} ${repository}`)
}

/** The refusal by which somebody learns how to say who he is. */
export function unauthorized(exchange: Exchange, authority: Serving['authority'], scope: string | undefined): Refusal {
  const headers = authority.challenge(exchange, scope)
  return new Refusal('UNAUTHORIZED', 'cannot do that without credentials that allow it', { headers })
}
