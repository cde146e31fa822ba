import { CoreError } from './errors.ts'

/** Any value that JSON can write. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json | undefined }

/**
 * Writes JSON with keys in code-unit order and no white space, the same bytes for the same value everywhere
 * (RFC 8785 for the values we use: numbers are safe integers). Keys whose value is `undefined` are left out.
 * Throws `JSON_INVALID` for a number that is no safe integer.
 */
export function canonicalJson(value: Json): string {
  if (value === null || typeof value === 'boolean' || typeof value === 'string') return JSON.stringify(value)
  if (typeof value === 'number') {
    if (!Number.isSafeInteger(value)) {
      throw new CoreError('JSON_INVALID', `cannot write ${value} as canonical JSON: only safe integers are used`)
    }
    return String(value)
  }
  if (isArray(value)) return `[${value.map(canonicalJson).join(',')}]`
  const members: string[] = []
  for (const key of Object.keys(value).sort()) {
    const member = value[key]
    if (member !== undefined) members.push(`${JSON.stringify(key)}:${canonicalJson(member)}`)
  }
  return `{${members.join(',')}}`
}

function isArray(value: Json): value is readonly Json[] {
  return Array.isArray(value)
}
