import { type Json, matchesNamePattern } from '#core'
import type { Moment } from '../moment.ts'
import { compareSeverities, type PolicySeverity } from '../settings/severity.ts'

/** What people may want to be told. */
export const MESSAGE_KINDS = ['release', 'held', 'failed', 'warning', 'breach', 'archive', 'end-of-life'] as const
/**
 * An image was published; is held; could not be made; a finding's time is nearly up, or is up; an archive must not be built
 * from, or may again; support ends.
 */
export type MessageKind = (typeof MESSAGE_KINDS)[number]

/** Something that is to be told, before it is in the outbox. */
export interface NewMessage {
  readonly kind: MessageKind
  /** Absent for what concerns no image in particular. */
  readonly image?: string
  /** Who the image belongs to. */
  readonly owner?: string
  /** Of the worst finding that is the reason, or of the state that is told; absent where nothing is wrong. */
  readonly severity?: PolicySeverity
  /** One line for people, without what would steer a terminal. */
  readonly title: string
  /** What is to be known, by kind; see `docs/webhooks.md`. */
  readonly body: Json
  readonly at: Moment
}

/** A message of the outbox. Numbers grow in the order of recording; some may be missing. */
export interface Message extends NewMessage {
  readonly id: number
}

/** Which messages somebody wants. What is not said does not matter. */
export interface Interest {
  /** Names of images, `*` standing for any part of a name. */
  readonly images?: readonly string[]
  readonly owners?: readonly string[]
  /** This severe or worse; what has no severity is not wanted then. */
  readonly severity?: PolicySeverity
  readonly kinds?: readonly MessageKind[]
}

/**
 * Whether a message is wanted. What concerns no image in particular is wanted whichever images are named, because it concerns
 * these too.
 */
export function isWanted({ images, owners, severity, kinds }: Interest, message: Message): boolean {
  const { image, owner } = message
  if (kinds !== undefined && !kinds.includes(message.kind)) return false
  if (images !== undefined && image !== undefined && !images.some((pattern) => matchesNamePattern(pattern, image))) {
    return false
  }
  if (owners !== undefined && image !== undefined && (owner === undefined || !owners.includes(owner))) return false
  if (severity === undefined) return true
  // No severity at all is less than any.
  return compareSeverities(message.severity, severity) <= 0
}
