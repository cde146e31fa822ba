import {
  ANNOTATIONS,
  composeIndex,
  formatReference,
  type ImageSource,
  isIndexType,
  parseIndex,
  parsePlatform,
  parseReference,
  pushImage,
  type Reference,
} from '#oci'
import { ImagePlaces, type NamedImage } from './base-images.ts'
import { type BaseTrustOptions, movedSince, verifyBase } from './base-signature.ts'
import { UsageError } from './errors.ts'
import { type ExitStatus, exitStatus } from './exit-status.ts'
import { ListingMemory } from './listing-memory.ts'
import { type Written, writeOutputs } from './outputs.ts'
import {
  blobsOf,
  type ComposedPlatform,
  knownBlobs,
  type PlatformAnswer,
  type RebaseOrder,
  rebasePlatform,
} from './rebase-image.ts'
import { printRebase } from './rebase-page.ts'
import type { Terminal } from './terminal.ts'

/** The options of `casemate rebase`, as the command line gives them. */
export interface RebaseOptions extends BaseTrustOptions {
  readonly base?: string
  readonly onto: string
  readonly output?: readonly string[]
  readonly platform?: string
  readonly check?: boolean
  readonly allowOlder?: boolean
  readonly json?: boolean
}

/**
 * Puts an application's image on another base by changing its manifest, for each of its platforms; or says every reason why not:
 * the status is "no" then, and nothing is written. Rejects with `USAGE_INVALID`, and as reading and writing images do.
 */
export async function runRebase(reference: string, options: RebaseOptions, terminal: Terminal): Promise<ExitStatus> {
  const outputs = outputsOf(options)
  const order = orderOf(options)
  const tools = { places: new ImagePlaces(), memory: new ListingMemory() }
  try {
    terminal.progress(`reading ${reference} …`)
    const wanted = options.platform === undefined ? undefined : parsePlatform(options.platform)
    const applications = await tools.places.openAll(reference, wanted)
    const verdict = await verifyBase(options.onto, options)
    const answers: PlatformAnswer[] = []
    for (const application of applications) {
      const { refusals, ...answer } = await rebasePlatform(application, order, tools)
      const moved = movedSince(options.onto, verdict, answer.result?.baseDigest)
      answers.push({ ...answer, refusals: [...verdict.refusals, ...moved, ...refusals] })
    }
    terminal.progress('')
    const results = answers.flatMap(({ refusals, result }) =>
      refusals.length > 0 || result === undefined ? [] : result,
    )
    const isPossible = results.length === answers.length
    // No reason, no new digest.
    const isThere = isPossible && answers.every((answer) => answer.isThere === true)
    const source = isPossible && !isThere ? sourceOf(results, applications[0], order) : undefined
    const written =
      source === undefined ? [] : await writeAll(source, outputs, { applications, order, places: tools.places })
    const digest = source?.top.descriptor.digest
    printRebase({ reference, onto: options.onto, answers, written, ...(digest ? { digest } : {}) }, options, terminal)
    for (const line of leftOut(applications)) terminal.warn(line)
    return isPossible ? exitStatus.done : exitStatus.no
  } finally {
    await tools.places.close()
  }
}

/** Where the result goes; nowhere for a check. Throws `USAGE_INVALID`. */
function outputsOf({ output = [], check = false }: RebaseOptions): readonly Reference[] {
  const outputs = output.map(parseReference)
  if (check && outputs.length > 0) {
    throw new UsageError('USAGE_INVALID', 'cannot check and write: want one of --check and -o, not both')
  }
  if (!check && outputs.length === 0) {
    throw new UsageError('USAGE_INVALID', 'cannot rebase: say by -o where the result goes, or --check to write nothing')
  }
  return outputs
}

function orderOf({ base, onto, allowOlder = false }: RebaseOptions): RebaseOrder {
  const reference = parseReference(onto)
  const name = reference.transport === 'docker' ? formatReference(reference).replace('docker://', '') : undefined
  return {
    onto,
    allowOlder,
    ...(base === undefined ? {} : { base }),
    ...(name === undefined ? {} : { baseName: name }),
  }
}

/** What is written: an index where the application has one, otherwise its manifest. */
function sourceOf(
  results: readonly ComposedPlatform[],
  application: NamedImage | undefined,
  { baseName }: RebaseOrder,
): ImageSource | undefined {
  const [only] = results
  if (only === undefined || application === undefined) return undefined
  const blobs = blobsOf(results)
  const images = results.map(({ image }) => image)
  const { descriptor, bytes } = application.image.top
  if (!isIndexType(descriptor.mediaType)) return { top: only.image.manifest, images, blobs }
  const { annotations = {} } = parseIndex(bytes)
  const { [ANNOTATIONS.baseName]: _name, [ANNOTATIONS.baseDigest]: _digest, ...own } = annotations
  const base = { [ANNOTATIONS.baseDigest]: only.baseDigest, ...(baseName ? { [ANNOTATIONS.baseName]: baseName } : {}) }
  return composeIndex(images, blobs, { ...own, ...base })
}

/** What an index of the application lists beside its images: builders attach what they say of an image that way. */
function leftOut([application]: readonly NamedImage[]): readonly string[] {
  if (application === undefined || !isIndexType(application.image.top.descriptor.mediaType)) return []
  const others = parseIndex(application.image.top.bytes).manifests.filter(({ platform }) => platform?.os === 'unknown')
  if (others.length === 0) return []
  return [`${others.length} statements of its builder are about the image on the old base, and are left out`]
}

/** What the registry has in the repositories of application and base is mounted, not sent. */
async function writeAll(
  source: ImageSource,
  outputs: readonly Reference[],
  from: { readonly applications: readonly NamedImage[]; readonly order: RebaseOrder; readonly places: ImagePlaces },
): Promise<readonly Written[]> {
  const { applications, order, places } = from
  const repositories = [...applications.map(({ name }) => name), order.onto].map(parseReference)
  return writeOutputs(source, outputs, { wanted: false, name: '' }, async (image, to) => {
    const mountFrom = repositories.flatMap((one) =>
      one.transport === 'docker' && one.registry === to.registry ? [one.repository] : [],
    )
    const client = await places.clientOf(to)
    const present = knownBlobs(applications, to)
    return pushImage(image, to, { mountFrom: [...new Set(mountFrom)], present, ...(client ? { client } : {}) })
  })
}
