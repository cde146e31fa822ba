import type { SharedStore } from '#advisory'
import type { Signatory } from '#attest'
import type { Digest } from '#core'
import { attachTogether, type Signing, type SubjectEvidence } from '#evidence'
import type { BuiltImage } from '#image'
import {
  formatPlatform,
  type ImageFiles,
  type ImageSource,
  type OpenedImage,
  openSource,
  type PushReport,
  pushImage,
  RegistryClient,
  type RegistryReference,
} from '#oci'
import type { Inventory } from '#sbom'
import type { BuildOrder } from './build-platforms.ts'
import { buildStatements } from './build-statements.ts'
import { withOrigins } from './file-account.ts'
import { inventoryWithFiles } from './image-inventory.ts'
import { imageStatements } from './image-statements.ts'
import { signingNow } from './signatory.ts'
import type { Terminal } from './terminal.ts'

/** What is published, and by whom. */
export interface Publication {
  readonly image: ImageSource
  readonly order: BuildOrder
  readonly built: readonly BuiltImage[]
  readonly signatory: Signatory
  /** Who makes the VEX statements. */
  readonly author: string
  /** The advisories, where they are open already. */
  readonly advisories?: SharedStore
}

/**
 * Pushes an image with all its evidence: contents and manifests by digest, then signatures and statements about the index and
 * each platform, and the tag at last, so that no tag ever leads to something unsigned. Rejects as `pushImage`, the makers of
 * the statements and the signatory do; then no tag has moved.
 */
export async function publishSigned(
  publication: Publication,
  reference: RegistryReference,
  terminal: Terminal,
): Promise<PushReport> {
  const { image, signatory } = publication
  const { tag, ...untagged } = reference
  const repository = new RegistryClient(reference)
  try {
    const pushed = await pushImage(image, untagged, { client: repository })
    // What the registry did not have until now has nothing attached, but for what is refused to be lost.
    const isFresh = pushed.manifests > 0
    const signing = signingNow({ repository, signatory, signedAs: repository.name, isFresh })
    await attachEverything(publication, signing, terminal)
    if (tag === undefined) return pushed
    await repository.putManifest(image.top, tag)
    return { ...pushed, manifests: pushed.manifests + 1 }
  } finally {
    await repository.close()
  }
}

/** One platform's image as it was read for what is said of it. */
export interface ReadManifest {
  readonly image: OpenedImage
  readonly inventory: Inventory
  readonly files: ImageFiles
}

/**
 * Signs an image and attaches everything that can be said of it; gives what was read of each manifest. Rejects as the makers of the
 * statements, the repository and the signatory do.
 */
export async function attachEverything(
  publication: Publication,
  signing: Signing,
  terminal: Terminal,
): Promise<ReadonlyMap<Digest, ReadManifest>> {
  const { said, read } = await saidOf(publication, signing, terminal)
  await attachTogether(said)
  return read
}

/** What is said of an image, and what was read for it. */
interface Said {
  readonly said: readonly SubjectEvidence[]
  readonly read: ReadonlyMap<Digest, ReadManifest>
}

/** Everything that is said of an image's index and platforms, which are signed. */
async function saidOf(publication: Publication, signing: Signing, terminal: Terminal): Promise<Said> {
  const { image, order, built, author, advisories } = publication
  const read = new Map<Digest, ReadManifest>()
  const { index, platforms } = await buildStatements(order, built)
  const notices = new Set<string>()
  const said: SubjectEvidence[] = []
  for (const [number, { platform, manifest }] of built.map((one) => one.image).entries()) {
    const title = formatPlatform(platform)
    terminal.progress(`sign: what is in ${title}`)
    const reference = `${signing.signedAs}@${manifest.descriptor.digest}`
    const opened = await openSource(image, { name: reference, platform })
    const reading = { reference, licences: true, account: true, anew: true }
    const known = order.known === undefined ? {} : { known: order.known }
    const { inventory: found, files } = await inventoryWithFiles(opened, { ...reading, ...known })
    read.set(manifest.descriptor.digest, { image: opened, inventory: found, files })
    const inventory = withOrigins(found, order.effective.paths, title)
    const names = { author, signedAs: signing.signedAs, index: image.top.descriptor.digest }
    const own = imageStatements(inventory, { ...names, ...(advisories === undefined ? {} : { advisories }) })
    for (const notice of own.notices) notices.add(notice)
    const statements = [...(platforms[number] ?? []), ...own.statements]
    said.push({ subject: manifest.descriptor, statements, isSigned: true, signing })
  }
  const { descriptor } = image.top
  if (!image.images.some(({ manifest }) => manifest.descriptor.digest === descriptor.digest)) {
    said.push({ subject: descriptor, statements: index, isSigned: true, signing })
  }
  for (const notice of notices) terminal.warn(notice)
  return { said, read }
}
