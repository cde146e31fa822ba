import { Refusal } from './refusal.ts'

/** A part of a list, and what comes behind it. */
export interface Page<Item> {
  readonly items: readonly Item[]
  /** The key of the last item where more follow. */
  readonly next: string | undefined
}

/** The most items that one reply has, whatever the client asks for. */
export const PAGE_LIMIT = 1000

/**
 * Orders texts as distribution-spec §listing-tags wants it: case-insensitive and alphanumeric; what differs by case only
 * is ordered by code unit, so that no two are the same.
 */
export function compareNames(left: string, right: string): number {
  const [foldedLeft, foldedRight] = [left.toLowerCase(), right.toLowerCase()]
  if (foldedLeft !== foldedRight) return foldedLeft < foldedRight ? -1 : 1
  return left < right ? -1 : left > right ? 1 : 0
}

/** The items behind `last`, `n` at most and never more than the limit. Throws a `Refusal` for an `n` that is no number. */
export function pageOf(sorted: readonly string[], query: URLSearchParams): Page<string> {
  const n = query.get('n')
  if (n !== null && !/^\d{1,18}$/.test(n))
    throw new Refusal('UNSUPPORTED', 'cannot page: n is no number', { status: 400 })
  const limit = Math.min(n === null ? PAGE_LIMIT : Number(n), PAGE_LIMIT)
  const last = query.get('last')
  const start = last === null ? 0 : firstBehind(sorted, last)
  const items = sorted.slice(start, start + limit)
  return { items, next: limit > 0 && start + limit < sorted.length ? items.at(-1) : undefined }
}

/** The value of a Link header to the page behind `next` (RFC 8288), which keeps the rest of the query. */
export function linkToNext(path: string, query: URLSearchParams, next: string, count: number): string {
  const onward = new URLSearchParams(query)
  onward.set('n', String(count))
  onward.set('last', next)
  return `<${path}?${onward}>; rel="next"`
}

/** By halving, because a list may have a hundred thousand tags. */
function firstBehind(sorted: readonly string[], last: string): number {
  let [low, high] = [0, sorted.length]
  while (low < high) {
    const middle = (low + high) >>> 1
    if (compareNames(sorted[middle] ?? '', last) <= 0) low = middle + 1
    else high = middle
  }
  return low
}
