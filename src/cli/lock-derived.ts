import type { ArchivePlace } from '#debian'
import { type DerivedResult, type Lock, lockDerived, type OpenedDefinition } from '#image'
import { buildPlatforms, buildPlatformsIn, type Workshop } from './build-platforms.ts'
import type { Stages } from './stages.ts'

/**
 * Adds to a new lock what the derived effects of its variants give on every platform, for which those images are built.
 * In a workshop of its own unless one is given. Rejects
 * as building does.
 */
export async function provideDerived(
  lock: Lock,
  { opened, place }: { opened: OpenedDefinition; place: ArchivePlace },
  stages: Stages,
  workshop?: Workshop,
): Promise<Lock> {
  const results = new Map<string, DerivedResult[]>()
  const platforms = Object.keys(lock.platforms)
  for (const effective of opened.definition.variants.values()) {
    if (effective.derived.length === 0) continue
    const order = { opened, effective, lock, platforms, place, options: {} }
    const { built } = await (workshop === undefined
      ? buildPlatforms(order, stages)
      : buildPlatformsIn(workshop, order, stages))
    for (const [number, platform] of platforms.entries()) {
      results.set(platform, [...(results.get(platform) ?? []), ...(built[number]?.derived ?? [])])
    }
  }
  return lockDerived(lock, results)
}
