import type { XStatic } from 'typebox/schema'
import type { Shape } from '#core'
import { durationOf, durationShape } from './duration.ts'
import { textShape } from './folder-shape.ts'

/** How images of others are looked after that images of the factory stack on. */
export interface BaseSettings {
  /** Milliseconds between two looks at where their tags are. */
  readonly poll: number
  /** Whose recipes of them are believed; the first that fits counts. */
  readonly trust: readonly BaseTrust[]
}

/** Who is believed to have made some images of others. */
export interface BaseTrust {
  /** Patterns of repositories with their registry: `registry.example.org/base/*`. */
  readonly images: readonly string[]
  /** Files with public keys, or names of keys that services keep. */
  readonly keys: readonly string[]
  /** Repositories that they were signed for, where they have been copied since. */
  readonly signedAs: readonly string[] | undefined
}

const texts = (title: string, item: string) => {
  return {
    type: 'array',
    title,
    minItems: 1,
    items: { ...textShape, title: item },
  } as const
}

/** The section `bases` of `factory.yaml`. */
export const basesShape = {
  type: 'object',
  title: 'how images of others are looked after',
  description: 'Images in registries that definitions name by `from:`.',
  additionalProperties: false,
  properties: {
    poll: { ...durationShape, description: 'How often their tags are looked at. Default: 15m.' },
    trust: {
      type: 'array',
      title: 'a list of who is believed',
      items: {
        type: 'object',
        title: 'images with the keys that sign them',
        additionalProperties: false,
        required: ['images', 'keys'],
        properties: {
          images: texts('a list of images', 'a repository such as registry.example.org/base/*'),
          keys: texts('a list of keys', 'a file, or the name of a key'),
          'signed-as': texts('a list of repositories', 'a repository'),
        },
      },
    },
  },
} as const satisfies Shape

/** The section as it is written. */
export type WrittenBases = XStatic<typeof basesShape>

/** What the section says. */
export function baseSettingsOf({ poll = '15m', trust = [] }: WrittenBases = {}): BaseSettings {
  return {
    poll: durationOf(poll),
    trust: trust.map(({ images, keys, 'signed-as': signedAs }) => ({ images, keys, signedAs })),
  }
}
