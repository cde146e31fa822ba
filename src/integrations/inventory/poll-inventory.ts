import { type Digest, inParallel, messageOf } from '#core'
import type { FactoryStore } from '#factory'
import { type RecordedSightings, recordSightings } from './record-sightings.ts'

/** A place that says what runs. */
export interface InventorySource {
  /** For messages. */
  readonly name: string
  /** The digests of what runs there now. Rejects where that cannot be said. */
  read(signal: AbortSignal): Promise<readonly Digest[]>
}

export interface InventoryOptions {
  readonly store: FactoryStore
  readonly sources: readonly InventorySource[]
  readonly now: () => Date
}

/** What a look at everything that runs gave. */
export interface InventoryPoll {
  /** `undefined` where some place did not answer: it may run what is older than all others. */
  readonly seen: RecordedSightings | undefined
  /** Places that could not be looked at, each with why. */
  readonly troubles: readonly string[]
}

/** Places that are asked at a time. */
const AT_A_TIME = 4

/**
 * Looks at all places together, and records which findings run nowhere any more. While one of them does not answer nothing is recorded. Rejects as
 * the store does.
 */
export async function pollInventory(
  { store, sources, now }: InventoryOptions,
  signal: AbortSignal,
): Promise<InventoryPoll> {
  const troubles: string[] = []
  const digests: Digest[] = []
  const at = now().toISOString()
  await inParallel(AT_A_TIME, sources, async (source) => {
    try {
      digests.push(...(await source.read(signal)))
    } catch (error) {
      troubles.push(`${source.name}: ${messageOf(error)}`)
    }
  })
  if (troubles.length > 0) return { seen: undefined, troubles: troubles.sort() }
  return { seen: await recordSightings(store, 'running', digests, at), troubles }
}
