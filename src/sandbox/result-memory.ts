import type { Digest } from '#core'
import type { Contract } from './contract.ts'

/** A test that has passed, as it is remembered. */
export interface PassedResult {
  /** When it ran, RFC 3339. */
  readonly at: string
  /** Milliseconds. */
  readonly duration: number
  readonly startup?: number
  /** What was seen of the image; only where the inputs name its whole manifest. */
  readonly image?: TestedImage
}

/** What a report says of the image, beside the results. */
export interface TestedImage {
  readonly contract: Contract
  readonly notes: readonly string[]
}

/** Where results are kept between runs, by the key of what they were made from. What is damaged there counts as unknown. */
export interface ResultMemory {
  recall(key: Digest): Promise<PassedResult | undefined>
  /** Keeps a result in place of one that was there; where that cannot be, nothing is kept, and it is no error. */
  keep(key: Digest, result: PassedResult): Promise<void>
}
