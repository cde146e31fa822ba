import { type AnnouncedFixes, announcedTriples } from './from-announcements.ts'
import { archivedVersions, type Fact, lineNaming, type SourceHistory, triplesOf } from './history.ts'
import type { ListEntry, PackageLine } from './lists.ts'
import { isLower } from './order.ts'
import type { Label, Trap, Triple } from './triple.ts'

/** A line of the tracker about an issue in a release, from whichever file. */
interface TrackerLine {
  readonly issue: string
  readonly quote: string
  readonly from: string
}

const WORDS: ReadonlyMap<string, Label> = new Map([
  ['unfixed', 'open'],
  ['removed', 'open'],
  ['no-dsa', 'no-dsa'],
  ['postponed', 'postponed'],
  ['ignored', 'ignored'],
  ['not-affected', 'not-affected'],
  ['end-of-life', 'end-of-life'],
  ['undetermined', 'undetermined'],
])

/**
 * Labels from a CVE of the tracker's list. A line of the release decides, otherwise the one of unstable; an announcement
 * that the entry does not know yet is newer than it. A version whose changelog names the CVE while the tracker still calls
 * it open gets no label: there the truth is newer than the data.
 */
export function fromCveList(history: SourceHistory, entry: ListEntry, fixes: AnnouncedFixes): readonly Triple[] {
  const { source, release } = history
  const ofSource = entry.packages.filter((line) => line.source === source)
  const line = ofSource.find((each) => each.release === release) ?? ofSource.find((each) => each.release === undefined)
  if (line === undefined) return []
  const announced = fixes.of(source, release, entry.id)
  if (announced.length > 0) {
    const isKnown = announced.every(({ entry: { id } }) => entry.names.includes(id)) || line.version !== undefined
    return announcedTriples(history, entry.id, fixes, isKnown ? [] : ['stale-tracker'])
  }
  const several: Trap[] = new Set(entry.packages.map((each) => each.source)).size > 1 ? ['several-sources'] : []
  return versionsOf(history).flatMap((version) => {
    const fact = factOf(line, version)
    if (fact.label !== 'has-fix' && lineNaming(history, entry.id, version) !== undefined) return []
    const from = `CVE-list.slice:${line.number}`
    const traps = [...fact.traps, ...several]
    return triplesOf(history, version, { ...fact, issue: entry.id, quote: line.text, from, traps })
  })
}

/** What the release has today, and the newest versions before that. */
function versionsOf(history: SourceHistory): readonly string[] {
  const today = archivedVersions(history)
  const [lowest = ''] = today
  const earlier = history.entries.filter(
    ({ version, suites }) => suites.some((suite) => suite.startsWith(history.release)) && isLower(version, lowest),
  )
  return [...today, ...earlier.slice(0, 3).map(({ version }) => version)]
}

function factOf(line: PackageLine, version: string): Pick<Fact, 'label' | 'fixedIn' | 'traps'> {
  const { version: fix, release, word = '', remark } = line
  const isUnimportant = /(?:^|; )unimportant/.test(remark)
  if (fix !== undefined && !isLower(version, fix)) {
    return { label: 'has-fix', fixedIn: fix, traps: isUnimportant ? ['unimportant'] : [] }
  }
  if (isUnimportant) return { label: 'unimportant', traps: ['unimportant'] }
  if (fix !== undefined && release !== undefined) return { label: 'fixed', fixedIn: fix, traps: ['point-release'] }
  if (fix !== undefined) return { label: 'open', traps: ['unstable-only'] }
  const label = WORDS.get(word) ?? 'undetermined'
  return { label, traps: word === 'removed' ? ['removed'] : wordTraps(label) }
}

function wordTraps(label: Label): Trap[] {
  if (label === 'not-affected' || label === 'end-of-life') return [label]
  return label === 'no-dsa' || label === 'postponed' || label === 'ignored' ? ['no-dsa'] : []
}

const RELEASE_NUMBERS: Readonly<Record<string, string>> = { bullseye: '11', bookworm: '12', trixie: '13' }

/** Labels from a file of one issue (`by-cve-samples`), where it says a word and not a range. */
export function fromSample(history: SourceHistory, text: string, file: string): readonly Triple[] {
  const issue = /"id": "([^"]+)"/.exec(text)?.[1] ?? ''
  return sampleLines(text, file, issue)
    .filter(({ source, release }) => source === history.source && release === RELEASE_NUMBERS[history.release])
    .flatMap(({ word, ...line }) => {
      const label = WORDS.get(word)
      if (label === undefined) return []
      const temporary: Trap[] = issue.startsWith('TEMP-') ? ['temporary-name'] : []
      return versionsOf(history)
        .filter((version) => lineNaming(history, issue, version) === undefined)
        .flatMap((version) =>
          triplesOf(history, version, { ...line, label, traps: [...temporary, ...wordTraps(label)] }),
        )
    })
}

interface SampleLine extends TrackerLine {
  readonly release: string
  readonly source: string
  readonly word: string
}

/** What a file of one issue says of Debian's releases, line by line, so that each can be quoted. */
export function sampleLines(text: string, file: string, issue: string): readonly SampleLine[] {
  const found: SampleLine[] = []
  let release = ''
  let vendor: Omit<SampleLine, 'source' | 'release'> | undefined
  for (const [index, line] of text.split('\n').entries()) {
    release = /"ecosystem": "debian:([^"]+)"/.exec(line)?.[1] ?? release
    const word = /"vendor": "([a-z-]+)[":]/.exec(line)?.[1]
    if (word !== undefined) vendor = { word, issue, quote: line, from: `${file}:${index + 1}` }
    const source = /^\t+"name": "([^"]+)"/.exec(line)?.[1]
    if (source !== undefined && vendor !== undefined) {
      found.push({ ...vendor, source, release })
      vendor = undefined
    }
  }
  return found
}
