import type { Digest } from '#core'
import type { ArchivePackage } from '#debian'

/** The layer that all packages share which have none of their own. */
export const SHARED_LAYER = 0

/** A package as the lock pins it: enough to fetch it from any mirror and to know it again. */
export type LockedPackage = Pick<
  ArchivePackage,
  'name' | 'version' | 'architecture' | 'archive' | 'suite' | 'filename' | 'size' | 'digest' | 'source'
> & {
  /**
   * The variants it is in, each with its layer there: a number of its own from 1, which is its place among the layers of
   * packages, or `SHARED_LAYER`. In an overlay a package of its base's has the number that it has there; the others are
   * counted anew, above the base.
   */
  readonly layers: Readonly<Record<string, number>>
}

/** What a derived effect gave when it was run, for one variant: others take it from here by its digest. */
export interface DerivedResult {
  readonly effect: string
  readonly variant: string
  readonly digest: Digest
  /** Bytes. */
  readonly size: number
}

export interface LockedPlatform {
  /** In the order of name, then architecture; the runtime's are a subset of every variant's. */
  readonly packages: readonly LockedPackage[]
  /** In the order of effect, then variant. */
  readonly derived: readonly DerivedResult[]
}

/** The state of a suite when the lock was made: evidence, never an input of an image. */
export interface ObservedSuite {
  readonly archive: string
  /** The suite as the archive's definition and the packages name it. */
  readonly suite: string
  /** The `Codename` and `Suite` fields of its Release file. */
  readonly codename: string
  readonly suiteField: string
  /** RFC 3339, UTC. */
  readonly date: string
  readonly validUntil?: string
  /** Of the InRelease file. */
  readonly inRelease: Digest
  /** Key fingerprints, in code-unit order. */
  readonly signers: readonly string[]
  /** Whether it was accepted past its Valid-Until by an explicit setting. */
  readonly expired: boolean
  /** Whether it was older than its freshness rule wants. */
  readonly stale: boolean
}

/** The exact packages of every variant and platform of an image, and which layer each is in. Names no host. */
export interface Lock {
  readonly image: string
  /** The layer format: path rules, effects, codec. */
  readonly format: number
  /** By variant, what the definition was when the lock was made (`definitionDigest`). */
  readonly definitions: Readonly<Record<string, Digest>>
  /** By OCI platform. */
  readonly platforms: Readonly<Record<string, LockedPlatform>>
  /** In the order of archive, then suite. */
  readonly observed: readonly ObservedSuite[]
  /** What an overlay stacks on. */
  readonly base?: LockedBase
}

/** The base of an overlay when its lock was made: all that building it takes, so that a base that moves on is seen. */
export interface LockedBase {
  /** As the overlay's definition names it. */
  readonly from: string
  readonly lock: Lock
}

/** What makes two packages of a platform the same one across versions: `name:architecture`. */
export function packageKey(one: { readonly name: string; readonly architecture: string }): string {
  return `${one.name}:${one.architecture}`
}

/** Orders packages as a lock does, `perl` before `perl-base`: an image's history follows this order. */
export function compareLocked(
  left: { readonly name: string; readonly architecture: string },
  right: { readonly name: string; readonly architecture: string },
): number {
  if (left.name !== right.name) return left.name < right.name ? -1 : 1
  return left.architecture < right.architecture ? -1 : left.architecture > right.architecture ? 1 : 0
}

/** The packages of one variant on one platform, in the lock's order; empty when the lock has no such platform or variant. */
export function packagesOf(lock: Lock, platform: string, variant: string): readonly LockedPackage[] {
  const packages = lock.platforms[platform]?.packages ?? []
  return packages.filter(({ layers }) => Object.hasOwn(layers, variant))
}

/** What was observed for an image, and for what it stacks on; the same state of a suite once. */
export function everyObserved({ observed, base }: Lock): readonly ObservedSuite[] {
  if (base === undefined) return observed
  const all = [...everyObserved(base.lock), ...observed]
  return [...new Map(all.map((one) => [`${one.archive} ${one.suite} ${one.inRelease}`, one])).values()]
}

/** The packages that an overlay has beside those of its base, whatever their version; for other images all of them. */
export function ownPackagesOf(lock: Lock, platform: string, variant: string): readonly LockedPackage[] {
  const packages = packagesOf(lock, platform, variant)
  if (lock.base === undefined) return packages
  const below = new Set(packagesOf(lock.base.lock, platform, variant).map(packageKey))
  return packages.filter((one) => !below.has(packageKey(one)))
}

/**
 * The layers of one variant on one platform, bottom first: those of single packages by their number, then the shared one.
 * None is empty. The last layer of an image, with effects and the package database, is not among them, nor are, for an
 * overlay, the layers of its base.
 */
export function layersOf(lock: Lock, platform: string, variant: string): readonly (readonly LockedPackage[])[] {
  const byNumber = new Map<number, LockedPackage[]>()
  for (const one of ownPackagesOf(lock, platform, variant)) {
    const number = one.layers[variant] ?? SHARED_LAYER
    const layer = byNumber.get(number)
    if (layer === undefined) byNumber.set(number, [one])
    else layer.push(one)
  }
  const place = (number: number) => (number === SHARED_LAYER ? Number.POSITIVE_INFINITY : number)
  return [...byNumber].sort(([left], [right]) => place(left) - place(right)).map(([, layer]) => layer)
}

/** A lock with other results of derived effects, by platform; platforms without any keep none. */
export function lockDerived(lock: Lock, results: ReadonlyMap<string, readonly DerivedResult[]>): Lock {
  const key = ({ effect, variant }: DerivedResult) => `${effect} ${variant}`
  const platforms = Object.entries(lock.platforms).map(([platform, { packages }]) => {
    const derived = [...(results.get(platform) ?? [])].sort((left, right) => (key(left) < key(right) ? -1 : 1))
    return [platform, { packages, derived }] as const
  })
  return { ...lock, platforms: Object.fromEntries(platforms) }
}
