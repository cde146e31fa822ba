/** Keyword to raw value, as the records of one pax extended header give them; a later one wins. */
export type PaxRecords = Map<string, Uint8Array>

const LENGTH_DIGITS = 10
const keywords = new TextDecoder('utf-8', { fatal: true })

/**
 * Reads the records of a pax extended header, `LENGTH KEYWORD=VALUE\n` each (POSIX pax, "pax Extended Header"), or
 * gives the reason, as text, why they are none.
 */
export function parsePaxRecords(body: Uint8Array): PaxRecords | string {
  const records: PaxRecords = new Map()
  for (let at = 0; at < body.length; ) {
    const space = body.indexOf(0x20, at)
    const length = space < 0 || space - at > LENGTH_DIGITS ? undefined : wholeNumber(body.subarray(at, space))
    if (length === undefined) return 'a pax record has no length'
    const end = at + length
    const equals = body.indexOf(0x3d, space)
    if (end > body.length || equals < 0 || equals >= end - 1 || body[end - 1] !== 0x0a) {
      return 'a pax record is not "LENGTH KEYWORD=VALUE" and newline'
    }
    const keyword = keywordOf(body.subarray(space + 1, equals))
    if (keyword === undefined) return 'a pax keyword is no plain text'
    records.set(keyword, body.subarray(equals + 1, end - 1))
    at = end
  }
  return records
}

function wholeNumber(digits: Uint8Array): number | undefined {
  let value = 0
  for (const digit of digits) {
    if (digit < 0x30 || digit > 0x39) return undefined
    value = value * 10 + digit - 0x30
  }
  return digits.length === 0 || digits[0] === 0x30 ? undefined : value
}

function keywordOf(bytes: Uint8Array): string | undefined {
  if (bytes.length === 0 || bytes.some((byte) => byte < 0x20 || byte === 0x7f)) return undefined
  try {
    return keywords.decode(bytes)
  } catch {
    return undefined
  }
}
