import type { Moment } from './moment.ts'

/** A person's word that images stay as they are. */
export interface NewHold {
  /** `undefined` for all images. */
  readonly image: string | undefined
  readonly reason: string
  readonly by: string
  readonly placed: Moment
  /** `undefined` until somebody ends it. */
  readonly until: Moment | undefined
}

export interface Hold extends NewHold {
  readonly id: number
}

/** A person's word on one image of a plan. The last one counts. */
export interface Approval {
  readonly plan: number
  readonly image: string
  readonly approved: boolean
  readonly reason: string
  readonly by: string
  readonly given: Moment
}
