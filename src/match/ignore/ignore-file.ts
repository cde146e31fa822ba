import { type Fault, faultsOf, parseYaml, placeFaults, reportFaults, type Shape, type YamlDocument } from '#core'
import { MatchError } from '../errors.ts'

/** A rule that suppresses findings, by its owner's decision. */
export interface IgnoreRule {
  /** A CVE, or another name of an issue. */
  readonly id: string
  /** The package that it is about: a source package, or an application package; any where it is absent. */
  readonly package?: string
  /** purls, with or without version; any package where there are none. */
  readonly purls: readonly string[]
  /** Patterns of paths of application packages; anywhere where there are none. */
  readonly paths: readonly string[]
  /** From this day on it suppresses nothing, YYYY-MM-DD, UTC. */
  readonly expires?: string
  readonly statement: string
  readonly owner?: string
  /** `FILE:LINE`. */
  readonly place: string
}

/** More characters than any list of decisions has. */
const FILE_LENGTH = 1 << 20

const text = (title: string): Shape => ({ type: 'string', minLength: 1, maxLength: 2000, title })
const texts = (title: string): Shape => ({ type: 'array', items: text(title), title: `a list of ${title}s` })
const day: Shape = { type: 'string', pattern: '^[0-9]{4}-[0-9]{2}-[0-9]{2}$', title: 'a day as YYYY-MM-DD' }
const rules = (properties: Readonly<Record<string, Shape>>): Shape => ({
  type: 'array',
  title: 'a list of rules',
  items: { type: 'object', title: 'a rule', additionalProperties: false, required: ['id', 'statement'], properties },
})

/** `.casemateignore.yaml`, or the shape of `.trivyignore.yaml`, of which the rules about vulnerabilities count. */
const FORMS: readonly { readonly key: 'ignore' | 'vulnerabilities'; readonly shape: Shape }[] = [
  {
    key: 'ignore',
    shape: {
      type: 'object',
      title: 'a file with `ignore`',
      additionalProperties: false,
      required: ['ignore'],
      properties: {
        ignore: rules({
          id: text('an id'),
          package: text('a package'),
          purl: text('a purl'),
          paths: texts('path'),
          expires: day,
          statement: text('a reason'),
          owner: text('a name'),
        }),
      },
    },
  },
  {
    key: 'vulnerabilities',
    shape: {
      type: 'object',
      additionalProperties: false,
      properties: {
        vulnerabilities: rules({
          id: text('an id'),
          purls: texts('purl'),
          paths: texts('path'),
          expired_at: day,
          statement: text('a reason'),
        }),
        misconfigurations: {},
        secrets: {},
        licenses: {},
      },
    },
  },
]

/**
 * Reads a file of rules. Every rule needs an `id` and a `statement`. Throws `IGNORE_FILE_INVALID`, naming the lines, for what
 * cannot be read, unknown keys and days that do not exist: a rule that is not understood must not be passed over.
 */
export function parseIgnoreFile(content: string, file: string): readonly IgnoreRule[] {
  const intent = 'cannot read the ignore file'
  if (content.length > FILE_LENGTH) throw invalid(`${intent} ${file}: it is longer than ${FILE_LENGTH} characters`)
  const document = parseYaml(content)
  if ('length' in document) throw invalid(reportFaults(intent, file, document))
  const form = FORMS.find(({ key }) => isRecord(document.value) && Object.hasOwn(document.value, key)) ?? FORMS[0]
  if (form === undefined) return []
  const shapeFaults = faultsOf(form.shape, document.value)
  const entries = shapeFaults.length === 0 && isRecord(document.value) ? listOf(document.value[form.key]) : []
  const faults = [...shapeFaults, ...entries.flatMap((entry, index) => dayFaults(entry, [form.key, index]))]
  if (faults.length > 0) throw invalid(reportFaults(intent, file, placeFaults(faults, document), faults.length))
  return entries.map((entry, index) => ruleOf(entry, `${file}:${lineOf(document, form.key, index)}`))
}

function ruleOf(entry: unknown, place: string): IgnoreRule {
  const rule = isRecord(entry) ? entry : {}
  const textAt = (...keys: readonly string[]) => keys.map((key) => rule[key]).find((value) => typeof value === 'string')
  const [named, expires, owner, purl] = [
    textAt('package'),
    textAt('expires', 'expired_at'),
    textAt('owner'),
    textAt('purl'),
  ]
  return {
    id: textAt('id') ?? '',
    ...(named === undefined ? {} : { package: named }),
    purls: [...(purl === undefined ? [] : [purl]), ...listOf(rule['purls']).filter(isText)],
    paths: listOf(rule['paths']).filter(isText),
    ...(expires === undefined ? {} : { expires }),
    statement: textAt('statement') ?? '',
    ...(owner === undefined ? {} : { owner }),
    place,
  }
}

function dayFaults(entry: unknown, path: Fault['path']): Fault[] {
  return ['expires', 'expired_at'].flatMap((key) => {
    const value = isRecord(entry) ? entry[key] : undefined
    if (typeof value !== 'string' || isDay(value)) return []
    return [{ path: [...path, key], at: 'value' as const, message: `found ${value}, want a day that exists` }]
  })
}

/** A 31 February is parsed, and gives another day. */
function isDay(value: string): boolean {
  const time = Date.parse(value)
  return !Number.isNaN(time) && new Date(time).toISOString().startsWith(value)
}

function lineOf(document: YamlDocument, key: string, index: number): number {
  return document.locate([key, index], 'value').line
}

function invalid(message: string): MatchError {
  return new MatchError('IGNORE_FILE_INVALID', message)
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}

function isText(value: unknown): value is string {
  return typeof value === 'string'
}
