import type { XStatic } from 'typebox/schema'
import { type Fault, faultsOf, matchesNamePattern, parseYaml, placeFaults, reportFaults, type Shape } from '#core'
import { PolicyError } from './errors.ts'
import { type Gate, isClosed } from './verdict.ts'

/** Somebody's decision that images may pass a gate that refuses them, for a time. */
export interface GateException {
  /** The policy's name. */
  readonly policy: string
  /** A pattern of references; `*` is anything but a slash, `**` anything. */
  readonly subject: string
  readonly owner: string
  readonly reason: string
  /** From this day on it excepts nothing, YYYY-MM-DD, UTC. */
  readonly expires: string
  /** `FILE:LINE`. */
  readonly place: string
}

/** Gates after exceptions were applied, and the exceptions that would have counted had they not expired. */
export interface Excepted {
  readonly gates: readonly Gate[]
  readonly expired: readonly GateException[]
  /** Exceptions for policies that were not asked: a name that is misspelt excepts nothing. */
  readonly strange: readonly GateException[]
}

const FILE_LENGTH = 1 << 19
const text = { type: 'string', title: 'text, not empty', pattern: '\\S', maxLength: 1000 } as const

const exceptionsShape = {
  type: 'object',
  title: 'a file with `exceptions`',
  additionalProperties: false,
  required: ['exceptions'],
  properties: {
    exceptions: {
      type: 'array',
      title: 'a list of exceptions',
      items: {
        type: 'object',
        title: 'an exception',
        additionalProperties: false,
        required: ['policy', 'subject', 'owner', 'reason', 'expires'],
        properties: {
          policy: text,
          subject: text,
          owner: text,
          reason: text,
          expires: { type: 'string', pattern: '^[0-9]{4}-[0-9]{2}-[0-9]{2}$', title: 'a day as YYYY-MM-DD' },
        },
      },
    },
  },
} as const satisfies Shape

type ExceptionsFile = XStatic<typeof exceptionsShape>

/** Reads a file of exceptions. Throws `EXCEPTIONS_INVALID`, naming the lines. */
export function parseExceptions(content: string, file: string): readonly GateException[] {
  const intent = 'cannot read exceptions'
  if (content.length > FILE_LENGTH) throw invalid(`${intent} ${file}: it is longer than ${FILE_LENGTH} characters`)
  const document = parseYaml(content)
  if (!('value' in document)) throw invalid(reportFaults(intent, file, document))
  const { value } = document
  const shapeFaults = faultsOf(exceptionsShape, value)
  const faults = isExceptionsFile(value, shapeFaults) ? value.exceptions.flatMap(dayFaults) : shapeFaults
  if (!isExceptionsFile(value, shapeFaults) || faults.length > 0) {
    throw invalid(reportFaults(intent, file, placeFaults(faults, document), faults.length))
  }
  return value.exceptions.map((written, index) => {
    return { ...written, place: `${file}:${document.locate(['exceptions', index], 'value').line}` }
  })
}

/**
 * Marks the gates that exceptions open for an image. `names` are what it was asked for by: the reference, and its repository
 * with the digest; not what its labels say, which anybody writes. `today` is YYYY-MM-DD, UTC. Of several exceptions the first
 * counts; a verdict is never changed.
 */
export function applyExceptions(
  gates: readonly Gate[],
  exceptions: readonly GateException[],
  { names, today }: { readonly names: readonly string[]; readonly today: string },
): Excepted {
  const expired = new Set<GateException>()
  const marked = gates.map((gate) => {
    if (!isClosed(gate)) return gate
    const about = exceptions.filter((one) => one.policy === gate.policy.name && isAbout(one, names))
    for (const one of about.filter(({ expires }) => expires <= today)) expired.add(one)
    const exception = about.find(({ expires }) => expires > today)
    return exception === undefined ? gate : { ...gate, exception }
  })
  const asked = new Set(gates.map(({ policy }) => policy.name))
  return { gates: marked, expired: [...expired], strange: exceptions.filter(({ policy }) => !asked.has(policy)) }
}

function isAbout({ subject }: GateException, names: readonly string[]): boolean {
  return names.some((name) => matchesNamePattern(subject, name))
}

function dayFaults({ expires }: { readonly expires: string }, index: number): readonly Fault[] {
  const time = Date.parse(expires)
  // A 31 February is parsed, and gives another day.
  if (!Number.isNaN(time) && new Date(time).toISOString().startsWith(expires)) return []
  return [{ path: ['exceptions', index, 'expires'], at: 'value', message: `found ${expires}, want a day that exists` }]
}

/** The schema is where the type is inferred from, so a value without faults has it. */
function isExceptionsFile(_value: unknown, faults: readonly Fault[]): _value is ExceptionsFile {
  return faults.length === 0
}

function invalid(message: string): PolicyError {
  return new PolicyError('EXCEPTIONS_INVALID', message)
}
