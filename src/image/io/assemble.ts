import type { Digest } from '#core'
import { type BinaryPackage, parseBinaryPackage, parseStanza } from '#debian'
import { applyEffects } from '../effects/apply-effects.ts'
import type { Effect, EffectInput, InstalledPackage } from '../effects/effect.ts'
import type { EffectChange } from '../effects/overlay.ts'
import { effects } from '../effects/registry.ts'
import { ImageError } from '../errors.ts'
import { type LockedPackage, packageKey } from '../lock/lock.ts'
import type { MemberEdit, MemberIndex, MemberRecipe } from '../member.ts'
import { memberKey } from '../member.ts'
import { MemoryTree } from '../memory-tree.ts'
import { type Diversion, type MemberOfPackage, type MergedPackages, mergePackages } from '../merge.ts'
import { conflictError } from '../overlay/conflict.ts'
import type { StackSides } from '../overlay/stack-sides.ts'
import { DATABASE, formatStatus } from '../package-database.ts'
import type { ClassifiedPackage } from '../scripts/classify-scripts.ts'
import { readDiversions } from '../scripts/diversions.ts'
import type { Tree } from '../tree.ts'
import { checkHostXz, type HostXz } from './host-xz.ts'
import {
  type DpkgStatus,
  type LaidEntry,
  type LaidLayer,
  layOwn,
  layPackages,
  type OwnContent,
  STATUS_PATH,
  statusEntry,
} from './laid-layers.ts'
import type { LayerWorkshop } from './layers.ts'
import { makeMember } from './member-maker.ts'
import { type DatabaseRecord, stackLayers } from './stack-layers.ts'

/**
 * Fetches .deb files, checked, and calls `onDeb` with the place of each as soon as it is there. Settles when all are, or
 * rejects with what says which are not.
 */
export type FetchDebs = (
  packages: readonly LockedPackage[],
  onDeb: (digest: Digest, path: string) => void,
) => Promise<unknown>

/** Everything that an image's layers are made from, for one platform. */
export interface AssemblyInput extends Omit<EffectInput, 'tree' | 'read' | 'packages' | 'epoch'> {
  readonly packages: readonly LockedPackage[]
  /** Which packages share a layer, lowest first; every package stands in exactly one. */
  readonly layers: readonly (readonly LockedPackage[])[]
  readonly format: number
  /** Path rules that the definition switches off, sorted. */
  readonly keep: readonly string[]
  /** The definition's own paths and what else is particular to the image, applied after every effect. */
  readonly own: readonly Effect[]
  /** What an overlay stacks on, assembled by itself: its layers stay, as far as they can. */
  readonly base?: Assembly | undefined
  /** Who is who, where there is a base. */
  readonly sides?: StackSides | undefined
  /** Called only for packages whose members are not at hand. */
  readonly fetch: FetchDebs
  /** Decode what is worth it by the host's xz, after it was checked on the smallest package of those. */
  readonly hostXz?: boolean
  /** Called with the host's xz once it was checked. */
  onHostXz?(xz: HostXz): void
  /** Called when a package's member is ready, and whether it was at hand. */
  onMember?(name: string, cached: boolean): void
}

/** The layers of an image and all that is known of what is in them. */
export interface Assembly {
  /** Lowest first; the last one holds effects, definition files and the package database. */
  readonly layers: readonly LaidLayer[]
  readonly tree: Tree
  /** The bytes of a regular file or hard link that packages, effects or the definition put into `tree`. */
  read(path: string): Uint8Array
  readonly members: readonly MemberIndex[]
  readonly changes: readonly EffectChange[]
  /** Every package that has maintainer scripts, with what became of them. */
  readonly scripts: readonly ClassifiedPackage[]
  /** The newest time in the selected packages, in seconds since the epoch: the image's `created`. */
  readonly epoch: number
}

/**
 * Builds the layers of one platform's image. Packages are merged in memory first, so that a conflict is known before
 * anything is written. Throws `PATH_CONFLICT`, `EFFECT_CONFLICT`, and what taking a .deb apart throws.
 */
export async function assemble(input: AssemblyInput, workshop: LayerWorkshop): Promise<Assembly> {
  const unedited = await provideMembers(input, new Map(), workshop)
  const packages = unedited.map(installed)
  const scripted = packages.map(({ package: { name }, control }) => ({ name, control }))
  const merged = mergeSides(unedited, readDiversions(scripted, input.architecture), input.sides)
  const epoch = Math.max(0, ...unedited.map(({ index }) => index.newest))
  const { changes, tree, scripts, read } = applyEffects(effectInput(input, merged, packages, { epoch, workshop }), [
    ...effects,
    ...input.own,
  ])
  const edits = withRemovals(merged, changes)
  const provided = await withEdits(unedited, input, edits, workshop)
  const members = provided.map(({ index }) => index)
  const byKey = new Map(provided.map((member) => [packageKey(member.package), member.index]))
  const own = input.layers.map((one) => layPackages(one, { members: byKey, tree }, workshop))
  const status = { epoch, content: Buffer.from(formatStatus(members)) }
  const { base } = input
  const records = changedRecords(unedited, provided, workshop)
  const order = { packages: input.packages, members: byKey, tree, read, records, status }
  const layers =
    base === undefined
      ? await Promise.all([...own, layOwn(lastLayer({ changes, merged, status }, workshop), workshop)])
      : await stackLayers({ ...order, base: base.layers, own: await Promise.all(own) }, workshop)
  return { layers, tree, read, members, changes, scripts, epoch }
}

/** Merges packages; of an overlay each is named with whose it is. Throws as `mergePackages` does, and `OVERLAY_CONFLICT`. */
function mergeSides(
  members: readonly MemberOfPackage[],
  diversions: readonly Diversion[],
  sides: StackSides | undefined,
): MergedPackages {
  if (sides === undefined) return mergePackages(members, diversions)
  try {
    return mergePackages(members, diversions, (one) => `${one.name} ${one.version} of ${sides.ownerOf(one)}`)
  } catch (error) {
    if (!(error instanceof ImageError) || error.code !== 'PATH_CONFLICT') throw error
    const waysOut = 'leave one of the packages out, or name another version of it in `packages`'
    const conflict = { kind: 'package', sides: error.message, waysOut } as const
    throw conflictError(sides.overlay.image, sides.base.image, [conflict])
  }
}

/** The records of dpkg's of members that had to be made anew: those say what is left in them, where the tree says what was. */
function changedRecords(
  unedited: readonly MemberOfPackage[],
  provided: readonly MemberOfPackage[],
  { members, codec }: LayerWorkshop,
): ReadonlyMap<string, DatabaseRecord> {
  const changed = provided.filter((member, number) => member !== unedited[number])
  return new Map(
    changed.flatMap(({ index }) =>
      index.entries
        .filter(({ path, type }) => type === 'file' && path.startsWith(`${DATABASE}/`))
        .map((entry) => [entry.path, { entry, read: () => members.readFile(index, entry, codec) }] as const),
    ),
  )
}

/** Members from the cache or made from their .debs, the biggest first, so that no thread is left with the longest task. */
async function provideMembers(
  input: AssemblyInput,
  edits: ReadonlyMap<string, readonly MemberEdit[]>,
  workshop: LayerWorkshop,
): Promise<MemberOfPackage[]> {
  const members = new Map<LockedPackage, MemberIndex>()
  const ready = (one: LockedPackage, index: MemberIndex, cached: boolean) => {
    members.set(one, index)
    input.onMember?.(one.name, cached)
  }
  for (const one of input.packages) {
    const index = workshop.members.find(memberKey(recipeOf(one, input, edits, workshop)))
    if (index !== undefined) ready(one, index, true)
  }
  const missing = input.packages.filter((one) => !members.has(one)).sort((left, right) => right.size - left.size)
  workshop.pool.prepare(missing.length)
  await withDebs(missing, input, async (one, deb, xz) => {
    const recipe = recipeOf(one, input, edits, workshop)
    const request = { name: one.name, deb, recipe, ...(xz === undefined ? {} : { xz }) }
    ready(one, await makeMember(request, workshop.members, workshop.pool), false)
  })
  return input.packages.flatMap((one) => members.get(one) ?? []).map((index) => ({ index, package: controlOf(index) }))
}

/** The members of the image: those that another package or an effect changes something in, made with that. */
async function withEdits(
  unedited: readonly MemberOfPackage[],
  input: AssemblyInput,
  edits: ReadonlyMap<string, readonly MemberEdit[]>,
  workshop: LayerWorkshop,
): Promise<MemberOfPackage[]> {
  const packages = input.packages.filter((one) => edits.has(packageKey(one)))
  const edited = await provideMembers({ ...input, packages }, edits, workshop)
  const byKey = new Map(edited.map((member) => [packageKey(member.package), member]))
  return unedited.map((member) => byKey.get(packageKey(member.package)) ?? member)
}

/**
 * Fetches the packages and makes something of each as soon as it is there: what is at hand need not wait for what comes
 * over the network. With the host's xz all wait, because it is checked first, on the smallest that it is of use for.
 */
async function withDebs(
  packages: readonly LockedPackage[],
  input: AssemblyInput,
  make: (one: LockedPackage, deb: string, xz?: HostXz) => Promise<void>,
): Promise<void> {
  if (packages.length === 0) return
  const fetched = new Map<Digest, string>()
  const byDigest = Map.groupBy(packages, ({ digest }) => digest)
  const making: Promise<void>[] = []
  const makeAll = (digest: Digest, deb: string, xz?: HostXz) => {
    for (const one of byDigest.get(digest) ?? []) {
      const made = make(one, deb, xz)
      // It is awaited below; until then a failure is nobody's to handle.
      made.catch(() => undefined)
      making.push(made)
    }
  }
  try {
    await input.fetch(packages, (digest, deb) => {
      fetched.set(digest, deb)
      if (input.hostXz !== true) makeAll(digest, deb)
    })
    const debs = packages.map((one) => {
      const deb = fetched.get(one.digest)
      if (deb !== undefined) return deb
      throw new ImageError('CACHE_FAILED', `cannot build ${one.name}: it was not fetched`)
    })
    if (input.hostXz === true) {
      const xz = await checkHostXz(debs.toReversed())
      if (xz !== undefined) input.onHostXz?.(xz)
      for (const [digest, deb] of fetched) makeAll(digest, deb, xz)
    }
    await Promise.all(making)
  } finally {
    await Promise.allSettled(making)
  }
}

function recipeOf(
  one: LockedPackage,
  { format, keep }: AssemblyInput,
  edits: ReadonlyMap<string, readonly MemberEdit[]>,
  { codec }: LayerWorkshop,
): MemberRecipe {
  return { deb: one.digest, format, codec, keep, edits: edits.get(packageKey(one)) ?? [] }
}

/** What the package says of itself: a locked build has no index to ask. */
function controlOf(index: MemberIndex): BinaryPackage {
  return parseBinaryPackage(parseStanza(index.control, `control file of ${index.package}`))
}

function effectInput(
  input: AssemblyInput,
  merged: MergedPackages,
  installedPackages: readonly InstalledPackage[],
  { epoch, workshop }: { epoch: number; workshop: LayerWorkshop },
): EffectInput {
  const { architecture, release, accounts, groups, timeZone, keystore, certificates } = input
  const packages = installedPackages.toSorted((left, right) =>
    packageKey(left.package) < packageKey(right.package) ? -1 : 1,
  )
  const tree = new MemoryTree(merged.entries)
  const read = (path: string) => readPackaged(path, merged, workshop)
  const settings = { architecture, release, accounts, groups, timeZone, keystore, certificates, epoch }
  return { tree, read, packages, ...settings }
}

function installed({ package: own, index }: MemberOfPackage): InstalledPackage {
  const control = Object.entries(index.controlFiles).map(([name, text]) => [name, Buffer.from(text)] as const)
  return { package: own, control: new Map(control) }
}

/** The bytes of a file or hard link that a package ships. */
function readPackaged(path: string, merged: MergedPackages, workshop: LayerWorkshop): Uint8Array {
  const source = merged.sources.get(path)
  if (source?.entry.type === 'hardlink') return readPackaged(source.entry.target ?? '', merged, workshop)
  if (source?.entry.type !== 'file')
    throw new ImageError('PATH_CONFLICT', `cannot read ${path}: no package ships it as a file`)
  return workshop.members.readFile(source.member, source.entry, workshop.codec)
}

/**
 * What effects take away or put something else in the place of, members leave out: layers above never have to hide what
 * layers below hold.
 */
function withRemovals(merged: MergedPackages, changes: readonly EffectChange[]): Map<string, MemberEdit[]> {
  const edits = new Map([...merged.edits].map(([name, own]) => [name, [...own]]))
  for (const { path, effect, entry, content } of changes) {
    const source = merged.sources.get(path)
    if (source === undefined || source.entry.type === 'directory') continue
    const isSameFile = entry !== undefined && entry.type === source.entry.type && content === undefined
    if (isSameFile) continue
    const own = (edits.get(source.owner) ?? []).filter((edit) => edit.path !== source.shippedAs)
    own.push({ kind: 'leave-out', path: source.shippedAs, because: `effect ${effect} takes its place` })
    edits.set(source.owner, own)
  }
  for (const own of edits.values()) own.sort((left, right) => (left.path < right.path ? -1 : 1))
  return edits
}

/** Effects, definition files and dpkg's status. */
function lastLayer(
  { changes, merged, status }: { changes: readonly EffectChange[]; merged: MergedPackages; status: DpkgStatus },
  workshop: LayerWorkshop,
): OwnContent {
  const contents = new Map<string, Uint8Array>([[STATUS_PATH, status.content]])
  const entries: LaidEntry[] = [statusEntry(status)]
  for (const change of changes) {
    if (change.entry === undefined) continue
    entries.push(change.entry)
    if (change.content !== undefined) contents.set(change.path, change.content)
  }
  entries.sort((left, right) => (left.path < right.path ? -1 : 1))
  return { kind: 'own', entries, read: (path) => contents.get(path) ?? readPackaged(path, merged, workshop) }
}
