import { createHmac, timingSafeEqual } from 'node:crypto'

/** What a token allows in one repository. */
export interface TokenGrant {
  readonly type: 'repository' | 'registry'
  readonly name: string
  readonly actions: readonly string[]
}

/** What a token says (Docker's token authentication, RFC 7519). Times in seconds. */
export interface TokenClaims {
  readonly iss: string
  readonly aud: string
  /** The user; the empty text for nobody that is known. */
  readonly sub: string
  readonly iat: number
  readonly exp: number
  readonly jti: string
  readonly access: readonly TokenGrant[]
}

const HEADER = Buffer.from(JSON.stringify({ alg: 'HS256', typ: 'JWT' })).toString('base64url')
const MAX_TOKEN = 8192
const MAX_SCOPES = 20

/** Writes a token signed by HMAC-SHA-256: issuer and judge are the same process, so nobody else needs a key. */
export function formatToken(claims: TokenClaims, secret: Uint8Array): string {
  const signed = `${HEADER}.${Buffer.from(JSON.stringify(claims)).toString('base64url')}`
  return `${signed}.${signatureOf(signed, secret).toString('base64url')}`
}

/** Gives what a token says when it is ours, for `audience`, and not past its time; else `undefined`. */
export function verifyToken(
  token: string,
  secret: Uint8Array,
  { audience, now }: { audience: string; now: number },
): TokenClaims | undefined {
  const [header, payload, signature, ...more] = token.length > MAX_TOKEN ? [] : token.split('.')
  // Only this very header was ever written, so no other algorithm is ever considered.
  if (header !== HEADER || payload === undefined || signature === undefined || more.length > 0) return undefined
  const given = Buffer.from(signature, 'base64url')
  const wanted = signatureOf(`${header}.${payload}`, secret)
  if (given.length !== wanted.length || !timingSafeEqual(given, wanted)) return undefined
  // The signature vouches that `formatToken` wrote it.
  const claims = JSON.parse(Buffer.from(payload, 'base64url').toString('utf8')) as TokenClaims
  return claims.aud === audience && claims.exp > now && claims.iat <= now + 60 ? claims : undefined
}

/** Reads scopes such as `repository:team/app:pull,push`; what is no scope is left out. */
export function readScopes(texts: readonly string[]): TokenGrant[] {
  return texts
    .flatMap((text) => text.split(' '))
    .slice(0, MAX_SCOPES)
    .flatMap((text): TokenGrant[] => {
      const [, type, name, actions] =
        /^(repository|registry)(?:\([a-z0-9]+\))?:([^\s:]{1,255}):([a-z*,]{1,64})$/.exec(text) ?? []
      if ((type !== 'repository' && type !== 'registry') || name === undefined || actions === undefined) return []
      return [{ type, name, actions: [...new Set(actions.split(','))] }]
    })
}

function signatureOf(text: string, secret: Uint8Array): Buffer {
  return createHmac('sha256', secret).update(text).digest()
}
