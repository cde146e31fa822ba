import { compareVersions, type DebVersion } from '#debian'
import type { Moment } from '../moment.ts'
import type { HeldPackage } from '../release.ts'
import type { ArchiveChange } from '../watching/suite-change.ts'

/** How a suite of an archive counts. */
export interface SuiteStanding {
  /** It is for security updates, by its identity. */
  readonly isSecurity: boolean
  /** As apt_preferences(5) has it: what is below 500 is taken only where a definition names the suite. */
  readonly priority: number
}

/** A version of a package that a suite has, and since when that is known. */
export interface Offer extends SuiteStanding {
  readonly suite: string
  readonly version: DebVersion
  readonly source: HeldPackage['source']
  /** The recorded event by which it came. */
  readonly event: number
  /** The Date of the suite's state in which it was seen first. */
  readonly available: Moment
  readonly seen: Moment
}

/** What archives have that images may not have yet. */
export interface Offers {
  /** Versions that are newer than a held one, of the same name, archive and architecture; lowest version first. */
  newerThan(held: HeldPackage): readonly Offer[]
}

/**
 * What events have told of archives, one after the other: a fold of them, so that who reads them again knows the same. Versions
 * stay known when a suite has a newer one, because an image that has neither lacks what both of them fix.
 */
export class SeenOffers implements Offers {
  readonly #offers = new Map<string, Offer[]>()
  readonly #standing: (archive: string, suite: string) => SuiteStanding
  /** The lowest version that was held of each package when something was forgotten. */
  #floor: ReadonlyMap<string, DebVersion> | undefined

  constructor(standing: (archive: string, suite: string) => SuiteStanding) {
    this.#standing = standing
  }

  /** Takes in what an event says. The same again adds nothing: the first word on a version counts. */
  add(change: ArchiveChange, { event, seen }: { readonly event: number; readonly seen: Moment }): void {
    const { archive, suite, to } = change
    const standing = this.#standing(archive, suite)
    for (const { name, architectures, to: version, source } of change.packages) {
      if (version === undefined) continue
      const offer: Offer = { suite, ...standing, version, source, event, available: to.date, seen }
      for (const architecture of architectures) this.#put(keyOf({ archive, name, architecture }), offer)
    }
  }

  newerThan(held: HeldPackage): readonly Offer[] {
    const known = this.#offers.get(keyOf(held))
    return known?.filter(({ version }) => compareVersions(version, held.version) > 0) ?? []
  }

  /**
   * Forgets what every holder has by now, and packages that nobody holds: so what is remembered is what somebody lacks. Whoever holds
   * something older later is told apart by `covers`.
   */
  forget(holders: Iterable<HeldPackage>): void {
    const floor = new Map<string, DebVersion>()
    for (const held of holders) {
      const key = keyOf(held)
      const known = floor.get(key)
      if (known === undefined || compareVersions(held.version, known) < 0) floor.set(key, held.version)
    }
    for (const [key, offers] of this.#offers) {
      const held = floor.get(key)
      const left = held === undefined ? [] : offers.filter(({ version }) => compareVersions(version, held) > 0)
      if (left.length === 0) this.#offers.delete(key)
      else if (left.length < offers.length) this.#offers.set(key, left)
    }
    this.#floor = floor
  }

  /** Whether what was forgotten is had by all of these as well; otherwise the events have to be read again. */
  covers(holders: Iterable<HeldPackage>): boolean {
    for (const held of holders) {
      const floor = this.#floor?.get(keyOf(held))
      if (this.#floor !== undefined && (floor === undefined || compareVersions(held.version, floor) < 0)) return false
    }
    return true
  }

  #put(key: string, offer: Offer): void {
    const known = this.#offers.get(key)
    if (known === undefined) this.#offers.set(key, [offer])
    else if (!known.some(({ version, suite }) => version === offer.version && suite === offer.suite)) {
      known.push(offer)
      known.sort(compareOffers)
    }
  }

  /** How many versions are known. */
  get size(): number {
    let count = 0
    for (const offers of this.#offers.values()) count += offers.length
    return count
  }
}

function keyOf({ archive, name, architecture }: Pick<HeldPackage, 'archive' | 'name' | 'architecture'>): string {
  return `${archive} ${name} ${architecture}`
}

function compareOffers(left: Offer, right: Offer): number {
  return compareVersions(left.version, right.version) || left.event - right.event
}
