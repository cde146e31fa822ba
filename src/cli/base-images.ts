import {
  findImage,
  formatReference,
  type LayoutReference,
  LayoutRepository,
  type OpenedImage,
  openImage,
  type Platform,
  parseReference,
  RegistryClient,
  type RegistryReference,
  type Repository,
  samePlatform,
} from '#oci'
import { statedBase } from '#rebase'
import { UsageError } from './errors.ts'
import { visibleText } from './visible-text.ts'

/** An image that was opened, under the name that its user gave it. */
export interface NamedImage {
  readonly name: string
  readonly image: OpenedImage
}

/** Several images at once, by one connection to each repository, which is open until all of them are closed. */
export class ImagePlaces {
  readonly #repositories = new Map<string, Promise<Repository>>()
  readonly #archives: OpenedImage[] = []

  /** Opens an image for each of its platforms, or for the one that is asked for. Rejects as `openImage` does. */
  async openAll(name: string, platform?: Platform): Promise<readonly NamedImage[]> {
    const found = await this.#find(name)
    if (found === undefined) return [{ name, image: await this.#openArchive(name, platform) }]
    if (platform !== undefined || found.platforms.length === 0) return [{ name, image: await found.open(platform) }]
    const opened: NamedImage[] = []
    for (const one of found.platforms) opened.push({ name, image: await found.open(one) })
    return opened
  }

  /**
   * Opens the image of a base for a platform; where an index lists none for it, gives the platforms that there are. What is no index
   * is opened whatever it is for. Rejects as `openImage` does.
   */
  async openBase(name: string, platform: Platform): Promise<NamedImage | { readonly platforms: readonly Platform[] }> {
    const found = await this.#find(name)
    if (found === undefined) return { name, image: await this.#openArchive(name) }
    const { platforms } = found
    if (platforms.length === 0) return { name, image: await found.open() }
    if (!platforms.some((one) => samePlatform(one, platform))) return { platforms }
    return { name, image: await found.open(platform) }
  }

  /** The client of a repository that images were opened from, or are to be pushed to. */
  async clientOf(reference: RegistryReference): Promise<RegistryClient | undefined> {
    const repository = await this.#repositories.get(`docker://${reference.registry}/${reference.repository}`)
    return repository instanceof RegistryClient ? repository : undefined
  }

  /** Lets go of everything. */
  async close(): Promise<void> {
    const repositories = await Promise.allSettled(this.#repositories.values())
    const opened = repositories.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))
    await Promise.all([...opened, ...this.#archives].map((one) => one.close()))
  }

  /** `undefined` for an archive. */
  async #find(name: string) {
    const reference = parseReference(name)
    if (reference.transport !== 'docker' && reference.transport !== 'oci') return undefined
    const repository = await this.#repository(reference)
    const digest = 'digest' in reference ? reference.digest : undefined
    const isFolder = repository instanceof LayoutRepository
    const wanted = isFolder ? (await repository.findImage(reference.tag)).digest : (digest ?? reference.tag ?? 'latest')
    return findImage(repository, wanted, formatReference(reference))
  }

  #repository(reference: RegistryReference | LayoutReference): Promise<Repository> {
    const key =
      reference.transport === 'docker' ? `docker://${reference.registry}/${reference.repository}` : reference.directory
    const known = this.#repositories.get(key)
    if (known !== undefined) return known
    const opened: Promise<Repository> =
      reference.transport === 'docker'
        ? Promise.resolve(new RegistryClient(reference))
        : LayoutRepository.open(reference.directory)
    this.#repositories.set(key, opened)
    return opened
  }

  async #openArchive(name: string, platform?: Platform): Promise<OpenedImage> {
    const image = await openImage(parseReference(name), platform === undefined ? {} : { platform })
    this.#archives.push(image)
    return image
  }
}

/**
 * Where an image says that its base is: by name and digest together, so that nothing else can have taken the name since. An image
 * must not send us anywhere: only to registries that the user has named by `named`. Throws `USAGE_INVALID` where it says less, or
 * another registry, and `REFERENCE_INVALID`.
 */
export function statedReference({ name, image }: NamedImage, named: readonly string[]): string {
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
  const found = `docker://${repository.replace(/^docker:\/\//, '')}@${digest}`
  const registryOf = (text: string) => {
    const reference = parseReference(text)
    return reference.transport === 'docker' ? reference.registry : undefined
  }
  if (named.some((one) => registryOf(one) === registryOf(found))) return found
  const reason = `it says ${found}, in a registry that you have not named: if you mean it, say it by --base`
  throw new UsageError('USAGE_INVALID', `cannot look for the base of ${visibleText(name)}: ${visibleText(reason)}`)
}
