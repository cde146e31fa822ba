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
