const COMMA = 44
const BRACKET = 91
const BRACE = 123

/**
 * Whether a JSON text has more values than that, about: it counts what values begin or part with, in strings too. Each value
 * costs memory, however short, so that this is asked before anything is parsed.
 */
export function hasMoreValues(text: string, most: number): boolean {
  let count = 0
  for (let index = 0; index < text.length && count <= most; index++) {
    const code = text.charCodeAt(index)
    if (code === COMMA || code === BRACKET || code === BRACE) count++
  }
  return count > most
}
