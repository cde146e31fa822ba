import type { XStatic } from 'typebox/schema'
import { type Fault, faultsOf, parseYaml, placeFaults, reportFaults, type Shape } from '#core'
import { ImageError } from '../errors.ts'

/** The kinds of images, in the order in which the catalogue is listed. */
export const CATEGORIES = [
  'bases',
  'languages',
  'web',
  'databases',
  'messaging',
  'monitoring',
  'network',
  'tools',
] as const

export type Category = (typeof CATEGORIES)[number]

/** How an image differs from the one that its users know. */
export interface Difference {
  readonly what: string
  readonly why: string
}

/** A rule of the whole catalogue that an image departs from. */
export interface RuleException {
  readonly rule: string
  /** A regular expression on what the rule finds. */
  readonly fault: string
  readonly why: string
}

/** What a catalogue image's page says that its definition does not: `about.yaml` beside the definition. */
export interface About {
  readonly category: Category
  /** The image that its users know, as a repository. */
  readonly official: string | undefined
  /** Shell lines that run it; `$IMAGE` stands for its name. */
  readonly run: string
  /** A whole Dockerfile; `$IMAGE` stands for its name without tag. */
  readonly multiStage: string | undefined
  /** The program's own probe, as a command line inside the image. */
  readonly health: string | undefined
  readonly healthNote: string | undefined
  readonly differences: readonly Difference[]
  readonly exceptions: readonly RuleException[]
}

const sentence = {
  type: 'string',
  title: 'text on one line, not empty',
  pattern: '^[^\\n]*\\S[^\\n]*$',
  maxLength: 400,
} as const
const block = { type: 'string', title: 'lines of text', pattern: '\\S', maxLength: 4000 } as const

const aboutSchema = {
  type: 'object',
  title: 'the keys of an about file',
  additionalProperties: false,
  required: ['category', 'run'],
  properties: {
    category: { enum: CATEGORIES },
    official: sentence,
    run: block,
    'multi-stage': block,
    health: sentence,
    'health-note': sentence,
    differences: {
      type: 'array',
      title: 'a list of differences',
      items: {
        type: 'object',
        title: 'what and why',
        additionalProperties: false,
        required: ['what', 'why'],
        properties: { what: sentence, why: sentence },
      },
    },
    exceptions: {
      type: 'array',
      title: 'a list of exceptions',
      items: {
        type: 'object',
        title: 'rule, fault and why',
        additionalProperties: false,
        required: ['rule', 'fault', 'why'],
        properties: { rule: sentence, fault: sentence, why: sentence },
      },
    },
  },
} as const satisfies Shape

type AboutDocument = XStatic<typeof aboutSchema>

/** Reads the text of an about file. Throws `DEFINITION_INVALID` with every fault and its line. */
export function parseAbout(text: string, file: string): About {
  const document = parseYaml(text)
  if (!('value' in document)) throw invalid(reportFaults(INTENT, file, document))
  const { value } = document
  const faults = faultsOf(aboutSchema, value)
  if (!isAbout(value, faults)) {
    throw invalid(reportFaults(INTENT, file, placeFaults(faults, document), faults.length))
  }
  return {
    category: value.category,
    official: value.official,
    run: value.run,
    multiStage: value['multi-stage'],
    health: value.health,
    healthNote: value['health-note'],
    differences: value.differences ?? [],
    exceptions: value.exceptions ?? [],
  }
}

const INTENT = 'cannot read about file'

/** The schema is where the document's type is inferred from, so a value without faults has it. */
function isAbout(_value: unknown, faults: readonly Fault[]): _value is AboutDocument {
  return faults.length === 0
}

function invalid(message: string): ImageError {
  return new ImageError('DEFINITION_INVALID', message)
}
