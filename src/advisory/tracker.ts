import { isVersion } from '#debian'
import { isCodename, isIssueId, isRecord, isSourceName, textOf } from './fields.ts'
import { found, Quarantine } from './quarantine.ts'
import type { DebianStanding, DebianSub, ImportedFile, TrackerRecord, TrackerRelease } from './records.ts'

/** What the tracker writes as `nodsa_reason`; the empty one is a plain "no DSA". */
const SUBS: ReadonlyMap<unknown, DebianSub> = new Map([
  ['', 'no-dsa'],
  ['ignored', 'ignored'],
  ['postponed', 'postponed'],
])

/**
 * Reads the JSON export of Debian's security tracker: source package → CVE → release. What is absent in it is unknown,
 * not unaffected. An entry, or a release of an entry, that cannot be understood is quarantined; the rest goes in.
 */
export function importTracker(document: Readonly<Record<string, unknown>>): ImportedFile {
  const quarantine = new Quarantine()
  const records: TrackerRecord[] = []
  for (const [source, issues] of Object.entries(document)) {
    if (!isSourceName(source)) quarantine.add(source, found(source, "a source package's name"))
    else if (!isRecord(issues)) quarantine.add(source, found(issues, 'CVEs with their entries'))
    else {
      for (const [cve, entry] of Object.entries(issues)) {
        const record = trackerRecord({ source, cve }, entry, quarantine)
        if (record !== undefined) records.push(record)
      }
    }
  }
  return { kind: 'tracker', records, quarantined: quarantine.all }
}

function trackerRecord(
  { source, cve }: { source: string; cve: string },
  entry: unknown,
  quarantine: Quarantine,
): TrackerRecord | undefined {
  const place = `${source}/${cve}`
  if (!isIssueId(cve)) quarantine.add(place, found(cve, 'a CVE'))
  else if (!isRecord(entry)) quarantine.add(place, found(entry, 'an entry'))
  else if (!isRecord(entry['releases'])) quarantine.add(place, found(entry['releases'], '`releases`'))
  else {
    const releases: TrackerRelease[] = []
    for (const [release, state] of Object.entries(entry['releases'])) {
      const read = isCodename(release) ? releaseOf(release, state) : found(release, "a release's codename")
      if (typeof read === 'string') quarantine.add(`${place}/${release}`, read)
      else releases.push(read)
    }
    if (releases.length > 0) return { source, cve, description: textOf(entry['description']) ?? '', releases }
  }
  return undefined
}

/** What the tracker says of a release, or as text what is wrong with it. */
function releaseOf(release: string, state: unknown): TrackerRelease | string {
  if (!isRecord(state)) return found(state, "a release's state")
  const urgency = textOf(state['urgency'])
  if (urgency === undefined) return found(state['urgency'], '`urgency`')
  const standing = standingOf(state, urgency)
  if (typeof standing === 'string') return standing
  const { nodsa, nodsa_reason: reason } = state
  if (nodsa === undefined && reason === undefined) return { release, ...standing, urgency }
  const sub = SUBS.get(reason ?? '')
  if (sub === undefined) return found(reason, '`nodsa_reason` as ignored, postponed or nothing')
  const note = textOf(nodsa)
  return { release, ...standing, sub, ...(note === undefined || note === '' ? {} : { note }), urgency }
}

function standingOf(state: Readonly<Record<string, unknown>>, urgency: string): DebianStanding | string {
  const { status, fixed_version: version } = state
  switch (status) {
    case 'resolved':
      // The tracker's word for "this release never had it".
      if (version === '0') return { status: 'not-affected' }
      if (typeof version !== 'string' || !isVersion(version)) return found(version, '`fixed_version` as a version')
      return { status: 'fixed', version }
    case 'open':
      return { status: urgency === 'end-of-life' ? 'end-of-life' : 'open' }
    case 'undetermined':
      return { status: 'undetermined' }
    default:
      return found(status, '`status` as resolved, open or undetermined')
  }
}
