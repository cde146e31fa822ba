import { type Digest, inParallel } from '#core'
import { type InstalledPackage, isInventoryFile, parseOsRelease, RELEASE_FILES, readDpkgDatabase } from '#debian'
import {
  formatPlatform,
  type ImageFiles,
  mergeLayers,
  OciError,
  type OpenedImage,
  type OpenedLayer,
  openImage,
  parsePlatform,
  parseReference,
  readLayerContent,
} from '#oci'
import {
  ApplicationScan,
  type DebComponent,
  type Distribution,
  type Inventory,
  type LayerStatement,
  withFiles,
} from '#sbom'
import { imageLabels } from './image-labels.ts'
import { withLicences } from './image-licences.ts'
import type { KnownLayers } from './known-layers.ts'
import { type LayerFacts, LayerMemory } from './layer-memory.ts'

/** What is looked at beside an image's packages. */
export interface InventoryOptions {
  readonly licences?: boolean
  /** Whether files that no Debian package owns are accounted for: by effect, definition or package of an application. */
  readonly account?: boolean
  /** Whether every file is listed, with its checksums and owner. */
  readonly files?: boolean
  /** Whether layers are read though it is remembered what they hold, as for what is signed. */
  readonly anew?: boolean
  /** What is known of layers that were made here; they are not read. */
  readonly known?: KnownLayers
  /** The image's definition: the name of a catalogue image, or a path. */
  readonly definition?: string
}

const MAX_OS_RELEASE = 2 ** 16
/** Bytes of package databases that are held of all layers together. */
const MAX_HELD = 2 ** 30

/**
 * Reads what is in an image, ours or anybody's, from its layers, in one pass: Debian packages, applications' packages in files
 * that no Debian package owns, and what no file of either is; licences and lists of files, which take longer, where they are asked for.
 * Rejects as `openImage`, `readImageFiles` and `withDefinition` do, and with `DPKG_DATABASE_INVALID`.
 */
export async function readInventory(
  reference: string,
  platform: string | undefined,
  options: InventoryOptions = {},
): Promise<Inventory> {
  const chosen = platform === undefined ? {} : { platform: parsePlatform(platform) }
  return inventoryOfImage(await openImage(parseReference(reference), chosen), { ...options, reference })
}

/** Reads what is in an image that was opened, and closes it. Rejects as `readInventory` does. */
export async function inventoryOfImage(
  image: OpenedImage,
  options: InventoryOptions & { readonly reference: string },
): Promise<Inventory> {
  return (await inventoryWithFiles(image, options)).inventory
}

/** The same with the files that the image shows; of those that `isInventoryFile` names with their content. */
export async function inventoryWithFiles(
  image: OpenedImage,
  options: InventoryOptions & { readonly reference: string },
): Promise<{ readonly inventory: Inventory; readonly files: ImageFiles }> {
  const { reference } = options
  try {
    const { files, scan } = await readRemembering(image.layers, options)
    const { inventory: found, explained } = withApplications(inventoryOf(image, files, reference), files, scan)
    const licensed = options.licences === true ? withLicences(found, files) : found
    // What makes images is large, and a scan goes without: both are loaded where they are asked for.
    const { withAccount } = options.account === true ? await import('./file-account.ts') : {}
    const accounted = withAccount === undefined ? licensed : withAccount(licensed, files, { image, explained })
    const inventory = options.files === true ? await withListedFiles(accounted, files, image.layers) : accounted
    if (options.definition === undefined) return { inventory, files }
    const { withDefinition } = await import('./definition-facts.ts')
    const identity = {
      labels: image.config.config.Labels ?? {},
      platform: formatPlatform(image.config.platform),
    }
    return { inventory: await withDefinition(inventory, options.definition, identity), files }
  } finally {
    await image.close()
  }
}

/** The files of an image, and what was found in them. */
interface ReadFiles {
  readonly files: ImageFiles
  readonly scan: ApplicationScan
}

/** Reads each layer by itself, once for all images that have it; two at a time, so that one is hashed while one is unpacked. */
async function readRemembering(
  layers: readonly OpenedLayer[],
  { anew, known: made }: Pick<InventoryOptions, 'anew' | 'known'>,
): Promise<ReadFiles> {
  const memory = new LayerMemory()
  const facts = new Map<number, LayerFacts>()
  const largestFirst = [...layers.entries()].sort(([, one], [, other]) => other.descriptor.size - one.descriptor.size)
  let room = MAX_HELD
  await inParallel(2, largestFirst, async ([number, layer]) => {
    const recalled = made?.factsOf(layer) ?? (anew === true ? undefined : await memory.recall(layer))
    const known = recalled ?? (await readFacts(layer, memory, room))
    for (const { content } of known.content.files.entries()) room -= content?.length ?? 0
    if (room < 0) throw new OciError('IMAGE_LIMIT', 'cannot read an image: its package databases are too large to hold')
    facts.set(number, known)
  })
  const inOrder = layers.flatMap((_, number) => facts.get(number) ?? [])
  const files = mergeLayers(inOrder.map(({ content }) => content))
  const scan = new ApplicationScan()
  for (const [number, { applications }] of inOrder.entries()) {
    scan.take(applications, (path) => files.get(path)?.layer === number)
  }
  return { files, scan }
}

async function readFacts(layer: OpenedLayer, memory: LayerMemory, room: number): Promise<LayerFacts> {
  const scan = new ApplicationScan()
  const content = await readLayerContent(layer, {
    wants: isInventoryFile,
    take: (file) => scan.sink(file),
    maxContent: room,
  })
  const facts = { content, applications: scan.readings }
  await memory.keep(layer, facts)
  return facts
}

/** Joins what each layer says of its files, for those that the image shows. */
async function withListedFiles(
  inventory: Inventory,
  files: ImageFiles,
  layers: readonly OpenedLayer[],
): Promise<Inventory> {
  const { readLayerStatement } = await import('./layer-statement.ts')
  const statements: LayerStatement[] = []
  for (const layer of layers) statements.push(await readLayerStatement(layer))
  const visible = [...files.entries()].filter(({ type }) => type === 'file' || type === 'hardlink')
  return withFiles(inventory, visible, statements)
}

/** An inventory with applications' packages, and which files they explain, each by the path that its package was found by. */
export interface WithApplications {
  readonly inventory: Inventory
  readonly explained: ReadonlyMap<string, string>
}

/** Adds what files without a Debian package are of. */
export function withApplications(inventory: Inventory, files: ImageFiles, scan: ApplicationScan): WithApplications {
  const owned = new Set(inventory.packages.flatMap((one) => one.files))
  const unowned = inventory.unowned.flatMap((path) => {
    const file = files.get(path)
    if (file === undefined) return []
    const contentPath = file.type === 'hardlink' ? file.target : path
    // Another name of a package's own file is that package's.
    return owned.has(contentPath) ? [] : [{ path, contentPath, layer: inventory.image.layers[file.layer] }]
  })
  const { applications, explained, faults } = scan.finish(unowned)
  return { inventory: { ...inventory, applications, faults: [...inventory.faults, ...faults] }, explained }
}

/** Makes the inventory of an image whose files have been read, with the content of what `isInventoryFile` names. */
export function inventoryOf(image: OpenedImage, files: ImageFiles, reference: string): Inventory {
  const { config, manifestDocument, layers } = image
  const diffIds = layers.map(({ diffId }) => diffId)
  const paths = [...files.entries()].map(({ path }) => path)
  const { packages, faults } = readDpkgDatabase({ paths: () => paths, read: (path) => files.read(path) })
  const owned = new Set<string>()
  const components = packages.map((one) => component(one, files, { owned, diffIds }))
  const named = RELEASE_FILES.map((path) => files.read(path)).find(Boolean) ?? new Uint8Array()
  const isRelease = named.length <= MAX_OS_RELEASE
  const release = parseOsRelease(isRelease ? Buffer.from(named).toString('utf8') : '')
  const told = isRelease ? [] : [`cannot read os-release: it has ${named.length} bytes, more than ${MAX_OS_RELEASE}`]
  const labels = config.config.Labels ?? {}
  return {
    image: {
      name: labels[imageLabels.image] ?? nameOf(reference),
      digest: manifestDocument.descriptor.digest,
      architecture: config.platform.architecture,
      created: config.created ?? '1970-01-01T00:00:00Z',
      version: labels['org.opencontainers.image.version'] ?? '',
      layers: diffIds,
    },
    distribution: distributionOf(release),
    packages: components,
    applications: [],
    unowned: [...files.entries()]
      .filter(({ path, type }) => (type === 'file' || type === 'hardlink') && !owned.has(path))
      .map(({ path }) => path)
      .sort(),
    faults: [...faults, ...told],
  }
}

/** Older releases name the codename in `VERSION` alone: `9 (stretch)`. */
function distributionOf(release: ReadonlyMap<string, string>): Distribution | undefined {
  const id = release.get('ID')
  if (id === undefined) return undefined
  const codename = release.get('VERSION_CODENAME') ?? /\(([a-z]+)\)/.exec(release.get('VERSION') ?? '')?.[1]
  const versionId = release.get('VERSION_ID') ?? ''
  return { id, versionId, prettyName: release.get('PRETTY_NAME') ?? id, ...(codename ? { codename } : {}) }
}

function component(
  one: InstalledPackage,
  files: ImageFiles,
  { owned, diffIds }: { owned: Set<string>; diffIds: readonly Digest[] },
): DebComponent {
  const places = new Set<number>()
  const own: string[] = []
  for (const listed of one.paths) {
    const file = fileAt(files, listed)
    if (file === undefined || file.type === 'directory') continue
    owned.add(file.path)
    own.push(file.path)
    places.add(file.layer)
  }
  const [place = -1, ...others] = places
  const { name, version, architecture, source, maintainer, homepage, description } = one
  const layer = others.length === 0 ? diffIds[place] : undefined
  return { name, version, architecture, source, maintainer, homepage, description, layer, files: own.sort() }
}

/** The file that a package's list means: it may say `/bin/sh` where `/bin` is a link: folders are followed, the last name is not. */
export function fileAt(files: ImageFiles, path: string) {
  const found = files.get(path)
  if (found !== undefined) return found
  const slash = path.lastIndexOf('/')
  const folder = files.resolve(path.slice(0, slash))
  return folder === undefined ? undefined : files.get(`${folder.path}/${path.slice(slash + 1)}`)
}

/** What a reference calls the image: the last part of a repository, or of a tag in a layout. */
function nameOf(reference: string): string {
  const plain = reference.replace(/^[a-z-]+:(\/\/)?/, '').replace(/@sha256:[0-9a-f]+$/, '')
  return (
    plain
      .replace(/:[^:/]*$/, '')
      .split('/')
      .at(-1) || 'image'
  )
}
