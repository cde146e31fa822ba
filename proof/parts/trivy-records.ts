import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { readList } from '../../test/gate/lists.ts'

/** What the tracker's export says of a release. */
interface ExportedRelease {
  readonly status: string
  readonly fixed_version?: string
  readonly urgency?: string
  readonly nodsa_reason?: string | null
}

/** By source package and issue. */
export type TrackerExport = Readonly<
  Record<string, Record<string, { description?: string; releases?: Record<string, ExportedRelease> }>>
>

/** A line of a CVE or of an announcement, as trivy's lists have it. */
type Annotation =
  | { readonly Type: 'xref'; readonly Bugs: readonly string[] }
  | {
      readonly Type: 'package'
      readonly Package: string
      /** Absent where the line is about unstable. */
      readonly Release?: string
      readonly Kind: string
      readonly Version?: string
      readonly Severity?: string
    }

const MAJOR_VERSIONS = { bullseye: '11', bookworm: '12', trixie: '13' }

/**
 * Writes what trivy-db reads as its list of Debian, below `cache`: the tracker's lines made of its export, each by the word
 * that it stands for, and the announcements of both lists. An absent entry stays absent.
 */
export function writeTrivyRecords(
  { tracker, lists }: { readonly tracker: string; readonly lists: readonly string[] },
  cache: string,
): void {
  const folder = join(cache, 'vuln-list-debian/tracker')
  for (const kind of ['CVE', 'DSA', 'DLA']) mkdirSync(join(folder, kind), { recursive: true })
  const majors = Object.entries(MAJOR_VERSIONS).map(([name, major]) => [name, { 'major-version': major }])
  writeFileSync(join(folder, 'distributions.json'), JSON.stringify(Object.fromEntries(majors)))
  const write = (id: string, description: string, annotations: readonly Annotation[]) => {
    const bug = { Header: { ID: id, Description: description }, Annotations: annotations }
    writeFileSync(join(folder, id.startsWith('D') ? id.slice(0, 3) : 'CVE', `${id}.json`), JSON.stringify(bug))
  }
  const exported: TrackerExport = JSON.parse(tracker)
  for (const [id, { description, annotations }] of issuesOf(exported)) write(id, description, annotations)
  for (const { id, names, packages } of lists.flatMap(readList)) {
    const fixes = packages.flatMap(({ release, source, version }): readonly Annotation[] =>
      release === undefined || version === undefined
        ? []
        : [{ Type: 'package', Package: source, Release: release, Kind: 'fixed', Version: version }],
    )
    const named: readonly Annotation[] = names.length === 0 ? [] : [{ Type: 'xref', Bugs: names }]
    write(id, '', [...named, ...fixes])
  }
}

/** The export by issue, because the tracker's lists are: one issue can touch several sources. */
function issuesOf(exported: TrackerExport) {
  const issues = new Map<string, { description: string; annotations: Annotation[] }>()
  for (const [source, entries] of Object.entries(exported)) {
    for (const [id, { description = '', releases = {} }] of Object.entries(entries)) {
      const issue = issues.get(id) ?? { description, annotations: [] }
      issues.set(id, issue)
      issue.annotations.push(...annotationsOf(source, releases))
    }
  }
  return issues
}

function annotationsOf(source: string, releases: Readonly<Record<string, ExportedRelease>>): readonly Annotation[] {
  const named = Object.entries(releases).filter(([release]) => release in MAJOR_VERSIONS)
  const urgency = named.map(([, { urgency = '' }]) => urgency).find((one) => one !== '' && one !== 'not yet assigned')
  // trivy reads urgencies from the line about unstable, which must come first; it says nothing of releases here.
  const unstable: readonly Annotation[] =
    urgency === undefined ? [] : [{ Type: 'package', Package: source, Kind: 'unfixed', Severity: urgency }]
  return [
    ...unstable,
    ...named.map(([release, said]): Annotation => {
      const line = { Type: 'package' as const, Package: source, Release: release }
      const isFixed = said.status === 'resolved' && said.fixed_version !== '0'
      return isFixed ? { ...line, Kind: 'fixed', Version: said.fixed_version ?? '' } : { ...line, Kind: wordOf(said) }
    }),
  ]
}

/** The tracker's word in angles; a fix in version 0 is how its export says that a release was never affected. */
function wordOf({ status, nodsa_reason: reason, urgency, ...rest }: ExportedRelease): string {
  if (status === 'resolved') return 'not-affected'
  if (status === 'undetermined') return 'undetermined'
  if (urgency === 'end-of-life') return 'end-of-life'
  return 'nodsa' in rest ? reason || 'no-dsa' : 'unfixed'
}
