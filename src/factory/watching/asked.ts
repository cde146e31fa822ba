import type { Digest } from '#core'
import { eventKey, type NewEvent } from '../event.ts'
import type { Moment } from '../moment.ts'

/** What a person asks for. */
export interface Asked {
  readonly image: string
  readonly by: string
  readonly reason?: string
  /** What makes the same question asked twice one event, e.g. the idempotency key of a request. */
  readonly request: string
}

/** The event of a person who asks for an image to be rebuilt. */
export function askedEvent({ image, by, reason, request }: Asked, seen: Moment): NewEvent {
  const payload = { by, ...(reason === undefined ? {} : { reason }) }
  return { kind: 'asked', subject: image, key: eventKey('asked', image, { by, request }), payload, seen }
}

/** The event of an image that others stack on and that has another digest now. */
export function parentReleasedEvent(
  { id, image, variant, digest }: { id: number; image: string; variant: string; digest: Digest },
  seen: Moment,
): NewEvent {
  const kind = 'parent-released'
  return {
    kind,
    subject: image,
    key: eventKey(kind, image, { release: id }),
    payload: { release: id, variant, digest },
    seen,
  }
}

/** An image of others that moved. */
export type BaseMove = {
  /** As the definition names it. */
  readonly reference: string
  readonly from: string
  readonly to: string
}

/** The event of an image whose base moved; `revision` is that of the step, because a tag may be set back. */
export function baseEvent(image: string, move: BaseMove, revision: number, seen: Moment): NewEvent {
  const kind = 'base-changed'
  const key = eventKey(kind, image, { reference: move.reference, to: move.to, revision })
  return { kind, subject: image, key, payload: move, seen }
}
