import { promisify } from 'node:util'
import { gunzip, gzip } from 'node:zlib'
import type { DebianError, KnownSuite, PolledSuite, PollSuitesOptions, SuiteState } from '#debian'
import { pollSuites } from '#debian'
import {
  type ArchiveAlarm,
  type FactoryEvent,
  type FactoryStore,
  newestOffered,
  type SuiteMark,
  type SuiteSighting,
  type SuiteWatch,
  stepSuiteWatch,
  type Watched,
} from '#factory'
import { takeStep } from './take-step.ts'

/** What is watched of an archive, and from where. The clock is `now`. */
export interface ArchiveWatchOptions extends Omit<PollSuitesOptions, 'known' | 'now' | 'acceptExpired'> {
  readonly store: FactoryStore
  readonly now: () => Date
}

/** What a poll of an archive gave. */
export interface ArchivePoll {
  /** Events that nobody had recorded before. */
  readonly events: readonly FactoryEvent[]
  /** Suites that could not be looked at, which says nothing of what they hold: to be tried again. */
  readonly troubles: readonly DebianError[]
}

/** The name of the watch of a suite. */
export function suiteWatchName(archive: string, suite: string): string {
  return `archive ${archive}/${suite}`
}

/**
 * Looks once whether the suites of an archive have changed, against what was recorded last, and records what follows: `archive-changed` with
 * the packages, `archive-alarm` for one that went back, is stale, expired or not to be believed, `archive-recovered` behind
 * that. A mirror that says it changed has the same done at once. Rejects with `ARCHIVE_UNKNOWN`, `ARCHIVE_INVALID`, `MIRROR_UNKNOWN`, and
 * as the store does.
 */
export async function pollArchive(options: ArchiveWatchOptions): Promise<ArchivePoll> {
  const { store, archive, now } = options
  const seen = now()
  const architectures = options.architectures.toSorted()
  const watches = await readWatches(store, archive)
  const known = [...watches].flatMap(([suite, watch]) => knownSuite(suite, watch, architectures))
  const polled = await pollSuites({ ...options, known, now: seen })
  const events: FactoryEvent[] = []
  const troubles: DebianError[] = []
  for (const one of polled) {
    if (one.outcome === 'failed' && alarmOf(one.error) === undefined) troubles.push(one.error)
    const sighting = sightingOf(one, watches.get(one.suite)?.mark, seen)
    if (sighting === undefined) continue
    const place = { archive, suite: one.suite, architectures, seen: seen.toISOString() }
    const step = await takeStep(store, suiteWatchName(archive, one.suite), async (before) => {
      const watch = watchOf(before)
      // Another scheduler may have gone further since this one looked: what it saw is not gone back to.
      if (isBehind(one, watch?.mark)) return undefined
      const kept = await unpack(before)
      const taken = stepSuiteWatch(watch, () => kept, sighting, place)
      if (taken === undefined) return undefined
      const content = taken.content === undefined ? undefined : await promisify(gzip)(taken.content)
      return { state: taken.watch, content, events: taken.events, at: place.seen }
    })
    events.push(...step)
  }
  return { events, troubles }
}

/** Suites of an archive, or of all, that must not be built from now, with why. Nothing is to be published from them. */
export async function standingAlarms(
  store: FactoryStore,
  archive?: string,
): Promise<ReadonlyMap<string, NonNullable<SuiteWatch['alarm']>>> {
  const prefix = archive === undefined ? 'archive ' : suiteWatchName(archive, '')
  const alarms = new Map<string, NonNullable<SuiteWatch['alarm']>>()
  for (const [name, state] of await store.watches.states(prefix)) {
    const { alarm } = state as SuiteWatch
    if (alarm !== undefined) alarms.set(name.slice('archive '.length), alarm)
  }
  return alarms
}

async function readWatches(store: FactoryStore, archive: string): Promise<ReadonlyMap<string, SuiteWatch>> {
  const prefix = suiteWatchName(archive, '')
  const states = await store.watches.states(prefix)
  return new Map([...states].map(([name, state]) => [name.slice(prefix.length), state as SuiteWatch]))
}

/** The packages are read again where some architectures of them are not known. */
function knownSuite(
  suite: string,
  { mark, architectures: kept }: SuiteWatch,
  wanted: readonly string[],
): readonly KnownSuite[] {
  if (mark === undefined) return []
  const isWhole = wanted.join(' ') === kept.join(' ')
  return [{ suite, date: mark.date, digest: isWhole ? mark.digest : undefined }]
}

/** What a look at a suite says; `undefined` where it says nothing, because the suite could not be reached. */
function sightingOf(polled: PolledSuite, believed: SuiteMark | undefined, now: Date): SuiteSighting | undefined {
  if (polled.outcome === 'failed') {
    const alarm = alarmOf(polled.error)
    if (alarm !== undefined) return { kind: 'refused', alarm, reason: polled.error.message }
    return overdue(believed, polled.loudAfterHours, now)
  }
  const { state } = polled
  if (state.stale) return { kind: 'refused', alarm: 'stale', reason: staleReason(state.date, now) }
  if (polled.outcome === 'unchanged') return { kind: 'unchanged' }
  return { kind: 'changed', mark: markOf(state), packages: newestOffered(polled.offered) }
}

/** A suite that cannot be reached goes stale all the same, by our own clock. */
function overdue(believed: SuiteMark | undefined, hours: number | undefined, now: Date): SuiteSighting | undefined {
  if (believed === undefined || hours === undefined) return undefined
  if (now.getTime() - Date.parse(believed.date) <= hours * 3_600_000) return undefined
  return { kind: 'refused', alarm: 'stale', reason: `${staleReason(believed.date, now)}, and it cannot be reached` }
}

function staleReason(date: string, now: Date): string {
  const hours = Math.floor((now.getTime() - Date.parse(date)) / 3_600_000)
  return `its newest state is of ${date}, ${hours} hours ago`
}

const ALARMS: Readonly<Record<string, ArchiveAlarm>> = {
  SUITE_ROLLED_BACK: 'rolled-back',
  SUITE_EXPIRED: 'expired',
  SUITE_UNTRUSTED: 'untrusted',
  SUITE_INVALID: 'untrusted',
  SUITE_FROM_FUTURE: 'from-future',
}

function alarmOf({ code }: DebianError): ArchiveAlarm | undefined {
  return ALARMS[code]
}

function markOf({ date, digest, suiteField, version }: SuiteState): SuiteMark {
  return {
    date,
    digest,
    ...(suiteField === undefined ? {} : { suite: suiteField }),
    ...(version === undefined ? {} : { version }),
  }
}

function isBehind(polled: PolledSuite, mark: SuiteMark | undefined): boolean {
  return polled.outcome !== 'failed' && mark !== undefined && polled.state.date < mark.date
}

/** Only this watcher writes these rows. */
function watchOf(watched: Watched | undefined): SuiteWatch | undefined {
  return watched?.state as SuiteWatch | undefined
}

async function unpack(watched: Watched | undefined): Promise<string> {
  return watched?.content === undefined ? '' : (await promisify(gunzip)(watched.content)).toString('utf8')
}
