import type { XStatic } from 'typebox/schema'
import { type Fault, faultsOf, messageOf, parseYaml, placeFaults, reportFaults, type Shape } from '#core'
import { SecretError } from './errors.ts'

/** What a kind of secret looks like, and how it is come upon. */
export interface SecretKind {
  /** gitleaks' name of it. */
  readonly name: string
  /**
   * `start`: the value has one of the `literals` in it, `back` characters after its begin at most; `name`: it is assigned to a
   * name with one of them in it; `text`: it may be anywhere in a text that has one of them; `path`: the file's name says it.
   */
  readonly by: 'start' | 'name' | 'text' | 'path'
  /** In lower case; found in any case. */
  readonly literals: readonly string[]
  readonly back: number
  /** Finds the value: sticky for `start` and `name`, which begins behind the name; its first group, where it has one, is the secret. */
  readonly pattern: RegExp
  /** Paths of the files that it is looked for in; all where this is absent. */
  readonly path: RegExp | undefined
  /** Bits a character that the value has more than, as Shannon counts them; 0 where it need not look random. */
  readonly entropy: number
  /** Whether the value must be mixed as only chance mixes characters. */
  readonly isRandom: boolean
  /** Values that are none. */
  readonly except: RegExp | undefined
}

const FILE_LENGTH = 1 << 19
const MOST_KINDS = 2000
const literal = {
  type: 'string',
  title: 'a text of 2 characters or more in lower case',
  pattern: '^[^A-Z]{2,100}$',
} as const
const literals = { type: 'array', title: 'a list of texts', minItems: 1, items: literal } as const
const pattern = { type: 'string', title: 'a regular expression', pattern: '\\S', maxLength: 4000 } as const

const kindsShape = {
  type: 'object',
  title: 'a file with `kinds`',
  additionalProperties: false,
  required: ['kinds'],
  properties: {
    kinds: {
      type: 'array',
      title: 'a list of kinds',
      minItems: 1,
      items: {
        type: 'object',
        title: 'a kind of secret',
        additionalProperties: false,
        required: ['kind'],
        properties: {
          kind: { type: 'string', title: 'a name: letters, digits and -', pattern: '^[a-z0-9][a-z0-9-]{0,63}$' },
          starts: literals,
          names: literals,
          with: literals,
          back: { type: 'integer', minimum: 0, maximum: 64 },
          value: pattern,
          edge: { enum: ['start', 'word', 'whole'] },
          'ignore-case': { type: 'boolean' },
          path: pattern,
          entropy: { type: 'number', minimum: 0, maximum: 8 },
          random: { type: 'boolean' },
          except: pattern,
        },
      },
    },
  },
} as const satisfies Shape

type KindsFile = XStatic<typeof kindsShape>
type WrittenKind = KindsFile['kinds'][number]

/** What may follow a value: a quote, a gap, the end; in a program also what is no text. */
const END = '(?=[\\x00-\\x20`\'";]|\\\\[nrNR]|$)'
const ASSIGNED = `[ \\t\\w.-]{0,20}[\\s'"]{0,3}(?:=|>|:{1,3}=|\\|\\||:|=>|\\?=|,)`
/** Tells, behind a name, whether anything is assigned to it at all. */
export const ASSIGNMENT = new RegExp(ASSIGNED, 'y')

/** Reads a file of kinds of secrets. Throws `SECRET_KINDS_INVALID`, naming the lines. */
export function parseSecretKinds(text: string, file: string): readonly SecretKind[] {
  const intent = 'cannot read kinds of secrets'
  if (text.length > FILE_LENGTH) throw invalid(`${intent} ${file}: it is longer than ${FILE_LENGTH} characters`)
  const document = parseYaml(text)
  if (!('value' in document)) throw invalid(reportFaults(intent, file, document))
  const { value } = document
  const shapeFaults = faultsOf(kindsShape, value)
  if (!isKindsFile(value, shapeFaults)) {
    throw invalid(reportFaults(intent, file, placeFaults(shapeFaults, document), shapeFaults.length))
  }
  if (value.kinds.length > MOST_KINDS) throw invalid(`${intent} ${file}: it has more than ${MOST_KINDS}`)
  const faults: Fault[] = []
  const kinds = value.kinds.flatMap((written, index) => {
    try {
      return [kindOf(written)]
    } catch (error) {
      faults.push({ path: ['kinds', index], at: 'value', message: `${written.kind}: ${messageOf(error)}` })
      return []
    }
  })
  if (faults.length > 0) throw invalid(reportFaults(intent, file, placeFaults(faults, document), faults.length))
  return kinds
}

function kindOf(written: WrittenKind): SecretKind {
  const { starts, names, with: words, path, value, back = 0, except } = written
  const ways = [starts, names, words].filter((way) => way !== undefined)
  if (ways.length > 1 || (ways.length === 0) !== (value === undefined) || (value === undefined && path === undefined)) {
    throw new SecretError('SECRET_KINDS_INVALID', 'want a value with one of starts, names and with, or a path alone')
  }
  return {
    name: written.kind,
    by: starts ? 'start' : names ? 'name' : words ? 'text' : 'path',
    literals: (starts ?? names ?? words ?? []).map((one) => one.toLowerCase()),
    back,
    pattern: patternOf(written),
    path: path === undefined ? undefined : new RegExp(path, 'i'),
    entropy: written.entropy ?? 0,
    isRandom: written.random === true,
    except: except === undefined ? undefined : new RegExp(except, 'i'),
  }
}

function patternOf({ names, with: words, value = '', edge, 'ignore-case': ignoresCase }: WrittenKind): RegExp {
  if (names !== undefined) return new RegExp(`${ASSIGNED}[\`'"\\s=]{0,5}(${value})${END}`, 'iy')
  const before = edge === undefined ? '' : '\\b'
  const after = edge === 'whole' ? END : edge === 'word' ? '\\b' : ''
  return new RegExp(`${before}(?:${value})${after}`, `${words ? 'g' : 'y'}${ignoresCase ? 'i' : ''}`)
}

/** The schema is where the type is inferred from, so a value without faults has it. */
function isKindsFile(_value: unknown, faults: readonly Fault[]): _value is KindsFile {
  return faults.length === 0
}

function invalid(message: string): SecretError {
  return new SecretError('SECRET_KINDS_INVALID', message)
}
