import { hasMoreValues } from './json-values.ts'

const TOKENS = /"[^"\\]*(?:\\.[^"\\]*)*"(\s*:)?|[{}[\]]/g

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

/** Looks at the keys that `JSON.parse`, which has already accepted the text, would silently merge. */
function nestingFault(text: string, maxDepth: number): string | undefined {
  const open: Set<string>[] = []
  for (const [token, colon] of text.matchAll(TOKENS)) {
    if (token === '{' || token === '[') {
      if (open.push(new Set()) > maxDepth) return `it is nested deeper than ${maxDepth}`
    } else if (token === '}' || token === ']') {
      open.pop()
    } else if (colon !== undefined) {
      const key: unknown = JSON.parse(token.slice(0, -colon.length))
      const keys = open.at(-1)
      if (keys?.has(String(key))) return `the key ${token.slice(0, -colon.length)} stands twice`
      keys?.add(String(key))
    }
  }
  return undefined
}
