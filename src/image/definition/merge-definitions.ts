import { canonicalJson } from '#core'
import { formatRequest } from '#solver'
import { ImageError } from '../errors.ts'
import type {
  ContractDeclaration,
  DefinedPath,
  LoadedDefinition,
  LoadedFragment,
  TakenDeclaration,
} from './definition.ts'

/**
 * Adds a definition to the one it extends: lists append and equal members collapse, maps and lists of named things merge
 * by key, scalars replace. Three kinds of key are no lists in that sense: a command (`entrypoint`, `cmd`) and a choice
 * (`archive`, `platforms`) replace as a whole, and what names this image alone (`image`, `title`, `description`, `tags`,
 * `url`, `documentation`, `source`) is never inherited. Variants merge by name. Tests of the entrypoint are inherited while
 * it stays.
 * A package that the second asks for by name is no longer left out.
 * Throws `DEFINITION_INVALID` where both put different things at a path and the second does not say `replace: true`.
 */
export function mergeDefinitions(base: LoadedDefinition, over: LoadedDefinition): LoadedDefinition {
  const sides = `${base.image} with ${over.image}`
  const names = new Set([...Object.keys(base.variants), ...Object.keys(over.variants)])
  const variants = [...names].flatMap((name): [string, LoadedFragment][] => {
    const left = Object.hasOwn(over.withoutVariants, name) ? undefined : base.variants[name]
    const right = over.variants[name]
    const only = left ?? right
    if (left !== undefined && right !== undefined) {
      return [[name, mergeFragments(left, right, `${sides}, variant ${name}`)]]
    }
    return only === undefined ? [] : [[name, only]]
  })
  return {
    ...mergeFragments(base, over, sides),
    image: over.image,
    title: over.title,
    description: over.description,
    extends: base.extends,
    from: base.from,
    bases: [],
    archives: over.archives ?? base.archives,
    without: { ...withoutAsked(base.without, over), ...over.without },
    remove: { ...base.remove, ...over.remove },
    platforms: over.platforms ?? base.platforms,
    variants: Object.fromEntries(variants),
    withoutVariants: over.withoutVariants,
    tags: over.tags,
    lifecycle: {
      upstreamEnd: over.lifecycle.upstreamEnd ?? base.lifecycle.upstreamEnd,
      archiveEnd: over.lifecycle.archiveEnd ?? base.lifecycle.archiveEnd,
    },
    owner: over.owner ?? base.owner,
    vendor: over.vendor ?? base.vendor,
    licenses: over.licenses ?? base.licenses,
    url: over.url,
    documentation: over.documentation,
    source: over.source,
    layerBudget: over.layerBudget ?? base.layerBudget,
  }
}

/** What is left out, less what somebody further down asks for by name. */
export function withoutAsked(
  without: Readonly<Record<string, string>>,
  { packages }: Pick<LoadedFragment, 'packages'>,
): Readonly<Record<string, string>> {
  const asked = new Set(packages.map((request) => request.name))
  return Object.fromEntries(Object.entries(without).filter(([name]) => !asked.has(name)))
}

/** Tests that start the image's own program are of that program: they end where another one takes its place. Structure tests never start it. */
function inheritedTests({ tests }: LoadedFragment, over: LoadedFragment): LoadedFragment['tests'] {
  const isSameProgram = over.entrypoint === undefined && over.cmd === undefined
  return isSameProgram ? tests : tests.filter((test) => 'command' in test || 'structure-test' in test)
}

/**
 * Merges two fragments by the rule of `mergeDefinitions`; a variant is laid over its runtime the same way. `sides` names
 * both in the error. Associative: any grouping of three that succeeds gives the same.
 */
export function mergeFragments(base: LoadedFragment, over: LoadedFragment, sides: string): LoadedFragment {
  return {
    title: over.title ?? base.title,
    description: over.description ?? base.description,
    packages: append(base.packages, over.packages, formatRequest),
    keep: append(base.keep, over.keep),
    derived: append(base.derived, over.derived),
    environment: { ...base.environment, ...over.environment },
    entrypoint: over.entrypoint ?? base.entrypoint,
    cmd: over.cmd ?? base.cmd,
    contract: mergeContracts(base.contract, over.contract),
    users: mergeNamed(base.users, over.users, (left, right) => ({ ...left, ...right })),
    groups: mergeNamed(base.groups, over.groups, (left, right) => ({
      ...right,
      members: append(left.members, right.members),
    })),
    paths: mergePaths(base.paths, over.paths, sides),
    certificates: append(base.certificates, over.certificates, ({ pem }) => pem),
    timeZone: over.timeZone ?? base.timeZone,
    keystore: over.keystore ?? base.keystore,
    locales: append(base.locales, over.locales),
    acknowledge: { ...base.acknowledge, ...over.acknowledge },
    labels: { ...base.labels, ...over.labels },
    annotations: { ...base.annotations, ...over.annotations },
    tests: mergeNamed(inheritedTests(base, over), over.tests, (_left, right) => right),
  }
}

function mergeContracts(base: ContractDeclaration, over: ContractDeclaration): ContractDeclaration {
  return {
    runAs: over.runAs ?? base.runAs,
    workDir: over.workDir ?? base.workDir,
    ports: append(base.ports ?? [], over.ports ?? []),
    writable: append(base.writable ?? [], over.writable ?? []),
    volumes: append(base.volumes ?? [], over.volumes ?? []),
    stopSignal: over.stopSignal ?? base.stopSignal,
  }
}

/** Both lists in order, of members with the same key only the first. */
function append<Member>(
  base: readonly Member[],
  over: readonly Member[],
  keyOf: (member: Member) => unknown = (member) => member,
): readonly Member[] {
  const members = new Map<unknown, Member>()
  for (const member of [...base, ...over]) {
    const key = keyOf(member)
    if (!members.has(key)) members.set(key, member)
  }
  return [...members.values()]
}

function mergeNamed<Member extends { readonly name: string }>(
  base: readonly Member[],
  over: readonly Member[],
  merge: (left: Member, right: Member) => Member,
): readonly Member[] {
  const members = new Map(base.map((member) => [member.name, member]))
  for (const member of over) {
    const left = members.get(member.name)
    members.set(member.name, left === undefined ? member : merge(left, member))
  }
  return [...members.values()]
}

function mergePaths(base: readonly DefinedPath[], over: readonly DefinedPath[], sides: string): readonly DefinedPath[] {
  const paths = new Map(base.map((entry) => [entry.path, entry]))
  for (const entry of over) paths.set(entry.path, laidOver(paths.get(entry.path), entry, sides))
  return [...paths.values()]
}

/** Whether two entries of one path put the same there; from where something is taken in is no difference. */
export function putTheSame(under: DefinedPath, entry: DefinedPath): boolean {
  const yields = (one: DefinedPath) => one.type === 'directory' && one.existing === 'keep'
  const isMade = under.type === 'directory' && entry.type === 'directory' && (yields(under) || yields(entry))
  return isMade || comparable(under) === comparable(entry)
}

function comparable(entry: DefinedPath): string {
  const { replace, place, ...rest } = { replace: false, place: undefined, ...entry }
  return canonicalJson(rest)
}

/** An absent path needs no `replace`: its reason says as much. */
export function laidOver(under: DefinedPath | undefined, entry: DefinedPath, sides: string): DefinedPath {
  if (under === undefined || entry.type === 'absent') return entry
  if (entry.type === 'directory' && entry.existing === 'keep' && under.type === 'directory') return under
  if (putTheSame(under, entry)) return under.type !== 'absent' && under.replace ? under : entry
  if (entry.replace) return entry
  const reason = `one has ${formatDefinedPath(under)}, the other ${formatDefinedPath(entry)}`
  throw new ImageError(
    'DEFINITION_INVALID',
    `cannot merge ${entry.path} of ${sides}: ${reason}; let the second say \`replace: true\``,
  )
}

/** Describes what a definition puts at a path, in a few words. */
export function formatDefinedPath(entry: DefinedPath): string {
  switch (entry.type) {
    case 'absent':
      return `nothing (${entry.reason})`
    case 'symlink':
      return `a link to ${entry.target}`
    case 'taken':
      return `what is taken in from ${formatTakenPlace(entry)}`
    default: {
      const ownership = `${entry.mode.toString(8).padStart(4, '0')} ${entry.uid}:${entry.gid}`
      return entry.type === 'file' ? `a file ${ownership} ${entry.digest}` : `a directory ${ownership}`
    }
  }
}

/** Says from where something is taken in, with the digest where there is one for all platforms. */
export function formatTakenPlace({ content, place }: TakenDeclaration): string {
  const places = typeof place.at === 'string' ? place.at : Object.values(place.at).join(', ')
  return content.kind === 'image' ? `${places}@${content.digest}` : places
}
