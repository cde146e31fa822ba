import {
  type ArchivePlace,
  BUILT_IN_ARCHIVES,
  defaultCacheFolder,
  fetchPackages,
  readArchives,
  selectArchive,
} from '#debian'
import {
  type BuiltImage,
  buildImage,
  type EffectiveDefinition,
  type Lock,
  type LockedPackage,
  type OpenedDefinition,
  openDefinition,
  openMemberPool,
  openWorkshop,
  type RunAs,
} from '#image'
import { composeIndex, debianArchitectureOf, parsePlatform, parseReference, segmentBlobs } from '#oci'
import { type Contract, contractLabels } from '#sandbox'
import { type MemberCounts, printBuildSummary } from './build-summary.ts'
import { UsageError } from './errors.ts'
import { type ExitStatus, exitStatus } from './exit-status.ts'
import { provideLock } from './lock-choice.ts'
import { writeOutputs } from './outputs.ts'
import { placeOf } from './place.ts'
import { Stages } from './stages.ts'
import { formatBytes, type Terminal } from './terminal.ts'
import type { PlaceOptions } from './verb.ts'

/** The options of `casemate build`, as the command line gives them. */
export interface BuildOptions extends PlaceOptions {
  readonly variant: string
  readonly platform?: string
  readonly output?: readonly string[]
  readonly load?: boolean
  readonly zstd?: boolean
  readonly workers?: string
  readonly json?: boolean
}

/** Builds an image, writes it to its outputs and prints what it is. Rejects with what any step throws. */
export async function runBuild(reference: string, options: BuildOptions, terminal: Terminal): Promise<ExitStatus> {
  const stages = new Stages(terminal)
  const opened = await stages.run('read', () => openDefinition(reference, { workingFolder: process.cwd() }))
  const effective = variantOf(opened, options.variant)
  const outputs = (options.output ?? [`oci:./out:${effective.image}`]).map(parseReference)
  const platforms = options.platform?.split(',') ?? opened.definition.platforms
  const place = await placeOf(options, opened.files)
  const from = { platforms, place, acceptExpired: options.acceptExpired === true }
  const choice = await stages.run('solve', () => provideLock(opened, from))
  if (choice.kind === 'impossible') {
    for (const reason of choice.reasons) terminal.print(reason)
    return exitStatus.no
  }
  for (const notice of choice.notices) terminal.warn(notice)
  const { lock, file: lockFile } = choice
  const order: BuildOrder = { opened, effective, lock, platforms, place, options }
  const { built, members } = await stages.run('build', () => buildPlatforms(order, stages))
  const image = composeIndex(
    built.map((one) => one.image),
    segmentBlobs(built.flatMap((one) => one.blobs)),
  )
  const name = `localhost/${effective.image}:${built[0]?.tags[0] ?? 'latest'}`
  const load = { wanted: options.load === true, name }
  const written = await stages.run('write', () => writeOutputs(image, outputs, load))
  const summary = { effective, lock, lockFile, built, image, written, members, durations: stages.durations }
  printBuildSummary(summary, options.json === true, terminal)
  return exitStatus.done
}

/** What is to be built, once everything is decided. */
interface BuildOrder {
  readonly opened: OpenedDefinition
  readonly effective: EffectiveDefinition
  readonly lock: Lock
  readonly platforms: readonly string[]
  readonly place: ArchivePlace
  readonly options: BuildOptions
}

/** Builds the platforms one after another, each on all threads. */
async function buildPlatforms(
  order: BuildOrder,
  stages: Stages,
): Promise<{ built: BuiltImage[]; members: MemberCounts }> {
  const { opened, effective, lock, platforms, place, options } = order
  await using pool = openMemberPool(threadsOf(options))
  const codec = options.zstd === true ? 'zstd' : 'gzip'
  const workshop = await openWorkshop(defaultCacheFolder(), pool, codec, String(process.pid))
  const counts = { reused: 0, made: 0 }
  const built: BuiltImage[] = []
  for (const platform of platforms) {
    const onMember = (name: string, cached: boolean) => {
      counts[cached ? 'reused' : 'made']++
      stages.progress(`${platform}: ${name}`)
    }
    const fetch = (packages: readonly LockedPackage[]) => fetchDebs(packages, order, stages)
    const facts = {
      platform,
      architecture: debianArchitectureOf(parsePlatform(platform)),
      release: await releaseOf(effective, place),
    }
    const labels = (user: RunAs) => contractLabels(contractOf(effective, user))
    built.push(
      await buildImage(
        { definition: effective, contents: opened.definition.contents, lock, ...facts, labels, fetch, onMember },
        workshop,
      ),
    )
  }
  return { built, members: counts }
}

function fetchDebs(packages: readonly LockedPackage[], { place, lock }: BuildOrder, stages: Stages) {
  return fetchPackages(packages, {
    ...place,
    observed: lock.observed,
    onProgress: ({ filesDone, files, bytesDone, bytes }) =>
      stages.progress(`fetch ${filesDone}/${files} packages, ${formatBytes(bytesDone)} of ${formatBytes(bytes)}`),
  })
}

/** The release facts of the first archive that is one, which effects go by. */
async function releaseOf({ archives }: EffectiveDefinition, { archiveFolders = [] }: ArchivePlace) {
  const files = await readArchives([BUILT_IN_ARCHIVES, ...archiveFolders])
  for (const name of archives) {
    const { release } = selectArchive(files, name).archive
    if (release !== undefined) return release
  }
  throw new UsageError('USAGE_INVALID', `cannot build from ${archives.join(', ')}: none of these archives is a release`)
}

function threadsOf({ workers }: BuildOptions): number | undefined {
  if (workers === undefined) return undefined
  const threads = Number(workers)
  if (Number.isInteger(threads) && threads >= 1 && threads <= 256) return threads
  throw new UsageError('USAGE_INVALID', `cannot use "${workers}" workers: want a number from 1 to 256`)
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

function variantOf({ definition }: OpenedDefinition, variant: string): EffectiveDefinition {
  const effective = definition.variants.get(variant)
  if (effective !== undefined) return effective
  const known = [...definition.variants.keys()].join(', ')
  throw new UsageError(
    'USAGE_INVALID',
    `cannot build ${definition.image}: it has no variant "${variant}", only ${known}`,
  )
}
