import { DebianError } from './errors.ts'
import type { Dependency, PackageRelation, Provision, VersionOperator } from './package.ts'

const RELATION =
  /^([A-Za-z0-9][A-Za-z0-9+.-]*)(?::([a-z0-9-]+))?\s*(?:\(\s*(<<|<=|=|>=|>>|<|>)\s*([A-Za-z0-9~][^\s()]*)\s*\))?\s*(?:\[[^\]]*\])?\s*(?:<[^>]*>\s*)*$/

/**
 * Reads a dependency field of a binary package: or-groups between commas (deb-control(5), "Depends"). The obsolete
 * operators `<` and `>` mean `<=` and `>=`, as dpkg reads them. Throws `RELATION_INVALID`.
 */
export function parseDependencies(text: string): readonly Dependency[] {
  return groups(text).map((group) => group.split('|').map((alternative) => parseRelation(alternative)))
}

/** Reads a field that holds no alternatives: `Conflicts`, `Breaks`, `Replaces`. Throws `RELATION_INVALID`. */
export function parseRelations(text: string): readonly PackageRelation[] {
  return groups(text).map(parseRelation)
}

/** Reads `Provides`; only `=` may stand in it. Throws `RELATION_INVALID`. */
export function parseProvisions(text: string): readonly Provision[] {
  return parseRelations(text).map(({ name, operator, version }) => {
    if (operator !== undefined && operator !== '=') {
      throw new DebianError(
        'RELATION_INVALID',
        `cannot parse provision "${text}": only "=" may version a provided name`,
      )
    }
    return version === undefined ? { name } : { name, version }
  })
}

/** Reads one relation, `name[:arch] [(op version)]`. Throws `RELATION_INVALID`. */
export function parseRelation(text: string): PackageRelation {
  const match = RELATION.exec(text.trim())
  const name = match?.[1]
  if (match === null || name === undefined) {
    throw new DebianError(
      'RELATION_INVALID',
      `cannot parse relation "${text.trim().slice(0, 200)}": want name[:arch] [(operator version)]`,
    )
  }
  const [, , qualifier, operator, version] = match
  return {
    name,
    ...(qualifier === undefined ? {} : { qualifier }),
    ...(operator === undefined || version === undefined ? {} : { operator: modernOperator(operator), version }),
  }
}

/** Writes a relation as deb-control(5) has it. */
export function formatRelation(relation: PackageRelation): string {
  const qualifier = relation.qualifier === undefined ? '' : `:${relation.qualifier}`
  const restriction = relation.operator === undefined ? '' : ` (${relation.operator} ${relation.version})`
  return `${relation.name}${qualifier}${restriction}`
}

function groups(text: string): string[] {
  return text
    .split(',')
    .map((group) => group.trim())
    .filter((group) => group !== '')
}

function modernOperator(operator: string): VersionOperator {
  switch (operator) {
    case '<<':
    case '<=':
    case '=':
    case '>=':
    case '>>':
      return operator
    case '<':
      return '<='
    default:
      return '>='
  }
}
