import type { ArchivePackage } from '#debian'
import { applyEffects } from '../effects/apply-effects.ts'
import type { Effect, EffectInput, InstalledPackage } from '../effects/effect.ts'
import type { EffectChange } from '../effects/overlay.ts'
import { effects } from '../effects/registry.ts'
import { ImageError } from '../errors.ts'
import { encodeTar } from '../layer.ts'
import type { MemberEdit, MemberIndex } from '../member.ts'
import { MemoryTree } from '../memory-tree.ts'
import { type Diversion, type MergedPackages, mergePackages } from '../merge.ts'
import { formatStatus } from '../package-database.ts'
import type { Tree, TreeEntry } from '../tree.ts'
import { type BuiltLayer, buildPackageLayer, buildStreamLayer, type LayerWorkshop } from './layers.ts'
import { makeMember } from './member-maker.ts'

/** A selected package and its .deb on disk, checked against the digest. */
export interface PackageFile {
  readonly package: ArchivePackage
  readonly deb: string
}

/** Everything that an image's layers are made from, for one platform. */
export interface AssemblyInput extends Omit<EffectInput, 'tree' | 'read' | 'packages' | 'epoch'> {
  readonly packages: readonly PackageFile[]
  /** Which packages share a layer, lowest first; every package stands in exactly one. */
  readonly layers: readonly { readonly name: string; readonly packages: readonly string[] }[]
  readonly format: number
  /** Path rules that the definition switches off, sorted. */
  readonly keep: readonly string[]
  readonly diversions: readonly Diversion[]
  /** The definition's own paths, applied after every effect. */
  readonly paths: Effect
  /** Called when a package's member is ready. */
  readonly onMember?: (name: string) => void
}

/** The layers of an image and all that is known of what is in them. */
export interface Assembly {
  /** Lowest first; the last one holds effects, definition files and the package database. */
  readonly layers: readonly BuiltLayer[]
  readonly tree: Tree
  readonly members: readonly MemberIndex[]
  readonly changes: readonly EffectChange[]
  /** The newest time in the selected packages, in seconds since the epoch: the image's `created`. */
  readonly epoch: number
}

/**
 * Builds the layers of one platform's image. Packages are merged in memory first, so that a conflict is known before
 * anything is written. Throws `PATH_CONFLICT`, `EFFECT_CONFLICT`, and what taking a .deb apart throws.
 */
export async function assemble(input: AssemblyInput, workshop: LayerWorkshop): Promise<Assembly> {
  const unedited = await makeMembers(input, new Map(), workshop)
  const merged = mergePackages(
    input.packages.map(({ package: selected }, number) => ({ package: selected, index: memberAt(unedited, number) })),
    input.diversions,
  )
  const epoch = Math.max(0, ...unedited.map((member) => member.newest))
  const { changes, tree } = applyEffects(effectInput(input, merged, unedited, epoch, workshop), [...effects, input.paths])
  const edits = withRemovals(merged, changes)
  const members = edits.size === 0 ? unedited : await makeMembers(input, edits, workshop)
  const byName = new Map(members.map((member) => [member.package, member]))
  const packageLayers = input.layers.map(({ name, packages }) =>
    buildPackageLayer(name, packages.map((member) => known(byName, member)), tree, workshop),
  )
  const last = buildStreamLayer('effects', lastLayer({ changes, merged, members, epoch }, workshop), workshop)
  return { layers: await Promise.all([...packageLayers, last]), tree, members, changes, epoch }
}

/** The biggest packages first, so that the last thread is not left with the longest task. */
async function makeMembers(
  input: AssemblyInput,
  edits: ReadonlyMap<string, readonly MemberEdit[]>,
  workshop: LayerWorkshop,
): Promise<MemberIndex[]> {
  const { format, keep } = input
  const order = input.packages.map((_, number) => number)
  order.sort((left, right) => (input.packages[right]?.package.size ?? 0) - (input.packages[left]?.package.size ?? 0))
  const members: MemberIndex[] = []
  await Promise.all(
    order.map(async (number) => {
      const file = input.packages[number]
      if (file === undefined) return
      const { name, digest: deb } = file.package
      const recipe = { deb, format, codec: workshop.codec, keep, edits: edits.get(name) ?? [] }
      members[number] = await makeMember({ name, deb: file.deb, recipe }, workshop.members, workshop.pool)
      input.onMember?.(name)
    }),
  )
  return members
}

function effectInput(
  input: AssemblyInput,
  merged: MergedPackages,
  members: readonly MemberIndex[],
  epoch: number,
  workshop: LayerWorkshop,
): EffectInput {
  const { architecture, release, accounts, groups, timeZone, certificates } = input
  const packages = input.packages
    .map(({ package: selected }, number) => installed(selected, memberAt(members, number)))
    .sort((left, right) => (left.package.name < right.package.name ? -1 : 1))
  const tree = new MemoryTree(merged.entries)
  const read = (path: string) => readPackaged(path, merged, workshop)
  return { tree, read, packages, architecture, release, accounts, groups, timeZone, certificates, epoch }
}

function installed(selected: ArchivePackage, member: MemberIndex): InstalledPackage {
  const control = Object.entries(member.controlFiles).map(([name, text]) => [name, Buffer.from(text)] as const)
  return { package: selected, control: new Map(control) }
}

/** The bytes of a file or hard link that a package ships. */
function readPackaged(path: string, merged: MergedPackages, { members, codec }: LayerWorkshop): Uint8Array {
  const source = merged.sources.get(path)
  if (source?.entry.type === 'hardlink') return readPackaged(source.entry.target ?? '', merged, { members, codec } as LayerWorkshop)
  if (source?.entry.type !== 'file') throw new ImageError('PATH_CONFLICT', `cannot read ${path}: no package ships it as a file`)
  return members.readFile(source.member, source.entry, codec)
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
    const own = edits.get(source.member.package) ?? []
    own.push({ kind: 'leave-out', path, because: `effect ${effect} takes its place` })
    edits.set(source.member.package, own)
  }
  for (const own of edits.values()) own.sort((left, right) => (left.path < right.path ? -1 : 1))
  return edits
}

/** Effects, definition files and dpkg's status, as tar. */
function lastLayer(
  built: { changes: readonly EffectChange[]; merged: MergedPackages; members: readonly MemberIndex[]; epoch: number },
  workshop: LayerWorkshop,
): Uint8Array {
  const status = Buffer.from(formatStatus(built.members))
  const contents = new Map<string, Uint8Array>([[STATUS_PATH, status]])
  const entries: Pick<TreeEntry, 'path' | 'type' | 'mode' | 'uid' | 'gid' | 'mtime'>[] = [
    { path: STATUS_PATH, type: 'file', mode: 0o644, uid: 0, gid: 0, mtime: built.epoch },
  ]
  for (const change of built.changes) {
    if (change.entry === undefined) continue
    entries.push(change.entry)
    if (change.content !== undefined) contents.set(change.path, change.content)
  }
  entries.sort((left, right) => (left.path < right.path ? -1 : 1))
  return encodeTar(entries, (path) => contents.get(path) ?? readPackaged(path, built.merged, workshop))
}

const STATUS_PATH = '/var/lib/dpkg/status'

function memberAt(members: readonly MemberIndex[], number: number): MemberIndex {
  const member = members[number]
  if (member === undefined) throw new ImageError('CACHE_DAMAGED', `cannot assemble: package ${number} has no member`)
  return member
}

function known(members: ReadonlyMap<string, MemberIndex>, name: string): MemberIndex {
  const member = members.get(name)
  if (member === undefined) throw new ImageError('LOCK_INVALID', `cannot assemble a layer: package ${name} is not selected`)
  return member
}
