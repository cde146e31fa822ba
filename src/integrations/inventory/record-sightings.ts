import type { Digest } from '#core'
import { type ClockMark, type FactoryStore, type Moment, type SeenRelease, seenMarks } from '#factory'

/** What became of what was seen. */
export interface RecordedSightings {
  /** Images of ours that were seen, by name. */
  readonly images: readonly string[]
  /** Digests that no release of ours has. */
  readonly foreign: readonly Digest[]
  /** How many findings came to the mark now. */
  readonly marks: number
}

/** Records that digests were seen pulled or running. What was recorded before stays as it is. Rejects as the store does. */
export async function recordSightings(
  store: FactoryStore,
  mark: 'pulled' | 'running',
  digests: readonly Digest[],
  at: Moment,
): Promise<RecordedSightings> {
  const wanted = [...new Set(digests)]
  const known = await store.releases.ofDigests(wanted)
  const seen: readonly SeenRelease[] = known
  const images = [...new Set(seen.map(({ image }) => image))].sort()
  const marks: ClockMark[] = []
  for (const image of images) marks.push(...seenMarks(mark, seen, await store.clocks.ofImage(image), at))
  if (marks.length > 0) await store.clocks.record(marks)
  const ours = new Set(known.map(({ digest }) => digest))
  return { images, foreign: wanted.filter((digest) => !ours.has(digest)), marks: marks.length }
}
