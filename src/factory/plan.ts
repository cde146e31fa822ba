import { canonicalJson, type Digest, digestOf } from '#core'
import type { DebVersion } from '#debian'
import type { Moment } from './moment.ts'
import type { PolicySeverity } from './settings/severity.ts'

/** A package of an image that a rebuild changes; without `from` it is new, without `to` it goes. */
export type PackageChange = {
  readonly package: string
  readonly from?: DebVersion
  readonly to?: DebVersion
  /** OCI platforms, where it is not all of the image's. */
  readonly platforms?: readonly string[]
}

/** Why an image is to be rebuilt. */
export type Reason = {
  /** The recorded event that it follows from; 0 where none was recorded, in a plan that is only to be looked at. */
  readonly event: number
  /** In words, where it is no newer package. */
  readonly because?: string
  /** The source package that is newer. */
  readonly source?: string
  /** The image that it stacks on, where that brings the change. */
  readonly parent?: string
  /** Names of advisories that are answered by it; none for a change that closes no finding. */
  readonly advisories: readonly string[]
  /** The worst of what is answered, as policies count it; absent where no finding is closed. */
  readonly severity?: PolicySeverity
  readonly changes: readonly PackageChange[]
  /** The image of others that it stacks on, as its definition names it, and the digest that this names now; where that is why. */
  readonly base?: { readonly reference: string; readonly digest: string }
  /** The last run that failed of it, and how many in a row did. */
  readonly again?: { readonly run: number; readonly failures: number }
  /** What keeps this change out of a rebuild that is done for other reasons. */
  readonly waits?: Held
}

/** What keeps an image from being rebuilt now. */
export type Held = {
  readonly by: 'policy' | 'hold' | 'approval' | 'parent' | 'pin' | 'archive' | 'failure'
  readonly reason: string
  /** When it is to be thought about again, where that is known. */
  readonly until?: Moment
}

/** An image that a plan concerns. */
export interface PlannedImage {
  readonly image: string
  /** Images of the same plan that come before, because this one is built on them. */
  readonly after: readonly string[]
  readonly reasons: readonly Reason[]
  /** `undefined` for an image that is to be rebuilt. */
  readonly held: Held | undefined
}

/** What shall be done because of events, and what not, with reasons: a value that can be printed and kept. */
export interface Plan {
  /** Numbers of the recorded events that it answers, rising. */
  readonly events: readonly number[]
  /** In the order of work: nothing comes before what it is built on. */
  readonly images: readonly PlannedImage[]
  readonly made: Moment
}

/** The identity of a plan: what it says, whenever it was made. */
export function planDigest({ events, images }: Plan): Digest {
  const said = images.map(({ image, after, reasons, held }) => ({ image, after, reasons, held }))
  return digestOf(canonicalJson({ events, images: said }))
}
