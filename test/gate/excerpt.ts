import { type AnnouncedFixes, decisive } from './from-announcements.ts'
import { sampleLines } from './from-tracker.ts'
import { archivedVersions, type SourceHistory } from './history.ts'
import type { ListEntry } from './lists.ts'
import { isLower } from './order.ts'
import type { Triple } from './triple.ts'

/** The announcements of a list that are about one of the sources in a release that labels are of, as they stand there. */
export function excerptList(text: string, sources: ReadonlySet<string>): string {
  const entries = text.split(/^(?=\[\d)/m)
  return entries
    .filter((entry) =>
      [...entry.matchAll(/^\s+\[(?:bullseye|bookworm|trixie)\] - (\S+) /gm)].some(([, source = '']) =>
        sources.has(source),
      ),
    )
    .join('')
}

type Releases = Record<string, Readonly<Record<string, string>>>
type Export = Record<string, Record<string, { description: string; releases: Releases }>>

/** What an excerpt of the tracker's export is made of. */
export interface ExportInputs {
  readonly histories: readonly SourceHistory[]
  readonly cves: readonly ListEntry[]
  readonly samples: readonly { readonly file: string; readonly text: string }[]
  readonly exported: string
  readonly resolved: Readonly<Record<string, Record<string, { releases: Releases }>>>
  readonly fixes: AnnouncedFixes
  readonly triples: readonly Triple[]
}

/**
 * The tracker's data in the form of its export, as the tracker itself makes it of its CVE list: the line of the release,
 * otherwise that of unstable held against what the release has; announcements only where the entry names them. Fixes of
 * the derived export are taken for issues without any announcement, because only there they are what a matcher needs.
 */
export function excerptExport(inputs: ExportInputs): Export {
  const made: Export = {}
  const add = (source: string, issue: string, release: string, state: Readonly<Record<string, string>>) => {
    const issues = made[source] ?? {}
    made[source] = issues
    const entry = issues[issue] ?? { description: '', releases: {} }
    issues[issue] = { ...entry, releases: { ...entry.releases, [release]: state } }
  }
  for (const history of inputs.histories) {
    const { source, release } = history
    for (const entry of inputs.cves) {
      const state = stateOf(history, entry, inputs.fixes)
      if (state !== undefined) add(source, entry.id, release, state)
    }
  }
  addSamples(inputs, add)
  const labelled = new Set(inputs.triples.map(({ source, issue, release }) => `${source} ${issue} ${release}`))
  for (const [source, issues] of Object.entries(inputs.resolved)) {
    for (const [issue, { releases }] of Object.entries(issues)) {
      for (const [release, state] of Object.entries(releases)) {
        if (!labelled.has(`${source} ${issue} ${release}`) || made[source]?.[issue]?.releases[release]) continue
        if (inputs.fixes.of(source, release, issue).length > 0) continue
        add(source, issue, release, state)
      }
    }
  }
  const sample: Export = JSON.parse(inputs.exported)
  for (const source of new Set(inputs.triples.map((triple) => triple.source))) {
    const issues = sample[source]
    if (issues !== undefined) made[source] = { ...made[source], ...issues }
  }
  return made
}

/** What the tracker says of a release by an entry of its CVE list; nothing where the entry is not about the source. */
function stateOf(
  history: SourceHistory,
  entry: ListEntry,
  fixes: AnnouncedFixes,
): Readonly<Record<string, string>> | undefined {
  const { source, release } = history
  const lines = entry.packages.filter((line) => line.source === source)
  const own = lines.find((line) => line.release === release)
  const line = own ?? lines.find((each) => each.release === undefined)
  if (line === undefined) return undefined
  const known = fixes.of(source, release, entry.id).filter((each) => entry.names.includes(each.entry.id))
  const fix = own?.version ?? decisive(known)?.line.version ?? line.version
  const urgency = /(?:^|; )unimportant/.test(line.remark) ? 'unimportant' : 'not yet assigned'
  const has = archivedVersions(history).at(-1)
  const isOwnFix = own?.version !== undefined || known.length > 0
  if (fix !== undefined && (isOwnFix || (has !== undefined && !isLower(has, fix)))) {
    return { status: 'resolved', fixed_version: fix, urgency }
  }
  return openState(line.word ?? 'unfixed', line.remark, urgency)
}

function openState(word: string, note: string, urgency: string): Readonly<Record<string, string>> {
  if (word === 'not-affected') return { status: 'resolved', fixed_version: '0', urgency }
  if (word === 'end-of-life') return { status: 'open', urgency: 'end-of-life' }
  if (word === 'undetermined') return { status: 'undetermined', urgency }
  if (word === 'no-dsa') return { status: 'open', urgency, nodsa: note, nodsa_reason: '' }
  if (word === 'postponed' || word === 'ignored') return { status: 'open', urgency, nodsa: note, nodsa_reason: word }
  return { status: 'open', urgency }
}

const CODENAMES: Readonly<Record<string, string>> = { 11: 'bullseye', 12: 'bookworm', 13: 'trixie' }

function addSamples(
  { samples, triples }: ExportInputs,
  add: (source: string, issue: string, release: string, state: Readonly<Record<string, string>>) => void,
): void {
  const labelled = new Set(triples.map(({ source, issue, release }) => `${source} ${issue} ${release}`))
  for (const { file, text } of samples) {
    const issue = /"id": "([^"]+)"/.exec(text)?.[1] ?? ''
    for (const { source, release: number, word, quote } of sampleLines(text, file, issue)) {
      const release = CODENAMES[number] ?? number
      const note = /"vendor": "[a-z-]+: (.*)"/.exec(quote)?.[1] ?? ''
      if (labelled.has(`${source} ${issue} ${release}`)) add(source, issue, release, openState(word, note, 'low'))
    }
  }
}
