import { type InstalledPackage, readDpkgDatabase } from '#debian'
import type { Annotations, ExecutionParameters, ImageFile, Layer, OpenedImage } from '#oci'
import { formatPlatform, samePlatform } from '#oci'
import { ageRefusals, changedPackages, type PackageStep } from './base-age.ts'
import { BaseChanges } from './base-changes.ts'
import { ImageTree, type UpperLayers, upperLayers } from './image-tree.ts'
import { interpreterLines, interpreterRefusals } from './interpreters.ts'
import type { LayerListing } from './layer-listing.ts'
import { type BaseName, type ConfigBefore, mergeConfigs } from './merge-config.ts'
import type { Merged } from './merge-settings.ts'
import { mergeStatus } from './merge-status.ts'
import { pathRefusals, STATUS_PATH } from './path-refusals.ts'
import { recogniseBase } from './recognise-base.ts'
import { REBUILD, type Refusal } from './refusal.ts'
import { runRefusals } from './run-refusals.ts'

/** One platform's image, and what its layers hold. */
export interface ListedImage {
  /** As its user calls it. */
  readonly name: string
  readonly image: Pick<OpenedImage, 'top' | 'manifest' | 'manifestDocument' | 'config' | 'configDocument' | 'layers'>
  /** By diff ID; of an application only layers above its base are asked for. */
  readonly listings: ReadonlyMap<string, LayerListing>
}

/** What is to be rebased, from what and onto what. */
export interface RebaseRequest {
  readonly application: ListedImage
  readonly old: ListedImage
  readonly next: ListedImage
  /** Whether a new base may be older than the old one. */
  readonly allowOlder: boolean
  /** The reference by which registries know the new base, where there is one. */
  readonly baseName?: string
}

/** dpkg's status of the result, where it is neither side's. */
export interface MergedStatus {
  readonly text: string
  /** The application's own entry, whose mode, owner and time it keeps. */
  readonly entry: ImageFile
}

/** What is to be written, but for the digests. */
export interface RebasedImage {
  readonly config: ConfigBefore
  readonly annotations: Annotations
  readonly base: BaseName
  /** The new base's layers, then the application's, byte for byte. */
  readonly layers: readonly Layer[]
  /** How many of them are the new base's. */
  readonly baseLayers: number
  readonly status: MergedStatus | undefined
}

/** What a rebase is about, be it possible or not. */
export interface RebaseSummary {
  /** Packages that are others in the new base, by name. */
  readonly packages: readonly PackageStep[]
  /** How many layers are replaced, by how many, and how many stay. */
  readonly layers: { readonly old: number; readonly next: number; readonly own: number }
  /** What was wrong before and stays so, or could not be looked at, a line each. */
  readonly notices: readonly string[]
}

/** An answer: an image that is what building anew would give, or all reasons why there is none. */
export type RebasePlan =
  | { readonly kind: 'possible'; readonly result: RebasedImage; readonly summary: RebaseSummary }
  | { readonly kind: 'refused'; readonly refusals: readonly Refusal[]; readonly summary?: RebaseSummary }

/** The most layers that runtimes mount on one another. */
const MAX_LAYERS = 127

/**
 * Says whether an application's image can be put on another base by changing its manifest alone, and what then is to be written.
 * Possible is only what gives, file by file and times left aside, the image that building anew would give. Pure. Throws what
 * `readDpkgDatabase` and `mergeStatus` throw for a package database that cannot be read.
 */
export function planRebase(request: RebaseRequest): RebasePlan {
  const { application, old, next } = request
  const foreign = platformRefusals(request)
  if (foreign.length > 0) return { kind: 'refused', refusals: foreign }
  const unproven = baseRefusals(application, old)
  if (unproven.length > 0) return { kind: 'refused', refusals: unproven }
  const sides = sidesOf(request)
  const { refusals, config, status } = judge(request, sides)
  const own = application.image.layers.slice(old.image.layers.length)
  const summary: RebaseSummary = {
    packages: changedPackages(sides.packages),
    layers: { old: old.image.layers.length, next: next.image.layers.length, own: own.length },
    notices: sides.notices,
  }
  if (refusals.length > 0) return { kind: 'refused', refusals, summary }
  const result: RebasedImage = {
    config,
    annotations: application.image.manifest.annotations ?? {},
    base: baseOf(request),
    layers: [...next.image.layers, ...own],
    baseLayers: next.image.layers.length,
    status,
  }
  return { kind: 'possible', result, summary }
}

/** The images as trees. */
export interface Sides {
  readonly old: ImageTree
  readonly next: ImageTree
  /** The application on the old base, and on the new. */
  readonly before: ImageTree
  readonly after: ImageTree
  readonly upper: UpperLayers
  readonly packages: { readonly old: readonly InstalledPackage[]; readonly next: readonly InstalledPackage[] }
  readonly notices: string[]
}

function sidesOf({ application, old, next }: RebaseRequest): Sides {
  const listed = ({ name, image, listings }: ListedImage, from = 0) =>
    image.layers.slice(from).map(({ diffId }) => {
      const listing = listings.get(diffId)
      if (listing === undefined) throw new Error(`cannot rebase ${name}: layer ${diffId} was not listed`)
      return listing
    })
  const [below, above, own] = [listed(old), listed(next), listed(application, old.image.layers.length)]
  const trees = { old: new ImageTree(below), next: new ImageTree(above) }
  const notices: string[] = []
  const packagesOf = ({ files }: ImageTree, name: string) => {
    const paths = [...files.entries()].map(({ path }) => path)
    const { packages, faults } = readDpkgDatabase({ paths: () => paths, read: (path) => files.read(path) })
    notices.push(...faults.map((fault) => `${name}: ${fault}`))
    return packages
  }
  return {
    ...trees,
    before: new ImageTree([...below, ...own]),
    after: new ImageTree([...above, ...own]),
    upper: upperLayers(own),
    packages: { old: packagesOf(trees.old, old.name), next: packagesOf(trees.next, next.name) },
    notices,
  }
}

function judge(request: RebaseRequest, sides: Sides) {
  const { application, old, next, allowOlder } = request
  const { image } = application
  const merged = mergeConfigs({ old: old.image, application: image, next: next.image }, baseOf(request))
  const status = mergedStatus(sides)
  const count = next.image.layers.length + image.layers.length - old.image.layers.length + (status.value ? 1 : 0)
  const interpreters = (side: 'old' | 'next') => ({
    lines: interpreterLines(sides.packages[side], sides[side].files),
    files: sides[side].files,
  })
  const created = { old: old.image.config.created, next: next.image.config.created }
  const refusals = [
    ...(allowOlder ? [] : ageRefusals(created, sides.packages)),
    ...(count > MAX_LAYERS ? [tooMany(count)] : []),
    ...pathRefusals(sides.upper, new BaseChanges(sides.old.files, sides.next.files)),
    ...status.refusals,
    ...merged.refusals,
    ...interpreterRefusals(interpreters('old'), interpreters('next')),
    ...runRefusals(sides, { before: image.config.config, after: parametersOf(merged.value) }),
  ]
  return { refusals, config: merged.value, status: status.value }
}

function platformRefusals({ application, old, next }: RebaseRequest): readonly Refusal[] {
  return [old, next].flatMap((base): readonly Refusal[] => {
    const [own, other] = [application.image.config.platform, base.image.config.platform]
    if (samePlatform(own, other)) return []
    const remedy = 'name a base that has the platform'
    const sides = { application: `is for ${formatPlatform(own)}`, base: `is for ${formatPlatform(other)}` }
    return [{ code: 'platform-differs', subject: base.name, ...sides, remedy }]
  })
}

function baseRefusals({ name, image }: ListedImage, old: ListedImage): readonly Refusal[] {
  const candidate = {
    name: old.name,
    digests: [old.image.manifestDocument.descriptor.digest, old.image.top.descriptor.digest],
    diffIds: old.image.config.diffIds,
    ...(old.image.config.history ? { history: old.image.config.history } : {}),
  }
  const { config, manifest } = image
  const found = recogniseBase(
    {
      diffIds: config.diffIds,
      ...(config.history ? { history: config.history } : {}),
      ...(manifest.annotations ? { annotations: manifest.annotations } : {}),
      ...(config.config.Labels ? { labels: config.config.Labels } : {}),
    },
    [candidate],
  )
  if (found.kind === 'proven') return []
  const base = `${old.name} has ${candidate.diffIds.length} layers`
  if (found.kind === 'squashed') {
    const remedy = `${REBUILD}, without squashing`
    return [
      {
        code: 'squashed',
        subject: name,
        application: `has none of them in its ${config.diffIds.length}`,
        base,
        remedy,
      },
    ]
  }
  const shared = found.kind === 'unknown' ? (found.nearest?.layers ?? 0) : 0
  const application =
    shared === 0 ? 'begins with none of them' : `begins with ${shared} of them: it is on another build of it`
  const remedy = 'name by --base the very build that it was made on, by digest'
  return [{ code: 'not-on-base', subject: name, application, base, remedy }]
}

/** Where the application's layers have a status of their own; without a value it is right as it is. */
function mergedStatus({ old, next, upper }: Sides): Merged<MergedStatus | undefined> {
  const entry = upper.files.get(STATUS_PATH)
  if (entry?.type !== 'file') return { value: undefined, refusals: [] }
  const text = Buffer.from(entry.content ?? []).toString('utf8')
  const merged = mergeStatus({ old: old.text(STATUS_PATH), application: text, next: next.text(STATUS_PATH) })
  const isRight = old.text(STATUS_PATH) === next.text(STATUS_PATH) || merged.value === text
  return { value: isRight ? undefined : { text: merged.value, entry }, refusals: merged.refusals }
}

function baseOf({ next, baseName }: RebaseRequest): BaseName {
  return {
    digest: next.image.manifestDocument.descriptor.digest,
    ...(baseName === undefined ? {} : { name: baseName }),
  }
}

function tooMany(count: number): Refusal {
  const remedy = `${REBUILD}, with fewer instructions that make layers`
  return {
    code: 'too-many-layers',
    subject: 'layers',
    application: `has layers of its own: ${count} in all`,
    base: `at most ${MAX_LAYERS} can be mounted`,
    remedy,
  }
}

/** What the merged config says to run; it was made of configs that were parsed. */
function parametersOf({
  config,
}: ConfigBefore): Pick<ExecutionParameters, 'Env' | 'Entrypoint' | 'Cmd' | 'User' | 'WorkingDir'> {
  const members = typeof config === 'object' && config !== null && !Array.isArray(config) ? Object.entries(config) : []
  const texts = (key: string) => {
    const value: unknown = members.find(([name]) => name === key)?.[1]
    return Array.isArray(value) ? value.map(String) : []
  }
  const text = (key: string) => {
    const value: unknown = members.find(([name]) => name === key)?.[1]
    return typeof value === 'string' ? value : ''
  }
  return {
    Env: texts('Env'),
    Entrypoint: texts('Entrypoint'),
    Cmd: texts('Cmd'),
    User: text('User'),
    WorkingDir: text('WorkingDir'),
  }
}
