import { canonicalJson, type Digest, digestOf, inParallel, messageOf } from '#core'
import { FactoryError } from '../errors.ts'
import type { Moment } from '../moment.ts'
import type { FactoryLogs } from '../ports.ts'
import type { NewRelease, TagIntent } from '../release.ts'
import type { ImageEnd, RunImage, StageKey, StageRecord } from '../run.ts'
import { latestIfSame, marksAt, outputsIn } from './make-images.ts'
import { plainReason } from './plain-reason.ts'
import type { Candidate, EnginePorts, EngineSettings, TagMove } from './ports.ts'
import { noteOfEnd, noteOfRelease, parentReleased } from './release-notes.ts'
import { refuseWhenOver } from './stage-attempts.ts'
import { planMoves, tagsOf } from './tag-moves.ts'
import { tellFailures, tellReleases } from './tell-ends.ts'

/** Candidates whose tags are to move together. */
export interface Publishing {
  readonly run: number
  readonly images: readonly string[]
  readonly signal: AbortSignal
}

/** A candidate with the digests of what is attached to it. */
type Verified = Candidate & { readonly evidence: Readonly<Record<string, Digest>> }

interface ReadyImage {
  readonly image: RunImage
  readonly candidates: readonly Verified[]
}

/**
 * Moves the tags of candidates: what is meant is recorded first, then all tags move, then the releases are recorded, so that whoever
 * goes on after a crash ends what was begun. An image that cannot be published takes along only what is built on it. Rejects with
 * `WORK_HANDED_BACK`, and as the store does.
 */
export async function publishImages(
  publishing: Publishing,
  ports: EnginePorts,
  settings: EngineSettings,
): Promise<void> {
  const { run, images, signal } = publishing
  const names = images.map((image) => `publish ${image}`)
  for (let attempt = 1; ; attempt++) {
    refuseWhenOver(signal, ports.stopping)
    try {
      await ports.store.exclusively(names, () => new Publication(publishing, ports).publish())
      return
    } catch (error) {
      refuseWhenOver(signal)
      const isMoved = error instanceof FactoryError && error.code === 'PUBLISH_CONTESTED'
      const reason = plainReason(messageOf(error))
      if (attempt >= settings.attempts || !(isMoved || ports.canPass(error))) {
        await new Publication(publishing, ports).giveUp(reason)
        return
      }
      const milliseconds = settings.backOff * 2 ** (attempt - 1)
      for (const image of images) {
        ports.onNews?.({ run, image, kind: 'again', stage: 'publish', reason, milliseconds })
      }
      await ports.clock.sleep(milliseconds, signal)
    }
  }
}

/** Images that are looked at at a time. */
const PREPARED = 16

class Publication {
  readonly #run: number
  readonly #names: ReadonlySet<string>
  readonly #signal: AbortSignal
  readonly #ports: EnginePorts
  readonly #ends = new Map<string, Omit<ImageEnd, 'at' | 'image'>>()
  readonly #reasons = new Map<string, RunImage['reasons']>()

  constructor({ run, images, signal }: Publishing, ports: EnginePorts) {
    this.#run = run
    this.#names = new Set(images)
    this.#signal = signal
    this.#ports = ports
  }

  async publish(): Promise<void> {
    const { store, clock } = this.#ports
    const open = await this.#open()
    const records = await store.runs.records(this.#run, [...this.#names])
    const ready = await this.#prepareAll(open, records)
    await store.runs.record(ready.map((one) => ({ ...this.#stage(one, records), state: 'started', at: clock.now() })))
    const { moves, going } = await this.#planMoves(ready)
    refuseWhenOver(this.#signal)
    if (moves.length > 0 && !(await this.#ports.publisher.move(moves))) {
      throw new FactoryError('PUBLISH_CONTESTED', 'cannot move tags: somebody else has moved one of them meanwhile')
    }
    await this.#record(going, records)
  }

  /** Ends everything that is not published, for one reason. */
  async giveUp(reason: string): Promise<void> {
    for (const { image } of await this.#open()) this.#ends.set(image, { state: 'failed', reason: `publish: ${reason}` })
    await this.#record([], [])
  }

  async #open(): Promise<readonly RunImage[]> {
    const state = await this.#ports.store.work.state(this.#run)
    const open = state?.images.filter(({ image, end }) => this.#names.has(image) && end === undefined) ?? []
    for (const { image, reasons } of open) this.#reasons.set(image, reasons)
    return open
  }

  /** Images that are built on others come after those: what ends a parent ends them. */
  async #prepareAll(open: readonly RunImage[], records: readonly StageRecord[]): Promise<readonly ReadyImage[]> {
    const byImage = Map.groupBy(records, ({ image }) => image)
    const ready = new Map<string, ReadyImage>()
    let waiting = open
    while (waiting.length > 0) {
      const left = new Set(waiting.map(({ image }) => image))
      const free = waiting.filter(({ after }) => !after.some((parent) => left.has(parent)))
      // A plan has no circles.
      const next = free.length > 0 ? free : waiting
      await inParallel(PREPARED, next, async (image) => {
        refuseWhenOver(this.#signal)
        const candidates = await this.#prepare(image, byImage.get(image.image) ?? [])
        if (candidates !== undefined) ready.set(image.image, { image, candidates })
      })
      const done = new Set(next)
      waiting = waiting.filter((one) => !done.has(one))
    }
    return open.flatMap(({ image }) => ready.get(image) ?? [])
  }

  /** The candidates of an image, verified; or how it ends without any tag being moved. */
  async #prepare(
    { image, reasons, after }: RunImage,
    records: readonly StageRecord[],
  ): Promise<readonly Verified[] | undefined> {
    const { store, stages, publisher, canPass } = this.#ports
    const lost = this.#lostParent(after)
    if (lost !== undefined) return this.#end(image, lost)
    const work = { run: this.#run, image, reasons, outputs: outputsIn(records, image), parents: new Map() }
    const candidates = await stages.candidates(work)
    for (const { variant } of candidates) {
      const newer = (await store.releases.latest(image, variant))?.run ?? 0
      if (newer > this.#run) {
        return this.#end(image, { state: 'cancelled', reason: `run ${newer} has released a newer one meanwhile` })
      }
    }
    const same = await latestIfSame(candidates, this.#ports)
    if (same !== undefined) {
      return this.#end(image, { state: 'done', reason: `nothing to publish: it is what release ${same} is` })
    }
    try {
      return await Promise.all(
        candidates.map(async (one) => ({ ...one, evidence: await publisher.verify(one) }) as const),
      )
    } catch (error) {
      if (canPass(error)) throw error
      return this.#end(image, { state: 'failed', reason: `publish: ${plainReason(messageOf(error))}` })
    }
  }

  #lostParent(after: readonly string[]): Omit<ImageEnd, 'at' | 'image'> | undefined {
    for (const parent of after) {
      const end = this.#ends.get(parent)
      if (end !== undefined && end.state !== 'done') {
        return { state: end.state, reason: `it is built on ${parent}: ${end.reason}` }
      }
    }
    return undefined
  }

  #end(image: string, end: Omit<ImageEnd, 'at' | 'image'>): undefined {
    this.#ends.set(image, end)
  }

  /** Records what is meant, then looks what of it is left to do. */
  async #planMoves(ready: readonly ReadyImage[]): Promise<{ moves: readonly TagMove[]; going: readonly ReadyImage[] }> {
    const { store, publisher, clock } = this.#ports
    const all = ready.flatMap(({ candidates }) => candidates)
    const before = await this.#resolve(all.flatMap(({ repository, tags }) => tags.map((tag) => ({ repository, tag }))))
    const intents = await store.intents.intend(
      all.map(({ image, variant, repository, digest, tags }) => ({
        ...{ image, variant, repository, digest, cause: { run: this.#run }, at: clock.now() },
        tags: Object.fromEntries(tags.map((tag) => [tag, before.get(`${repository}:${tag}`) ?? null])),
      })),
    )
    const names = tagsOf(intents)
    const now = await publisher.resolve(names)
    const found = new Map(names.map(({ repository, tag }, at) => [`${repository}:${tag}`, now[at]]))
    const own = await this.#everNamed(intents)
    const moves: TagMove[] = []
    const going = []
    for (const one of ready) {
      const planned = this.#movesOf(one, intents, { found, own })
      if (planned === undefined) continue
      moves.push(...planned)
      going.push(one)
    }
    return { moves, going }
  }

  async #resolve(
    tags: readonly { repository: string; tag: string }[],
  ): Promise<ReadonlyMap<string, Digest | undefined>> {
    const found = await this.#ports.publisher.resolve(tags)
    return new Map(tags.map(({ repository, tag }, at) => [`${repository}:${tag}`, found[at]]))
  }

  /** What the tags of images have named by this factory's doing. */
  async #everNamed(intents: readonly TagIntent[]): Promise<ReadonlyMap<TagIntent, ReadonlySet<Digest>>> {
    const named = new Map<TagIntent, ReadonlySet<Digest>>()
    await inParallel(PREPARED, intents, async (intent) => {
      named.set(intent, await this.#ports.store.intents.named(intent.image, intent.variant))
    })
    return named
  }

  #movesOf(
    { image: { image, after } }: ReadyImage,
    intents: readonly TagIntent[],
    {
      found,
      own,
    }: {
      readonly found: ReadonlyMap<string, Digest | undefined>
      readonly own: ReadonlyMap<TagIntent, ReadonlySet<Digest>>
    },
  ): readonly TagMove[] | undefined {
    const lost = this.#lostParent(after)
    if (lost !== undefined) return this.#end(image, lost)
    const moves: TagMove[] = []
    for (const intent of intents.filter((one) => one.image === image)) {
      const tags = new Map(Object.keys(intent.tags).map((tag) => [tag, found.get(`${intent.repository}:${tag}`)]))
      const planned = planMoves(intent, tags, own.get(intent) ?? new Set())
      if (planned.kind === 'strange') {
        const reason = `publish: ${intent.repository}:${planned.tag} names ${planned.names}, which is nothing that was released here`
        return this.#end(image, { state: 'failed', reason })
      }
      moves.push(...planned.moves)
    }
    return moves
  }

  /** Everything that follows from moved tags, at once. */
  async #record(published: readonly ReadyImage[], records: readonly StageRecord[]): Promise<void> {
    const { store, stages, clock, onNews } = this.#ports
    const at = clock.now()
    const releases = published.flatMap(({ candidates }) => candidates.map((one) => this.#release(one, at)))
    const known = releases.length === 0 ? undefined : await this.#ports.openFindings?.()
    const reasonsOf = (image: string) => this.#reasons.get(image) ?? []
    const knowledge = { reasonsOf, findingsOf: known?.findingsOf, stages }
    const work = async (logs: FactoryLogs) => {
      const ids = await logs.releases.record(releases)
      const numbered = releases.map((release, index) => ({ ...release, id: ids[index] ?? 0 }))
      const ends: ImageEnd[] = [...this.#ends].map(([image, end]) => ({ image, ...end, at }))
      const done: StageRecord[] = []
      for (const one of published) {
        const own = numbered.filter(({ image }) => image === one.image.image)
        const output = { releases: own.map(({ id, variant, digest }) => ({ id, variant, digest })) }
        done.push({ ...this.#stage(one, records), state: 'done', output, at })
        ends.push({
          image: one.image.image,
          state: 'done',
          reason: `released as ${own.map(({ id }) => id).join(', ')}`,
          at,
        })
      }
      await logs.runs.record(done)
      await logs.clocks.record(published.flatMap(({ image }) => marksAt('published', { ...image, at })))
      await logs.events.record(
        published.map(({ image: { image }, candidates }) => parentReleased(image, candidates, at)),
      )
      const ended = await logs.work.end(this.#run, ends)
      await tellReleases(logs, ids, knowledge)
      await tellFailures(logs, this.#run, ended, reasonsOf)
      const notes = [...numbered.map(noteOfRelease), ...ended.flatMap((end) => noteOfEnd(this.#run, end))]
      if (notes.length > 0) await logs.ledger.append(notes)
      return ended
    }
    const ends = await store.transaction(work).finally(() => known?.close())
    for (const { image, state, reason } of ends) onNews?.({ run: this.#run, image, kind: 'ended', state, reason })
  }

  #release({ repository: _, attached: __, ...candidate }: Verified, released: Moment): NewRelease {
    return { ...candidate, released, run: this.#run }
  }

  #stage(
    { image: { image }, candidates }: ReadyImage,
    records: readonly StageRecord[],
  ): StageKey & Pick<StageRecord, 'input' | 'worker'> {
    const own = records.filter((record) => record.image === image && record.stage === 'publish')
    const read = candidates.map(({ variant, digest, tags }) => ({ variant, digest, tags }))
    return {
      ...{ run: this.#run, image, stage: 'publish', worker: this.#ports.worker },
      attempt: Math.max(0, ...own.map(({ attempt }) => attempt)) + 1,
      input: digestOf(canonicalJson(read)),
    }
  }
}
