import { inParallel, messageOf } from '#core'
import { type BaseMove, baseEvent, type FactoryEvent, type FactoryStore } from '#factory'
import { parseReference, RegistryClient, type RegistryOptions } from '#oci'
import { IntegrationError } from '../errors.ts'
import { takeStep } from './take-step.ts'

/** An image of others, in a registry, and the images that stack on it. */
export interface WatchedBase {
  /** As `docker://REGISTRY/REPOSITORY:TAG`. One with a digest never moves. */
  readonly reference: string
  readonly images: readonly string[]
}

export interface BaseWatchOptions {
  readonly store: FactoryStore
  readonly bases: readonly WatchedBase[]
  readonly now: () => Date
  readonly registry?: RegistryOptions
}

/** What a look at bases gave. */
export interface BasePoll {
  /** Events that nobody had recorded before: one for each image that stacks on a base that moved. */
  readonly events: readonly FactoryEvent[]
  /** Bases that could not be looked at, each with why: these may have moved. */
  readonly troubles: readonly string[]
}

/** Registries are asked for so many bases at a time. */
const AT_A_TIME = 4

/**
 * Asks registries which digests tags name, and records which bases have moved since they were recorded last. A base that is new to
 * the factory has not moved. Rejects as the factory's store does.
 */
export async function pollBases(options: BaseWatchOptions): Promise<BasePoll> {
  const events: FactoryEvent[] = []
  const troubles: string[] = []
  await inParallel(AT_A_TIME, options.bases, async (base) => {
    let digest: string | undefined
    try {
      digest = await currentDigest(base.reference, options.registry)
    } catch (error) {
      troubles.push(messageOf(error))
    }
    if (digest !== undefined) events.push(...(await recordBase(options, base, digest)))
  })
  return { events, troubles: troubles.sort() }
}

/** The digest that a tag names; `undefined` for a reference that cannot move. */
async function currentDigest(text: string, options: RegistryOptions = {}): Promise<string | undefined> {
  const reference = parseReference(text)
  if (reference.transport !== 'docker' || reference.digest !== undefined) return undefined
  const client = new RegistryClient(reference, options)
  try {
    const digest = await client.resolve(reference.tag ?? 'latest', 'pull')
    if (digest?.startsWith('sha256:')) return digest
    const reason = digest === undefined ? 'there is no such image' : 'its registry does not say which digest it has'
    throw new IntegrationError('BASE_MISSING', `cannot look for ${text}: ${reason}`)
  } finally {
    await client.close()
  }
}

async function recordBase(
  { store, now }: BaseWatchOptions,
  { reference, images }: WatchedBase,
  digest: string,
): Promise<readonly FactoryEvent[]> {
  return takeStep(store, `base ${reference}`, (before) => {
    // Only this watcher writes these rows.
    const from = before?.state as string | undefined
    if (from === digest) return undefined
    const seen = now().toISOString()
    const revision = (before?.revision ?? 0) + 1
    const move = (known: string): BaseMove => ({ reference, from: known, to: digest })
    const events = from === undefined ? [] : images.map((image) => baseEvent(image, move(from), revision, seen))
    return { state: digest, events, at: seen }
  })
}
