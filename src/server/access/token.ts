import { randomBytes, timingSafeEqual } from 'node:crypto'
import { type Digest, digestOf } from '#core'
import type { Moment } from '#factory'
import type { AccessToken, NewToken } from '#store'
import { ServerError } from '../errors.ts'
import { ROLES } from './rights.ts'

/** A token as whoever holds it has it: recognisable by people and by searches for secrets, then 256 random bits. */
const FORM = /^casemate_[A-Za-z0-9_-]{43}$/

/** A pattern of names of images: a star is one part of a name, two are any. */
export const IMAGE_PATTERN = '^[a-z0-9._*-]+(/[a-z0-9._*-]+)*$'
/** What people call a token. */
export const TOKEN_NAME = '^[A-Za-z0-9][A-Za-z0-9 ._@/-]{0,99}$'

/** What a new token is to be. */
export interface TokenWish {
  readonly name: string
  readonly role: string
  readonly images: readonly string[]
  readonly by: string
  readonly made: Moment
  readonly expires: Moment | undefined
}

/** Makes a token: the text, which is shown once and kept nowhere, and what is kept. Throws `TOKEN_INVALID`. */
export function makeToken({ role, ...wish }: TokenWish): { readonly text: string; readonly token: NewToken } {
  const known = ROLES.find((one) => one === role)
  const { name, images, made, expires } = wish
  if (known === undefined)
    throw invalid(name, `nothing is known of the role ${JSON.stringify(role)}, want ${ROLES.join(', ')}`)
  if (!new RegExp(TOKEN_NAME).test(name)) throw invalid(name, 'want letters, digits, space . _ @ / -, at most 100')
  if (images.length === 0) throw invalid(name, 'it is for no image, want patterns, e.g. ** for all')
  const strange = images.find((pattern) => pattern.length > 255 || !new RegExp(IMAGE_PATTERN).test(pattern))
  if (strange !== undefined)
    throw invalid(name, `${JSON.stringify(strange)} is no pattern of images, want e.g. team/* or **`)
  if (expires !== undefined && !(expires > made)) throw invalid(name, `it would have expired at ${expires}`)
  const text = `casemate_${randomBytes(32).toString('base64url')}`
  return { text, token: { ...wish, role: known, digest: digestOf(text) } }
}

/** The digest by which a token is looked up; `undefined` for a text that cannot be one. */
export function tokenDigest(text: string): Digest | undefined {
  return FORM.test(text) ? digestOf(text) : undefined
}

/** Whether a token that was found is the one whose digest was asked for, and holds at a moment. Takes the same time for any digest. */
export function holds(token: AccessToken, digest: Digest, now: Moment): boolean {
  const [kept, asked] = [Buffer.from(token.digest), Buffer.from(digest)]
  const isSame = kept.length === asked.length && timingSafeEqual(kept, asked)
  return isSame && token.revoked === undefined && (token.expires === undefined || token.expires > now)
}

function invalid(name: string, reason: string): ServerError {
  return new ServerError('TOKEN_INVALID', `cannot make the token ${JSON.stringify(name.slice(0, 100))}: ${reason}`)
}
