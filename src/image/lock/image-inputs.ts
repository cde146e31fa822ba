import type { Json } from '#core'
import type { EffectiveDefinition } from '../definition/definition.ts'
import { definitionDigest, type ResolvedDefinition } from '../definition/resolve-definition.ts'
import { type Lock, type LockedPlatform, packageKey, packagesOf } from './lock.ts'

/**
 * Everything that the digest of one image on one platform is a function of, as one canonical value: the effective
 * definition, the selected packages with their layers, the results of derived effects, the platform, the format. What
 * was observed of suites, where files came from and who built it are not in it.
 */
export function imageInputs(definition: EffectiveDefinition, lock: Lock, platform: string): Json {
  const { variant } = definition
  const derived = lock.platforms[platform]?.derived ?? []
  return {
    format: lock.format,
    definition: definitionDigest(definition),
    platform,
    packages: packagesOf(lock, platform, variant).map((one) => [packageKey(one), one.digest, one.layers[variant] ?? 0]),
    derived: derived.filter((one) => one.variant === variant).map((one) => [one.effect, one.digest]),
    ...(definition.base === undefined || lock.base === undefined
      ? {}
      : { base: imageInputs(definition.base, lock.base.lock, platform) }),
  }
}

/**
 * Why a lock is not one for this definition and the asked platforms, in words; empty when it is. A lock may hold more
 * platforms than are asked for. Where `only` names a variant, the others are nobody's business.
 */
export function lockMismatches(
  lock: Lock,
  definition: ResolvedDefinition,
  platforms: readonly string[] = definition.platforms,
  only?: string,
): readonly string[] {
  const reasons = [...baseMismatches(lock, definition, platforms, only)]
  if (reasons.length > 0) return reasons
  if (lock.image !== definition.image) reasons.push(`it is the lock of image ${lock.image}`)
  const concerns = (variant: string) => only === undefined || variant === only
  const variants = new Map([...definition.variants].filter(([variant]) => concerns(variant)))
  for (const [variant, effective] of variants) {
    const locked = lock.definitions[variant]
    if (locked === undefined) reasons.push(`variant ${variant} is new`)
    else if (locked !== definitionDigest(effective)) reasons.push(`the definition of ${variant} has changed since`)
  }
  for (const variant of Object.keys(lock.definitions).sort()) {
    if (concerns(variant) && !variants.has(variant)) reasons.push(`variant ${variant} is gone`)
  }
  for (const platform of platforms) {
    const locked = lock.platforms[platform]
    if (locked === undefined) reasons.push(`platform ${platform} is not in it`)
    else reasons.push(...missingResults(locked, variants).map((what) => `${what} for ${platform} is not in it`))
  }
  return reasons
}

/** What the base says to its part of the lock; where that is another one, all else would only repeat it. */
function baseMismatches(
  lock: Lock,
  { base, merged: { from } }: ResolvedDefinition,
  platforms: readonly string[],
  only?: string,
): readonly string[] {
  if (base === undefined) return lock.base === undefined ? [] : [`it is of an overlay on ${lock.base.lock.image}`]
  if (lock.base === undefined) return [`it is of an image that does not stack on ${base.image}`]
  if (lock.base.from !== from) return [`it is of an overlay from ${lock.base.from}`]
  return lockMismatches(lock.base.lock, base, platforms, only).map((reason) => `base ${base.image}: ${reason}`)
}

function missingResults({ derived }: LockedPlatform, variants: ResolvedDefinition['variants']): readonly string[] {
  return [...variants].flatMap(([variant, effective]) => {
    const locked = derived.filter((one) => one.variant === variant).map(({ effect }) => effect)
    const missing = effective.derived.filter((effect) => !locked.includes(effect))
    return missing.map((effect) => `the result of ${effect} of ${variant}`)
  })
}
