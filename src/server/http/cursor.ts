import { readStrictJson } from '#core'
import { ServerError } from '../errors.ts'

/**
 * Where a list goes on, as clients get it: opaque, so that what it is made of may change. It names the last item that was shown
 * and not a number of items, so that what is added meanwhile moves nothing.
 */
export function formatCursor(place: readonly (string | number)[]): string {
  return Buffer.from(JSON.stringify(place)).toString('base64url')
}

/** Reads a cursor of a list whose places are `parts`, one type for each. Throws `REQUEST_INVALID` for what is none of ours. */
export function parseCursor<const Parts extends readonly ('string' | 'number')[]>(
  text: string,
  parts: Parts,
): { [At in keyof Parts]: Parts[At] extends 'number' ? number : string } {
  const read = readStrictJson(Buffer.from(text, 'base64url'), { maxBytes: 4096, maxDepth: 1 })
  const value = 'value' in read && Array.isArray(read.value) ? read.value : []
  const fits =
    value.length === parts.length &&
    value.every((part, at) => (parts[at] === 'number' ? Number.isSafeInteger(part) : typeof part === 'string'))
  if (!fits) throw new ServerError('REQUEST_INVALID', 'cannot go on with the list: the cursor is none that it gave')
  return value as { [At in keyof Parts]: Parts[At] extends 'number' ? number : string }
}
