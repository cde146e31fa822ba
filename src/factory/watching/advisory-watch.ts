import type { AdvisoryKind, AdvisoryStore, DebianStatement } from '#advisory'
import { canonicalJson, digestOf } from '#core'
import type { DebVersion } from '#debian'
import { eventKey, type NewEvent } from '../event.ts'
import type { Moment } from '../moment.ts'

/** A source package that images of the fleet hold, in a release of Debian. */
export interface FleetSource {
  /** The codename, e.g. `trixie`. */
  readonly release: string
  readonly source: string
}

/** What is said of an issue in a source package of a release, as far as it decides anything. */
export type AdvisoryStanding = {
  /** The tracker's words; absent where it says nothing. */
  readonly status?: DebianStatement['status']
  readonly sub?: string
  readonly urgency?: string
  /** The version with the fix, by the tracker or else by an announcement. */
  readonly fix?: DebVersion
  /** DSAs and DLAs, sorted. */
  readonly announcements: readonly string[]
  /** CISA knows of exploits. */
  readonly exploited: boolean
}

/** By source package, as `RELEASE SOURCE`, and by issue. */
export type AdvisoryStandings = ReadonlyMap<string, ReadonlyMap<string, AdvisoryStanding>>

/** What an event of the kind `advisory-changed` says. */
export type AdvisoryChange = {
  readonly advisory: string
  readonly sources: readonly {
    readonly release: string
    readonly source: string
    /** Absent where nothing was said before. */
    readonly from?: AdvisoryStanding
    /** Absent where nothing is said any more. */
    readonly to?: AdvisoryStanding
  }[]
}

/** Finds what a store says of source packages now. */
export function readStandings(store: AdvisoryStore, fleet: readonly FleetSource[]): AdvisoryStandings {
  return new Map(
    fleet.map(({ release, source }) => [`${release} ${source}`, standingsOf(store, { release, source })] as const),
  )
}

function standingsOf(store: AdvisoryStore, { release, source }: FleetSource): ReadonlyMap<string, AdvisoryStanding> {
  const announced = new Map<string, { id: string; fix: DebVersion | undefined }[]>()
  for (const { id, cves, fixes } of store.announcements(source)) {
    const own = fixes.filter((fix) => fix.source === source && fix.release === release)
    if (own.length === 0) continue
    // An announcement that names no CVE is an issue of its own.
    for (const cve of cves.length === 0 ? [id] : cves) {
      announced.set(cve, [...(announced.get(cve) ?? []), { id, fix: own[0]?.version }])
    }
  }
  const statements = new Map(store.debianStatements(source, release).map((one) => [one.cve, one]))
  const issues = [...new Set([...statements.keys(), ...announced.keys()])].sort()
  return new Map(
    issues.map((issue) => {
      const statement = statements.get(issue)
      const found = announced.get(issue) ?? []
      const fix = statement?.status === 'fixed' ? statement.version : found.find((one) => one.fix !== undefined)?.fix
      return [
        issue,
        {
          ...(statement === undefined ? {} : { status: statement.status, urgency: statement.urgency }),
          ...(statement?.sub === undefined ? {} : { sub: statement.sub }),
          ...(fix === undefined ? {} : { fix }),
          announcements: found.map(({ id }) => id).sort(),
          exploited: store.exploited(issue) !== undefined,
        },
      ]
    }),
  )
}

/**
 * Finds the issues of which something else is said than before, of source packages that were known before: what is said of one that
 * is new in the fleet is no change of it.
 */
export function changedAdvisories(before: AdvisoryStandings, now: AdvisoryStandings): readonly AdvisoryChange[] {
  const changes = new Map<string, AdvisoryChange['sources'][number][]>()
  for (const [key, issues] of now) {
    const known = before.get(key)
    if (known === undefined) continue
    const [release = '', source = ''] = key.split(' ')
    for (const issue of new Set([...known.keys(), ...issues.keys()])) {
      const [from, to] = [known.get(issue), issues.get(issue)]
      if (isSame(from, to)) continue
      const change = {
        ...{ release, source },
        ...(from === undefined ? {} : { from }),
        ...(to === undefined ? {} : { to }),
      }
      changes.set(issue, [...(changes.get(issue) ?? []), change])
    }
  }
  return [...changes]
    .sort(([left], [right]) => (left < right ? -1 : 1))
    .map(([advisory, sources]) => ({ advisory, sources }))
}

function isSame(from: AdvisoryStanding | undefined, to: AdvisoryStanding | undefined): boolean {
  return from !== undefined && to !== undefined && canonicalJson(from) === canonicalJson(to)
}

/** Makes the event of a change; `revision` is that of its step, because a publisher may take back what he said. */
export function advisoryEvent(change: AdvisoryChange, revision: number, seen: Moment): NewEvent {
  const kind = 'advisory-changed'
  const state = { revision, change: digestOf(canonicalJson(change)) }
  return { kind, subject: change.advisory, key: eventKey(kind, change.advisory, state), payload: change, seen }
}

/** The parts of a store that standings are made of. */
export const STANDING_PARTS: readonly AdvisoryKind[] = ['tracker', 'dsa', 'dla', 'kev']
