import { canonicalJson, digestOf, type Json } from '#core'
import type { Moment } from './moment.ts'

/** What can make the factory think again about images. */
export type EventKind =
  | 'archive-changed'
  /** An archive must not be built from: it went back, is stale or expired, or cannot be believed. */
  | 'archive-alarm'
  /** What there was an alarm for is in order again. */
  | 'archive-recovered'
  | 'advisory-changed'
  | 'definition-changed'
  | 'parent-released'
  | 'base-changed'
  | 'support-ended'
  | 'end-of-life'
  | 'asked'

/** Events that concern every image, being facts of archives and advisories. Of all others the subject is what they concern. */
export const COMMON_EVENTS = [
  'archive-changed',
  'archive-alarm',
  'archive-recovered',
  'advisory-changed',
] as const satisfies readonly EventKind[]

/** Something that was noticed, before it is recorded. */
export interface NewEvent {
  readonly kind: EventKind
  /** What it happened to: `debian-13/trixie-security`, `CVE-2026-1000`, the name of an image. */
  readonly subject: string
  /** Two notices of the same thing have the same key, see `eventKey`. */
  readonly key: string
  /** What changed, from which state to which. */
  readonly payload: Json
  readonly seen: Moment
}

/** An event of the history. Numbers grow in the order of recording; some may be missing. */
export interface FactoryEvent extends NewEvent {
  readonly id: number
}

/**
 * Makes the key of an event from the state that was come to, never from when or by whom it was noticed: so a poll that is
 * done again, a push for what a poll has seen, and two schedulers give one event. Throws `JSON_INVALID`.
 */
export function eventKey(kind: EventKind, subject: string, state: Json): string {
  return `${kind} ${subject} ${digestOf(canonicalJson(state))}`
}
