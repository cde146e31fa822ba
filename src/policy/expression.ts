import { type ASTNode, Environment, type ParseResult } from '@marcbachmann/cel-js'
import {
  fieldsOf,
  GROUP_NAMES,
  GROUPS,
  type GroupName,
  isGroupName,
  isRecordName,
  itemType,
  RECORDS,
} from './fact-shapes.ts'

/** Characters of an expression; the longest of ours has some 300. */
export const LONGEST_EXPRESSION = 4000

const LIMITS = { maxAstNodes: 1000, maxDepth: 40, maxListElements: 200, maxMapEntries: 200, maxCallArguments: 8 }

/** An expression that fits the facts. */
export interface Expression {
  readonly text: string
  /** What it gives. */
  readonly gives: 'bool' | 'texts'
  /** The groups of facts that it names, whether they would be looked at or not. */
  readonly groups: readonly GroupName[]
}

/** What is wrong with an expression, and where in its text, from 0. */
export interface ExpressionFault {
  readonly fault: string
  readonly offset: number
}

/** Records as instances of classes: the library knows a value's type by its class. */
const CLASSES = new Map(Object.keys(RECORDS).map((name) => [name, recordClass(name)]))
const environment = policyEnvironment()

/** Reads an expression (CEL, cel-spec) and checks it against the shape of the facts; nothing is evaluated. */
export function checkExpression(text: string): Expression | ExpressionFault {
  if (text.length > LONGEST_EXPRESSION)
    return { fault: `it is longer than ${LONGEST_EXPRESSION} characters`, offset: 0 }
  let parsed: ParseResult
  try {
    parsed = environment.parse(text)
  } catch (error) {
    return faultOf(error)
  }
  const { valid, type, error } = parsed.check()
  if (!valid) return faultOf(error)
  const groups = GROUP_NAMES.filter((name) => namesIn(parsed.ast).has(name))
  if (type === 'bool') return { text, gives: 'bool', groups }
  if (type === 'list<string>') return { text, gives: 'texts', groups }
  return { fault: `it gives ${type}, want bool or list<string>`, offset: 0 }
}

/**
 * Evaluates an expression. Gives whatever it gives; throws what the library throws. It may take any time: who calls this must
 * be able to stop it.
 */
export function evaluateExpression(text: string, variables: Readonly<Record<string, unknown>>): unknown {
  return environment.evaluate(text, variables)
}

/** Facts as an expression sees them: whole numbers as CEL's int, records as instances of their types. */
export function celFacts(facts: Readonly<Partial<Record<GroupName, unknown>>>): Record<string, unknown> {
  const converted: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(facts)) {
    if (isGroupName(name) && value !== undefined) converted[name] = celValue(GROUPS[name].type, value)
  }
  return converted
}

/** The values of a policy as an expression sees them: whole numbers are CEL's int, others double. */
export function celValues(value: unknown): unknown {
  if (typeof value === 'number') return Number.isSafeInteger(value) ? BigInt(value) : value
  if (Array.isArray(value)) return value.map(celValues)
  if (typeof value !== 'object' || value === null) return value
  return new Map(Object.entries(value).map(([key, member]) => [key, celValues(member)]))
}

function celValue(type: string, value: unknown): unknown {
  const item = itemType(type)
  if (item !== undefined) return Array.isArray(value) ? value.map((each) => celValue(item, each)) : value
  if (type === 'int') return typeof value === 'number' ? BigInt(value) : value
  if (type === 'map<string, string>') return new Map(Object.entries(value ?? {}))
  if (!isRecordName(type)) return value
  const members = new Map(Object.entries(value ?? {}))
  const given = fieldsOf(type)
    .filter(([key]) => members.get(key) !== undefined)
    .map(([key, field]) => [key, celValue(field.type, members.get(key))])
  const Class = CLASSES.get(type)
  return Class === undefined ? value : Object.assign(new Class(), Object.fromEntries(given))
}

function recordClass(name: string): new () => object {
  return { [name]: class {} }[name] ?? class {}
}

function policyEnvironment(): Environment {
  const made = new Environment({ limits: LIMITS })
  for (const name of Object.keys(RECORDS).filter(isRecordName)) {
    const ctor = CLASSES.get(name)
    const fields = Object.fromEntries(fieldsOf(name).map(([key, { type }]) => [key, type]))
    made.registerType(name, { ...(ctor === undefined ? {} : { ctor }), fields })
  }
  for (const name of GROUP_NAMES) made.registerVariable(name, GROUPS[name].type)
  return made.registerVariable('values', 'map')
}

/** Every name that stands in an expression, those of macros' own variables among them. */
function namesIn(node: ASTNode): ReadonlySet<string> {
  const names = new Set<string>()
  const visit = (value: unknown): void => {
    if (Array.isArray(value)) for (const each of value) visit(each)
    else if (isNode(value)) {
      if (value.op === 'id') names.add(String(value.args))
      else visit(value.args)
    }
  }
  visit(node)
  return names
}

function isNode(value: unknown): value is { readonly op: string; readonly args: unknown } {
  return typeof value === 'object' && value !== null && 'op' in value && 'args' in value
}

function faultOf(error: unknown): ExpressionFault {
  const summary = error instanceof Error && 'summary' in error ? String(error.summary) : String(error)
  const range = error instanceof Error && 'range' in error ? error.range : undefined
  const offset = typeof range === 'object' && range !== null && 'start' in range ? Number(range.start) : 0
  return { fault: summary, offset }
}
