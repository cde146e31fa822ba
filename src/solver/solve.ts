import type { ArchivePackage, Universe } from '#debian'
import { withBase } from './base.ts'
import { Budget } from './budget.ts'
import { Candidates } from './candidates.ts'
import type { Clause } from './clause.ts'
import { type LeftOut, LeftOutNames } from './left-out.ts'
import { architectureOf } from './matching.ts'
import { compareText } from './order.ts'
import { Pool } from './pool.ts'
import { reasonsFor } from './reasons.ts'
import { allows, formatRequest, type Request } from './request.ts'
import { Search } from './search.ts'
import type { LeftOutPackage, Selection, Solution } from './selection.ts'
import { Walk } from './walk.ts'

/** How to solve, beyond what is asked for. */
export interface SolveOptions {
  /** A selection that the answer must contain, every package in the same version: the runtime of a variant. */
  readonly base?: Selection
  /** Names to leave out: what depends on them counts as met and is not followed. */
  readonly without?: readonly LeftOut[]
  /** Follows Recommends where that is possible. Default: no. */
  readonly recommends?: boolean
  /** How many steps the search may take. Default: fifty million, a few seconds. */
  readonly stepLimit?: number
}

/** What a request or a base package admits, in order of preference. */
interface Wanted {
  readonly clause: Clause
  readonly choices: readonly number[]
}

const DEFAULT_STEP_LIMIT = 50_000_000

/**
 * Finds the packages that meet the requests, as `apt-get install` on an empty root would choose them, and with a complete
 * search where apt would give up. The same universe, requests and options give the same answer, whatever the order of the requests.
 * Throws `SOLVER_LIMIT` when the search runs out of steps.
 */
export function solve(offered: Universe, requests: readonly Request[], options: SolveOptions = {}): Solution {
  const budget = new Budget(options.stepLimit ?? DEFAULT_STEP_LIMIT)
  const asked = sortedRequests(requests)
  const contradictions = contradictionsOf(asked, options)
  if (contradictions.length > 0) return { kind: 'impossible', reasons: contradictions }

  const { universe, base } = withBase(offered, options.base?.packages ?? [])
  const leftOut = new LeftOutNames(universe, options.without ?? [])
  const candidates = new Candidates(universe)
  const pool = new Pool({ universe, candidates, leftOut, budget, recommends: options.recommends ?? false })
  const wanted = [
    ...base.map((one) => wantBase(one, pool, candidates)),
    ...asked.map((request) => wantRequest(request, universe, pool, candidates)),
  ]
  const choices = wanted.map((want) => want.choices)
  const walk = new Walk(pool, choices, budget)
  const core = new Search(walk, budget).run(wanted.map(({ clause }) => clause))
  if (core !== undefined) return { kind: 'impossible', reasons: reasonsFor(core, universe) }
  const packages = walk.selected.map((variable) => pool.packageOf(variable)).sort(byNameAndArchitecture)
  const selection = {
    architecture: universe.architecture,
    requests: sortedRequests([...(options.base?.requests ?? []), ...requests]),
    packages,
    leftOut: report(leftOut, options.without ?? [], packages),
  }
  return { kind: 'selected', selection }
}

function sortedRequests(requests: readonly Request[]): Request[] {
  const byText = new Map(requests.map((request) => [formatRequest(request), request]))
  return [...byText].sort(([left], [right]) => compareText(left, right)).map(([, request]) => request)
}

function contradictionsOf(requests: readonly Request[], options: SolveOptions): string[] {
  const base = new Set(options.base?.packages.map(({ name }) => name))
  return (options.without ?? []).flatMap(({ name, reason }) => [
    ...(requests.some((request) => request.name === name) ? [`${name} is asked for and left out (${reason})`] : []),
    ...(base.has(name) ? [`${name} is in the base selection and left out (${reason})`] : []),
  ])
}

function wantBase(one: ArchivePackage, pool: Pool, candidates: Candidates): Wanted {
  candidates.pin(one)
  const variable = pool.variable(one)
  return { clause: { literals: [variable], fact: { kind: 'base', package: one } }, choices: [variable] }
}

function wantRequest(request: Request, universe: Universe, pool: Pool, candidates: Candidates): Wanted {
  const choices = offersFor(request, universe)
  if (choices[0] !== undefined) candidates.pin(choices[0])
  const literals = choices.map((one) => pool.variable(one))
  return { clause: { literals: [...literals], fact: { kind: 'request', request, choices } }, choices: literals }
}

/** What a request admits: the named package, native unless there is only a foreign one, or else the one package that provides the name. */
function offersFor(request: Request, universe: Universe): readonly ArchivePackage[] {
  const native = universe.architecture
  const wanted = request.architecture ?? native
  const bearers = universe.versions(request.name)
  const fitting = bearers.filter((one) => architectureOf(one, native) === wanted)
  const named = fitting.length > 0 || request.architecture !== undefined ? fitting : bearers
  if (bearers.length > 0) return named.filter((one) => allows(request, one))
  if (request.operator !== undefined) return []
  const providers = universe
    .providers(request.name)
    .map((provider) => provider.package)
    .filter((one) => architectureOf(one, native) === wanted && allows(request, one))
  return new Set(providers.map(({ name }) => name)).size === 1 ? providers : []
}

function report(
  leftOut: LeftOutNames,
  without: readonly LeftOut[],
  packages: readonly ArchivePackage[],
): LeftOutPackage[] {
  return without
    .map(({ name, reason }) => ({ name, reason, neededBy: leftOut.neededBy(name, packages) }))
    .sort((left, right) => compareText(left.name, right.name))
}

function byNameAndArchitecture(left: ArchivePackage, right: ArchivePackage): number {
  return compareText(left.name, right.name) || compareText(left.architecture, right.architecture)
}
