import {
  type ArchivePlace,
  BUILT_IN_ARCHIVES,
  defaultCacheFolder,
  type FetchProgress,
  fetchPackages,
  readArchives,
  selectArchive,
} from '#debian'
import {
  type BuiltImage,
  buildImage,
  builtLayerFacts,
  type EffectiveDefinition,
  everyObserved,
  type FetchDebs,
  type Lock,
  type LockedPackage,
  type OpenedDefinition,
  openMemberPool,
  openTaking,
  openWorkshop,
  type RunAs,
  type TakeIn,
} from '#image'
import { type Contract, contractLabels, formatContract } from '#sandbox'
import type { MemberCounts } from './build-summary.ts'
import { derivedRunner } from './derive.ts'
import { UsageError } from './errors.ts'
import { imageLabels } from './image-labels.ts'
import type { KnownLayers } from './known-layers.ts'
import { LayerMemory, layerReader } from './layer-memory.ts'
import type { Stages } from './stages.ts'
import { formatBytes } from './terminal.ts'

/** How to build, as far as it does not change what is built, but for the codec of layers. */
export interface BuildSettings {
  readonly zstd?: boolean
  readonly workers?: string
  readonly xz?: boolean
}

/** What is to be built, once everything is decided. */
export interface BuildOrder {
  readonly opened: OpenedDefinition
  readonly effective: EffectiveDefinition
  readonly lock: Lock
  readonly platforms: readonly string[]
  readonly place: ArchivePlace
  readonly options: BuildSettings
  /** Takes over what the image's layers hold, for who makes many; without it that is remembered in the cache. */
  readonly known?: KnownLayers
}

/** What building several platforms gave. */
export interface BuiltPlatforms {
  readonly built: readonly BuiltImage[]
  readonly members: MemberCounts
  readonly decoder: string
}

/** Calls `work` with a workshop below the cache folder, whose threads end with it. Throws `USAGE_INVALID` for a wrong number of threads. */
export async function withWorkshop<Result>(
  options: BuildSettings,
  work: (workshop: Workshop) => Promise<Result>,
): Promise<Result> {
  await using pool = openMemberPool(threadsOf(options))
  return await work(
    openWorkshop(defaultCacheFolder(), pool, {
      codec: options.zstd === true ? 'zstd' : 'gzip',
      owner: String(process.pid),
      reader: layerReader(),
    }),
  )
}

export type Workshop = ReturnType<typeof openWorkshop>

/** Builds the platforms one after another, each on all threads. */
export async function buildPlatforms(order: BuildOrder, stages: Stages): Promise<BuiltPlatforms> {
  return withWorkshop(order.options, (workshop) => buildPlatformsIn(workshop, order, stages))
}

/** Builds the platforms one after another in a workshop that others may work in at the same time. */
export async function buildPlatformsIn(workshop: Workshop, order: BuildOrder, stages: Stages): Promise<BuiltPlatforms> {
  const { opened, effective, lock, platforms, place, options } = order
  await using taking = openTaking(place)
  const takesIn = effective.paths.some(({ type }) => type === 'taken')
  const takeIn: TakeIn = (...args) =>
    takesIn ? stages.run('take in', () => taking.takeIn(...args)) : taking.takeIn(...args)
  const counts = { reused: 0, made: 0 }
  const built: BuiltImage[] = []
  let decoder = 'own'
  const onHostXz = ({ version }: { version: string }) => {
    decoder = `xz ${version} of this machine, checked against our own`
  }
  for (const platform of platforms) {
    const onMember = (name: string, cached: boolean) => {
      counts[cached ? 'reused' : 'made']++
      stages.progress(`${platform}: ${name}`)
    }
    const fetch: FetchDebs = (packages, onFile) => fetchDebs(packages, onFile, { order, stages })
    const facts = {
      platform,
      ...(await releaseOf(effective, place)),
    }
    const image = await buildImage(
      {
        definition: effective,
        contents: opened.definition.contents,
        chain: opened.definition.chain,
        lock,
        ...facts,
        contract: writtenContract,
        fetch,
        takeIn,
        onMember,
        runner: derivedRunner(),
        hostXz: options.xz === true,
        onHostXz,
      },
      workshop,
    )
    await (order.known === undefined ? rememberBuilt(image, workshop) : order.known.take(image, workshop))
    built.push(image)
  }
  return { built, members: counts, decoder }
}

/** Leaves what an inventory would read in the layers, so that the first scan of an image that was built here reads none of them. */
async function rememberBuilt({ image, assembly }: BuiltImage, workshop: Workshop): Promise<void> {
  const memory = new LayerMemory()
  for (const [number, layer] of image.layers.entries()) {
    const built = assembly.layers[number]
    if (built === undefined || memory.has(layer)) continue
    const facts = await builtLayerFacts(built, workshop)
    if (facts !== undefined) await memory.keep(layer, facts)
  }
}

function fetchDebs(
  packages: readonly LockedPackage[],
  onFile: Parameters<FetchDebs>[1],
  { order: { place, lock }, stages }: { order: BuildOrder; stages: Stages },
) {
  const onProgress = ({ filesDone, files, bytesDone, bytes }: FetchProgress) =>
    stages.progress(`fetch ${filesDone}/${files} packages, ${formatBytes(bytesDone)} of ${formatBytes(bytes)}`)
  return stages.run('fetch', () =>
    fetchPackages(packages, { ...place, observed: everyObserved(lock), onProgress, onFile }),
  )
}

/** The first archive that is a release, and its facts, which effects go by. */
async function releaseOf({ archives }: EffectiveDefinition, { archiveFolders = [] }: ArchivePlace) {
  const files = await readArchives([BUILT_IN_ARCHIVES, ...archiveFolders])
  for (const name of archives) {
    const { archive } = selectArchive(files, name)
    if (archive.release !== undefined) return { archive, release: archive.release }
  }
  throw new UsageError('USAGE_INVALID', `cannot build from ${archives.join(', ')}: none of these archives is a release`)
}

function threadsOf({ workers }: BuildSettings): number | undefined {
  if (workers === undefined) return undefined
  const threads = Number(workers)
  if (Number.isInteger(threads) && threads >= 1 && threads <= 256) return threads
  throw new UsageError('USAGE_INVALID', `cannot use "${workers}" workers: want a number from 1 to 256`)
}

/** The contract as the document in the image and as its labels. */
function writtenContract(effective: EffectiveDefinition, user: RunAs) {
  const contract = contractOf(effective, user)
  const identity = { [imageLabels.image]: effective.image, [imageLabels.variant]: effective.variant }
  return { document: formatContract(contract), labels: { ...contractLabels(contract), ...identity } }
}

/** What the definition promises, with the user as numbers. */
function contractOf(
  { contract, entrypoint, cmd, environment }: EffectiveDefinition,
  { name, uid, gid }: RunAs,
): Contract {
  return {
    schema: 'casemate.contract/v1',
    user: { ...(name === undefined ? {} : { name }), uid, gid },
    entrypoint: [...entrypoint],
    cmd: [...cmd],
    ports: [...contract.ports],
    writable: [...contract.writable],
    'stop-signal': contract.stopSignal,
    environment: { ...environment },
    'work-dir': contract.workDir,
  }
}
