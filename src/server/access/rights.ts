import { matchesNamePattern } from '#core'
import type { TokenRole, VisibleImages } from '#store'

/** What can be done at the API. */
export const ACTIONS = ['read', 'preview', 'export', 'ask', 'hold', 'operate', 'approve', 'audit', 'tokens'] as const
export type Action = (typeof ACTIONS)[number]

/** The roles that a token may have. */
export const ROLES = ['reader', 'approver', 'operator', 'admin'] as const satisfies readonly TokenRole[]

/**
 * Who may do what. Who asks for a rebuild or goes back to an earlier release does not approve it as well: that takes two tokens, or
 * an administrator's.
 */
const RIGHTS: Readonly<Record<TokenRole, readonly Action[]>> = {
  reader: ['read', 'preview', 'export'],
  approver: ['read', 'preview', 'export', 'hold', 'approve'],
  operator: ['read', 'preview', 'export', 'ask', 'hold', 'operate'],
  admin: ACTIONS,
}

/** Actions that concern everything at once, so that only a token for all images has them. */
const WHOLE: readonly Action[] = ['export', 'audit', 'tokens']

/** Somebody at the API: what a token says of him, or what everybody may where reading is open. */
export interface Caller {
  /** The number of the token; `undefined` for who has said nothing. */
  readonly token: number | undefined
  readonly name: string
  readonly role: TokenRole
  readonly images: VisibleImages
}

/** Whether a caller may do something, apart from the question to which images. */
export function allows({ role, images }: Pick<Caller, 'role' | 'images'>, action: Action): boolean {
  return RIGHTS[role].includes(action) && (!WHOLE.includes(action) || seesAll(images))
}

/** Whether these are all images, also those that are still to come. */
export function seesAll(images: VisibleImages): boolean {
  return images.includes('**')
}

/** Whether an image is one of these. */
export function sees(images: VisibleImages, image: string): boolean {
  return images.some((pattern) => matchesNamePattern(pattern, image))
}
