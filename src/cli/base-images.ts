import {
  formatPlatform,
  type OpenedImage,
  openImage,
  type Platform,
  parsePlatform,
  parseReference,
  samePlatform,
} from '#oci'
import { statedBase } from '#rebase'
import { UsageError } from './errors.ts'
import { findSubjects } from './image-subjects.ts'

/** An image that was opened, under the name that its user gave it. */
export interface NamedImage {
  readonly name: string
  readonly image: OpenedImage
}

/**
 * The platforms that a reference has images for. None where it is one image that is not in an index, whose config alone says it,
 * or an archive. Rejects as `findSubjects` does.
 */
export async function platformsAt(reference: string): Promise<readonly Platform[]> {
  const { transport } = parseReference(reference)
  if (transport !== 'docker' && transport !== 'oci') return []
  const { repository, platforms } = await findSubjects(reference)
  await repository.close()
  return platforms.flatMap(({ manifest: { platform } }) =>
    platform === undefined || platform.os === 'unknown' ? [] : [platform],
  )
}

/**
 * Opens the image of a base for a platform; where it has none, the one it has, and otherwise nothing but the platforms there are.
 * Rejects as `openImage` does.
 */
export async function openBase(
  name: string,
  platform: Platform,
): Promise<NamedImage | { readonly name: string; readonly platforms: readonly Platform[] }> {
  const platforms = await platformsAt(name)
  if (platforms.length === 0) return { name, image: await openImage(parseReference(name)) }
  if (!platforms.some((one) => samePlatform(one, platform))) return { name, platforms }
  return { name, image: await openImage(parseReference(name), { platform }) }
}

/** Opens an image for each of its platforms, or for the one that is asked for. Rejects as `openImage` does. */
export async function openPlatforms(name: string, platform: string | undefined): Promise<readonly NamedImage[]> {
  const reference = parseReference(name)
  if (platform !== undefined)
    return [{ name, image: await openImage(reference, { platform: parsePlatform(platform) }) }]
  const platforms = await platformsAt(name)
  if (platforms.length === 0) return [{ name, image: await openImage(reference) }]
  const opened: NamedImage[] = []
  try {
    for (const one of platforms) opened.push({ name, image: await openImage(reference, { platform: one }) })
    return opened
  } catch (error) {
    await closeAll(opened)
    throw error
  }
}

/** Lets go of images. */
export async function closeAll(images: readonly NamedImage[]): Promise<void> {
  await Promise.all(images.map(({ image }) => image.close()))
}

/**
 * Where an image says that its base is: by name and digest together, so that nothing else can have taken the name since. Throws
 * `USAGE_INVALID` where it does not say both.
 */
export function statedReference({ name, image }: NamedImage): string {
  const { annotations } = image.manifest
  const labels = image.config.config.Labels
  const stated = statedBase({
    diffIds: image.config.diffIds,
    ...(annotations ? { annotations } : {}),
    ...(labels ? { labels } : {}),
  })
  const { name: base, digest } = stated ?? {}
  if (base === undefined || digest === undefined) {
    const reason = 'it does not say by annotations what it is built on: say it by --base'
    throw new UsageError('USAGE_INVALID', `cannot find the base of ${name}: ${reason}`)
  }
  const repository = base.replace(/@.*$/, '').replace(/:[^:/]*$/, '')
  return `docker://${repository.replace(/^docker:\/\//, '')}@${digest}`
}

/** A platform's name for messages. */
export function platformName({ config }: Pick<OpenedImage, 'config'>): string {
  return formatPlatform(config.platform)
}
