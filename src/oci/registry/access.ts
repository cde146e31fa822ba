import type { XStatic } from 'typebox/schema'
import { type Fault, faultsOf, parseYaml, placeFaults, reportFaults, type Shape } from '#core'
import { OciError } from '../errors.ts'

/** What somebody may do in a repository: `push` includes `pull`, and `admin` everything. */
export type Right = 'pull' | 'push' | 'delete' | 'admin'

const principals = {
  type: 'array',
  title: 'a list of anonymous, authenticated, user:NAME or group:NAME',
  items: {
    type: 'string',
    title: 'anonymous, authenticated, user:NAME or group:NAME',
    pattern: '^(anonymous|authenticated|(user|group):[^\\s:,]+)$',
    maxLength: 255,
  },
} as const satisfies Shape

const text = <const Title extends string>(title: Title, pattern: string) =>
  ({ type: 'string', title, pattern, maxLength: 1024 }) as const satisfies Shape

/** The shape of an access file. */
const accessSchema = {
  type: 'object',
  title: 'the keys of an access file',
  additionalProperties: false,
  required: ['repositories'],
  properties: {
    htpasswd: text('the path of an htpasswd file', '^[^\\u0000-\\u001f]+$'),
    groups: {
      type: 'object',
      title: 'groups by name, each a list of users',
      additionalProperties: { type: 'array', title: 'a list of users', items: text('a user', '^[^\\s:,]+$') },
    },
    repositories: {
      type: 'array',
      title: 'a list of rules',
      items: {
        type: 'object',
        title: 'match, and who may pull, push, delete or is admin',
        additionalProperties: false,
        required: ['match'],
        properties: {
          match: {
            type: 'array',
            title: 'a list of patterns',
            minItems: 1,
            items: text(
              'a pattern of repository names, in which * is one part of a name and ** any',
              '^[a-z0-9._*-]+(/[a-z0-9._*-]+)*$',
            ),
          },
          pull: principals,
          push: principals,
          delete: principals,
          admin: principals,
        },
      },
    },
  },
} as const satisfies Shape

type AccessDocument = XStatic<typeof accessSchema>

/** Who may do what in which repositories. Rights add up over all rules that match; what no rule gives, nobody has. */
export interface AccessRules {
  /** As the file says it, relative to the file. */
  readonly htpasswd?: string
  /** Whether a user, or nobody that is known, has a right in a repository. */
  allows(user: string | undefined, repository: string, right: Right): boolean
  /** Whether somebody is an administrator of all repositories. */
  isAdmin(user: string | undefined): boolean
  /** Whether somebody has a right anywhere. */
  hasAny(user: string | undefined): boolean
}

/**
 * Reads an access file; `origin` names it in errors. Throws `ACCESS_INVALID`, with line and column, for anything that is
 * not exactly the form that `docs/registry.md` describes, and for a group that is not defined.
 */
export function parseAccess(source: string, origin: string): AccessRules {
  const intent = 'cannot read access file'
  const document = parseYaml(source)
  if (!('value' in document)) throw new OciError('ACCESS_INVALID', reportFaults(intent, origin, document))
  const { value } = document
  const faults = faultsOf(accessSchema, value)
  if (!isAccessDocument(value, faults)) {
    throw new OciError('ACCESS_INVALID', reportFaults(intent, origin, placeFaults(faults, document), faults.length))
  }
  const unknown = [...principalsOf(value)].find(
    (one) => one.startsWith('group:') && !Object.hasOwn(value.groups ?? {}, one.slice(6)),
  )
  if (unknown !== undefined) {
    throw new OciError('ACCESS_INVALID', `${intent} ${origin}: "${unknown}" has no entry under groups`)
  }
  return rulesOf(value)
}

/** The rules that an htpasswd file alone means: its users may do everything, everybody else nothing. */
export const usersOnly: AccessRules = {
  allows: (user) => user !== undefined,
  isAdmin: (user) => user !== undefined,
  hasAny: (user) => user !== undefined,
}

/** The schema is where the document's type is inferred from, so a value without faults has it. */
function isAccessDocument(_value: unknown, faults: readonly Fault[]): _value is AccessDocument {
  return faults.length === 0
}

const RIGHTS = ['pull', 'push', 'delete', 'admin'] as const

/** The rights that include a right, itself first. */
const INCLUDED_IN: Readonly<Record<Right, readonly Right[]>> = {
  pull: ['pull', 'push', 'admin'],
  push: ['push', 'admin'],
  delete: ['delete', 'admin'],
  admin: ['admin'],
}

function* principalsOf({ repositories }: AccessDocument): Generator<string> {
  for (const rule of repositories) for (const right of RIGHTS) yield* rule[right] ?? []
}

function rulesOf(document: AccessDocument): AccessRules {
  const groups = Object.entries(document.groups ?? {})
  const namesOf = (user: string | undefined) => {
    if (user === undefined) return new Set(['anonymous'])
    const own = groups.filter(([, users]) => users.includes(user)).map(([group]) => `group:${group}`)
    return new Set(['anonymous', 'authenticated', `user:${user}`, ...own])
  }
  const rules = document.repositories.map((rule) => ({ ...rule, pattern: rule.match.map(patternOf) }))
  const has = (rule: (typeof rules)[number], user: string | undefined, right: Right) => {
    const names = namesOf(user)
    return INCLUDED_IN[right].some((one) => rule[one]?.some((principal) => names.has(principal)) === true)
  }
  return {
    ...(document.htpasswd === undefined ? {} : { htpasswd: document.htpasswd }),
    allows: (user, repository, right) =>
      rules.some((rule) => rule.pattern.some((pattern) => pattern.test(repository)) && has(rule, user, right)),
    isAdmin: (user) => rules.some((rule) => rule.match.includes('**') && has(rule, user, 'admin')),
    hasAny: (user) => rules.some((rule) => RIGHTS.some((right) => has(rule, user, right))),
  }
}

/** `*` is anything within one part of a name, `**` anything. */
function patternOf(pattern: string): RegExp {
  const parts = pattern.split(/(\*\*|\*)/).map((part) => {
    if (part === '**') return '.*'
    return part === '*' ? '[^/]*' : part.replaceAll('.', '\\.')
  })
  return new RegExp(`^${parts.join('')}$`)
}
