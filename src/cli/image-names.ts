import type { Digest } from '#core'
import { openImage, parsePlatform, parseReference } from '#oci'
import type { InventoriedImage } from '#sbom'

/** A name and a digest that VEX statements may call an image by. */
export interface ImageName {
  readonly name: string
  readonly digest: Digest
}

/** What an image at a reference goes by; its own name by its manifest's digest comes first. */
export interface ImageNames {
  readonly names: readonly [ImageName, ...ImageName[]]
  /** The registry's host and the repository; `undefined` for an image that lies in files. */
  readonly repository: string | undefined
}

/**
 * An image goes by its own name and by its repository's, by the digest of its manifest and by that of the index through which
 * the reference names it: scanners take the latter ones. Rejects as `openImage` does.
 */
export async function readImageNames(
  text: string,
  platform: string,
  image: Pick<InventoriedImage, 'name' | 'digest'>,
): Promise<ImageNames> {
  const reference = parseReference(text)
  const opened = await openImage(reference, { platform: parsePlatform(platform) })
  await opened.close()
  const repository = reference.transport === 'docker' ? `${reference.registry}/${reference.repository}` : undefined
  return { names: namesOfImage(image, repository, opened.top.descriptor.digest), repository }
}

/** The same of an image that is at hand: its own name first. */
export function namesOfImage(
  image: Pick<InventoriedImage, 'name' | 'digest'>,
  repository: string | undefined,
  index: Digest,
): ImageNames['names'] {
  const names = new Set([image.name, repository?.split('/').at(-1) ?? image.name])
  const digests = new Set([image.digest, index])
  const own = { name: image.name, digest: image.digest }
  const all = [...names].flatMap((name) => [...digests].map((digest) => ({ name, digest })))
  return [own, ...all.slice(1)]
}
