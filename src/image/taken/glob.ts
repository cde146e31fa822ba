/**
 * Tells whether a path, written without a leading slash, is what a pattern names: `?` is one character, `*` any number of them
 * within a component, `**` any number of components. Takes time in proportion to pattern times path, whatever they are.
 */
export function matchesGlob(pattern: string, path: string): boolean {
  return matchesAll(pattern.split('/'), path.split('/'), {
    isMany: (part) => part === '**',
    matchesOne: matchesComponent,
  })
}

function matchesComponent(pattern: string, name: string): boolean {
  const isMany = (character: string) => character === '*'
  const matchesOne = (wanted: string, found: string) => wanted === '?' || wanted === found
  return matchesAll([...pattern], [...name], { isMany, matchesOne })
}

/** Of all ways to give a wildcard its share only the last one is ever taken back: an earlier one can gain nothing by it. */
function matchesAll(
  pattern: readonly string[],
  texts: readonly string[],
  { isMany, matchesOne }: { isMany(part: string): boolean; matchesOne(part: string, text: string): boolean },
): boolean {
  let [at, next] = [0, 0]
  let retry: { at: number; next: number } | undefined
  while (next < texts.length) {
    const part = pattern[at]
    if (part !== undefined && isMany(part)) {
      retry = { at: ++at, next }
    } else if (part !== undefined && matchesOne(part, texts[next] ?? '')) {
      at++
      next++
    } else if (retry !== undefined) {
      retry = { at: retry.at, next: retry.next + 1 }
      at = retry.at
      next = retry.next
    } else {
      return false
    }
  }
  while (pattern[at] !== undefined && isMany(pattern[at] ?? '')) at++
  return at === pattern.length
}
