import { type DefinedPath, effectOfPath, effectSummaries, type TakenOrigin, takenOrigins } from '#image'
import type { ImageFile, ImageFiles, OpenedImage } from '#oci'
import type { FileAccount, FileGroup, FileOwner, Inventory } from '#sbom'
import { imageLabels } from './image-labels.ts'

/** Every last layer of ours has it, and no other layer. */
export const CONTRACT = '/usr/share/casemate/contract.json'
/** Layers that hold no packages, as the history of our images names them. */
const LAST_LAYER = 'casemate: effects, definition files and the package database'
const DERIVED_LAYER = /^casemate: derived effect (\S+)$/

/** What an image's history says that a layer was made by: a derived effect by name, or effects and definition together. */
type LayerMaker = { readonly effect: string } | 'effects and definition'

const DEFINITION = {
  kind: 'definition',
  name: 'definition',
  description: "Files and links of the definition, and those that its packages' scripts would have made.",
} as const
/** What is dpkg's own. */
export const PACKAGE_DATABASE = {
  kind: 'package-database',
  name: 'dpkg',
  description: "dpkg's record of the packages that are installed.",
} as const
const OTHERS: readonly Omit<FileGroup, 'files'>[] = [
  {
    kind: 'definition',
    name: 'contract',
    description: "What the image promises to who runs it, as the definition's contract says.",
  },
  { kind: 'definition', name: 'apt-sources', description: "Apt's sources, of the definition's archive." },
  DEFINITION,
  PACKAGE_DATABASE,
]

/** Adds to an inventory how the files that no package owns came to be. */
export function withAccount(
  inventory: Inventory,
  files: ImageFiles,
  made: { image: OpenedImage; explained: ReadonlyMap<string, string> },
): Inventory {
  return { ...inventory, account: accountOf(inventory, files, made) }
}

/**
 * Says of every file without a package what made it, so far as the image itself tells: dpkg's records of its packages and, in
 * layers that an image of ours calls its own, effects and definition. Layers that others put on top are not ours.
 */
function accountOf(
  inventory: Inventory,
  files: ImageFiles,
  { image, explained }: { image: OpenedImage; explained: ReadonlyMap<string, string> },
): FileAccount {
  const makers = layerMakers(image)
  const isRecord = packageRecords(inventory.packages.map(({ name }) => name))
  const owned = new Set(inventory.packages.flatMap((one) => one.files))
  const groups = new Map<string, string[]>()
  const grouped = new Set<string>()
  for (const file of files.entries()) {
    if (file.type === 'directory' || owned.has(file.path)) continue
    const name = isRecord(file.path) ? PACKAGE_DATABASE.name : groupOf(file, makers[file.layer])
    if (name === undefined || explained.has(file.path)) continue
    grouped.add(file.path)
    const group = groups.get(name)
    if (group === undefined) groups.set(name, [file.path])
    else group.push(file.path)
  }
  return {
    groups: knownGroups().flatMap((group) => {
      const own = groups.get(group.name)
      return own === undefined ? [] : [{ ...group, files: own.sort() }]
    }),
    unexplained: inventory.unowned.filter((path) => !grouped.has(path) && !explained.has(path)),
    ofApplications: explained,
  }
}

/** What of ours a path of our last layer belongs to: an effect, the definition's files, the contract. */
export function groupInLastLayer(file: ImageFile): FileOwner {
  const name = groupOf(file, 'effects and definition') ?? DEFINITION.name
  return { kind: knownGroups().find((group) => group.name === name)?.kind ?? DEFINITION.kind, name }
}

function knownGroups(): readonly Omit<FileGroup, 'files'>[] {
  const effects = effectSummaries().map(
    ({ name, summary }) => ({ kind: 'effect', name, description: summary }) as const,
  )
  const known: readonly Omit<FileGroup, 'files'>[] = [...effects, ...OTHERS]
  return known.toSorted((left, right) => (`${left.kind} ${left.name}` < `${right.kind} ${right.name}` ? -1 : 1))
}

/** Whether an image ends as ours do: whoever builds on one, be it by a setting alone, adds to its history. */
export function endsAsOurs({ config }: Pick<OpenedImage, 'config'>): boolean {
  return config.history?.at(-1)?.created_by === LAST_LAYER
}

function layerMakers({ config }: OpenedImage): readonly (LayerMaker | undefined)[] {
  if (config.config.Labels?.[imageLabels.image] === undefined) return []
  const names = (config.history ?? []).filter((entry) => entry.empty_layer !== true).map((entry) => entry.created_by)
  if (names.length !== config.diffIds.length) return []
  const effects = new Set(effectSummaries().map(({ name }) => name))
  return names.map((name = '') => {
    const [, effect] = DERIVED_LAYER.exec(name) ?? []
    if (effect !== undefined) return effects.has(effect) ? { effect } : undefined
    return name === LAST_LAYER ? 'effects and definition' : undefined
  })
}

function groupOf({ path, target, type }: ImageFile, maker: LayerMaker | undefined): string | undefined {
  if (maker === undefined) return undefined
  if (maker !== 'effects and definition') return maker.effect
  if (path === CONTRACT) return 'contract'
  if (path.startsWith('/etc/apt/sources.list.d/')) return 'apt-sources'
  return effectOfPath(path, type === 'symlink' ? target : '') ?? DEFINITION.name
}

/** Whether a path is dpkg's record of one of these packages, or of them all (dpkg(1), "FILES"). */
export function packageRecords(packages: Iterable<string>): (path: string) => boolean {
  const names = new Set(packages)
  const ofAll =
    /^\/var\/lib\/dpkg\/(?:(?:status|available|diversions|statoverride)(?:-old)?|arch(?:-native)?|cmethopt|lock|lock-frontend|info\/format|triggers\/(?:File|Lock|Unincorp))$/
  return (path) => {
    if (ofAll.test(path)) return true
    const [, ofInfo, ofStatus] =
      /^\/var\/lib\/dpkg\/(?:info\/([^/:]+?)(?::[^/.]+)?\.[a-z0-9]+|status\.d\/([^/]+?)(?:\.md5sums)?)$/.exec(path) ??
      []
    const name = ofInfo ?? ofStatus
    return name !== undefined && names.has(name)
  }
}

/**
 * Tells of an inventory's definition files which were taken in from elsewhere, as the definition says it: a group of their own
 * for each place where something was put. What the definition puts there itself stays its own.
 */
export function withOrigins(inventory: Inventory, paths: readonly DefinedPath[], platform: string): Inventory {
  const { account } = inventory
  const origins = takenOrigins(paths, platform).toSorted((one, other) => other.path.length - one.path.length)
  if (account === undefined || origins.length === 0) return inventory
  const own = new Set(paths.flatMap((entry) => (entry.type === 'taken' ? [] : [entry.path])))
  const isAt = (file: string, { path }: TakenOrigin) =>
    !own.has(file) && (file === path || file.startsWith(path === '/' ? path : `${path}/`))
  const originOf = (file: string) => origins.find((origin) => isAt(file, origin))
  const groups = account.groups.flatMap((group): FileGroup[] => {
    if (group.name !== DEFINITION.name) return [group]
    const byOrigin = Map.groupBy(group.files, originOf)
    return [...byOrigin].map(([origin, files]) =>
      origin === undefined ? { ...group, files } : takenGroup(origin, files),
    )
  })
  const inOrder = groups.toSorted((left, right) =>
    `${left.kind} ${left.name}` < `${right.kind} ${right.name}` ? -1 : 1,
  )
  const files = inventory.files?.map((file) => {
    const isOwn = file.owner?.kind === DEFINITION.kind && file.owner.name === DEFINITION.name
    const origin = isOwn ? originOf(file.path) : undefined
    return origin === undefined ? file : { ...file, owner: { kind: DEFINITION.kind, name: origin.path } }
  })
  return { ...inventory, account: { ...account, groups: inOrder }, ...(files === undefined ? {} : { files }) }
}

function takenGroup({ path, at, digest, from, purl }: TakenOrigin, files: readonly string[]): FileGroup {
  const part = from === '' || from === '/' ? '' : `, ${from}`
  const description = `Taken in from ${at}${part}, whose digest is ${digest}, as the definition says.`
  const origin = { at, digest, ...(purl === undefined ? {} : { purl }) }
  return { kind: 'definition', name: path, description, files, origin }
}
