import type { SupportedImage } from '../watching/date-watch.ts'

/** Whose support of an image ends: Debian's of its packages, or upstream's of what it is about. */
export type Supporter = 'archive' | 'upstream'

/** The end of a support. */
export interface SupportEnd {
  readonly image: string
  readonly supporter: Supporter
  /** YYYY-MM-DD: the last day. */
  readonly date: string
  /** Whole days that are left, the last one included; 0 when it is over. */
  readonly left: number
  readonly state: 'supported' | 'ends' | 'ended'
}

const DAY = 86_400_000

/**
 * The ends of both supports of images, the next first. `near` is how many days before the end it is told as ending. What is not
 * known is left out.
 */
export function supportEnds(
  images: Iterable<SupportedImage>,
  { now, near }: { readonly now: number; readonly near: number },
): readonly SupportEnd[] {
  const found: SupportEnd[] = []
  for (const { image, archiveEnd, upstreamEnd } of images) {
    for (const [supporter, date] of [
      ['archive', archiveEnd],
      ['upstream', upstreamEnd],
    ] as const) {
      if (date === undefined) continue
      const left = Math.max(0, Math.ceil((Date.parse(date) + DAY - now) / DAY))
      found.push({ image, supporter, date, left, state: left === 0 ? 'ended' : left <= near ? 'ends' : 'supported' })
    }
  }
  return found.sort((left, right) => {
    if (left.date !== right.date) return left.date < right.date ? -1 : 1
    return left.image < right.image ? -1 : Number(left.image > right.image)
  })
}
