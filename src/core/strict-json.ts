import { hasMoreValues } from './json-values.ts'

/** Values that a document may have, about: short ones cost far more memory than bytes. */
const VALUES = 8_000_000

/** How large and how deep a JSON document may be. */
export interface JsonLimits {
  readonly maxBytes: number
  readonly maxDepth: number
}

/** What strict reading gives: the value, or as text why there is none. */
export type StrictJson = { readonly value: unknown } | { readonly fault: string; readonly cause?: unknown }

/**
 * Reads JSON (RFC 8259) that came from outside. A fault is: too many bytes, more than some eight million values, no UTF-8, no JSON, nesting deeper than allowed, or
 * a key that stands twice in one object: readers that disagree about such a document would see different ones.
 */
export function readStrictJson(bytes: Uint8Array, { maxBytes, maxDepth }: JsonLimits): StrictJson {
  if (bytes.length > maxBytes) return { fault: `it has ${bytes.length} bytes, more than ${maxBytes}` }
  let text: string
  let value: unknown
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
    if (hasMoreValues(text, VALUES)) return { fault: `it has more than ${VALUES} values` }
    value = JSON.parse(text)
  } catch (cause) {
    return { fault: 'it is no JSON in UTF-8', cause }
  }
  const fault = nestingFault(text, maxDepth)
  return fault === undefined ? { value } : { fault }
}

const QUOTE = 34
const BACKSLASH = 92
const COLON = 58
const OPENING: ReadonlySet<number> = new Set([91, 123])
const CLOSING: ReadonlySet<number> = new Set([93, 125])
const SPACES: ReadonlySet<number> = new Set([9, 10, 13, 32])

/** Looks at the keys that `JSON.parse`, which has already accepted the text, would silently merge. */
function nestingFault(text: string, maxDepth: number): string | undefined {
  const open: (Set<string> | undefined)[] = []
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (OPENING.has(code)) {
      if (open.push(undefined) > maxDepth) return `it is nested deeper than ${maxDepth}`
    } else if (CLOSING.has(code)) {
      open.pop()
    } else if (code === QUOTE) {
      const end = endOfString(text, at)
      if (isKey(text, end)) {
        const written = text.slice(at, end)
        const key = written.includes('\\') ? String(JSON.parse(written)) : written.slice(1, -1)
        const keys = open.at(-1) ?? new Set<string>()
        if (keys.has(key)) return `the key ${written} stands twice`
        open[open.length - 1] = keys.add(key)
      }
      at = end - 1
    }
  }
  return undefined
}

/** The place behind a string that begins at `start`. */
function endOfString(text: string, start: number): number {
  for (let end = text.indexOf('"', start + 1); end > 0; end = text.indexOf('"', end + 1)) {
    let slashes = 0
    while (text.charCodeAt(end - 1 - slashes) === BACKSLASH) slashes++
    if (slashes % 2 === 0) return end + 1
  }
  return text.length
}

function isKey(text: string, behind: number): boolean {
  let at = behind
  while (SPACES.has(text.charCodeAt(at))) at++
  return text.charCodeAt(at) === COLON
}
