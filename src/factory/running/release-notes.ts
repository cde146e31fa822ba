import type { Json } from '#core'
import { eventKey, type NewEvent } from '../event.ts'
import type { LedgerNote } from '../ledger.ts'
import type { Moment } from '../moment.ts'
import type { NewRelease } from '../release.ts'
import type { ImageEnd } from '../run.ts'
import type { Candidate } from './ports.ts'

/** What a run's end of an image is noted as; one that is released has a note of its own. */
export function noteOfEnd(run: number, { image, state, reason, at }: ImageEnd): readonly LedgerNote[] {
  return state === 'done' ? [] : [{ kind: 'stage', subject: image, body: { run, state, reason }, at }]
}

/** What a release is noted as. */
export function noteOfRelease(release: NewRelease & { readonly id: number }): LedgerNote {
  const { id, image, variant, digest, tags, run, restores, released } = release
  const cause: Record<string, Json> = {
    ...(run === undefined ? {} : { run }),
    ...(restores === undefined ? {} : { restores }),
  }
  return {
    kind: 'release',
    subject: image,
    body: { release: id, variant, digest, tags: [...tags], ...cause },
    at: released,
  }
}

/** For what is built on it and was not in the run. */
export function parentReleased(
  image: string,
  candidates: readonly Pick<Candidate, 'variant' | 'digest'>[],
  seen: Moment,
): NewEvent {
  const payload = { digests: Object.fromEntries(candidates.map(({ variant, digest }) => [variant, digest])) }
  return { kind: 'parent-released', subject: image, key: eventKey('parent-released', image, payload), payload, seen }
}
