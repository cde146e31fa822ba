import { readFile } from 'node:fs/promises'
import { faultsOf, messageOf, readStrictJson, type Shape } from '#core'
import { AttestError } from '../errors.ts'

/** A token by which an OpenID provider vouches for somebody. It is a secret: whoever has it can sign as them. */
export interface IdentityToken {
  readonly token: string
  /** The provider's address. */
  readonly issuer: string
}

const claimsShape: Shape = {
  type: 'object',
  properties: { iss: { type: 'string', minLength: 1, maxLength: 2048 } },
  required: ['iss'],
}

/**
 * Reads a token (RFC 7519): from a file, or where none is named from SIGSTORE_ID_TOKEN or the CI job that this runs in. It is not
 * verified: that is for whoever issues certificates. Throws `TOKEN_INVALID`, whose message never holds the token.
 */
export async function readIdentityToken(path?: string): Promise<IdentityToken> {
  const token = (path === undefined ? await ambientToken() : await fileToken(path)).trim()
  const [, claims] = /^[\w-]+\.([\w-]+)\.[\w-]*$/.exec(token) ?? []
  if (claims === undefined) throw invalid('it is no JSON Web Token')
  const read = readStrictJson(Buffer.from(claims, 'base64url'), { maxBytes: 64 * 1024, maxDepth: 16 })
  if ('fault' in read) throw invalid(`its claims cannot be read: ${read.fault}`)
  if (faultsOf(claimsShape, read.value).length > 0) throw invalid('it has no issuer')
  return { token, issuer: (read.value as { readonly iss: string }).iss }
}

async function ambientToken(): Promise<string> {
  const given = process.env['SIGSTORE_ID_TOKEN']
  if (given !== undefined && given !== '') return given
  // Large, and most signers have a key.
  const { CIContextProvider } = await import('@sigstore/sign')
  try {
    return await new CIContextProvider().getToken()
  } catch {
    throw invalid('there is none: name a file, set SIGSTORE_ID_TOKEN, or run in a CI job that may ask for tokens')
  }
}

async function fileToken(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (cause) {
    throw new AttestError('TOKEN_INVALID', `cannot read the identity token ${path}: ${messageOf(cause)}`, { cause })
  }
}

function invalid(reason: string): AttestError {
  return new AttestError('TOKEN_INVALID', `cannot use the identity token: ${reason}`)
}
