import type { Digest } from '#core'
import type { LedgerEntry } from '../ledger.ts'
import type { Plan } from '../plan.ts'
import type { Release } from '../release.ts'
import { type ImageEnd, STAGES, type StageRecord } from '../run.ts'

/** Everything that is known of what a factory did, from its store and its registry. */
export interface History {
  readonly runs: readonly RunHistory[]
  /** Of all images, in the order of their numbers. */
  readonly releases: readonly Release[]
  readonly ledger: readonly Pick<LedgerEntry, 'kind' | 'subject' | 'body'>[]
  /** What the registry has, evidence aside. */
  readonly tags: readonly { readonly image: string; readonly tag: string; readonly digest: Digest }[]
  /** Digests that are signed, with all that is below them. */
  readonly signed: ReadonlySet<Digest>
  /** Keys of what was noticed, whether it was recorded or not; and of what is recorded and a plan has answered. */
  readonly noticed: readonly string[]
  readonly answered: ReadonlySet<string>
}

/** One run, whole. */
export interface RunHistory {
  readonly run: number
  readonly plan: Plan
  readonly isOver: boolean
  readonly ends: readonly Omit<ImageEnd, 'at'>[]
  readonly records: readonly StageRecord[]
}

/**
 * What is wrong with a history, in words; nothing where every run ended, every image of it with a word, each release was gated and
 * happened once, every tag names what was released last and is signed, every event was answered, and the ledger tells it all once.
 */
export function faultsOfHistory(history: History): readonly string[] {
  const { releases, runs, noticed, answered } = history
  return [
    ...noticed.filter((key) => !answered.has(key)).map((key) => `the event ${key} is lost`),
    ...runs.flatMap((run) => faultsOfRun(run, releases)),
    ...faultsOfTags(history),
    ...faultsOfLedger(history),
  ]
}

function faultsOfRun({ run, plan, isOver, ends, records }: RunHistory, releases: readonly Release[]): string[] {
  const faults = isOver ? [] : [`run ${run} is not over`]
  const byImage = Map.groupBy(ends, ({ image }) => image)
  for (const { image, held, after } of plan.images) {
    const [end, ...more] = byImage.get(image) ?? []
    const own = releases.filter((release) => release.run === run && release.image === image)
    const say = (what: string) => faults.push(`run ${run}, ${image}: ${what}`)
    if (held !== undefined) {
      if (own.length > 0) say('it is held and was released')
      continue
    }
    if (end === undefined) {
      say('it has not ended')
      continue
    }
    if (more.length > 0) say('it ended twice')
    if (end.reason === '') say(`it is ${end.state} without a reason`)
    if (end.state !== 'done' && own.length > 0) say(`it is ${end.state} and was released`)
    if (new Set(own.map(({ variant }) => variant)).size < own.length) say('a variant was released twice')
    const done = new Set(records.flatMap((one) => (one.image === image && one.state === 'done' ? [one.stage] : [])))
    if (done.has('publish') !== own.length > 0)
      say(own.length > 0 ? 'a release has no stage' : 'a stage has no release')
    const missing = own.length === 0 ? [] : STAGES.filter((stage) => !done.has(stage))
    if (missing.length > 0) say(`it was released without ${missing.join(', ')}`)
    const lost = after.filter((parent) => byImage.get(parent)?.some(({ state }) => state !== 'done'))
    if (own.length > 0 && lost.length > 0) say(`it was released though ${lost.join(', ')} was not`)
  }
  return faults
}

function faultsOfTags({ releases, tags, signed }: History): string[] {
  const faults: string[] = []
  const wanted = new Map<string, Release>()
  for (const release of releases) for (const tag of release.tags) wanted.set(`${release.image}:${tag}`, release)
  const found = new Map(tags.map(({ image, tag, digest }) => [`${image}:${tag}`, digest]))
  for (const [name, { id, digest }] of wanted) {
    const names = found.get(name)
    if (names === undefined) faults.push(`the tag ${name} is lost`)
    else if (names !== digest) faults.push(`the tag ${name} names ${names}, and release ${id} is ${digest}`)
  }
  for (const [name, digest] of found) {
    if (!wanted.has(name)) faults.push(`the tag ${name} is of no release`)
    if (!signed.has(digest)) faults.push(`the tag ${name} names ${digest}, which is not signed`)
  }
  return faults
}

function faultsOfLedger({ releases, runs, ledger }: History): string[] {
  const numberOf = (body: unknown, key: string): unknown => Object(body)[key]
  const noted = new Map<string, number>()
  for (const { kind, subject, body } of ledger) {
    const what = kind === 'release' ? numberOf(body, 'release') : kind === 'stage' ? numberOf(body, 'run') : undefined
    if (what === undefined) continue
    const key = `${kind} ${String(what)} of ${subject}`
    noted.set(key, (noted.get(key) ?? 0) + 1)
  }
  const wanted = [
    ...releases.map(({ id, image }) => `release ${id} of ${image}`),
    ...runs.flatMap(({ run, ends }) => {
      return ends.flatMap(({ image, state }) => (state === 'done' ? [] : [`stage ${run} of ${image}`]))
    }),
  ]
  return wanted.flatMap((key) => {
    const count = noted.get(key) ?? 0
    return count === 1 ? [] : [`the ledger tells ${key} ${count} times`]
  })
}
