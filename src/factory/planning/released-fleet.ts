import type { FactoryLogs } from '../ports.ts'
import type { HeldPackage } from '../release.ts'
import { Fleet, type FleetImage } from './fleet.ts'

/**
 * The fleet as it is at present: definitions say how images hang together, their last releases what they hold; before the first, their locks
 * do. Of an image without a definition only what it holds is known.
 */
export async function fleetOf({ fleet }: Pick<FactoryLogs, 'fleet'>, defined: readonly FleetImage[]): Promise<Fleet> {
  const heads = await fleet.heads()
  const packages = await fleet.contents(heads.map(({ contents }) => contents))
  const images = new Map<string, FleetImage>(defined.map((one) => [one.image, one]))
  for (const [image, own] of Map.groupBy(heads, (head) => head.image)) {
    const contents = new Map<string, readonly HeldPackage[]>()
    for (const { platform, contents: set } of own) {
      contents.set(platform, joined(contents.get(platform) ?? [], packages.get(set) ?? []))
    }
    const known = images.get(image) ?? { image, parent: undefined, requests: [] }
    const released = own
      .map((head) => head.released)
      .sort()
      .at(-1)
    images.set(image, { ...known, contents, released })
  }
  return new Fleet([...images.values()])
}

/** The packages of several variants: the same ones once. */
function joined(some: readonly HeldPackage[], more: readonly HeldPackage[]): readonly HeldPackage[] {
  const key = ({ name, architecture, version }: HeldPackage) => `${name} ${architecture} ${version}`
  return [...new Map([...some, ...more].map((one) => [key(one), one])).values()]
}
