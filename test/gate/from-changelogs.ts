import { cvesFixedIn } from './changelog.ts'
import type { AnnouncedFixes } from './from-announcements.ts'
import { archivedVersions, lineNaming, type SourceHistory, triplesOf, versionBefore } from './history.ts'
import { isLower } from './order.ts'
import type { Trap, Triple } from './triple.ts'

/** The year of each release: a changelog that names a much older CVE tells a story, it does not fix it then. */
const YEARS: Readonly<Record<string, number>> = { bullseye: 2021, bookworm: 2023, trixie: 2025 }

/**
 * Labels of fixes that no announcement carries: a version that went to the release by a point release, or to its security
 * suite after the lists at hand end, and whose changelog names the CVE. `isKnown` tells whether advisory data at hand
 * name that very fix; otherwise no matcher could, and there is no label.
 */
export function fromChangelogs(
  history: SourceHistory,
  fixes: AnnouncedFixes,
  isKnown: (issue: string, version: string) => boolean,
): readonly Triple[] {
  const { source, release, entries } = history
  return entries
    .filter(({ version, suites }) => suites.some((suite) => suite.startsWith(release)) && /deb\d+u/.test(version))
    .flatMap(({ version: fix, lines, suites }) =>
      lines.flatMap((line) =>
        cvesFixedIn(line.text).flatMap((issue) => {
          if (Number(issue.slice(4, 8)) < (YEARS[release] ?? 0) - 2) return []
          if (fixes.of(source, release, issue).length > 0 || !isKnown(issue, fix)) return []
          const isSecurity = suites.some((suite) => suite.endsWith('-security'))
          const isLongTerm = lines.some(({ text }) => /\bLTS\b/.test(text))
          const traps: Trap[] = isSecurity ? (isLongTerm ? ['dla-after-dsa'] : []) : ['point-release']
          const named = { issue, fixedIn: fix, quote: line.text, from: `${history.from}:${line.number}`, traps }
          const versions = new Set([versionBefore(history, fix), fix, ...archivedVersions(history)])
          return [...versions].flatMap((version) => {
            if (version === undefined) return []
            const isOpen = isLower(version, fix)
            if (isOpen && lineNaming(history, issue, version) !== undefined) return []
            return triplesOf(history, version, { ...named, label: isOpen ? 'fixed' : 'has-fix' })
          })
        }),
      ),
    )
}
