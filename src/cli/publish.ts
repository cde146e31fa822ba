import type { Signatory } from '#attest'
import { attachTogether, type Signing, type SubjectEvidence } from '#evidence'
import type { BuiltImage } from '#image'
import {
  formatPlatform,
  type ImageSource,
  openSource,
  type PushReport,
  pushImage,
  RegistryClient,
  type RegistryReference,
} from '#oci'
import type { BuildOrder } from './build-platforms.ts'
import { buildStatements } from './build-statements.ts'
import { withOrigins } from './file-account.ts'
import { inventoryOfImage } from './image-inventory.ts'
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
    await attachTogether(await saidOf(publication, signing, terminal))
    if (tag === undefined) return pushed
    await repository.putManifest(image.top, tag)
    return { ...pushed, manifests: pushed.manifests + 1 }
  } finally {
    await repository.close()
  }
}

/** Everything that is said of an image's index and platforms, which are signed. */
async function saidOf(publication: Publication, signing: Signing, terminal: Terminal): Promise<SubjectEvidence[]> {
  const { image, order, built, author } = publication
  const { index, platforms } = await buildStatements(order, built)
  const notices = new Set<string>()
  const said: SubjectEvidence[] = []
  for (const [number, { platform, manifest }] of built.map((one) => one.image).entries()) {
    const title = formatPlatform(platform)
    terminal.progress(`sign: what is in ${title}`)
    const reference = `${signing.signedAs}@${manifest.descriptor.digest}`
    const opened = await openSource(image, { name: reference, platform })
    const found = await inventoryOfImage(opened, { reference, licences: true, account: true, anew: true })
    const inventory = withOrigins(found, order.effective.paths, title)
    const own = imageStatements(inventory, { author, signedAs: signing.signedAs, index: image.top.descriptor.digest })
    for (const notice of own.notices) notices.add(notice)
    const statements = [...(platforms[number] ?? []), ...own.statements]
    said.push({ subject: manifest.descriptor, statements, isSigned: true, signing })
  }
  const { descriptor } = image.top
  if (!image.images.some(({ manifest }) => manifest.descriptor.digest === descriptor.digest)) {
    said.push({ subject: descriptor, statements: index, isSigned: true, signing })
  }
  for (const notice of notices) terminal.warn(notice)
  return said
}
