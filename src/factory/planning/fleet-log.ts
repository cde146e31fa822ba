import type { Digest } from '#core'
import type { Moment } from '../moment.ts'
import type { Reason } from '../plan.ts'
import type { HeldPackage } from '../release.ts'
import type { GivenApproval, WaitingImage } from './holds.ts'
import type { FailedImage } from './retries.ts'

/** What plans are made of, as it is at present. */
export interface FleetLog {
  /** What every image was last released as: one for each variant and platform, in the order of image, variant and platform. */
  heads(): Promise<readonly ReleasedHead[]>
  /** The packages of sets by their `contentsDigest`. One that nobody holds is left out. */
  contents(digests: readonly Digest[]): Promise<ReadonlyMap<Digest, readonly HeldPackage[]>>
  /** What the last plan with a word on images says of those that it holds. */
  waiting(images: readonly string[]): Promise<ReadonlyMap<string, WaitingImage>>
  /** The reasons of images that runs are at work on, which are not over. */
  underway(): Promise<ReadonlyMap<string, readonly Reason[]>>
  /** Images whose last run failed, with how many did in a row; not those that were cancelled. */
  failed(): Promise<ReadonlyMap<string, FailedImage>>
  /** The last approval or refusal of images, with what was approved. */
  approvals(images: readonly string[]): Promise<ReadonlyMap<string, GivenApproval>>
  /** A text that is another one whenever somebody has placed or ended a hold, approved or refused, and when an image has failed. */
  decided(): Promise<string>
}

/** What an image holds on a platform since its last release. */
export interface ReleasedHead {
  readonly image: string
  readonly variant: string
  readonly platform: string
  readonly contents: Digest
  readonly released: Moment
}
