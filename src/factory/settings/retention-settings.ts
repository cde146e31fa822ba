import type { XStatic } from 'typebox/schema'
import type { Shape } from '#core'
import { durationOf, durationShape } from './duration.ts'

/** How long things are kept that history does not hang on. */
export interface RetentionSettings {
  /** Milliseconds that messages are kept which nobody has to be told of any more; `undefined` for good. */
  readonly messages: number | undefined
  /** What `casemate store prune` keeps of each image and variant; `undefined` where nothing is said. */
  readonly store: StoreRetention | undefined
}

/** Which releases a store keeps: those that one of the two holds. */
export interface StoreRetention {
  /** So many of the newest; one where nothing is said. */
  readonly last: number
  /** Milliseconds since they were kept; 0 for none. */
  readonly within: number
}

/** The section `retention` of `factory.yaml`. */
export const retentionShape = {
  type: 'object',
  title: 'how long things are kept',
  description: 'Events, plans, runs, releases, clocks and the ledger are kept for good.',
  additionalProperties: false,
  properties: {
    messages: {
      type: 'string',
      title: 'forever, or a length of time, such as 90d',
      description:
        'How long messages are kept that have reached everybody; the newest of each image stay. Default: 365d.',
      pattern: '^(?:forever|[1-9][0-9]{0,4}[smhdw])$',
    },
    store: {
      type: 'object',
      title: 'what `casemate store prune` keeps',
      additionalProperties: false,
      properties: {
        last: {
          type: 'integer',
          title: 'a number from 1',
          description: 'So many releases of each image and variant, the newest. Default: 1.',
          minimum: 1,
          maximum: 100_000,
        },
        within: { ...durationShape, description: 'And those that were kept within this time. Default: none.' },
      },
    },
  },
} as const satisfies Shape

/** The section as it is written. */
export type WrittenRetention = XStatic<typeof retentionShape>

/** What the section says, with defaults for what it does not. */
export function retentionOf({ messages = '365d', store }: WrittenRetention = {}): RetentionSettings {
  return {
    messages: messages === 'forever' ? undefined : durationOf(messages),
    store: store && {
      last: store.last ?? 1,
      within: store.within === undefined ? 0 : durationOf(store.within),
    },
  }
}
