import type { XStatic } from 'typebox/schema'
import type { Shape } from '#core'
import { durationOf, durationShape } from './duration.ts'

/** How images are made; what is `undefined` is up to whoever makes them. */
export interface RunSettings {
  /** OCI platforms. */
  readonly platforms: readonly string[] | undefined
  /** Variants, of those that a definition has. */
  readonly variants: readonly string[] | undefined
  /** Files of the policies that a gate applies; `default` stands for the default set. */
  readonly policies: readonly string[] | undefined
  /** A file that says who may pass a gate all the same. */
  readonly exceptions: string | undefined
  /** How often a stage is tried that fails of what may pass, and milliseconds that one attempt may take. */
  readonly attempts: number | undefined
  readonly timeOut: number | undefined
}

const names = (title: string, item: string) => {
  return {
    type: 'array',
    title,
    minItems: 1,
    items: { type: 'string', title: item, pattern: '\\S', maxLength: 1000 },
  } as const
}

/** The section `runs` of `factory.yaml`. */
export const runsShape = {
  type: 'object',
  title: 'how images are made',
  additionalProperties: false,
  properties: {
    platforms: {
      type: 'array',
      title: 'a list of platforms',
      description:
        "Platforms that images are made for, of those that their definitions have. Default: the worker's own.",
      minItems: 1,
      items: {
        type: 'string',
        title: 'a platform such as linux/amd64',
        pattern: '^[a-z0-9]+/[a-z0-9]+(?:/[a-z0-9]+)?$',
      },
    },
    variants: { ...names('a list of variants', 'a variant'), description: 'Variants that are made. Default: all.' },
    policies: {
      ...names('a list of files', 'a file of policies, or `default`'),
      description: 'Policies that images are held against. Default: those that ship with Casemate.',
    },
    exceptions: { type: 'string', title: 'a file of exceptions', pattern: '\\S', maxLength: 4096 },
    attempts: {
      type: 'integer',
      title: 'a number from 1 to 20',
      description: 'How often a stage is tried that fails of network or disk. Default: 5.',
      minimum: 1,
      maximum: 20,
    },
    'time-out': { ...durationShape, description: 'How long one attempt at a stage may take. Default: 30m.' },
  },
} as const satisfies Shape

/** The section as it is written. */
export type WrittenRuns = XStatic<typeof runsShape>

/** What the section says. */
export function runSettingsOf(written: WrittenRuns = {}): RunSettings {
  const { platforms, variants, policies, exceptions, attempts } = written
  const timeOut = written['time-out'] === undefined ? undefined : durationOf(written['time-out'])
  return { platforms, variants, policies, exceptions, attempts, timeOut }
}
