import { nearest } from './nearest.ts'

/**
 * The part of JSON Schema (draft 2020-12) that describes our documents: one value that is the checker's program, the
 * editors' schema and, through TypeBox's inference, the TypeScript type. `title` is the noun that faults say was wanted.
 */
export interface Shape {
  readonly type?: 'object' | 'array' | 'string' | 'integer' | 'number' | 'boolean' | 'null'
  readonly title?: string
  readonly description?: string
  readonly properties?: Readonly<Record<string, Shape>>
  readonly required?: readonly string[]
  readonly additionalProperties?: boolean | Shape
  readonly propertyNames?: Shape
  readonly minProperties?: number
  readonly maxProperties?: number
  readonly items?: Shape
  readonly minItems?: number
  readonly maxItems?: number
  readonly pattern?: string
  readonly minLength?: number
  readonly maxLength?: number
  readonly minimum?: number
  readonly maximum?: number
  readonly enum?: readonly string[]
  readonly const?: boolean
  readonly anyOf?: readonly Shape[]
}

/** The way from a document's root to a value: keys and positions. */
export type DocumentPath = readonly (string | number)[]

/** One thing that is wrong in a document. */
export interface Fault {
  readonly path: DocumentPath
  /** Whether the key itself is at fault, or the value that it leads to. */
  readonly at: 'key' | 'value'
  /** What was found and which rule it breaks; the place is said by `path`. */
  readonly message: string
}

/** Everything in `value` that the shape does not allow, in document order; empty when the value fits. */
export function faultsOf(shape: Shape, value: unknown, path: DocumentPath = []): readonly Fault[] {
  if (shape.anyOf !== undefined) return alternativeFaults(shape, shape.anyOf, value, path)
  if (!hasType(shape, value)) return [mismatch(shape, value, path)]
  if (Array.isArray(value)) return arrayFaults(shape, value, path)
  if (isRecord(value)) return objectFaults(shape, value, path)
  return isAllowedScalar(shape, value) ? [] : [mismatch(shape, value, path)]
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Of several alternatives, the only one of the value's own type explains best what is wrong. */
function alternativeFaults(
  shape: Shape,
  alternatives: readonly Shape[],
  value: unknown,
  path: DocumentPath,
): readonly Fault[] {
  if (alternatives.some((alternative) => faultsOf(alternative, value, path).length === 0)) return []
  const sameType = alternatives.filter((alternative) => hasType(alternative, value))
  const [only] = sameType
  const explains = only !== undefined && sameType.length === 1 && (only.type === 'array' || only.type === 'object')
  return explains ? faultsOf(only, value, path) : [mismatch(shape, value, path)]
}

function arrayFaults(shape: Shape, value: readonly unknown[], path: DocumentPath): readonly Fault[] {
  const { items, minItems = 0, maxItems = value.length } = shape
  if (value.length < minItems || value.length > maxItems) return [mismatch(shape, value, path)]
  return items === undefined ? [] : value.flatMap((item, index) => faultsOf(items, item, [...path, index]))
}

function objectFaults(shape: Shape, value: Readonly<Record<string, unknown>>, path: DocumentPath): readonly Fault[] {
  const { properties = {}, minProperties = 0, maxProperties = Number.POSITIVE_INFINITY } = shape
  const count = Object.keys(value).length
  if (count < minProperties || count > maxProperties) return [mismatch(shape, value, path)]
  const faults = (shape.required ?? [])
    .filter((key) => !Object.hasOwn(value, key))
    .map((key): Fault => ({ path, at: 'value', message: `\`${key}\` is missing` }))
  for (const [key, member] of Object.entries(value)) {
    faults.push(...memberFaults(shape, properties, [...path, key], member))
  }
  return faults
}

function memberFaults(
  shape: Shape,
  properties: Readonly<Record<string, Shape>>,
  path: DocumentPath,
  member: unknown,
): readonly Fault[] {
  const key = String(path.at(-1))
  const property = Object.hasOwn(properties, key) ? properties[key] : undefined
  if (property !== undefined) return faultsOf(property, member, path)
  const { additionalProperties = true, propertyNames } = shape
  if (additionalProperties === false) {
    const near = nearest(key, Object.keys(properties))
    const hint = near === undefined ? '' : `: did you mean \`${near}\`?`
    return [{ path, at: 'key', message: `unknown key \`${key}\`${hint}` }]
  }
  const faults: Fault[] = []
  if (propertyNames !== undefined && !isAllowedScalar(propertyNames, key)) {
    faults.push({ path, at: 'key', message: `found the key ${quote(key)}, want ${propertyNames.title}` })
  }
  return additionalProperties === true ? faults : [...faults, ...faultsOf(additionalProperties, member, path)]
}

function hasType(shape: Shape, value: unknown): boolean {
  switch (shape.type) {
    case undefined:
      return shape.enum === undefined || typeof value === 'string'
    case 'object':
      return isRecord(value)
    case 'array':
      return Array.isArray(value)
    case 'integer':
      return Number.isSafeInteger(value)
    case 'null':
      return value === null
    default:
      return typeof value === shape.type
  }
}

function isAllowedScalar(shape: Shape, value: unknown): boolean {
  if (typeof value === 'number') return value >= (shape.minimum ?? value) && value <= (shape.maximum ?? value)
  if (typeof value === 'boolean') return value === (shape.const ?? value)
  if (typeof value !== 'string') return true
  return (
    (shape.enum === undefined || shape.enum.includes(value)) &&
    (shape.pattern === undefined || new RegExp(shape.pattern, 'u').test(value)) &&
    value.length >= (shape.minLength ?? 0) &&
    value.length <= (shape.maxLength ?? value.length)
  )
}

function mismatch(shape: Shape, value: unknown, path: DocumentPath): Fault {
  return { path, at: 'value', message: `found ${show(value)}, want ${wanted(shape)}${hint(shape, value)}` }
}

function wanted(shape: Shape): string {
  if (shape.title !== undefined) return shape.title
  if (shape.enum !== undefined) return `one of ${shape.enum.join(', ')}`
  return {
    object: 'keys with values',
    array: 'a list',
    string: 'text',
    integer: 'an integer',
    number: 'a number',
    boolean: shape.const === undefined ? 'true or false' : String(shape.const),
    null: 'nothing',
  }[shape.type ?? 'object']
}

function hint(shape: Shape, value: unknown): string {
  const isText =
    shape.type === 'string' || shape.anyOf?.every(({ type }) => type === 'string' || type === 'null') === true
  if (isText && (typeof value === 'number' || typeof value === 'boolean')) {
    return ` (put it in quotes: "${value}")`
  }
  if (shape.enum === undefined || typeof value !== 'string') return ''
  const near = nearest(value, shape.enum)
  return near === undefined ? '' : `: did you mean \`${near}\`?`
}

function show(value: unknown): string {
  if (value === null || value === undefined) return 'nothing'
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : 'a list'
  if (isRecord(value)) return Object.keys(value).length === 0 ? 'no keys' : 'keys with values'
  return typeof value === 'string' ? quote(value) : String(value)
}

/** Writes a way through a document as `variants.dev.packages[2]`. */
export function formatPath(path: DocumentPath): string {
  return path.map((step, index) => (typeof step === 'number' ? `[${step}]` : index === 0 ? step : `.${step}`)).join('')
}

/** Says what is wrong and, unless it is the document itself, where: `variants.dev: unknown key \`x\``. */
export function formatFault({ path, at, message }: Fault): string {
  const where = at === 'key' ? path.slice(0, -1) : path
  return where.length === 0 ? message : `${formatPath(where)}: ${message}`
}

/** A text between quotes with control characters escaped, cut where it is long. */
export function quote(text: string): string {
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text)
}
