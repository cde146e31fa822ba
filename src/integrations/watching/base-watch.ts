import { canonicalJson, inParallel, type Json, messageOf } from '#core'
import { baseEvent, type FactoryEvent, type FactoryStore } from '#factory'
import { parseReference, RegistryClient, type RegistryOptions } from '#oci'
import { IntegrationError } from '../errors.ts'
import { takeStep } from './take-step.ts'

/** An image that stacks on one of others. */
export interface ImageOnBase {
  readonly image: string
  /** The digest of the base whose recipe is kept beside its definition. */
  readonly kept: string
}

/** An image of others, in a registry, and the images that stack on it. */
export interface WatchedBase {
  /** As `docker://REGISTRY/REPOSITORY:TAG`. One with a digest never moves. */
  readonly reference: string
  readonly images: readonly ImageOnBase[]
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
 * Asks registries which digests tags name, and records which bases have moved since they were recorded last; of an image that was not looked
 * at before, since its base was kept. What is asked for is a digest alone, so that an answer has no body whether it is news or not. Rejects as the
 * factory's store does.
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
  { store, now: at }: BaseWatchOptions,
  { reference, images }: WatchedBase,
  digest: string,
): Promise<readonly FactoryEvent[]> {
  return takeStep(store, `base ${reference}`, (before) => {
    const known = knownOf(before?.state)
    const now: Json = { digest, images: images.map(({ image }) => image).sort() }
    if (before !== undefined && canonicalJson(before.state) === canonicalJson(now)) return undefined
    const seen = at().toISOString()
    const revision = (before?.revision ?? 0) + 1
    const events = images.flatMap(({ image, kept }) => {
      const from = known?.images.has(image) === true ? known.digest : kept
      return from === digest ? [] : [baseEvent(image, { reference, from, to: digest }, revision, seen)]
    })
    return { state: now, events, at: seen }
  })
}

/** Only this watcher writes these rows. */
function knownOf(
  state: Json | undefined,
): { readonly digest: string; readonly images: ReadonlySet<unknown> } | undefined {
  if (typeof state !== 'object' || state === null || !('digest' in state) || !('images' in state)) return undefined
  const { digest, images } = state
  return typeof digest === 'string' && Array.isArray(images) ? { digest, images: new Set(images) } : undefined
}
