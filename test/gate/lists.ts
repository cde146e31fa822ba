/** One line of a text, with its number from 1. */
export interface Line {
  readonly number: number
  readonly text: string
}

/** A line such as `[bookworm] - openssl 3.0.17-1~deb12u3`, or with a word in angles in place of the version. */
export interface PackageLine extends Line {
  /** Absent where the line is about unstable. */
  readonly release: string | undefined
  readonly source: string
  readonly version: string | undefined
  readonly word: string | undefined
  readonly remark: string
}

/** An entry of a list: an announcement, or a CVE, with its package lines. */
export interface ListEntry {
  readonly id: string
  readonly date: string
  readonly head: Line
  /** The names in braces: CVEs in an announcement, announcements in a CVE. */
  readonly names: readonly string[]
  readonly packages: readonly PackageLine[]
}

const HEADS = /^(?:\[(\d\d [A-Z][a-z]{2} \d{4})\] )?((?:DSA|DLA|CVE)-\S+)/
const PACKAGE = /^\s+(?:\[([a-z]+)\] )?- (\S+) (?:<([a-z-]+)>|(\S+))\s*(?:\((.*)\))?$/

/**
 * Reads a list in the syntax of the security tracker: announcements (`DSA-list`, `DLA-list`) or CVEs. A reader of its own,
 * so that labels do not rest on the importer that they judge; lines that it does not know are left out.
 */
export function readList(text: string): readonly ListEntry[] {
  const entries: { id: string; date: string; head: Line; names: string[]; packages: PackageLine[] }[] = []
  for (const [index, raw] of text.split('\n').entries()) {
    const line = { number: index + 1, text: raw }
    const [, day, id] = HEADS.exec(raw) ?? []
    if (id !== undefined) entries.push({ id, date: dateOf(day), head: line, names: [], packages: [] })
    const braces = /^\s+\{(.*)\}$/.exec(raw)?.[1]
    if (braces !== undefined) entries.at(-1)?.names.push(...braces.split(' ').filter((name) => name !== ''))
    const [matched, release, source = '', word, version, remark = ''] = PACKAGE.exec(raw) ?? []
    if (matched !== undefined) entries.at(-1)?.packages.push({ ...line, release, source, word, version, remark })
  }
  return entries
}

const MONTHS = 'Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec'.split(' ')

function dateOf(day: string | undefined): string {
  const [date = '', month = '', year = ''] = day?.split(' ') ?? []
  return day === undefined ? '' : `${year}-${String(MONTHS.indexOf(month) + 1).padStart(2, '0')}-${date}`
}
