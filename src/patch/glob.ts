/**
 * Whether a pattern of the shell matches a whole text, as fnmatch(3) does without flags: `*` and `?` match `/` too. Takes no
 * longer than the product of their lengths, whatever the pattern.
 */
export function matchesGlob(pattern: string, text: string): boolean {
  const parts = partsOf(pattern)
  let at = 0
  let part = 0
  let star: { readonly part: number; at: number } | undefined
  while (at < text.length) {
    const next = parts[part]
    if (next === '*') {
      star = { part, at }
      part++
    } else if (next?.(text[at] ?? '') === true) {
      at++
      part++
    } else if (star !== undefined) {
      star.at++
      at = star.at
      part = star.part + 1
    } else return false
  }
  return parts.slice(part).every((rest) => rest === '*')
}

type GlobPart = '*' | ((character: string) => boolean)

function partsOf(pattern: string): readonly GlobPart[] {
  const parts: GlobPart[] = []
  for (let at = 0; at < pattern.length; at++) {
    const character = pattern[at] ?? ''
    const set = character === '[' ? setAt(pattern, at) : undefined
    if (character === '*') parts.push('*')
    else if (character === '?') parts.push(() => true)
    else if (set !== undefined) {
      parts.push(set.matches)
      at = set.end
    } else {
      const literal = character === '\\' && at + 1 < pattern.length ? (pattern[++at] ?? '') : character
      parts.push((other) => other === literal)
    }
  }
  return parts
}

/** `[a-z]` and `[!a-z]`; a bracket that nothing closes stands for itself. */
function setAt(
  pattern: string,
  start: number,
): { readonly matches: (character: string) => boolean; end: number } | undefined {
  const isNegated = pattern[start + 1] === '!' || pattern[start + 1] === '^'
  const first = start + (isNegated ? 2 : 1)
  const end = pattern.indexOf(']', first + 1)
  if (end < 0) return undefined
  const ranges: (readonly [string, string])[] = []
  for (let at = first; at < end; at++) {
    const from = pattern[at] ?? ''
    const isRange = pattern[at + 1] === '-' && at + 2 < end
    ranges.push([from, isRange ? (pattern[at + 2] ?? '') : from])
    if (isRange) at += 2
  }
  return { matches: (one) => ranges.some(([from, to]) => one >= from && one <= to) !== isNegated, end }
}
