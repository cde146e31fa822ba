import type { Line } from './lists.ts'

/** One version of a Debian changelog, deb-changelog(5). */
export interface ChangelogEntry {
  readonly version: string
  /** The suites that it was uploaded to: `bookworm-security`, `unstable`, … */
  readonly suites: readonly string[]
  readonly lines: readonly Line[]
}

/** The versions of a Debian changelog, newest first as they stand there. */
export function readChangelog(text: string): readonly ChangelogEntry[] {
  const entries: { version: string; suites: string[]; lines: Line[] }[] = []
  for (const [index, raw] of text.split('\n').entries()) {
    const [matched, version = '', suites = ''] = /^\S+ \(([^)]+)\) ([^;]+);/.exec(raw) ?? []
    if (matched !== undefined) entries.push({ version, suites: suites.split(' '), lines: [] })
    else entries.at(-1)?.lines.push({ number: index + 1, text: raw })
  }
  return entries
}

/** The CVEs that a changelog's line names in full. */
export function cvesIn(line: string): readonly string[] {
  return line.match(/CVE-\d{4}-\d{4,7}(?!\d)/g) ?? []
}

/**
 * The CVEs that a changelog's line says it fixes: the first it names, and those listed right behind. One further on is
 * part of the story, as in "CVE-2026-8328: apply CVE-2021-4189's fix to ftpcp".
 */
export function cvesFixedIn(line: string): readonly string[] {
  const run = /CVE-\d{4}-\d{4,7}(?!\d)(?:(?:[\s,/&()]|and)+CVE-\d{4}-\d{4,7}(?!\d))*/.exec(line)?.[0]
  return cvesIn(run ?? '')
}
