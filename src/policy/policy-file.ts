import type { XStatic } from 'typebox/schema'
import {
  type DocumentPath,
  type Fault,
  faultsOf,
  parseYaml,
  placeFaults,
  reportFaults,
  type Shape,
  type YamlDocument,
} from '#core'
import { PolicyError } from './errors.ts'
import { checkExpression, type Expression, LONGEST_EXPRESSION } from './expression.ts'
import { GROUP_NAMES, type GroupName, isGroupName } from './fact-shapes.ts'
import { testFactsShape } from './sample-facts.ts'

/** What a gate asks, as data. */
export interface Policy {
  readonly name: string
  /** `error`: who breaks it is refused; `warning`: it is told. */
  readonly severity: 'error' | 'warning'
  /** Where it applies; everywhere where this is absent. */
  readonly when: Expression | undefined
  /** Gives true where the image passes, or texts that say what is wrong with it; none where it passes. */
  readonly expression: Expression
  readonly reason: string
  readonly remedy: string
  /** What expressions see as `values`. */
  readonly values: Readonly<Record<string, unknown>>
  readonly tests: readonly PolicyTest[]
  /** `FILE:LINE`. */
  readonly place: string
}

/** What a policy says of an image that is sound but for some facts. */
export interface PolicyTest {
  readonly name: string
  /** Facts in place of the sound image's: maps are merged, lists replaced. */
  readonly facts: Readonly<Record<string, unknown>>
  /** Groups that could not be established. */
  readonly unknown: readonly GroupName[]
  readonly expect: 'passed' | 'refused' | 'not-applicable'
  /** What a violation's text must contain, where that is said. */
  readonly contains: string | undefined
}

/** More characters than any set of policies has. */
const FILE_LENGTH = 1 << 19
const MOST_POLICIES = 200

const sentence = { type: 'string', title: 'text, not empty', pattern: '\\S', maxLength: 1000 } as const
const word = {
  type: 'string',
  title: 'a name in lower case: letters, digits and -',
  pattern: '^[a-z][a-z0-9-]{0,63}$',
} as const
const expression = { type: 'string', title: 'a CEL expression', pattern: '\\S', maxLength: LONGEST_EXPRESSION } as const

const test = {
  type: 'object',
  title: 'a test',
  additionalProperties: false,
  required: ['name', 'expect'],
  properties: {
    name: sentence,
    facts: { type: 'object', additionalProperties: true },
    unknown: { type: 'array', title: 'a list of groups of facts', items: { enum: GROUP_NAMES } },
    expect: { enum: ['passed', 'refused', 'not-applicable'] },
    contains: sentence,
  },
} as const satisfies Shape

const policyFileShape = {
  type: 'object',
  title: 'a file with `policies`',
  additionalProperties: false,
  required: ['policies'],
  properties: {
    policies: {
      type: 'array',
      title: 'a list of policies',
      minItems: 1,
      items: {
        type: 'object',
        title: 'a policy',
        additionalProperties: false,
        required: ['name', 'expression', 'reason', 'remedy'],
        properties: {
          name: word,
          severity: { enum: ['error', 'warning'] },
          when: expression,
          expression,
          reason: sentence,
          remedy: sentence,
          values: { type: 'object', title: 'values by name', additionalProperties: true },
          tests: { type: 'array', title: 'a list of tests', items: test },
        },
      },
    },
  },
} as const satisfies Shape

type PolicyFile = XStatic<typeof policyFileShape>
type WrittenPolicy = PolicyFile['policies'][number]

/**
 * Reads a file of policies, each expression checked against the shape of the facts. Throws `POLICY_INVALID`, naming the lines,
 * for what cannot be read, unknown keys, expressions that do not fit, and names that stand there twice.
 */
export function parsePolicies(text: string, file: string): readonly Policy[] {
  const intent = 'cannot read policies'
  if (text.length > FILE_LENGTH) throw invalid(`${intent} ${file}: it is longer than ${FILE_LENGTH} characters`)
  const document = parseYaml(text)
  if (!('value' in document)) throw invalid(reportFaults(intent, file, document))
  const { value } = document
  const shapeFaults = faultsOf(policyFileShape, value)
  if (!isPolicyFile(value, shapeFaults)) {
    throw invalid(reportFaults(intent, file, placeFaults(shapeFaults, document), shapeFaults.length))
  }
  if (value.policies.length > MOST_POLICIES)
    throw invalid(`${intent} ${file}: it has more than ${MOST_POLICIES} policies`)
  const faults = value.policies.flatMap((written, index) => testFaults(written, index))
  const policies = value.policies.map((written, index) => policyOf(written, index, { file, document, faults }))
  faults.push(...repeatedNames(policies))
  if (faults.length > 0) throw invalid(reportFaults(intent, file, placeFaults(faults, document), faults.length))
  return policies
}

interface Reading {
  readonly file: string
  readonly document: YamlDocument
  readonly faults: Fault[]
}

function policyOf(written: WrittenPolicy, index: number, { file, document, faults }: Reading): Policy {
  const path: DocumentPath = ['policies', index]
  const when = written.when === undefined ? undefined : expressionAt(written.when, [...path, 'when'], faults)
  if (when?.gives === 'texts')
    faults.push({ path: [...path, 'when'], at: 'value', message: 'it gives texts, want bool' })
  return {
    name: written.name,
    severity: written.severity === 'warning' ? 'warning' : 'error',
    when,
    expression: expressionAt(written.expression, [...path, 'expression'], faults),
    reason: oneLine(written.reason),
    remedy: oneLine(written.remedy),
    values: written.values ?? {},
    tests: (written.tests ?? []).map((one) => ({
      name: one.name,
      facts: one.facts ?? {},
      unknown: (one.unknown ?? []).filter(isGroupName),
      expect: one.expect === 'passed' || one.expect === 'not-applicable' ? one.expect : 'refused',
      contains: one.contains,
    })),
    place: `${file}:${document.locate(path, 'value').line}`,
  }
}

/** The shape of the facts is made of their table, so no type can be inferred from it. */
function testFaults({ tests = [] }: WrittenPolicy, index: number): Fault[] {
  return tests.flatMap(({ facts }, place) =>
    facts === undefined ? [] : faultsOf(testFactsShape, facts, ['policies', index, 'tests', place, 'facts']),
  )
}

function expressionAt(text: string, path: DocumentPath, faults: Fault[]): Expression {
  const checked = checkExpression(text)
  if (!('fault' in checked)) return checked
  const near = text.slice(checked.offset, checked.offset + 30).split('\n', 1)[0] ?? ''
  const where = near === '' ? 'at its end' : `at \`${near}\``
  faults.push({ path, at: 'value', message: `${checked.fault}, ${where}` })
  return { text, gives: 'bool', groups: [] }
}

function repeatedNames(policies: readonly Policy[]): Fault[] {
  return policies.flatMap(({ name }, index) => {
    const first = policies.findIndex((one) => one.name === name)
    const message = `the name ${name} stands here for the second time`
    return first === index ? [] : [{ path: ['policies', index, 'name'], at: 'value' as const, message }]
  })
}

function oneLine(text: string): string {
  return text.trim().replace(/\s+/g, ' ')
}

/** The schema is where the type is inferred from, so a value without faults has it. */
function isPolicyFile(_value: unknown, faults: readonly Fault[]): _value is PolicyFile {
  return faults.length === 0
}

function invalid(message: string): PolicyError {
  return new PolicyError('POLICY_INVALID', message)
}
