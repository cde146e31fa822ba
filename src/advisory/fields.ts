import { printable } from './quarantine.ts'

/** Tells an object of JSON from lists and scalars. */
export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** A text without control characters, or `undefined` when the value is none. */
export function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? printable(value) : undefined
}

/** The members of a list; none when the value is no list. */
export function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}

/** Tells whether a text is the name of a CVE, or the tracker's temporary name of an issue that has none yet. */
export function isIssueId(text: string): boolean {
  return /^(?:CVE-[0-9]{4}-[0-9]{4,19}|TEMP-[0-9A-F]{7}-[0-9A-F]{6})$/.test(text)
}

/** Tells whether a text is a source package's name (deb-src-control(5)). */
export function isSourceName(text: string): boolean {
  return /^[a-z0-9][a-z0-9+.-]{1,127}$/.test(text)
}

/** Tells whether a text can be a release's codename. */
export function isCodename(text: string): boolean {
  return /^[a-z][a-z0-9-]{1,31}$/.test(text)
}

/** Tells whether a text is a date, or a moment, that exists (RFC 3339); a 31 February is parsed, and gives another day. */
export function isDate(text: string): boolean {
  if (!/^[0-9]{4}-[0-9]{2}-[0-9]{2}(?:T[0-9:.]+(?:Z|[+-][0-9]{2}:?[0-9]{2}))?$/.test(text)) return false
  const day = Date.parse(text.slice(0, 10))
  const isDay = !Number.isNaN(day) && new Date(day).toISOString().startsWith(text.slice(0, 10))
  return isDay && !Number.isNaN(Date.parse(text))
}
