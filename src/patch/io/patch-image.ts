import { digestOf } from '#core'
import {
  type ArchivePlace,
  BUILT_IN_ARCHIVES,
  createDecoders,
  fetchPackages,
  loadLibarchive,
  openArchive,
  parseOsRelease,
  readArchives,
} from '#debian'
import { compressStream, prepareCodec } from '#image'
import {
  type ImageDocument,
  type ImageFiles,
  type OpenedImage,
  type OpenedLayer,
  type PlatformImage,
  readImageFiles,
  readLayerContent,
} from '#oci'
import { PatchError } from '../errors.ts'
import { packageKey } from '../package-state.ts'
import { type DpkgImage, isPatchPath, OS_RELEASE, patchFiles, readDpkgImage } from '../patch-files.ts'
import { encodePatchLayer } from '../patch-layer.ts'
import { composePatched, isPatched, patchLayerType } from '../patched-image.ts'
import type { KeptConffile } from '../put-package.ts'
import { paragraphsOf, STATUS_PATH } from '../status-file.ts'
import type { TrustChanges } from '../trust-store.ts'
import { type KeptBack, planUpgrade, type Upgrade, type UpgradePlan } from '../upgrade-plan.ts'
import { readNewerPackages } from './read-newer-package.ts'

/** How an image is to be patched. */
export interface PatchOptions {
  readonly place: ArchivePlace
  readonly acceptExpired?: boolean
  /** Binary or source packages; all that have newer versions unless given. */
  readonly only?: readonly string[]
  /** The archive's name; the one of the image's release unless given. */
  readonly archive?: string
  /** Reads what `isPatchPath` names of an image's layers, lowest first; the layers themselves are read unless given. */
  readFiles?(layers: readonly OpenedLayer[]): Promise<ImageFiles>
  /** Called with what is being done, for people. */
  onProgress?(what: string): void
}

/** An image's patch. */
export interface ImagePatch {
  readonly upgrades: readonly Upgrade[]
  readonly keptBack: readonly KeptBack[]
  readonly conffiles: readonly KeptConffile[]
  /** Maintainer scripts that apt would have run, as `PACKAGE.postinst`: what they do is not done. */
  readonly scripts: readonly string[]
  /** What became of the certificates that the image trusts, where a newer package ships them. */
  readonly trust?: TrustChanges
  readonly notices: readonly string[]
  /** Paths that the layer writes and takes away. */
  readonly changed: number
  readonly removed: number
  /** The patched image, and where the new layer's bytes are; `undefined` where nothing is newer. */
  readonly patched: { readonly image: PlatformImage; readonly layer: ImageDocument } | undefined
}

/**
 * Brings the packages of a Debian-based image to the newest versions of its release, in one layer on top, or in the place of an
 * earlier patch's; nothing of the image runs. Rejects with the codes of `PatchError`, and as `openArchive`, `fetchPackages` and
 * the readers of images and packages do.
 */
export async function patchImage(image: OpenedImage, options: PatchOptions): Promise<ImagePatch> {
  const progress = options.onProgress ?? (() => undefined)
  progress('reading the image …')
  const below = isPatched(image) ? image.layers.slice(0, -1) : image.layers
  const readFiles = options.readFiles ?? ((layers) => readImageFiles(layers, { wants: isPatchPath }))
  const dpkg = readDpkgImage(await readFiles(below))
  const earlier = below === image.layers ? [] : await newerSince(dpkg, image)
  const archive = options.archive ?? (await archiveOf(dpkg, options.place))
  const [architecture = 'amd64', ...foreignArchitectures] = architecturesOf(dpkg)
  progress(`reading the suites of ${archive} …`)
  const open = await openArchive({
    ...options.place,
    archives: [archive],
    architecture,
    foreignArchitectures,
    ...(options.acceptExpired === undefined ? {} : { acceptExpired: options.acceptExpired }),
  })
  try {
    const wish = { held: dpkg.held, ...(options.only === undefined ? {} : { only: [...options.only, ...earlier] }) }
    const plan = planUpgrade(dpkg.packages, open.universe, wish)
    const notices = [...open.notices, ...dpkg.faults]
    if (plan.upgrades.length === 0) return { ...plan, ...NOTHING, notices }
    progress(`fetching ${plan.upgrades.length} packages …`)
    const paths = await fetchPackages(
      plan.upgrades.map(({ candidate }) => candidate),
      { ...options.place, observed: open.observed },
    )
    return { ...(await putTogether(image, dpkg, { plan, paths })), notices }
  } finally {
    open.close()
  }
}

async function putTogether(
  image: OpenedImage,
  dpkg: DpkgImage,
  { plan, paths }: { plan: UpgradePlan; paths: readonly string[] },
): Promise<Omit<ImagePatch, 'notices'>> {
  const stanzas = paragraphsOf(dpkg.status)
  const downloaded = plan.upgrades.flatMap(({ installed }, at) => {
    const [status, path] = [stanzas.get(packageKey(installed)), paths[at]]
    return status === undefined || path === undefined ? [] : [{ installed, status, path }]
  })
  const newer = readNewerPackages(downloaded, createDecoders(await loadLibarchive()))
  const { changes, kept, trust } = patchFiles(dpkg, newer)
  const tar = encodePatchLayer(changes, dpkg.files)
  await prepareCodec('gzip')
  const layer = Buffer.concat(compressStream('gzip', tar))
  const descriptor = { mediaType: patchLayerType(image), digest: digestOf(layer), size: layer.length }
  const comment = plan.upgrades
    .map(({ installed, candidate }) => `${installed.name} ${installed.version} → ${candidate.version}`)
    .join(', ')
  const epoch = Math.max(0, ...newer.flatMap(({ entries }) => entries.map(({ mtime }) => mtime)))
  const removed = changes.filter(([, change]) => change === undefined).length
  return {
    ...plan,
    conffiles: kept,
    scripts: newer
      .flatMap(({ installed: { name }, files }) =>
        ['preinst', 'postinst'].filter((script) => files.has(script)).map((script) => `${name}.${script}`),
      )
      .filter((script) => trust === undefined || script !== 'ca-certificates.postinst'),
    ...(trust === undefined ? {} : { trust }),
    changed: changes.length - removed,
    removed,
    patched: {
      image: composePatched({ image, layer: { descriptor, diffId: digestOf(tar) }, comment, epoch }),
      layer: { descriptor, bytes: layer },
    },
  }
}

const NOTHING = { conffiles: [], scripts: [], changed: 0, removed: 0, patched: undefined } as const

/** What an earlier patch brought to newer versions: a later one takes its place, so these go along. */
async function newerSince(below: DpkgImage, image: OpenedImage): Promise<readonly string[]> {
  const top = image.layers.at(-1)
  if (top === undefined) return []
  const { files } = await readLayerContent(top, { wants: ({ path }) => path === STATUS_PATH })
  const patched = paragraphsOf(Buffer.from(files.read(STATUS_PATH) ?? '').toString('utf8'))
  const isNewer = (key: string, version: string) => (patched.get(key)?.get('version') ?? version) !== version
  return below.packages.filter((one) => isNewer(packageKey(one), one.version)).map(({ name }) => name)
}

/** The archive of the image's release. */
async function archiveOf({ files }: DpkgImage, place: ArchivePlace): Promise<string> {
  const text = OS_RELEASE.map((path) => files.read(path)).find((content) => content !== undefined)
  const release = parseOsRelease(Buffer.from(text ?? '').toString('utf8'))
  const [id, codename] = [release.get('ID'), release.get('VERSION_CODENAME')]
  const known = await readArchives([BUILT_IN_ARCHIVES, ...(place.archiveFolders ?? [])])
  for (const { archive } of known.values()) {
    if (archive.release?.id === id && archive.release?.codename === codename) return archive.name
  }
  const said = id === undefined ? 'it does not say what it is' : `it is ${id} ${codename ?? 'of no release'}`
  throw new PatchError(
    'PATCH_UNSUPPORTED',
    `cannot patch the image: ${said}, and no archive is of that; name one (--archive)`,
  )
}

/** The architecture that most packages are of; what else is there is foreign. */
function architecturesOf({ packages }: DpkgImage): readonly string[] {
  const counts = new Map<string, number>()
  for (const { architecture } of packages) {
    if (architecture !== 'all') counts.set(architecture, (counts.get(architecture) ?? 0) + 1)
  }
  return [...counts].sort(([, one], [, other]) => other - one).map(([architecture]) => architecture)
}
