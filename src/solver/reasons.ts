import { type ArchivePackage, type Dependency, formatRelation, type Universe } from '#debian'
import type { Clause, Fact } from './clause.ts'
import { minimalCore } from './core.ts'
import { nearestNames } from './nearest.ts'
import { formatRequest } from './request.ts'

type FactOf<Kind extends Fact['kind']> = Extract<Fact, { kind: Kind }>

/** So many sentences are told in full; a hostile universe can make the shortest chain thousands long. */
const MOST_REASONS = 30

/**
 * Says in plain words why the clauses exclude each other: the smallest chain found, from what was asked for to where it
 * breaks. A request of a bare name that can be met is left out of the chain, for it goes without saying.
 */
export function reasonsFor(core: readonly Clause[], universe: Universe): readonly string[] {
  const facts = minimalCore(core).flatMap(({ fact }) => fact ?? [])
  const clashes = clashesAmong(facts)
  const told = new Set(clashes.flatMap((clash) => clash.tells))
  const isBare = (fact: Fact) => fact.kind === 'request' && formatRequest(fact.request) === fact.request.name
  const telling = inOrder(facts).filter((fact) => !told.has(fact) && (!isBare(fact) || choicesOf(fact).length === 0))
  const sentences = telling.slice(0, MOST_REASONS).map((fact) => sentence(fact, facts, universe))
  const more = telling.length - sentences.length
  const rest = more > 0 ? [`and ${more} more of this kind`] : []
  return [...new Set([...sentences, ...rest, ...clashes.map(({ text }) => text)])]
}

/** Two facts that want different versions of one name, and all facts that one sentence about them tells. */
interface Clash {
  readonly text: string
  readonly tells: readonly Fact[]
}

function clashesAmong(facts: readonly Fact[]): Clash[] {
  const names = new Set(facts.flatMap((fact) => (fact.kind === 'same-name' ? fact.left.name : [])))
  return [...names].flatMap((name) => {
    const exclusions = facts.filter((fact) => fact.kind === 'same-name').filter((fact) => fact.left.name === name)
    const selecting = facts.filter((fact) => selects(fact, name))
    const [first, second] = selecting.sort((left, right) => choicesOf(left).length - choicesOf(right).length)
    const only = first === undefined ? undefined : choicesOf(first)[0]
    if (selecting.length !== 2 || first === undefined || second === undefined || only === undefined) return []
    if (choicesOf(first).length !== 1) return []
    return [{ text: `${firstHalf(first, only)}, ${secondHalf(second, name)}`, tells: [first, second, ...exclusions] }]
  })
}

/** Whether a fact wants some version of a name and nothing else. */
function selects(fact: Fact, name: string): boolean {
  const choices = choicesOf(fact)
  return choices.length > 0 && choices.every((one) => one.name === name)
}

function firstHalf(fact: Fact, only: ArchivePackage): string {
  switch (fact.kind) {
    case 'base':
      return `the base selection holds ${label(only)}`
    case 'needs':
      return `${fact.package.name} selects ${label(only)}`
    default:
      return `${label(only)} is asked for`
  }
}

function secondHalf(fact: Fact, name: string): string {
  if (fact.kind === 'request') return `${formatRequest(fact.request)} is asked for`
  if (fact.kind !== 'needs') return `the base selection holds ${choicesOf(fact).map(label).join(', ')}`
  const [relation] = fact.dependency
  const isPlain = fact.dependency.length === 1 && relation?.name === name && relation.operator !== undefined
  const wanted = isPlain ? `(${relation.operator} ${relation.version})` : formatDependency(fact.dependency)
  return `${fact.package.name} needs ${wanted}`
}

function choicesOf(fact: Fact): readonly ArchivePackage[] {
  switch (fact.kind) {
    case 'base':
      return [fact.package]
    case 'request':
    case 'needs':
      return fact.choices
    default:
      return []
  }
}

/** Orders facts along the chain: what was asked for, what that brings in, what that needs in turn; exclusions last. */
function inOrder(facts: readonly Fact[]): readonly Fact[] {
  const ordered = new Set<Fact>(facts.filter((fact) => fact.kind === 'request' || fact.kind === 'base'))
  const needs = facts.filter((fact) => fact.kind === 'needs')
  const reached = new Set<ArchivePackage>([...ordered].flatMap(choicesOf))
  for (const one of reached) {
    for (const fact of needs) {
      if (fact.package !== one) continue
      ordered.add(fact)
      for (const choice of fact.choices) reached.add(choice)
    }
  }
  return [...new Set<Fact>([...ordered, ...facts])]
}

function sentence(fact: Fact, facts: readonly Fact[], universe: Universe): string {
  switch (fact.kind) {
    case 'base':
      return `the base selection holds ${label(fact.package)}`
    case 'request':
      return requestSentence(fact, universe)
    case 'needs':
      return needsSentence(fact, facts, universe)
    case 'conflict': {
      const verb = fact.field === 'Breaks' ? 'breaks' : 'conflicts with'
      const isNamed = fact.other.name === fact.relation.name
      return `${label(fact.package)} ${verb} ${formatRelation(fact.relation)}, which ${label(fact.other)} ${isNamed ? 'is' : 'provides'}`
    }
    case 'same-name':
      return `only one of ${label(fact.left)} and ${label(fact.right)} can be selected`
  }
}

function requestSentence(fact: FactOf<'request'>, universe: Universe): string {
  const { request, choices } = fact
  const text = formatRequest(request)
  if (choices.length > 0) return `${text} is asked for`
  const bearers = universe.versions(request.name)
  if (bearers.length > 0) return `${text} is asked for, but only ${offered(bearers, universe)} is offered`
  const providers = [...new Set(universe.providers(request.name).map((provider) => provider.package.name))]
  if (providers.length > 0)
    return `${text} is asked for, but no package has that name; ${providers.join(', ')} provide it`
  return `${text} is asked for, but there is no such package${hint(request.name, universe)}`
}

/** Versions of one package that need the same are told in one sentence. */
function needsSentence(fact: FactOf<'needs'>, facts: readonly Fact[], universe: Universe): string {
  const needed = formatDependency(fact.dependency)
  const alike = facts
    .filter((other) => other.kind === 'needs')
    .filter((other) => other.package.name === fact.package.name && formatDependency(other.dependency) === needed)
  const versions = [...new Set(alike.map((other) => other.package.version))]
  const text = `${fact.package.name} ${versions.join(' or ')} needs ${needed}`
  if (fact.choices.length > 0) {
    const [relation] = fact.dependency
    const isObvious = fact.choices.every((one) => one.name === relation?.name) && fact.dependency.length === 1
    return isObvious ? text : `${text}, which only ${listed(fact.choices)} can meet`
  }
  const bearers = fact.dependency.flatMap(({ name }) => universe.versions(name))
  if (bearers.length > 0) return `${text}, but only ${offered(bearers, universe)} is offered`
  const hints = fact.dependency.length === 1 ? hint(fact.dependency[0]?.name ?? '', universe) : ''
  return `${text}, but no package has or provides that name${hints}`
}

function hint(name: string, universe: Universe): string {
  const near = nearestNames(name, universe.names())
  return near.length === 0 ? '' : ` (did you mean ${near.join(' or ')}?)`
}

function formatDependency(dependency: Dependency): string {
  const alternatives = dependency.map(formatRelation)
  const shown = alternatives.slice(0, 6)
  const more = alternatives.length - shown.length
  return `${shown.join(' | ')}${more > 0 ? ` | … (${more} more)` : ''}`
}

function listed(packages: readonly ArchivePackage[]): string {
  return shortened(packages.map(label))
}

/** With the suite, and the architecture where there are several, for those may be why they do not do. */
function offered(packages: readonly ArchivePackage[], universe: Universe): string {
  const hasForeign = universe.foreignArchitectures.length > 0
  return shortened(packages.map((one) => `${label(one)} (${hasForeign ? `${one.architecture}, ` : ''}${one.suite})`))
}

function shortened(texts: readonly string[]): string {
  const distinct = [...new Set(texts)]
  const shown = distinct.slice(0, 4)
  return distinct.length > shown.length
    ? `${shown.join(', ')} and ${distinct.length - shown.length} more`
    : shown.join(' or ')
}

function label(one: ArchivePackage): string {
  return `${one.name} ${one.version}`
}
