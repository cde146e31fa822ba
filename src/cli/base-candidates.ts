import { CasemateError, type Digest } from '#core'
import { formatPlatform, type OpenedImage } from '#oci'
import { type BaseCandidate, type BuiltOnSomething, statedBase } from '#rebase'
import { type ImagePlaces, type NamedImage, statedReference } from './base-images.ts'
import { UsageError } from './errors.ts'

/** How many images that stand on one another are looked for by what each says of its base. */
const MOST_STATED = 8

/** An image that another may be built on, opened. */
export interface OpenedCandidate extends BaseCandidate {
  readonly image: OpenedImage
  /** What `digests` are, the index first, which is what a reference names. */
  readonly digest: Digest
}

/**
 * Opens the images that another may be built on, for its platform. Rejects as `openImage` does, and with `USAGE_INVALID` for one that
 * has no image for the platform.
 */
export async function openCandidates(
  places: ImagePlaces,
  { name, image }: NamedImage,
  bases: readonly string[],
): Promise<readonly OpenedCandidate[]> {
  const candidates: OpenedCandidate[] = []
  for (const base of bases) {
    const found = await places.openBase(base, image.config.platform)
    if (!('image' in found)) {
      const there = found.platforms.map(formatPlatform).join(', ')
      const reason = `it has no image for ${formatPlatform(image.config.platform)}, only for ${there}`
      throw new UsageError('USAGE_INVALID', `cannot hold ${name} against ${base}: ${reason}`)
    }
    candidates.push(candidateOf(found))
  }
  return candidates
}

/**
 * Opens what an image says that it is built on, and what that says, as far as they are in the image's own registry: an image must not
 * send us anywhere else. `notice` is why there is less than the image says, and no error: an old base may be gone.
 */
export async function statedCandidates(
  places: ImagePlaces,
  named: NamedImage,
): Promise<{ readonly candidates: readonly OpenedCandidate[]; readonly notice?: string }> {
  const candidates: OpenedCandidate[] = []
  let above = named
  try {
    while (candidates.length < MOST_STATED && statedBase(statementsOf(above.image)) !== undefined) {
      const wanted = statedReference(above, [named.name])
      if (candidates.some(({ name }) => name === wanted)) break
      const [found] = await openCandidates(places, named, [wanted])
      if (found === undefined) break
      candidates.push(found)
      above = found
    }
  } catch (error) {
    if (!(error instanceof CasemateError)) throw error
    return { candidates, notice: `nothing proves what ${named.name} is built on: ${error.message}` }
  }
  return { candidates }
}

/** What an image says, by its layers and in words, of what it is built on. */
export function statementsOf({ config, manifest }: OpenedImage): BuiltOnSomething {
  return {
    diffIds: config.diffIds,
    ...(config.history ? { history: config.history } : {}),
    ...(manifest.annotations ? { annotations: manifest.annotations } : {}),
    ...(config.config.Labels ? { labels: config.config.Labels } : {}),
  }
}

/** An opened image as one that others may be built on. */
export function candidateOf({ name, image }: NamedImage): OpenedCandidate {
  const { history } = image.config
  const { digest } = image.top.descriptor
  return {
    ...{ name, image, digest },
    digests: [digest, image.manifestDocument.descriptor.digest],
    diffIds: image.config.diffIds,
    ...(history ? { history } : {}),
  }
}
