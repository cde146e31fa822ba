import type { Digest } from '#core'
import type { TagIntent } from '../release.ts'
import type { TagMove, TagName } from './ports.ts'

/** What is left to do of an intent, or the tag that speaks against it. */
export type MovePlan =
  | { readonly kind: 'moves'; readonly moves: readonly TagMove[] }
  | { readonly kind: 'strange'; readonly tag: string; readonly names: Digest }

/**
 * Plans the moves of an intent from what its tags name now: what is moved already is left alone. A tag that is not as it was when the
 * moves were intended may have been moved by an earlier or later run of this factory, `own`; what somebody else put there is not touched.
 */
export function planMoves(
  { repository, digest, tags }: TagIntent,
  found: ReadonlyMap<string, Digest | undefined>,
  own: ReadonlySet<Digest>,
): MovePlan {
  const moves: TagMove[] = []
  for (const [tag, intended] of Object.entries(tags)) {
    const names = found.get(tag)
    if (names === digest) continue
    if (names !== undefined && names !== intended && !own.has(names)) return { kind: 'strange', tag, names }
    moves.push({ repository, tag, expected: names, next: digest })
  }
  return { kind: 'moves', moves }
}

/** The tags of intents. */
export function tagsOf(intents: readonly Pick<TagIntent, 'repository' | 'tags'>[]): readonly TagName[] {
  return intents.flatMap(({ repository, tags }) => Object.keys(tags).map((tag) => ({ repository, tag })))
}
