import { canonicalJson, pathsAbove } from '#core'
import type { LoadedDefinition, LoadedFragment, PathDeclaration } from '../definition/definition.ts'
import { formatDefinedPath, mergeFragments, putTheSame } from '../definition/merge-definitions.ts'
import type { DefinitionFile, ResolvedDefinition } from '../definition/resolve-definition.ts'
import { accountConflicts } from './account-conflicts.ts'
import type { Conflict } from './conflict.ts'
import { type Declared, declarationPlace, memberAt } from './declaration-places.ts'

/** An overlay and the base that it shall stand on. */
export interface Stacking {
  readonly base: ResolvedDefinition
  readonly over: LoadedDefinition
  /** Where the overlay stands. */
  readonly chain: readonly DefinitionFile[]
}

/** Two fragments that meet in one image, and who they are. */
export interface Meeting {
  readonly base: LoadedFragment
  readonly over: LoadedFragment
  /** `base python`, `base python, variant dev`. */
  readonly baseName: string
  /** `overlay app (casemate.yaml:7:5)`. */
  overName(declared: Declared): string
  /** Whether the base's part is laid over the overlay's, so that `replace` cannot settle it. */
  readonly isBaseAbove: boolean
}

/** Everything in which an overlay's own words contradict its base's. Pure: packages and files are looked at elsewhere. */
export function definitionConflicts(stacking: Stacking): readonly Conflict[] {
  const { base, over } = stacking
  const meetings = meetingsOf(stacking).flatMap((meeting) => [
    ...pathConflicts(meeting),
    ...accountConflicts(meeting),
    ...certificateConflicts(meeting),
  ])
  const told = new Map(meetings.map((conflict) => [canonicalJson({ ...conflict }), conflict]))
  return [
    ...nameConflicts(stacking),
    ...choiceConflicts(stacking),
    ...variantConflicts(stacking),
    ...removalConflicts(stacking),
    ...programConflicts(base.merged, over, sideOf(stacking)),
    ...told.values(),
  ]
}

type Side = (declared: Declared, variant?: string) => string

/** Names the overlay with the place of what it says. */
function sideOf({ over, chain }: Stacking): Side {
  return (declared, variant) => {
    const place = declarationPlace(chain, declared, variant)
    return place === undefined ? `overlay ${over.image}` : `overlay ${over.image} (${place})`
  }
}

/** The overlay meets the base's runtime and each of its variants; the overlay's own variants meet both. */
function meetingsOf(stacking: Stacking): readonly Meeting[] {
  const { base, over } = stacking
  const side = sideOf(stacking)
  const name = `base ${base.image}`
  const variants = Object.keys(base.merged.variants).filter((variant) => !Object.hasOwn(over.withoutVariants, variant))
  return [
    { base: base.merged, over, baseName: name, overName: (declared) => side(declared), isBaseAbove: false },
    ...variants.flatMap((variant): Meeting[] => {
      const [below, own] = [base.merged.variants[variant], over.variants[variant]]
      if (below === undefined) return []
      const names = { baseName: `${name}, variant ${variant}`, overName: (path: Declared) => side(path, variant) }
      const settledBelow = new Set(own?.paths.map(({ path }) => path))
      const rest = { ...over, paths: over.paths.filter(({ path }) => !settledBelow.has(path)) }
      const first: Meeting = { base: below, over: rest, ...names, isBaseAbove: true }
      if (own === undefined) return [first]
      const whole = mergeFragments(base.merged, below, base.image)
      return [first, { base: whole, over: own, ...names, isBaseAbove: false }]
    }),
  ]
}

function pathConflicts({ base, over, baseName, overName, isBaseAbove }: Meeting): readonly Conflict[] {
  const below = new Map(base.paths.map((entry) => [entry.path, entry]))
  const own = new Map(over.paths.map((entry) => [entry.path, entry]))
  const at = (path: string) => overName(({ paths }) => memberAt(paths, ['paths'], (declared) => isOf(declared, path)))
  const conflicts: Conflict[] = []
  for (const entry of over.paths) {
    const under = below.get(entry.path)
    const settles = entry.type === 'absent' || (entry.replace && !isBaseAbove)
    if (under === undefined || settles) continue
    if (putTheSame(under, entry)) continue
    const sides = `${baseName} has ${formatDefinedPath(under)} at ${entry.path}, ${at(entry.path)} ${formatDefinedPath(entry)}`
    const waysOut = isBaseAbove
      ? 'say the path in the same variant of the overlay with `replace: true`, or put it elsewhere'
      : 'say `replace: true` to take its place, or put it elsewhere'
    conflicts.push({ kind: 'path', sides, waysOut })
  }
  const isInTheWay = (entry: { readonly type: string } | undefined) =>
    entry !== undefined && entry.type !== 'directory' && entry.type !== 'taken'
  for (const { path, type } of over.paths) {
    const above = pathsAbove(path).find((parent) => isInTheWay(below.get(parent)) && !own.has(parent))
    if (above === undefined || type === 'absent') continue
    const entry = below.get(above)
    const what = entry === undefined ? '' : formatDefinedPath(entry)
    conflicts.push({
      kind: 'parent',
      sides: `${baseName} has ${what} at ${above}, ${at(path)} a path below it, ${path}`,
      waysOut: 'put it below a directory, or replace that path by one',
    })
  }
  for (const { path } of base.paths) {
    const above = pathsAbove(path).find((parent) => isInTheWay(own.get(parent)) && own.get(parent)?.type !== 'absent')
    if (above === undefined || own.has(path)) continue
    conflicts.push({
      kind: 'parent',
      sides: `${at(above)} has a ${own.get(above)?.type} at ${above}, ${baseName} a path below it, ${path}`,
      waysOut: 'put it elsewhere, or leave the path of the base out with `type: absent`',
    })
  }
  return conflicts
}

/** Whether an entry is the one of a path: of a folder that is taken in also that of what is in it. */
function isOf(declared: PathDeclaration, path: string): boolean {
  return declared.path === path || (declared.type === 'source' && path.startsWith(`${declared.path}/`))
}

/** Names of certificates end in a part of their digest; what stands before it is the file that they were read from. */
function certificateConflicts({ base, over, baseName, overName }: Meeting): readonly Conflict[] {
  const stem = (name: string) => name.replace(/-[0-9a-f]{8}$/, '')
  return over.certificates.flatMap(({ name, pem }): Conflict[] => {
    const file = stem(name)
    const rivals = base.certificates.filter((one) => stem(one.name) === file)
    if (file === 'extra' || rivals.length === 0 || rivals.some((rival) => rival.pem === pem)) return []
    const at = overName(({ certificates }) =>
      memberAt(certificates, ['certificates'], (text) => stemOfFile(text) === file),
    )
    return [
      {
        kind: 'certificate',
        sides: `${baseName} and ${at} both trust a certificate ${file}, and they differ`,
        waysOut: 'give the file another name to trust both, or make the base trust the new one',
      },
    ]
  })
}

function stemOfFile(file: string): string {
  return file.slice(file.lastIndexOf('/') + 1).replace(/\.(?:crt|pem|cer)$/i, '')
}

function nameConflicts(stacking: Stacking): readonly Conflict[] {
  const { base, over } = stacking
  if (over.image !== base.image) return []
  return [
    {
      kind: 'name',
      sides: `base and ${sideOf(stacking)(() => ['image'])} are both called ${over.image}`,
      waysOut: 'give the overlay a name of its own',
    },
  ]
}

/** Archives, platforms and path rules: what the base's layers were made by. */
function choiceConflicts(stacking: Stacking): readonly Conflict[] {
  const { base, over } = stacking
  const side = sideOf(stacking)
  const archives = base.merged.archives ?? ['debian-13']
  const lost = over.archives === undefined ? [] : archives.filter((name) => !over.archives?.includes(name))
  const foreign = (over.platforms ?? []).filter((platform) => !base.platforms.includes(platform))
  const keep = over.keep.filter((rule) => !base.merged.keep.includes(rule))
  const conflicts: Conflict[] = []
  if (lost.length > 0) {
    conflicts.push({
      kind: 'archive',
      sides: `base ${base.image} is made of packages from ${lost.join(', ')}, ${side(() => ['archive'])} takes them from ${over.archives?.join(', ')}`,
      waysOut: `name the base's archives first: [${[...archives, ...(over.archives ?? [])].join(', ')}]`,
    })
  }
  if (foreign.length > 0) {
    conflicts.push({
      kind: 'platform',
      sides: `base ${base.image} is for ${base.platforms.join(', ')}, ${side(() => ['platforms'])} asks for ${foreign.join(', ')}`,
      waysOut: 'leave the platform out, or add it to the base',
    })
  }
  if (keep.length > 0) {
    conflicts.push({
      kind: 'keep',
      sides: `base ${base.image} was made without what the rule ${keep.join(', ')} leaves out, ${side(() => ['keep'])} keeps it`,
      waysOut: 'let the base keep it, or extend the base in place of stacking on it',
    })
  }
  return conflicts
}

function variantConflicts(stacking: Stacking): readonly Conflict[] {
  const { base, over } = stacking
  const known = [...base.variants.keys()]
  const unknown = Object.keys(over.variants).filter((name) => !known.includes(name))
  return unknown.map((name) => ({
    kind: 'variant',
    sides: `${sideOf(stacking)(({ variants }) => (variants?.[name] ? ['variants', name] : undefined))} has a variant ${name}, base ${base.image} only ${known.join(', ')}`,
    waysOut: 'add the variant to the base, or make an overlay of its own for it',
  }))
}

/** Whether packages are there to be taken away is seen when they are solved. */
function removalConflicts(stacking: Stacking): readonly Conflict[] {
  const { over } = stacking
  return Object.keys(over.remove)
    .filter((name) => over.packages.some((request) => request.name === name))
    .map((name) => ({
      kind: 'remove',
      sides: `${sideOf(stacking)(({ packages }) => memberAt(packages, ['packages'], (one) => one.name === name))} asks for ${name} and removes it`,
      waysOut: 'keep one of both',
    }))
}

/** What a program is promised, and promises. */
function programConflicts(base: LoadedDefinition, over: LoadedDefinition, side: Side): readonly Conflict[] {
  const conflicts: Conflict[] = []
  const ports = base.contract.ports ?? []
  if (over.entrypoint !== undefined && over.contract.ports === undefined && ports.length > 0) {
    conflicts.push({
      kind: 'port',
      sides: `base ${base.image} promises ${ports.join(', ')}, where its ${base.entrypoint?.join(' ') ?? 'program'} listens, ${side(({ entrypoint }) => entrypoint && ['entrypoint'])} puts another program there`,
      waysOut: 'say where that one listens: `contract: { ports: [] }` if nowhere',
    })
  }
  const locales = new Set(['C.UTF-8', ...base.locales, ...over.locales])
  for (const [name, value] of Object.entries(over.environment)) {
    const isLocale = name === 'LANG' || name.startsWith('LC_')
    if (value === null || !isLocale || !/\.utf-?8/i.test(value) || locales.has(value.replace(/\.utf-?8/i, '.UTF-8')))
      continue
    conflicts.push({
      kind: 'locale',
      sides: `base ${base.image} has the locales ${[...locales].join(', ')}, ${side(({ environment }) => (Object.hasOwn(environment, name) ? ['environment', name] : undefined))} sets ${name} to ${value}`,
      waysOut: `add \`locales: [${value}]\`, with what makes them, or set ${name} to one of these`,
    })
  }
  return conflicts
}
