import { digestOf } from '#core'
import {
  type Descriptor,
  formatPlatform,
  formatReference,
  MEDIA_TYPES,
  OciError,
  parseIndex,
  parseReference,
  RegistryClient,
  type RegistryReference,
  type Repository,
} from '#oci'
import { UsageError } from './errors.ts'

/** An image in a repository, with everything of it that can be signed. */
export interface ImageSubjects {
  readonly repository: Repository
  readonly reference: RegistryReference
  /** What the tag or digest names: the index, or the manifest of the only platform. */
  readonly top: Descriptor
  /** The manifests of an index, by platform; none where `top` is a manifest itself. */
  readonly platforms: readonly { readonly platform: string; readonly manifest: Descriptor }[]
}

/**
 * Finds an image in a registry. Rejects with `USAGE_INVALID` for a reference of another kind, `IMAGE_UNKNOWN`, and as the
 * registry does. Close the repository at the end.
 */
export async function findSubjects(text: string): Promise<ImageSubjects> {
  const reference = parseReference(text)
  if (reference.transport !== 'docker') {
    throw new UsageError(
      'USAGE_INVALID',
      `cannot look for evidence of ${text}: it is kept in registries; push the image first`,
    )
  }
  const repository = new RegistryClient(reference)
  try {
    const name = formatReference(reference)
    const wanted = reference.digest ?? reference.tag ?? 'latest'
    const found = await repository.readManifest(wanted)
    if (found === undefined) throw new OciError('IMAGE_UNKNOWN', `cannot find ${name}: the registry has no ${wanted}`)
    const digest = digestOf(found.bytes)
    if (reference.digest !== undefined && reference.digest !== digest) {
      throw new OciError('BLOB_MISMATCH', `cannot read ${name}: the registry sent a manifest with the digest ${digest}`)
    }
    const top = { mediaType: found.mediaType, digest, size: found.bytes.length }
    return { repository, reference, top, platforms: platformsOf(top, found.bytes, name) }
  } catch (error) {
    await repository.close()
    throw error
  }
}

/** Every manifest about which something can be said, the top first. */
export function everySubject({
  top,
  platforms,
}: ImageSubjects): { readonly title: string; readonly subject: Descriptor }[] {
  const below = platforms.map(({ platform, manifest }) => ({ title: platform, subject: manifest }))
  return [{ title: below.length > 0 ? 'index' : 'image', subject: top }, ...below]
}

function platformsOf(top: Descriptor, bytes: Uint8Array, name: string): ImageSubjects['platforms'] {
  if (top.mediaType !== MEDIA_TYPES.index && !top.mediaType.includes('manifest.list')) return []
  return parseIndex(bytes, name).manifests.map((manifest) => ({
    platform: manifest.platform === undefined ? manifest.digest : formatPlatform(manifest.platform),
    manifest,
  }))
}

/** The name under which a reference's image is signed unless another is asked for. */
export function repositoryName({ registry, repository }: RegistryReference): string {
  return `${registry}/${repository}`
}
