import { type Lock, type LockedPackage, packageKey } from './lock.ts'

/**
 * Says what a new lock changes, one line each: the format, variants, then packages by name with the platforms that it
 * holds for. Empty when both give the same images. What suites were observed is no difference: it is evidence only.
 */
export function compareLock(old: Lock, now: Lock): readonly string[] {
  const lines: string[] = []
  if (old.image !== now.image) lines.push(`image ${old.image} → ${now.image}`)
  if (old.format !== now.format) lines.push(`format ${old.format} → ${now.format}: every layer is made anew`)
  lines.push(...recordChanges('definition of', old.definitions, now.definitions))
  lines.push(...recordChanges('platform', namesOnly(old.platforms), namesOnly(now.platforms)))
  return [...baseChanges(old, now), ...lines, ...packageChanges(old, now), ...derivedChanges(old, now)]
}

/** How the base moved; what the overlay shows of that is said for the overlay, too. */
function baseChanges({ base: old }: Lock, { base: now }: Lock): readonly string[] {
  if (old === undefined || now === undefined) {
    const change = old === undefined ? now && `stacks on ${now.lock.image}` : `does not stack on ${old.lock.image}`
    return change === undefined ? [] : [change]
  }
  const changes = compareLock(old.lock, now.lock).map((line) => `base ${now.lock.image}: ${line}`)
  return old.from === now.from ? changes : [`from ${old.from} → ${now.from}`, ...changes]
}

function recordChanges(
  what: string,
  old: Readonly<Record<string, string>>,
  now: Readonly<Record<string, string>>,
): readonly string[] {
  const names = [...new Set([...Object.keys(old), ...Object.keys(now)])].sort()
  return names.flatMap((name) => {
    if (old[name] === now[name]) return []
    const change = old[name] === undefined ? 'added' : now[name] === undefined ? 'removed' : 'changed'
    return [`${what} ${name} ${change}`]
  })
}

function namesOnly(record: Readonly<Record<string, unknown>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.keys(record).map((key) => [key, '']))
}

/** The same change on several platforms is one line; platforms that only one of the locks has are said once, above. */
function packageChanges(old: Lock, now: Lock): readonly string[] {
  const platforms = Object.keys(now.platforms).filter((platform) => Object.hasOwn(old.platforms, platform))
  const changes = new Map<string, string[]>()
  for (const platform of platforms.sort()) {
    const [before, after] = [byKey(old, platform), byKey(now, platform)]
    for (const key of new Set([...before.keys(), ...after.keys()])) {
      const change = packageChange(before.get(key), after.get(key))
      if (change === undefined) continue
      const same = changes.get(change)
      if (same === undefined) changes.set(change, [platform])
      else same.push(platform)
    }
  }
  return [...changes].map(([change, on]) => `${change} (${on.join(', ')})`).sort()
}

function byKey(lock: Lock, platform: string): ReadonlyMap<string, LockedPackage> {
  return new Map((lock.platforms[platform]?.packages ?? []).map((one) => [packageKey(one), one]))
}

/** Without the architecture, so that amd64 and arm64 say the same. */
function packageChange(old: LockedPackage | undefined, now: LockedPackage | undefined): string | undefined {
  if (old === undefined) return now && `${now.name} ${now.version} added to ${variantsOf(now)}`
  if (now === undefined) return `${old.name} ${old.version} removed from ${variantsOf(old)}`
  if (old.version !== now.version) return `${now.name} ${old.version} → ${now.version} in ${variantsOf(now)}`
  if (old.digest !== now.digest) return `${now.name} ${now.version} has other bytes: ${old.digest} → ${now.digest}`
  if (variantsOf(old) !== variantsOf(now)) {
    return `${now.name} ${now.version} in ${variantsOf(old)} → in ${variantsOf(now)}`
  }
  const moved = Object.keys(now.layers).filter((variant) => old.layers[variant] !== now.layers[variant])
  return moved.length === 0 ? undefined : `${now.name} ${now.version} is in another layer of ${moved.sort().join(', ')}`
}

function variantsOf(one: LockedPackage): string {
  return Object.keys(one.layers).sort().join(', ')
}

function derivedChanges(old: Lock, now: Lock): readonly string[] {
  return Object.keys(now.platforms)
    .sort()
    .flatMap((platform) => {
      if (!Object.hasOwn(old.platforms, platform)) return []
      const what = (lock: Lock) =>
        Object.fromEntries(
          (lock.platforms[platform]?.derived ?? []).map(({ effect, variant, digest }) => [
            `${effect} of ${variant}`,
            digest,
          ]),
        )
      return recordChanges('result of', what(old), what(now)).map((line) => `${line} (${platform})`)
    })
}
