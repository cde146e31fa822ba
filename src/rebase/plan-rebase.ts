import type { Annotations, ExecutionParameters, ImageFile, Layer, OpenedImage } from '#oci'
import { formatPlatform, samePlatform } from '#oci'
import { ageRefusals, changedPackages, type PackageStep } from './base-age.ts'
import { BaseChanges } from './base-changes.ts'
import type { BaseFacts } from './base-facts.ts'
import { derivedRefusals } from './derived-files.ts'
import { type ImageTree, type UpperLayers, upperLayers } from './image-tree.ts'
import { interpreterRefusals } from './interpreters.ts'
import type { LayerListing } from './layer-listing.ts'
import { type BaseName, type ConfigBefore, mergeConfigs } from './merge-config.ts'
import type { Merged } from './merge-settings.ts'
import { mergeStatus } from './merge-status.ts'
import { pathRefusals, STATUS_PATH } from './path-refusals.ts'
import { recogniseBase } from './recognise-base.ts'
import { REBUILD, type Refusal } from './refusal.ts'
import { runRefusals } from './run-refusals.ts'

/** One platform's image. */
export interface NamedImage {
  /** As its user calls it. */
  readonly name: string
  readonly image: Pick<OpenedImage, 'top' | 'manifest' | 'manifestDocument' | 'config' | 'configDocument' | 'layers'>
}

/** An application, with what those of its layers hold that are not its base's, lowest first. */
export interface ListedApplication extends NamedImage {
  readonly own: readonly LayerListing[]
}

/** A base, with what follows from its layers. */
export interface ListedBase extends NamedImage {
  readonly facts: BaseFacts
}

/** What is to be rebased, from what and onto what. */
export interface RebaseRequest {
  readonly application: ListedApplication
  readonly old: ListedBase
  readonly next: ListedBase
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
 * `mergeStatus` throws for a package database that cannot be read.
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
    packages: changedPackages({ old: sides.old.packages, next: sides.next.packages }),
    layers: { old: old.image.layers.length, next: next.image.layers.length, own: own.length },
    notices: sides.notices,
  }
  if (refusals.length > 0) return { kind: 'refused', refusals, summary }
  const result: RebasedImage = {
    config,
    annotations: application.image.manifest.annotations ?? {},
    base: baseOf(request),
    layers: [...next.image.layers, ...own],
    status,
  }
  return { kind: 'possible', result, summary }
}

/** The images as trees. */
export interface Sides {
  readonly old: BaseFacts
  readonly next: BaseFacts
  /** The application on the old base, and on the new. */
  readonly before: ImageTree
  readonly after: ImageTree
  readonly upper: UpperLayers
  readonly notices: string[]
}

function sidesOf({ application: { own }, old, next }: RebaseRequest): Sides {
  const upper = upperLayers(own)
  return {
    old: old.facts,
    next: next.facts,
    before: old.facts.tree.with(own, upper),
    after: next.facts.tree.with(own, upper),
    upper,
    notices: [old, next].flatMap(({ name, facts }) => facts.faults.map((fault) => `${name}: ${fault}`)),
  }
}

function judge(request: RebaseRequest, sides: Sides) {
  const { application, old, next, allowOlder } = request
  const { image } = application
  const merged = mergeConfigs({ old: old.image, application: image, next: next.image }, baseOf(request))
  const status = mergedStatus(sides)
  const count = next.image.layers.length + image.layers.length - old.image.layers.length + (status.value ? 1 : 0)
  const changes = new BaseChanges(sides.old.tree.files, sides.next.tree.files)
  const created = { old: old.image.config.created, next: next.image.config.created }
  const refusals = [
    ...(allowOlder ? [] : ageRefusals(created, { old: sides.old.packages, next: sides.next.packages })),
    ...(count > MAX_LAYERS ? [tooMany(count)] : []),
    ...pathRefusals(sides.upper, changes),
    ...derivedRefusals(sides.upper, changes),
    ...status.refusals,
    ...merged.refusals,
    ...interpreterRefusals(sides.old, sides.next),
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

function baseRefusals({ name, image }: NamedImage, old: NamedImage): readonly Refusal[] {
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
  const application = Buffer.from(entry.content ?? []).toString('utf8')
  const [before, after] = [old.tree.text(STATUS_PATH), next.tree.text(STATUS_PATH)]
  const merged = mergeStatus({ old: before, application, next: after })
  const isRight = before === after || merged.value === application
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
