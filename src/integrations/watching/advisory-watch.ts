import { promisify } from 'node:util'
import { gunzip, gzip } from 'node:zlib'
import { openStore, type PartSource, type PartState, type UpdateOptions, updateParts } from '#advisory'
import { canonicalJson, digestOf } from '#core'
import {
  type AdvisoryStanding,
  type AdvisoryStandings,
  advisoryEvent,
  changedAdvisories,
  type FactoryEvent,
  type FactoryStore,
  type FleetSource,
  readStandings,
  STANDING_PARTS,
  type Watched,
} from '#factory'
import { takeStep } from './take-step.ts'

export interface AdvisoryWatchOptions {
  readonly store: FactoryStore
  /** Below which the advisories are stored. */
  readonly cache: string
  /** Which parts are brought up to date, and from where; none where somebody else imports them. */
  readonly sources: readonly PartSource[]
  /** The source packages that images hold. */
  readonly fleet: readonly FleetSource[]
  readonly now: () => Date
  readonly update?: UpdateOptions
}

/** What a look at advisories gave. */
export interface AdvisoryPoll {
  /** Events that nobody had recorded before: one an issue of which something else is said. */
  readonly events: readonly FactoryEvent[]
  /** Parts that could not be brought up to date, and why nothing could be compared. */
  readonly troubles: readonly string[]
}

/** What the watch has come to: which data it compared, for which source packages. */
type AdvisoryWatchState = { readonly parts: Readonly<Record<string, string>>; readonly fleet: string }

const WATCH = 'advisories'

/**
 * Brings advisories up to date, and records what they say else than before of source packages that images hold. What cannot be
 * brought up to date stays as it was. Data that are missing are trouble, and never the news that there are no issues. Rejects
 * with `ADVISORY_STORE_INVALID`, `ADVISORY_STORE_FAILED`, and as the factory's store does.
 */
export async function pollAdvisories(options: AdvisoryWatchOptions): Promise<AdvisoryPoll> {
  const { cache, sources, store, fleet, now } = options
  const outcomes = sources.length === 0 ? [] : await updateParts(cache, sources, options.update)
  const troubles = outcomes.flatMap((one) => (one.outcome === 'failed' ? [one.error.message] : []))
  const advisories = openStore(cache)
  if (advisories === undefined) return { events: [], troubles: [...troubles, 'no advisories were imported yet'] }
  try {
    const parts = partsOf(advisories.parts)
    const wanted = fleet.map(({ release, source }) => `${release} ${source}`).sort()
    const state = { parts, fleet: digestOf(canonicalJson(wanted)) }
    const lost: string[] = []
    const events = await takeStep(store, WATCH, async (before) => {
      const known = stateOf(before)
      if (known !== undefined && canonicalJson(known) === canonicalJson(state)) return undefined
      lost.splice(0, lost.length, ...Object.keys(known?.parts ?? {}).filter((kind) => parts[kind] === undefined))
      if (lost.length > 0) return undefined
      const standings = readStandings(advisories, fleet)
      const seen = now().toISOString()
      // A kind of data that is new says much that was never said before, and nothing that changed.
      const isFirst = known === undefined || Object.keys(parts).some((kind) => known.parts[kind] === undefined)
      const changes = isFirst ? [] : changedAdvisories(await unpack(before), standings)
      const revision = (before?.revision ?? 0) + 1
      const content = await pack(standings)
      return { state, content, at: seen, events: changes.map((change) => advisoryEvent(change, revision, seen)) }
    })
    const missing = lost.length === 0 ? [] : [`advisories that were there are missing: ${lost.join(', ')}`]
    return { events, troubles: [...troubles, ...missing] }
  } finally {
    advisories.close()
  }
}

/** The digests of the parts that standings are made of. */
function partsOf(parts: readonly PartState[]): Readonly<Record<string, string>> {
  return Object.fromEntries(
    parts.filter(({ kind }) => STANDING_PARTS.includes(kind)).map(({ kind, digest }) => [kind, digest]),
  )
}

/** Only this watcher writes these rows. */
function stateOf(before: Watched | undefined): AdvisoryWatchState | undefined {
  return before?.state as AdvisoryWatchState | undefined
}

async function pack(standings: AdvisoryStandings): Promise<Uint8Array> {
  const plain = [...standings].map(([key, issues]) => [key, [...issues]])
  return promisify(gzip)(JSON.stringify(plain))
}

async function unpack(before: Watched | undefined): Promise<AdvisoryStandings> {
  if (before?.content === undefined) return new Map()
  const text = (await promisify(gunzip)(before.content)).toString('utf8')
  const plain = JSON.parse(text) as [string, [string, AdvisoryStanding][]][]
  return new Map(plain.map(([key, issues]) => [key, new Map(issues)]))
}
