import type { Inventory } from './inventory.ts'

/** A licence that one of two images has, and what brings it. */
export interface LicencePresence {
  /** A licence of an SPDX expression, with its exception where it has one. */
  readonly id: string
  /** Debian packages by name, applications' as `npm:NAME`; sorted. */
  readonly packages: readonly string[]
}

/** Packages of both images whose licence reads otherwise, all in the same way. */
export interface LicenceChange {
  /** An SPDX expression; `undefined` where the package's licence could not be classified. */
  readonly from: string | undefined
  readonly to: string | undefined
  /** As in `LicencePresence`. */
  readonly packages: readonly string[]
}

/** In which licences two images differ. */
export interface LicenceComparison {
  /** Licences of the second image that no package of the first has, by id. */
  readonly added: readonly LicencePresence[]
  /** Licences of the first image that no package of the second has, by id. */
  readonly removed: readonly LicencePresence[]
  /** By the first package's name. */
  readonly changed: readonly LicenceChange[]
  /** Packages that only the second image has and whose licence could not be classified, sorted. */
  readonly unclassified: readonly string[]
}

/** Expressions by package; of a package that is there several times, all of them. */
type Licences = ReadonlyMap<string, ReadonlySet<string | undefined>>

/**
 * Compares the licences of two images, which have to be known: an inventory without them has nothing but packages that could
 * not be classified. Applications' packages count where they declare a licence.
 */
export function compareLicences(
  from: Pick<Inventory, 'packages' | 'applications'>,
  to: Pick<Inventory, 'packages' | 'applications'>,
): LicenceComparison {
  const [left, right] = [licencesOf(from), licencesOf(to)]
  const [leftIds, rightIds] = [presences(left), presences(right)]
  return {
    added: rightIds.filter(({ id }) => leftIds.every((one) => one.id !== id)),
    removed: leftIds.filter(({ id }) => rightIds.every((one) => one.id !== id)),
    changed: changes(left, right),
    unclassified: [...right]
      .filter(([name, expressions]) => !left.has(name) && expressions.has(undefined))
      .map(([name]) => name)
      .sort(),
  }
}

/** The licences that an SPDX expression names (SPDX 2.3, annex D), each once, as they come. */
export function licenceIds(expression: string): readonly string[] {
  const parts = expression.split(/[()]|\s(?:AND|OR)\s/i).map((part) => part.trim())
  return [...new Set(parts.filter((part) => part !== ''))]
}

function licencesOf({ packages, applications }: Pick<Inventory, 'packages' | 'applications'>): Licences {
  const found = new Map<string, Set<string | undefined>>()
  const add = (name: string, expression: string | undefined) => {
    const known = found.get(name) ?? new Set()
    found.set(name, known.add(expression))
  }
  for (const { name, licence } of packages) add(name, licence?.expression)
  for (const { ecosystem, name, licence } of applications) {
    if (licence !== undefined) add(`${ecosystem}:${name}`, licence)
  }
  return found
}

function presences(licences: Licences): readonly LicencePresence[] {
  const packagesOf = new Map<string, Set<string>>()
  for (const [name, expressions] of licences) {
    for (const id of [...expressions].flatMap((expression) => licenceIds(expression ?? ''))) {
      packagesOf.set(id, (packagesOf.get(id) ?? new Set()).add(name))
    }
  }
  return [...packagesOf]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([id, names]) => ({ id, packages: [...names].sort() }))
}

function changes(left: Licences, right: Licences): readonly LicenceChange[] {
  const groups = new Map<string, { from: string | undefined; to: string | undefined; packages: string[] }>()
  for (const name of [...left.keys()].sort()) {
    const after = right.get(name)
    if (after === undefined) continue
    const [from, to] = [joined(left.get(name) ?? new Set()), joined(after)]
    if (from === to) continue
    const key = JSON.stringify([from ?? null, to ?? null])
    const group = groups.get(key) ?? { from, to, packages: [] }
    group.packages.push(name)
    groups.set(key, group)
  }
  return [...groups.values()]
}

/** One expression for all copies of a package; none where any could not be classified. */
function joined(expressions: ReadonlySet<string | undefined>): string | undefined {
  const known = [...expressions].filter((expression) => expression !== undefined).sort()
  if (known.length < expressions.size) return undefined
  return known.length === 1 ? known[0] : known.map((expression) => `(${expression})`).join(' AND ')
}
