import type { Signatory } from '#attest'
import { checkLayers, type EffectiveDefinition, type OpenedDefinition, openDefinition } from '#image'
import { composeIndex, OciError, parseReference, pushImage, type Reference, segmentBlobs } from '#oci'
import { type BuildOrder, type BuildSettings, buildPlatforms } from './build-platforms.ts'
import { printBuildSummary } from './build-summary.ts'
import { chosenMembers, everyMember } from './definition-members.ts'
import { UsageError } from './errors.ts'
import { type ExitStatus, exitStatus } from './exit-status.ts'
import { provideLock } from './lock-choice.ts'
import { openScripts } from './open-scripts.ts'
import { type Push, writeOutputs } from './outputs.ts'
import { placeOf } from './place.ts'
import type { SigningOptions } from './signatory.ts'
import { Stages } from './stages.ts'
import type { Terminal } from './terminal.ts'
import type { PlaceOptions } from './verb.ts'

/** The options of `casemate build`, as the command line gives them. */
export interface BuildOptions extends PlaceOptions, BuildSettings, SigningOptions {
  readonly variant: string
  readonly platform?: string
  readonly output?: readonly string[]
  readonly load?: boolean
  /** Names of bases, where the definition has several. */
  readonly only?: readonly string[]
  readonly json?: boolean
}

/**
 * Builds an image, or one on each base that the definition names, writes it to its outputs and prints what it is. Rejects with
 * what any step throws; images that were built before then are written.
 */
export async function runBuild(reference: string, options: BuildOptions, terminal: Terminal): Promise<ExitStatus> {
  const members = await chosenMembers(reference, options.only)
  const shared = members.length > 1 ? options.output?.find((one) => !one.includes('{image}')) : undefined
  if (shared !== undefined) {
    const reason = `${members.length} images cannot all be ${shared}; write {image} in it`
    throw new UsageError('USAGE_INVALID', `cannot build ${reference}: ${reason}`)
  }
  return everyMember(members, (member) => buildOne(member, options, terminal))
}

async function buildOne(reference: string, options: BuildOptions, terminal: Terminal): Promise<ExitStatus> {
  const stages = new Stages(terminal)
  const opened = await stages.run('read', () => openDefinition(reference, { workingFolder: process.cwd() }))
  const effective = variantOf(opened, options.variant)
  const outputs = (options.output ?? ['oci:./out:{image}']).map((one) =>
    parseReference(one.replaceAll('{image}', effective.image)),
  )
  const signatory = await signatoryFor(options, outputs)
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
  const { built, members, decoder } = await stages.run('build', () => buildPlatforms(order, stages))
  for (const line of openScripts(opened, built)) terminal.warn(line)
  const image = composeIndex(
    built.map((one) => one.image),
    segmentBlobs(built.flatMap((one) => one.blobs)),
  )
  const name = `localhost/${effective.image}:${built[0]?.tags[0] ?? 'latest'}`
  const load = { wanted: options.load === true, name }
  const publication = signatory && { image, order, built, signatory, author: 'casemate' }
  const push: Push = (source, to) =>
    publication === undefined
      ? pushImage(source, to)
      : stages.run('sign', async () => {
          const { publishSigned } = await import('./publish.ts')
          return publishSigned(publication, to, terminal)
        })
  const written = await stages
    .run('write', () => writeOutputs(image, outputs, load, push))
    .catch((error: unknown) => {
      // Layers that were made before are written unread, so damage in the cache shows here; it is taken away.
      if (error instanceof OciError && error.code === 'BLOB_MISMATCH') {
        checkLayers(built.flatMap(({ assembly }) => assembly.layers))
      }
      throw error
    })
  const summary = { effective, lock, lockFile, built, image, written, members, decoder, durations: stages.durations }
  printBuildSummary(summary, options.json === true, terminal)
  return exitStatus.done
}

/** Who signs, where somebody shall. Throws `USAGE_INVALID` where nothing would be signed, and as `openSignatory` does. */
async function signatoryFor(options: BuildOptions, outputs: readonly Reference[]): Promise<Signatory | undefined> {
  if (options.key === undefined && options.identityToken === undefined) return undefined
  // What signs is loaded where something is signed.
  const { signatoryOf } = await import('./signatory.ts')
  if (outputs.some(({ transport }) => transport === 'docker')) return signatoryOf(options)
  throw new UsageError(
    'USAGE_INVALID',
    'cannot sign the image: signatures are kept in registries, and no output is one',
  )
}

/** The variant of that name. Throws `USAGE_INVALID`. */
export function variantOf({ definition }: OpenedDefinition, variant: string): EffectiveDefinition {
  const effective = definition.variants.get(variant)
  if (effective !== undefined) return effective
  const known = [...definition.variants.keys()].join(', ')
  throw new UsageError(
    'USAGE_INVALID',
    `cannot build ${definition.image}: it has no variant "${variant}", only ${known}`,
  )
}
