const RFC3339 = /^(\d{4}-\d{2}-\d{2})[Tt](\d{2}:\d{2}:\d{2})(?:\.(\d{1,9}))?([Zz]|[+-]\d{2}:\d{2})$/

/** A moment, exact to the nanosecond, as a number that orders; `undefined` for a text that is no time of RFC 3339. */
export function parseMoment(text: string): bigint | undefined {
  const [, date = '', time = '', fraction = '', zone = ''] = RFC3339.exec(text) ?? []
  const day = Date.parse(`${date}T00:00:00Z`)
  // A 31 February is parsed, and gives another day.
  if (Number.isNaN(day) || !new Date(day).toISOString().startsWith(date)) return undefined
  const milliseconds = Date.parse(`${date}T${time}${zone.toUpperCase()}`)
  if (Number.isNaN(milliseconds)) return undefined
  return BigInt(milliseconds) * 1_000_000n + BigInt(fraction.padEnd(9, '0'))
}
