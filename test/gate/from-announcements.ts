import { archivedVersions, lineNaming, type SourceHistory, triplesOf, versionBefore } from './history.ts'
import type { ListEntry, PackageLine } from './lists.ts'
import { highest, isLower } from './order.ts'
import type { Trap, Triple } from './triple.ts'

/** An announcement's line that names a fix of an issue. */
export interface Announced {
  readonly entry: ListEntry
  readonly line: PackageLine & { readonly version: string }
}

/** Announced fixes by source, release and issue, and what a trap needs to know of an issue. */
export interface AnnouncedFixes {
  of(source: string, release: string, issue: string): readonly Announced[]
  issues(source: string, release: string): readonly string[]
  sourcesOf(issue: string): ReadonlySet<string>
}

/** Indexes the announcements of DSAs and DLAs. One that names no CVE goes by its own id. */
export function indexAnnouncements(entries: readonly ListEntry[]): AnnouncedFixes {
  const fixes = new Map<string, Map<string, Announced[]>>()
  const sources = new Map<string, Set<string>>()
  for (const entry of entries) {
    for (const line of entry.packages) {
      const { version, source } = line
      if (version === undefined) continue
      const issues = new Map(fixes.get(`${source} ${line.release}`))
      for (const issue of entry.names.length > 0 ? entry.names : [entry.id]) {
        issues.set(issue, [...(issues.get(issue) ?? []), { entry, line: { ...line, version } }])
        sources.set(issue, new Set([...(sources.get(issue) ?? []), source]))
      }
      fixes.set(`${source} ${line.release}`, issues)
    }
  }
  return {
    of: (source, release, issue) => fixes.get(`${source} ${release}`)?.get(issue) ?? [],
    issues: (source, release) => [...(fixes.get(`${source} ${release}`)?.keys() ?? [])],
    sourcesOf: (issue) => sources.get(issue) ?? new Set(),
  }
}

/** The announcement that completes an issue's fix in a release: the one with the highest version. */
export function decisive(announced: readonly Announced[]): Announced | undefined {
  const best = highest(announced.map(({ line }) => line.version))
  return announced.find(({ line }) => line.version === best)
}

/** Labels from announcements: before the fix, at it, and at what the archive has today. */
export function fromAnnouncements(history: SourceHistory, fixes: AnnouncedFixes): readonly Triple[] {
  const { source, release } = history
  return fixes.issues(source, release).flatMap((issue) => announcedTriples(history, issue, fixes))
}

/** The labels of one announced issue. What the changelog contradicts gets none. */
export function announcedTriples(
  history: SourceHistory,
  issue: string,
  fixes: AnnouncedFixes,
  more: readonly Trap[] = [],
): readonly Triple[] {
  const announced = fixes.of(history.source, history.release, issue)
  const last = decisive(announced)
  if (last === undefined) return []
  const fix = last.line.version
  const traps = [...more, ...announcedTraps(announced, fixes.sourcesOf(issue), issue)]
  const earlierFixes = announced.map(({ line }) => line.version).filter((version) => version !== fix)
  const versions = new Set([versionBefore(history, fix), ...earlierFixes, ...archivedVersions(history), fix])
  return [...versions].flatMap((version) => {
    // A version that its changelog does not have is none that this release had.
    if (version === undefined || !history.entries.some((entry) => entry.version === version)) return []
    const isOpen = isLower(version, fix)
    if (isOpen && !earlierFixes.includes(version) && lineNaming(history, issue, version) !== undefined) return []
    const proof = quoteOf(history, issue, isOpen ? fix : version, last)
    return triplesOf(history, version, { issue, label: isOpen ? 'fixed' : 'has-fix', fixedIn: fix, ...proof, traps })
  })
}

/** The changelog's line where it names the issue, the announcement's where it does not, or where several complete it. */
function quoteOf(history: SourceHistory, issue: string, version: string, { entry, line }: Announced) {
  const named = lineNaming(history, issue, version)
  if (named !== undefined) return { quote: named.text, from: `${history.from}:${named.number}` }
  return { quote: line.text, from: `${entry.id.slice(0, 3)}-list:${line.number}` }
}

function announcedTraps(announced: readonly Announced[], sources: ReadonlySet<string>, issue: string): Trap[] {
  const kinds = new Set(announced.map(({ entry }) => entry.id.slice(0, 3)))
  const ofEntry = announced.flatMap(({ entry, line }) => entry.packages.filter(({ source }) => source === line.source))
  return [
    ...(issue.startsWith('CVE-') ? [] : (['no-cve'] as const)),
    ...(sources.size > 1 ? (['several-sources'] as const) : []),
    ...(new Set(announced.map(({ line }) => line.version)).size > 1 ? (['several-fixes'] as const) : []),
    ...(new Set(ofEntry.map(({ release }) => release)).size > 1 ? (['several-releases'] as const) : []),
    ...(kinds.has('DLA') && !kinds.has('DSA') ? (['dla-after-dsa'] as const) : []),
  ]
}
