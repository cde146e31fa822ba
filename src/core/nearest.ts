/**
 * The word with the fewest edits (insert, delete, replace, swap of neighbours) from `word`, if they are at most a third
 * of its length, and at least one is always allowed; the first of equals.
 */
export function nearest(word: string, known: Iterable<string>): string | undefined {
  let best: string | undefined
  let limit = Math.max(1, Math.floor(word.length / 3))
  for (const candidate of known) {
    const edits = editDistance(word, candidate, limit)
    if (edits > limit) continue
    best = candidate
    limit = edits - 1
  }
  return best
}

/**
 * How many edits (insert, delete, replace, swap of neighbours) lead from one text to another: optimal string alignment.
 * Gives some number above `limit` as soon as it must be above it.
 */
export function editDistance(left: string, right: string, limit: number): number {
  if (Math.abs(left.length - right.length) > limit) return limit + 1
  let beforeLast: number[] = []
  let last = Array.from({ length: right.length + 1 }, (_, column) => column)
  for (let row = 1; row <= left.length; row++) {
    const current = [row]
    for (let column = 1; column <= right.length; column++) {
      const cost = left[row - 1] === right[column - 1] ? 0 : 1
      const plain = Math.min((last[column] ?? 0) + 1, (current[column - 1] ?? 0) + 1, (last[column - 1] ?? 0) + cost)
      const isSwap = row > 1 && column > 1 && left[row - 1] === right[column - 2] && left[row - 2] === right[column - 1]
      current.push(isSwap ? Math.min(plain, (beforeLast[column - 2] ?? 0) + 1) : plain)
    }
    if (Math.min(...current) > limit) return limit + 1
    beforeLast = last
    last = current
  }
  return last[right.length] ?? left.length
}
