import type { Request } from '#solver'
import { FactoryError } from '../errors.ts'
import type { Moment } from '../moment.ts'
import { type HeldPackage, packageKey } from '../release.ts'

/** An image of the fleet, as it is at present: by its last release or, before the first, by its lock. */
export interface FleetImage {
  readonly image: string
  /** The image of the fleet that it stacks on. */
  readonly parent: string | undefined
  /** What its own definition asks for, over all variants: not what it extends or stacks on. */
  readonly requests: readonly Request[]
  /** By OCI platform, the packages of all variants together. */
  readonly contents: ReadonlyMap<string, readonly HeldPackage[]>
  /** Of its last release; `undefined` before the first. */
  readonly released: Moment | undefined
}

/** An image in its place in the fleet. */
export interface FleetMember extends FleetImage {
  /** Before it in the order of work. */
  readonly above: FleetMember | undefined
  readonly children: readonly string[]
}

/** All images that a factory looks after, and which of them hold a package. */
export class Fleet {
  /** In the order of work: what an image stacks on comes before it, and by name where nothing else decides. */
  readonly members: readonly FleetMember[]
  readonly #byName: ReadonlyMap<string, FleetMember>
  readonly #packages = new Map<string, HeldPackage>()
  readonly #holders = new Map<HeldPackage, Set<string>>()

  /** Throws `FLEET_INVALID` for two images of one name, and for images that stack on each other in a circle. */
  constructor(images: readonly FleetImage[]) {
    const shared = images.map((one) => ({ ...one, contents: this.#shared(one) }))
    this.members = inOrder(shared)
    this.#byName = new Map(this.members.map((one) => [one.image, one]))
  }

  get(image: string): FleetMember | undefined {
    return this.#byName.get(image)
  }

  /** Every different package that some image holds. */
  packages(): Iterable<HeldPackage> {
    return this.#holders.keys()
  }

  /** The images that hold a package in exactly this version. */
  holders(held: HeldPackage): ReadonlySet<string> {
    const known = this.#packages.get(packageKey(held))
    return (known === undefined ? undefined : this.#holders.get(known)) ?? NOBODY
  }

  /** The fleet after some of its images became others, or joined it. */
  with(changed: readonly FleetImage[]): Fleet {
    const now = new Map<string, FleetImage>(this.members.map((one) => [one.image, one]))
    for (const one of changed) now.set(one.image, one)
    return new Fleet([...now.values()])
  }

  /** Thousands of images hold the same packages: each is kept once, so that identity is equality. */
  #shared({ image, contents }: FleetImage): FleetImage['contents'] {
    return new Map(
      [...contents].map(([platform, packages]) => [platform, packages.map((one) => this.#hold(image, one))]),
    )
  }

  #hold(image: string, held: HeldPackage): HeldPackage {
    const known = this.#holders.get(held)
    if (known !== undefined) {
      known.add(image)
      return held
    }
    const key = packageKey(held)
    const first = this.#packages.get(key)
    if (first !== undefined) return this.#hold(image, first)
    this.#packages.set(key, held)
    this.#holders.set(held, new Set([image]))
    return held
  }
}

const NOBODY: ReadonlySet<string> = new Set()

function inOrder(images: readonly FleetImage[]): readonly FleetMember[] {
  const byName = new Map<string, FleetImage>()
  const children = new Map<string, string[]>()
  for (const one of images.toSorted((left, right) => (left.image < right.image ? -1 : 1))) {
    if (byName.has(one.image)) throw invalid(`two of its images are named ${one.image}`)
    byName.set(one.image, one)
    if (one.parent === undefined) continue
    const others = children.get(one.parent)
    if (others === undefined) children.set(one.parent, [one.image])
    else others.push(one.image)
  }
  const placed = new Map<string, FleetMember>()
  for (const one of byName.values()) place(one, { byName, children, placed })
  return [...placed.values()]
}

interface Placing {
  readonly byName: ReadonlyMap<string, FleetImage>
  readonly children: ReadonlyMap<string, readonly string[]>
  readonly placed: Map<string, FleetMember>
}

/** Puts what an image stacks on before it, without recursion: a chain may be as long as the fleet. */
function place(one: FleetImage, { byName, children, placed }: Placing): void {
  const chain = new Set<FleetImage>()
  for (let next: FleetImage | undefined = one; next !== undefined && !placed.has(next.image); ) {
    const image: FleetImage = next
    if (chain.has(image)) {
      const names = [...chain].map((each) => each.image)
      const circle = [...names.slice(names.indexOf(image.image)), image.image]
      throw invalid(`images stack on each other in a circle: ${circle.join(' → ')}`)
    }
    chain.add(image)
    next = image.parent === undefined ? undefined : byName.get(image.parent)
  }
  for (const image of [...chain].reverse()) {
    const above = image.parent === undefined ? undefined : placed.get(image.parent)
    placed.set(image.image, { ...image, above, children: children.get(image.image) ?? [] })
  }
}

function invalid(reason: string): FactoryError {
  return new FactoryError('FLEET_INVALID', `cannot plan for this fleet: ${reason}`)
}
