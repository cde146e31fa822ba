import {
  formatReference,
  type ImageSource,
  loadImage,
  type PushReport,
  parsePlatform,
  pushImage,
  type Reference,
  type RegistryReference,
  samePlatform,
  writeImage,
} from '#oci'
import { UsageError } from './errors.ts'
import { hostPlatform } from './host-platform.ts'

/** Where an image was written to, in words, and what that took. */
export interface Written {
  /** The reference as the user may type it again, or the name in an engine. */
  readonly place: string
  readonly kind: Reference['transport'] | 'podman' | 'docker'
  readonly pushed?: PushReport
}

/** How an image gets into a registry: as it is, or with evidence. */
export type Push = (image: ImageSource, reference: RegistryReference) => Promise<PushReport>

/** Writes an image to every output; `name` is what an engine will call it. Rejects with what any of them throws. */
export async function writeOutputs(
  image: ImageSource,
  outputs: readonly Reference[],
  load: { readonly wanted: boolean; readonly name: string },
  push: Push = pushImage,
): Promise<Written[]> {
  const written: Written[] = []
  for (const output of outputs) written.push(await writeOutput(image, output, push))
  if (load.wanted) {
    const { engine, name } = await loadImage(forThisMachine(image, '--load'), load.name)
    written.push({ place: name, kind: engine })
  }
  return written
}

async function writeOutput(image: ImageSource, output: Reference, push: Push): Promise<Written> {
  const place = formatReference(output)
  switch (output.transport) {
    case 'docker':
      return { place, kind: 'docker', pushed: await push(image, output) }
    case 'docker-archive':
      await writeImage(forThisMachine(image, place), output)
      break
    default:
      await writeImage(image, output)
  }
  return { place, kind: output.transport }
}

/** Of an image for several platforms, the one for this machine: Docker's own archives hold one. */
function forThisMachine(image: ImageSource, output: string): ImageSource {
  const [only, ...others] = image.images
  if (only !== undefined && others.length === 0) return image
  const platform = hostPlatform()
  const own = image.images.find((candidate) => samePlatform(candidate.platform, parsePlatform(platform)))
  if (own !== undefined) return { ...image, images: [own] }
  const reason = `it holds one platform, and none of several is ${platform}; choose one by --platform`
  throw new UsageError('USAGE_INVALID', `cannot write ${output}: ${reason}`)
}
