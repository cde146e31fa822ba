import type { DocumentPath, Json } from '#core'
import { formatRequest } from '#solver'
import type { DefinedPath, EffectiveDefinition, PathDeclaration } from '../definition/definition.ts'
import type { DefinitionFile, ResolvedDefinition } from '../definition/resolve-definition.ts'
import { type Declared, findDeclaration, memberAt, type SearchedFragment } from './declaration-places.ts'

/** One value of an effective definition, and who says it. */
export interface EffectiveValue {
  /** As a definition file writes it: `contract.work-dir`; of a list each member is a value of its own. */
  readonly key: string
  readonly value: Json
  /** The name of a value in a map: `LANG` of `environment`. */
  readonly name?: string
  readonly isMember: boolean
  /** The image whose definition says it; `undefined` for a default. */
  readonly from: string | undefined
  /** `file:line:column`, where it is known. */
  readonly place: string | undefined
  /** Whether that is what an overlay stacks on, or below that. */
  readonly isBase: boolean
}

type Value = Pick<EffectiveValue, 'key' | 'value' | 'name' | 'isMember'> & {
  readonly declared: Declared
  /** How far down it is inherited: from everybody, by an overlay's own files only, or by nobody. */
  readonly reach?: 'overlay' | 'self'
}

/**
 * Everything that an effective definition says, each value with the place that has the last word on it. What nothing is said
 * of, and has no default, is left out.
 */
export function effectiveValues(
  { chain, base }: ResolvedDefinition,
  effective: EffectiveDefinition,
): readonly EffectiveValue[] {
  const below = new Set(base?.chain.map(({ file }) => file))
  const saying: Readonly<Record<'all' | NonNullable<Value['reach']>, readonly DefinitionFile[]>> = {
    all: chain,
    overlay: chain.filter(({ file }) => !below.has(file)),
    self: chain.slice(-1),
  }
  const values = [...scalars(effective), ...promises(effective), ...contents(effective), ...lists(effective)]
  return values.map(({ declared, reach, ...value }) => {
    const found = findDeclaration(chain, declared, { variant: effective.variant, definitions: saying[reach ?? 'all'] })
    return { ...value, from: found?.image, place: found?.place, isBase: found !== undefined && below.has(found.file) }
  })
}

/** What there is one of, in the order of the documentation. */
function scalars(effective: EffectiveDefinition): readonly Value[] {
  const { lifecycle, contract: own } = effective
  type Row = readonly [string, Json | undefined, (fragment: SearchedFragment) => unknown, Value['reach']?]
  const rows: readonly Row[] = [
    ['image', effective.image, ({ image }) => image, 'self'],
    ['title', effective.title, ({ title }) => title, 'self'],
    ['description', effective.description, ({ description }) => description, 'self'],
    ['archive', [...effective.archives], ({ archives }) => archives],
    ['owner', effective.owner, ({ owner }) => owner, 'overlay'],
    ['vendor', effective.vendor, ({ vendor }) => vendor],
    ['licenses', effective.licenses, ({ licenses }) => licenses],
    ['url', effective.url, ({ url }) => url, 'self'],
    ['documentation', effective.documentation, ({ documentation }) => documentation, 'self'],
    ['source', effective.source, ({ source }) => source, 'self'],
    ['lifecycle.upstream-end', lifecycle.upstreamEnd, (fragment) => fragment.lifecycle?.upstreamEnd],
    ['lifecycle.archive-end', lifecycle.archiveEnd, (fragment) => fragment.lifecycle?.archiveEnd],
    ['layers.budget', effective.layerBudget, ({ layerBudget }) => layerBudget, 'overlay'],
    ['time-zone', effective.timeZone, ({ timeZone }) => timeZone],
    ['keystore', effective.keystore, ({ keystore }) => keystore],
    ['entrypoint', commandOf(effective.entrypoint), ({ entrypoint }) => entrypoint],
    ['cmd', commandOf(effective.cmd), ({ cmd }) => cmd],
    ['contract.run-as', own.runAs, (fragment) => fragment.contract.runAs],
    ['contract.work-dir', own.workDir, (fragment) => fragment.contract.workDir],
    ['contract.stop-signal', own.stopSignal, (fragment) => fragment.contract.stopSignal],
  ]
  return rows.flatMap(([key, value, of, reach]): Value[] => {
    if (value === undefined || value === '') return []
    const declared: Declared = (fragment) => (of(fragment) === undefined ? undefined : key.split('.'))
    return [{ key, value, isMember: false, declared, ...(reach === undefined ? {} : { reach }) }]
  })
}

function commandOf(words: readonly string[]): Json | undefined {
  return words.length === 0 ? undefined : [...words]
}

function list<Member>(
  key: string,
  members: readonly Member[],
  {
    shown,
    at,
  }: { shown: (member: Member) => Json; at: (member: Member, fragment: SearchedFragment) => DocumentPath | undefined },
): readonly Value[] {
  return members.map((member) => ({
    key,
    value: shown(member),
    isMember: true,
    declared: (fragment) => at(member, fragment),
  }))
}

function map(
  key: string,
  record: Readonly<Record<string, string>>,
  of: (fragment: SearchedFragment) => Readonly<Record<string, unknown>> | undefined,
): readonly Value[] {
  return Object.entries(record).map(([name, value]) => ({
    key,
    name,
    value,
    isMember: false,
    declared: (fragment) => (Object.hasOwn(of(fragment) ?? {}, name) ? [key, name] : undefined),
  }))
}

/** Texts that a list holds. */
function texts(
  key: string,
  members: readonly string[],
  of: (fragment: SearchedFragment) => readonly string[] | undefined,
): readonly Value[] {
  return list(key, members, {
    shown: (member) => member,
    at: (member, fragment) => memberAt(of(fragment) ?? [], key.split('.'), (one) => one === member),
  })
}

/** The lists of a contract, which stand beside its scalars. */
function promises({ contract: { ports, writable, volumes } }: EffectiveDefinition): readonly Value[] {
  return [
    ...texts('contract.ports', ports, ({ contract }) => contract.ports),
    ...texts('contract.writable', writable, ({ contract }) => contract.writable),
    ...texts('contract.volumes', volumes, ({ contract }) => contract.volumes),
  ]
}

function contents(effective: EffectiveDefinition): readonly Value[] {
  return [
    ...list('packages', effective.packages, {
      shown: formatRequest,
      at: (wanted, { packages }) =>
        memberAt(packages, ['packages'], (one) => formatRequest(one) === formatRequest(wanted)),
    }),
    ...map('remove', effective.remove ?? {}, ({ remove }) => remove),
    ...map('without', effective.without, ({ without }) => without),
    ...map('environment', effective.environment, ({ environment }) => environment),
    ...map('labels', effective.labels, ({ labels }) => labels),
    ...map('annotations', effective.annotations, ({ annotations }) => annotations),
    ...map('acknowledge', effective.acknowledge, ({ acknowledge }) => acknowledge),
  ]
}

function lists(effective: EffectiveDefinition): readonly Value[] {
  const named = <Member extends { readonly name: string }>(
    key: string,
    members: readonly Member[],
    of: (fragment: SearchedFragment) => readonly { readonly name: string }[],
  ) =>
    list(key, members, {
      shown: (member) => ({ ...member }) as Json,
      at: ({ name }, fragment) => memberAt(of(fragment), key.split('.'), (one) => one.name === name),
    })
  return [
    ...list('paths', effective.paths, {
      shown: shownPath,
      at: ({ path }, { paths }) => memberAt(paths, ['paths'], (declared) => declares(declared, path)),
    }),
    ...named('accounts.users', effective.users, ({ users }) => users),
    ...named('accounts.groups', effective.groups, ({ groups }) => groups),
    ...list('certificates', effective.certificates, {
      shown: ({ name }) => name,
      at: ({ pem }, { certificates }) => memberAt(certificates, ['certificates'], (text) => isOf(text, pem)),
    }),
    ...texts('keep', effective.keep, ({ keep }) => keep),
    ...texts('derived', effective.derived, ({ derived }) => derived),
    ...texts('locales', effective.locales, ({ locales }) => locales),
    ...texts('tags', effective.tags, ({ tags }) => tags).map((value) => ({ ...value, reach: 'self' as const })),
    ...named('tests', effective.tests, ({ tests }) => tests),
  ]
}

/** As a definition would say it; of contents the digest. */
function shownPath(declared: DefinedPath): Json {
  const { path } = declared
  switch (declared.type) {
    case 'symlink':
      return { path, symlink: declared.target }
    case 'absent':
      return { path, type: 'absent', reason: declared.reason }
    case 'taken':
      return {
        path,
        ...declared.content,
        place: typeof declared.place.at === 'string' ? declared.place.at : { ...declared.place.at },
      }
    default: {
      const { type, mode, uid, gid } = declared
      const rights = { mode: mode.toString(8).padStart(4, '0'), uid, gid }
      return { path, type, ...rights, ...(type === 'file' ? { digest: declared.digest, size: declared.size } : {}) }
    }
  }
}

/** A folder that is taken in declares what is below it. */
function declares(declared: PathDeclaration, path: string): boolean {
  return declared.path === path || (declared.type === 'source' && path.startsWith(`${declared.path}/`))
}

/** A certificate that stands in the definition itself is known by its text; one in a file by being in none. */
function isOf(text: string, pem: string): boolean {
  const plain = (one: string) => one.replaceAll(/\s/g, '')
  return !text.includes('-----BEGIN') || plain(text).includes(plain(pem))
}
