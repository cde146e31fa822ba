import type { Digest } from '#core'
import type { FactoryLogs } from '../ports.ts'
import type { HeldPackage } from '../release.ts'
import { Fleet, type FleetImage } from './fleet.ts'
import type { ReleasedHead } from './fleet-log.ts'

/**
 * Reads the fleet as it is at present: definitions say how images hang together, their last releases what they hold; before the first, their
 * locks do. Of an image without a definition only what it holds is known. What a digest stands for never changes, so it is read once.
 */
export class ReleasedFleet {
  #contents: ReadonlyMap<Digest, readonly HeldPackage[]> = new Map()
  #last: { readonly heads: string; readonly defined: readonly FleetImage[]; readonly fleet: Fleet } | undefined

  /** Gives the same fleet again while nothing was released and the definitions are the same list. */
  async read({ fleet: log }: Pick<FactoryLogs, 'fleet'>, defined: readonly FleetImage[]): Promise<Fleet> {
    const heads = await log.heads()
    const text = heads.map((head) => Object.values(head).join(' ')).join('\n')
    if (this.#last?.heads === text && this.#last.defined === defined) return this.#last.fleet
    const digests = new Set(heads.map(({ contents }) => contents))
    const missing = [...digests].filter((digest) => !this.#contents.has(digest))
    const read = await log.contents(missing)
    const contents = new Map(
      [...digests].map((digest) => [digest, this.#contents.get(digest) ?? read.get(digest) ?? []] as const),
    )
    this.#contents = contents
    const fleet = new Fleet(imagesOf(heads, contents, defined))
    this.#last = { heads: text, defined, fleet }
    return fleet
  }
}

function imagesOf(
  heads: readonly ReleasedHead[],
  packages: ReadonlyMap<Digest, readonly HeldPackage[]>,
  defined: readonly FleetImage[],
): readonly FleetImage[] {
  const images = new Map<string, FleetImage>(defined.map((one) => [one.image, one]))
  for (const [image, own] of Map.groupBy(heads, (head) => head.image)) {
    const contents = new Map<string, readonly HeldPackage[]>()
    for (const { platform, contents: set } of own) {
      contents.set(platform, joined(contents.get(platform), packages.get(set) ?? []))
    }
    const known = images.get(image) ?? { image, parent: undefined, requests: [] }
    const released = own.reduce((last, head) => (head.released > last ? head.released : last), '')
    images.set(image, { ...known, contents, released })
  }
  return [...images.values()]
}

/** The packages of several variants: the same ones once. */
function joined(some: readonly HeldPackage[] | undefined, more: readonly HeldPackage[]): readonly HeldPackage[] {
  if (some === undefined) return more
  const key = ({ name, architecture, version }: HeldPackage) => `${name} ${architecture} ${version}`
  return [...new Map([...some, ...more].map((one) => [key(one), one])).values()]
}
