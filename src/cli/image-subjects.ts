import { type Digest, digestOf } from '#core'
import {
  type Descriptor,
  formatPlatform,
  formatReference,
  type LayoutReference,
  LayoutRepository,
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
  /** Registry and repository, as signatures name it; a folder has no such name. */
  readonly home: string | undefined
  /** The reference of one of its manifests, for who reads the image; in a folder the platform has to be named as well. */
  referenceOf(digest: Digest): string
  /** What the tag or digest names: the index, or the manifest of the only platform. */
  readonly top: Descriptor
  /** The manifests of an index, by platform; none where `top` is a manifest itself. */
  readonly platforms: readonly { readonly platform: string; readonly manifest: Descriptor }[]
}

/**
 * Finds an image in a registry or in a layout's folder. Rejects with `USAGE_INVALID` for a reference of another kind,
 * `IMAGE_UNKNOWN`, and as the repository does. Close the repository at the end.
 */
export async function findSubjects(text: string): Promise<ImageSubjects> {
  const reference = parseReference(text)
  switch (reference.transport) {
    case 'docker':
      return findInRegistry(reference)
    case 'oci':
      return findInFolder(reference)
    default: {
      const reason = 'it is kept in registries and in folders, oci:DIR[:TAG]'
      throw new UsageError('USAGE_INVALID', `cannot look for evidence of ${text}: ${reason}`)
    }
  }
}

/** The same image again, by the digest that was read: a tag that has moved meanwhile changes nothing. */
export function pinnedReference(text: string, top: Digest): string {
  const reference = parseReference(text)
  return reference.transport === 'docker' ? `docker://${reference.registry}/${reference.repository}@${top}` : text
}

async function findInRegistry(reference: RegistryReference): Promise<ImageSubjects> {
  const repository = new RegistryClient(reference)
  const home = repository.name
  const referenceOf = (digest: Digest) => `docker://${home}@${digest}`
  const wanted = reference.digest ?? reference.tag ?? 'latest'
  return subjectsAt(repository, wanted, { name: formatReference(reference), home, referenceOf })
}

async function findInFolder(reference: LayoutReference): Promise<ImageSubjects> {
  const repository = await LayoutRepository.open(reference.directory)
  const name = formatReference(reference)
  const { digest } = await repository.findImage(reference.tag)
  return subjectsAt(repository, digest, { name, home: undefined, referenceOf: () => name })
}

async function subjectsAt(
  repository: Repository,
  wanted: string,
  { name, ...rest }: { name: string } & Pick<ImageSubjects, 'home' | 'referenceOf'>,
): Promise<ImageSubjects> {
  try {
    const found = await repository.readManifest(wanted)
    if (found === undefined) throw new OciError('IMAGE_UNKNOWN', `cannot find ${name}: there is no ${wanted}`)
    const digest = digestOf(found.bytes)
    if (wanted.includes(':') && wanted !== digest) {
      throw new OciError('BLOB_MISMATCH', `cannot read ${name}: its manifest has the digest ${digest}`)
    }
    const top = { mediaType: found.mediaType, digest, size: found.bytes.length }
    return { repository, ...rest, top, platforms: platformsOf(top, found.bytes, name) }
  } catch (error) {
    await repository.close()
    throw error
  }
}

/** The name to sign an image under: the one that is asked for, or where it is. Throws `USAGE_INVALID` for an image in a folder. */
export function nameToSign({ home, repository }: ImageSubjects, signedAs: string | undefined): string {
  const name = signedAs ?? home
  if (name !== undefined) return name
  const reason = 'it lies in a folder; say the repository that it is for by --signed-as'
  throw new UsageError('USAGE_INVALID', `cannot sign what is in ${repository.name}: ${reason}`)
}

/** The names that an image may have been signed under. Throws `USAGE_INVALID` for an image in a folder where none is given. */
export function namesSigned({ home, repository }: ImageSubjects, signedAs: readonly string[] = []): readonly string[] {
  const names = home === undefined ? signedAs : [home, ...signedAs]
  if (names.length > 0) return names
  const reason = 'it lies in a folder; say the repository that it was signed as by --signed-as'
  throw new UsageError('USAGE_INVALID', `cannot verify what is in ${repository.name}: ${reason}`)
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
