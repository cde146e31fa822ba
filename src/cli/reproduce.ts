import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Digest } from '#core'
import { lockMismatches, openDefinition, parseLock, type Recipe } from '#image'
import {
  composeIndex,
  firstDifference,
  formatPlatform,
  type ImageDifference,
  type ImageSource,
  openImage,
  openSource,
  parseReference,
  segmentBlobs,
} from '#oci'
import { variantOf } from './build.ts'
import { buildPlatforms } from './build-platforms.ts'
import { UsageError } from './errors.ts'
import { type ExitStatus, exitStatus } from './exit-status.ts'
import { everySubject, findSubjects, type ImageSubjects } from './image-subjects.ts'
import { placeOf } from './place.ts'
import { Stages } from './stages.ts'
import type { Terminal } from './terminal.ts'
import { layRecipe, type RecipeTrust, trustedRecipe } from './trusted-recipe.ts'
import type { PlaceOptions } from './verb.ts'
import { visibleText } from './visible-text.ts'

/** The options of `casemate reproduce`, as the command line gives them. */
export interface ReproduceOptions extends RecipeTrust, PlaceOptions {
  /** Folders with .debs by digest that are looked in before the network is. */
  readonly store?: readonly string[]
  readonly workers?: string
  readonly json?: boolean
}

/** What building again gave, for the index or for one platform. */
interface Reproduced {
  readonly title: string
  readonly wanted: Digest
  readonly got: Digest | undefined
  readonly difference?: ImageDifference
}

/**
 * Builds an image again from nothing but the recipe that is attached to it, signed by somebody trusted, and the .debs that its
 * lock names, and compares. The status is "no" when a digest differs; then the first difference is named. Rejects as
 * `findSubjects`, the build and `firstDifference` do, and with `USAGE_INVALID` for an image without such a recipe.
 */
export async function runReproduce(
  reference: string,
  options: ReproduceOptions,
  terminal: Terminal,
): Promise<ExitStatus> {
  const image = await findSubjects(reference)
  const folder = await mkdtemp(join(tmpdir(), 'casemate-reproduce-'))
  try {
    const recipe = await trustedRecipe(image, options)
    await layRecipe(recipe, folder)
    const built = await rebuild(recipe, { image, folder, options }, terminal)
    const compared = await compare(image, built, terminal)
    printReproduced(reference, compared, options.json === true, terminal)
    return compared.every(({ wanted, got }) => wanted === got) ? exitStatus.done : exitStatus.no
  } finally {
    await rm(folder, { recursive: true, force: true })
    await image.repository.close()
  }
}

async function rebuild(
  recipe: Recipe,
  { image, folder, options }: { image: ImageSubjects; folder: string; options: ReproduceOptions },
  terminal: Terminal,
): Promise<ImageSource> {
  const stages = new Stages(terminal)
  const places = { workingFolder: folder, catalogue: join(folder, 'catalogue') }
  const opened = await openDefinition(`./${recipe.definition}`, places)
  const effective = variantOf(opened, recipe.variant)
  const platforms = await platformsOf(image)
  const place = { ...(await placeOf(options, opened.files)), ...(options.store ? { stores: options.store } : {}) }
  const lock = parseLock(recipe.lock, 'the lock of the recipe')
  const mismatches = lockMismatches(lock, opened.definition, platforms, recipe.variant)
  if (mismatches.length > 0) {
    throw new UsageError(
      'USAGE_INVALID',
      `cannot reproduce ${image.repository.name}: its recipe fails: ${mismatches.join('; ')}`,
    )
  }
  const settings = {
    zstd: recipe.codec === 'zstd',
    ...(options.workers === undefined ? {} : { workers: options.workers }),
  }
  const order = { opened, effective, lock, platforms, place, options: settings }
  const { built } = await stages.run('build', () => buildPlatforms(order, stages))
  return composeIndex(
    built.map((one) => one.image),
    segmentBlobs(built.flatMap((one) => one.blobs)),
  )
}

/** The platforms of an index, or that of the image whose manifest the reference names. */
async function platformsOf({ platforms, referenceOf, top }: ImageSubjects): Promise<readonly string[]> {
  if (platforms.length > 0) return platforms.map(({ platform }) => platform)
  const opened = await openImage(parseReference(referenceOf(top.digest)))
  try {
    return [formatPlatform(opened.config.platform)]
  } finally {
    await opened.close()
  }
}

async function compare(image: ImageSubjects, built: ImageSource, terminal: Terminal): Promise<Reproduced[]> {
  const compared: Reproduced[] = []
  const isIndex = image.platforms.length > 0
  for (const { title, subject } of everySubject(image)) {
    const platform = isIndex ? title : undefined
    if (title === 'index') {
      compared.push({ title, wanted: subject.digest, got: built.top.descriptor.digest })
      continue
    }
    const own = built.images.find((one) => platform === undefined || formatPlatform(one.platform) === platform)
    const got = own?.manifest.descriptor.digest
    if (got === subject.digest || own === undefined) {
      compared.push({ title, wanted: subject.digest, got })
      continue
    }
    terminal.progress(`looking for the first difference of ${title} …`)
    const name = `${image.repository.name}@${subject.digest}`
    const theirs = await openImage(parseReference(image.referenceOf(subject.digest)), { platform: own.platform })
    const ours = await openSource(built, { name, platform: own.platform })
    const difference = await firstDifference(theirs, ours)
    await theirs.close()
    terminal.progress('')
    compared.push({ title, wanted: subject.digest, got, ...(difference ? { difference } : {}) })
  }
  return compared
}

function printReproduced(
  reference: string,
  compared: readonly Reproduced[],
  asJson: boolean,
  terminal: Terminal,
): void {
  const isSame = compared.every(({ wanted, got }) => wanted === got)
  if (asJson) {
    terminal.print(
      JSON.stringify({ schema: 'casemate.reproduce/v1', reference, reproduced: isSame, compared }, null, 2),
    )
    return
  }
  for (const { title, wanted, got = 'nothing', difference } of compared) {
    if (wanted === got) terminal.print(`same      ${title.padEnd(14)} ${wanted}`)
    else terminal.print(`differs   ${title.padEnd(14)} ${wanted}, built ${got}`)
    if (difference === undefined) continue
    const { part, place, reason } = difference
    const where = typeof part === 'number' ? `layer ${part}` : part
    terminal.print(visibleText(`          first in ${where}${place === '' ? '' : `, ${place}`}: ${reason}`))
  }
  const verdict = isSame ? terminal.style('green', 'reproduced') : terminal.style('red', 'not reproduced')
  terminal.print(`${verdict} ${reference}`)
}
