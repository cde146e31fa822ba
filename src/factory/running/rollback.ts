import { FactoryError } from '../errors.ts'
import type { Release, TagIntent } from '../release.ts'
import type { EnginePorts } from './ports.ts'
import { noteOfRelease } from './release-notes.ts'
import { planMoves, tagsOf } from './tag-moves.ts'

/** How many releases are looked at for the one that is meant. */
const LOOKED_AT = 1000

/** What is gone back to. */
export interface Rollback {
  readonly image: string
  readonly variant: string
  /** The number of a release; without one, the last whose content is another. */
  readonly to?: number
  /** Where the image lies, e.g. `registry.example.org/python`. */
  readonly repository: string
}

/**
 * Gives the tags of an earlier release back to it, in one step where the registry can, and records that as a release that restores it.
 * What has been signed then is verified now. Rejects with `RELEASE_UNKNOWN`, `PUBLISH_CONTESTED`, and as the publisher and the store do.
 */
export async function rollBack(
  rollback: Rollback,
  { store, publisher, clock }: Pick<EnginePorts, 'store' | 'publisher' | 'clock'>,
): Promise<{ readonly from: Release; readonly to: Release; readonly release: number }> {
  const { image, variant, repository } = rollback
  return await store.exclusively([`publish ${image}`], async () => {
    const { from, to } = choose(rollback, await store.releases.history(image, variant, LOOKED_AT))
    const manifests = to.manifests.map((one) => ({ ...one, packages: [] }))
    await publisher.verify({ image, repository, digest: to.digest, manifests })
    const names = to.tags.map((tag) => ({ repository, tag }))
    const found = await publisher.resolve(names)
    const tags = Object.fromEntries(to.tags.map((tag, at) => [tag, found[at] ?? null]))
    const at = clock.now()
    const intent: TagIntent = { image, variant, repository, digest: to.digest, tags, cause: { restores: to.id }, at }
    await store.intents.intend([intent])
    const planned = planMoves(intent, new Map(tagsOf([intent]).map(({ tag }, index) => [tag, found[index]])), new Set())
    const moves = planned.kind === 'moves' ? planned.moves : []
    if (moves.length > 0 && !(await publisher.move(moves))) {
      throw new FactoryError(
        'PUBLISH_CONTESTED',
        `cannot go back with ${image}: somebody else has moved a tag meanwhile`,
      )
    }
    const release = await store.transaction(async (logs) => {
      const id = await logs.releases.restore(to.id, { tags: to.tags, at })
      const { manifests: _, run: __, ...restored } = to
      await logs.ledger.append([noteOfRelease({ ...restored, manifests: [], id, restores: to.id, released: at })])
      return id
    })
    return { from, to, release }
  })
}

function choose({ image, variant, to }: Rollback, history: readonly Release[]): { from: Release; to: Release } {
  const unknown = (reason: string) =>
    new FactoryError('RELEASE_UNKNOWN', `cannot go back with ${image} ${variant}: ${reason}`)
  const [from] = history
  if (from === undefined) throw unknown('it was never released')
  const target =
    to === undefined ? history.find(({ digest }) => digest !== from.digest) : history.find(({ id }) => id === to)
  if (target === undefined) throw unknown(to === undefined ? 'it was never another one' : `it has no release ${to}`)
  if (target.digest === from.digest) throw unknown(`release ${target.id} is what it is at`)
  return { from, to: target }
}
