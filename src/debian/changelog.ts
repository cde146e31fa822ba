import type { DebVersion } from './package.ts'
import { compareVersions, isVersion } from './version.ts'

/** An entry of a Debian changelog: one upload. */
export interface ChangelogEntry {
  readonly source: string
  readonly version: DebVersion
  /** What it was uploaded to, e.g. `unstable` or `trixie-security`. */
  readonly distributions: readonly string[]
  /** When it was finished, as its trailer says, in milliseconds since 1970; absent where that is no date. */
  readonly date?: number
  /** Its lines between head and trailer, as they stand. */
  readonly lines: readonly string[]
  /** The line of its head, from 1. */
  readonly line: number
}

/** The changes between two versions, newest first. */
export interface Changes {
  readonly entries: readonly ChangelogEntry[]
  /** Whether the changelog goes back to the older version; debhelper cuts old entries off. */
  readonly isWhole: boolean
  /** The entries behind them, which the older version has. */
  readonly before: readonly ChangelogEntry[]
}

const HEAD = /^([a-z0-9][a-z0-9+.-]*) \(([^()\s]+)\)((?: [A-Za-z0-9.+-]+)+);/

/**
 * Reads a Debian changelog (deb-changelog(5)) into its entries, in the order of the file. What stands in no entry, such as
 * the remark that older entries were removed, is skipped, and so is an entry whose version is none.
 */
export function parseChangelog(text: string): ChangelogEntry[] {
  const entries: OpenEntry[] = []
  let open: OpenEntry | undefined
  for (const [index, line] of text.split('\n').entries()) {
    const [, source, version, distributions = ''] = HEAD.exec(line) ?? []
    if (source !== undefined && version !== undefined) {
      open = undefined
      if (!isVersion(version)) continue
      open = { source, version, distributions: distributions.trim().split(' '), lines: [], line: index + 1 }
      entries.push(open)
    } else if (line.startsWith(' -- ')) {
      const date = Date.parse(line.slice(line.lastIndexOf('>') + 1))
      if (open !== undefined && !Number.isNaN(date)) open.date = date
      open = undefined
    } else if (line.startsWith('  ')) open?.lines.push(line.trim())
  }
  return entries
}

interface OpenEntry extends Omit<ChangelogEntry, 'date'> {
  readonly lines: string[]
  date?: number
}

/**
 * The changes of a changelog since an installed version. They are told by their order, not by version: a backport such as
 * `3.5.6-1~deb13u1` stands above the entry of `3.5.6-1`, which sorts higher, and holds its changes. The end is the first
 * entry that is no newer than the installed version, or the very version that the installed one is a backport of.
 * Gives `undefined` when the changelog does not begin with `newest`: then it is about something else.
 */
export function changesSince(
  entries: readonly ChangelogEntry[],
  installed: DebVersion,
  newest: DebVersion,
): Changes | undefined {
  const [first] = entries
  if (first === undefined || compareVersions(first.version, newest) !== 0) return undefined
  const origin = installed.replace(/~(?:deb|bpo)[0-9]+[+.u0-9]*$/, '')
  const end = entries.findIndex(({ version }) => compareVersions(version, installed) <= 0 || version === origin)
  if (end === -1) return { entries, isWhole: false, before: [] }
  return { entries: entries.slice(0, end), isWhole: true, before: entries.slice(end) }
}
