import { canonicalJson, type Digest, digestOf, type Json, type YamlDocument } from '#core'
import { formatRequest, type Request } from '#solver'
import { needsLocaleArchive } from '../derived/locale-archive.ts'
import { ImageError } from '../errors.ts'
import { stackDefinitions } from '../overlay/stack-definitions.ts'
import type { FolderEntry } from '../taken/folder-tree.ts'
import type { DefinedPath, Definition, EffectiveDefinition, LoadedDefinition, LoadedFragment } from './definition.ts'
import { type FileContents, loadDefinition } from './load-definition.ts'
import { mergeDefinitions, mergeFragments, withoutAsked } from './merge-definitions.ts'
import { checkRemovals, settingsLeft } from './removed-settings.ts'

/** One file of a chain of definitions: its name for messages, its value, and the bytes it refers to by relative path. */
export interface DefinitionFile {
  readonly file: string
  readonly definition: Definition
  readonly files: ReadonlyMap<string, Uint8Array>
  /** What the folders hold that it refers to; the bytes of what is taken of them are among `files`. */
  readonly folders?: ReadonlyMap<string, readonly FolderEntry[]>
  /** Where in the file a value stands, for messages; without it they name the file alone. */
  readonly locate?: YamlDocument['locate']
}

/** A definition with everything it extends or stacks on merged in. */
export interface ResolvedDefinition {
  readonly image: string
  /** OCI platforms, sorted. */
  readonly platforms: readonly string[]
  /** `runtime` first, then the others by name. */
  readonly variants: ReadonlyMap<string, EffectiveDefinition>
  /** The bytes of every file that a variant's `paths` has. */
  readonly contents: FileContents
  /** The files that were merged, the base's first: later ones have the last word. */
  readonly chain: readonly DefinitionFile[]
  /** What they give together, before defaults: what an overlay stacks on. */
  readonly merged: LoadedDefinition
  /** What an overlay stacks on, resolved by itself. */
  readonly base?: ResolvedDefinition
}

const PACKAGE_MANAGERS: ReadonlySet<string> = new Set(['apt', 'dpkg', 'aptitude'])

/**
 * Merges a chain of definitions, the one that extends nothing first, and fills in defaults. Where that one stacks on a base,
 * `base` is it, and the result has each of its variants with the chain's own parts on top. Throws `DEFINITION_INVALID`
 * where two of a chain contradict each other, `OVERLAY_CONFLICT` with everything in which chain and base do.
 */
export function resolveDefinition(chain: readonly DefinitionFile[], base?: ResolvedDefinition): ResolvedDefinition {
  const contents = new Map<Digest, Uint8Array>(base?.contents)
  const own = chain.map((one) => loadDefinition(one, contents)).reduce(mergeDefinitions)
  if ((own.from === undefined) !== (base === undefined)) {
    throw new ImageError('DEFINITION_INVALID', `cannot resolve ${own.image}: what it stacks on was not read`)
  }
  checkRemovals(chain, base?.merged)
  const merged = base === undefined ? own : stackDefinitions(base, own, chain)
  const variants = effectiveVariants(merged, base)
  return {
    image: merged.image,
    platforms: sortedUnique(merged.platforms ?? ['linux/amd64', 'linux/arm64']),
    variants,
    contents,
    chain: [...(base?.chain ?? []), ...chain],
    merged,
    ...(base === undefined ? {} : { base }),
  }
}

function effectiveVariants(
  merged: LoadedDefinition,
  base: ResolvedDefinition | undefined,
): ReadonlyMap<string, EffectiveDefinition> {
  const names = Object.keys(merged.variants).sort()
  const fragments: [string, LoadedFragment, LoadedFragment | undefined][] = [['runtime', merged, undefined]]
  for (const name of names) {
    const variant = merged.variants[name]
    if (variant !== undefined) {
      fragments.push([name, mergeFragments(merged, variant, `${merged.image} with its variant ${name}`), variant])
    }
  }
  const { archives = ['debian-13'], layerBudget = 30 } = merged
  const { image, tags, lifecycle, owner, vendor, licenses, url, documentation, source } = merged
  const shared = { image, archives, tags, lifecycle, owner, vendor, licenses, url, documentation, source, layerBudget }
  const variants = fragments.map(([variant, fragment, own]): [string, EffectiveDefinition] => {
    const left = own === undefined ? merged.without : withoutAsked(merged.without, own)
    const without = asksForPackageManager(fragment.packages) ? {} : sortedRecord(left)
    const effective = { ...shared, variant, ...effectiveFragment(image, fragment), without }
    const below = base?.variants.get(variant)
    if (below === undefined) return [variant, deepFreeze(effective)]
    const remove = sortedRecord(own === undefined ? merged.remove : withoutAsked(merged.remove, own))
    const isRemoving = Object.keys(remove).length > 0
    return [variant, deepFreeze({ ...effective, base: below, ...(isRemoving ? { remove } : {}) })]
  })
  return new Map(variants)
}

/**
 * Tells whether a package manager is asked for by name. It may also come as a dependency: then the selection shows it,
 * and the packages left out have to come back as well.
 */
export function asksForPackageManager(requests: readonly Request[]): boolean {
  return requests.some(({ name }) => PACKAGE_MANAGERS.has(name))
}

/**
 * The part of an effective definition that decides what is in the image; its canonical JSON is what `definitionDigest`
 * is taken of. Left out, because no byte of image or config comes from them: tests, acknowledgements, lifecycle, owner,
 * the reasons for leaving packages out, the platform (an input of its own) and all tags but the first, which is the
 * version label. Requests stay in, although only the selection reaches layers: a lock is compared by this digest, and a
 * dev variant records which packages were asked for.
 */
export function definitionInputs(definition: EffectiveDefinition): Json {
  const { tests, acknowledge, lifecycle, owner, without, tags, packages, users, base, remove, ...rest } = definition
  return {
    ...rest,
    ...(base === undefined ? {} : { base: definitionInputs(base) }),
    ...(remove === undefined ? {} : { remove: Object.keys(remove) }),
    packages: packages.map(formatRequest),
    paths: rest.paths.map(pathInputs),
    contract: { ...rest.contract },
    groups: rest.groups.map((group) => ({ ...group })),
    certificates: rest.certificates.map((certificate) => ({ ...certificate })),
    users: users.map((user) => ({ ...user })),
    without: Object.keys(without),
    version: tags[0],
  }
}

/** What is taken in is known by its digest: from where is nothing that the image shows. */
function pathInputs(entry: DefinedPath): Json {
  if (entry.type !== 'taken') return { ...entry }
  const { place, include, exclude, content, ...rest } = entry
  return { ...rest, include: [...include], exclude: [...exclude], content: { ...content } }
}

/** Gives the digest of what a definition puts into an image; see `definitionInputs`. */
export function definitionDigest(definition: EffectiveDefinition): Digest {
  return digestOf(canonicalJson(definitionInputs(definition)))
}

type FragmentPart = Pick<EffectiveDefinition, keyof EffectiveDefinition & keyof LoadedFragment>

function effectiveFragment(image: string, fragment: LoadedFragment): FragmentPart {
  const { contract } = fragment
  return {
    title: fragment.title ?? image,
    description: fragment.description ?? '',
    packages: [...fragment.packages].sort((left, right) => order(formatRequest(left), formatRequest(right))),
    keep: sortedUnique(fragment.keep),
    derived: sortedUnique(
      needsLocaleArchive(fragment.locales) ? [...fragment.derived, 'locale-archive'] : fragment.derived,
    ),
    environment: sortedRecord(settingsLeft(fragment.environment)),
    entrypoint: fragment.entrypoint ?? [],
    cmd: fragment.cmd ?? [],
    contract: {
      runAs: contract.runAs ?? 'nonroot',
      workDir: contract.workDir ?? '/',
      ports: sortedUnique(contract.ports ?? []),
      writable: sortedUnique(contract.writable ?? []),
      volumes: sortedUnique(contract.volumes ?? []),
      stopSignal: contract.stopSignal ?? 'SIGTERM',
    },
    users: fragment.users
      .map(({ name, uid, gid = uid, home = '/nonexistent', shell = '/usr/sbin/nologin', comment = '' }) => {
        return { name, uid, gid, home, shell, comment }
      })
      .sort((left, right) => left.uid - right.uid || order(left.name, right.name)),
    groups: fragment.groups
      .map((group) => ({ ...group, members: sortedUnique(group.members) }))
      .sort((left, right) => left.gid - right.gid || order(left.name, right.name)),
    paths: checkedPaths(image, fragment),
    certificates: [...fragment.certificates].sort((left, right) => order(left.name, right.name)),
    timeZone: fragment.timeZone ?? 'Etc/UTC',
    // The default is no part of the value: definitions that do not speak of it keep their digest.
    ...(fragment.keystore === 'pkcs12' ? { keystore: fragment.keystore } : {}),
    locales: sortedUnique(fragment.locales),
    acknowledge: sortedRecord(fragment.acknowledge),
    labels: sortedRecord(settingsLeft(fragment.labels)),
    annotations: sortedRecord(settingsLeft(fragment.annotations)),
    tests: fragment.tests,
  }
}

/** In path order; nothing may stand below what is no directory. */
function checkedPaths(image: string, { paths }: LoadedFragment): EffectiveDefinition['paths'] {
  const isPlain = ({ type }: DefinedPath) => type !== 'directory' && type !== 'taken'
  const others = new Map(paths.filter(isPlain).map((entry) => [entry.path, entry]))
  for (const { path } of paths) {
    for (let end = path.lastIndexOf('/'); end > 0; end = path.lastIndexOf('/', end - 1)) {
      const above = others.get(path.slice(0, end))
      if (above === undefined) continue
      const reason = `the definition has ${above.path} as ${above.type}, so nothing can be below it`
      throw new ImageError('DEFINITION_INVALID', `cannot put ${path} into image ${image}: ${reason}`)
    }
  }
  return [...paths].sort((left, right) => order(left.path, right.path))
}

function sortedUnique(texts: readonly string[]): readonly string[] {
  return [...new Set(texts)].sort()
}

function sortedRecord(record: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(record).sort(([left], [right]) => order(left, right)))
}

/** Code-unit order, the same in every locale. */
function order(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0
}

function deepFreeze<Value>(value: Value): Value {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value)
    Object.values(value).forEach(deepFreeze)
  }
  return value
}
