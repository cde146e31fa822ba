import { compareText } from './order.ts'

/**
 * Gives up to three names that somebody may have meant: those that continue the text (a library's next soname), and those
 * at most two edits away, nearest first.
 */
export function nearestNames(text: string, names: Iterable<string>): string[] {
  const near: { name: string; distance: number }[] = []
  for (const name of names) {
    const distance = text.length > 3 && name.startsWith(text) ? 1 : editDistance(text, name, 2)
    if (distance <= 2) near.push({ name, distance })
  }
  return near
    .sort(
      (left, right) =>
        left.distance - right.distance || left.name.length - right.name.length || compareText(left.name, right.name),
    )
    .slice(0, 3)
    .map(({ name }) => name)
}

/** Levenshtein's distance, or some number above `limit` as soon as it must be above it. */
function editDistance(left: string, right: string, limit: number): number {
  if (Math.abs(left.length - right.length) > limit) return limit + 1
  let row = Array.from({ length: right.length + 1 }, (_, index) => index)
  for (let i = 1; i <= left.length; i++) {
    const next = [i]
    for (let j = 1; j <= right.length; j++) {
      const replaced = (row[j - 1] ?? 0) + (left[i - 1] === right[j - 1] ? 0 : 1)
      next.push(Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1))
    }
    if (Math.min(...next) > limit) return limit + 1
    row = next
  }
  return row[right.length] ?? limit + 1
}
