import { type ImageFiles, type OpenedImage, openImage, parsePlatform, parseReference } from '#oci'
import { Attribution, attributePackages, type BaseRecognition, recogniseBase, statedBase } from '#rebase'
import type { BaseImage, Inventory, Origin } from '#sbom'
import { type OpenedCandidate, openCandidates, statedCandidates, statementsOf } from './base-candidates.ts'
import { ImagePlaces } from './base-images.ts'
import { UsageError } from './errors.ts'
import { inventoryWithFiles } from './image-inventory.ts'

const STATUS = '/var/lib/dpkg/status'

/** An image with what is known of whose its parts are. */
export interface ImageOrigins {
  readonly image: OpenedImage
  readonly inventory: Inventory
  readonly files: ImageFiles
  readonly recognition: BaseRecognition<OpenedCandidate>
  /** Those that are proven, lowest first. */
  readonly bases: readonly BaseImage[]
  /** Why what the image says of its base was not looked for, or not found. */
  readonly notice?: string
  /** Whose a layer is, by its place, counted from 0; `undefined` where no base is proven. */
  ofLayer(place: number): Origin | undefined
}

/**
 * Reads an image and those that it may be built on, and says whose layers and packages are. Where no bases are named, those are asked
 * that the image names, in its own registry. Rejects as `openImage` and
 * `inventoryWithFiles` do, and with `CONTROL_INVALID` for a package database that is damaged.
 */
export async function readOrigins(
  reference: string,
  platform: string,
  bases?: readonly string[],
): Promise<ImageOrigins> {
  const places = new ImagePlaces()
  try {
    const [named] = await places.openAll(reference, parsePlatform(platform))
    if (named === undefined) throw new Error(`cannot open ${reference}: nothing was opened`)
    const { image } = named
    const asked =
      bases === undefined
        ? await statedCandidates(places, named)
        : { candidates: await openCandidates(places, named, bases) }
    const { inventory, files } = await inventoryWithFiles(image, { reference })
    const recognition = recogniseBase(statementsOf(image), asked.candidates)
    if (recognition.kind !== 'proven') {
      const { notice } = asked
      const origins = { image, inventory, files, recognition, bases: [], ofLayer: () => undefined }
      return notice === undefined ? origins : { ...origins, notice }
    }
    const proven: BaseImage[] = []
    const statuses: { layers: number; status: string }[] = []
    for (const { base, layers } of recognition.bases) {
      const read = await inventoryWithFiles(base.image, { reference: base.name })
      statuses.push({ layers, status: textOf(read.files) })
      const { name, digest, architecture } = read.inventory.image
      proven.push({ name, digest, architecture, layers, origin: proven.length === 0 ? 'base' : 'overlay' })
    }
    const attribution = new Attribution(statuses)
    const packages = attributePackages(textOf(files), attribution)
    const ofLayer = (place: number) => attribution.ofLayer(place)
    const owned = withOrigin({ ...inventory, bases: proven }, { packages, ofLayer })
    return { image, inventory: owned, files, recognition, bases: proven, ofLayer }
  } finally {
    await places.close()
  }
}

/**
 * Adds to an inventory whose its packages are, and what the image is built on. Where no bases are named, what the image says of its
 * base is followed, within its registry; what is not proven then leaves the inventory as it is, and `notice` is told why. Rejects as
 * `readOrigins` does, and with `USAGE_INVALID` where it is built on none of the bases that are named.
 */
export async function withOrigins(
  inventory: Inventory,
  { reference, platform, bases }: { reference: string; platform: string; bases?: readonly string[] },
  onNotice: (notice: string) => void,
): Promise<Inventory> {
  if (bases === undefined && !(await statesBase(reference, platform))) return inventory
  const origins = await readOrigins(reference, platform, bases)
  if (origins.recognition.kind !== 'proven') {
    const reason = recognitionText(origins.recognition)
    if (bases === undefined) {
      onNotice(
        `${origins.notice ?? `cannot tell base from application: ${reason}`}; name by --base what it is built on`,
      )
      return inventory
    }
    const want = `${reason}; name by --base what it is built on`
    throw new UsageError('USAGE_INVALID', `cannot tell base from application in ${reference}: ${want}`)
  }
  const known = new Map(origins.inventory.packages.map((one) => [`${one.name}:${one.architecture}`, one.origin]))
  const applications = new Map(origins.inventory.applications.map((one) => [`${one.purl} ${one.path}`, one.origin]))
  return {
    ...inventory,
    bases: origins.bases,
    packages: inventory.packages.map((one) => attributed(one, known.get(`${one.name}:${one.architecture}`))),
    applications: inventory.applications.map((one) => attributed(one, applications.get(`${one.purl} ${one.path}`))),
  }
}

/** Whether an image says what it is built on, and lies where its base may be looked for, too. */
async function statesBase(text: string, platform: string): Promise<boolean> {
  const reference = parseReference(text)
  if (reference.transport !== 'docker') return false
  const image = await openImage(reference, { platform: parsePlatform(platform) })
  await image.close()
  return statedBase(statementsOf(image)) !== undefined
}

/** What is known of the base, in words. */
export function recognitionText(recognition: BaseRecognition<OpenedCandidate>): string {
  switch (recognition.kind) {
    case 'proven':
      return recognition.bases.map(({ base, layers }) => `${base.name}, proven by ${layers} layers`).join('; ')
    case 'squashed':
      return `it says that it is built on ${recognition.base.name} and has none of its layers: somebody has squashed it`
    case 'stated': {
      const { name = 'an image', digest } = recognition.stated
      return `it says that it is built on ${name}${digest === undefined ? '' : ` (${digest})`}, and nothing proves it`
    }
    case 'unknown': {
      const { nearest } = recognition
      if (nearest === undefined) return 'nothing is known of its base'
      return `its first ${nearest.layers} of ${nearest.base.diffIds.length} layers of ${nearest.base.name}: it is on another build of it`
    }
  }
}

function withOrigin(
  inventory: Inventory,
  { packages, ofLayer }: { packages: ReadonlyMap<string, Origin>; ofLayer: (place: number) => Origin },
): Inventory {
  const ofDiffId = (layer: BaseImage['digest'] | undefined) => {
    const place = layer === undefined ? -1 : inventory.image.layers.lastIndexOf(layer)
    return place < 0 ? undefined : ofLayer(place)
  }
  return {
    ...inventory,
    // A database of one file a package has no stanza in `status`: its layer says whose it is.
    packages: inventory.packages.map((one) =>
      attributed(one, packages.get(`${one.name}:${one.architecture}`) ?? ofDiffId(one.layer)),
    ),
    applications: inventory.applications.map((one) => attributed(one, ofDiffId(one.layer))),
  }
}

function attributed<Component extends object>(one: Component, origin: Origin | undefined): Component {
  return origin === undefined ? one : { ...one, origin }
}

function textOf(files: ImageFiles): string {
  return Buffer.from(files.read(STATUS) ?? []).toString('utf8')
}
