import {
  composeIndex,
  formatPlatform,
  type ImageSource,
  layerBlobs,
  memoryBlobs,
  type OpenedImage,
  openImage,
  type PlatformImage,
  parsePlatform,
  parseReference,
} from '#oci'
import { type ImagePatch, patchImage } from '#patch'
import { UsageError } from './errors.ts'
import { type ExitStatus, exitStatus } from './exit-status.ts'
import { findSubjects } from './image-subjects.ts'
import { type Written, writeOutputs } from './outputs.ts'
import { readPatchedFiles } from './patch-memory.ts'
import { placeOf } from './place.ts'
import { formatBytes, formatTable, type Terminal } from './terminal.ts'
import type { PlaceOptions } from './verb.ts'
import { visibleText } from './visible-text.ts'

/** The options of `casemate patch`, as the command line gives them. */
export interface PatchVerbOptions extends PlaceOptions {
  readonly only?: readonly string[]
  readonly archive?: string
  readonly archives?: readonly string[]
  readonly platform?: string
  readonly output?: readonly string[]
  readonly load?: boolean
  readonly json?: boolean
}

/** The patch of one platform's image. */
interface PlatformPatch extends ImagePatch {
  readonly opened: OpenedImage
}

/**
 * Brings the packages of an image that is based on Debian to the newest versions of its release, and writes the patched image; with
 * nothing that is newer it writes nothing. Rejects as `openImage`, `patchImage` and `writeOutputs` do.
 */
export async function runPatch(reference: string, options: PatchVerbOptions, terminal: Terminal): Promise<ExitStatus> {
  const outputs = (options.output ?? []).map(parseReference)
  if (outputs.length === 0 && options.load !== true)
    throw new UsageError(
      'USAGE_INVALID',
      `cannot patch ${reference}: say where the patched image goes to, by -o or --load`,
    )
  const place = await placeOf(options)
  const settings = {
    place: { ...place, archiveFolders: [...(place.archiveFolders ?? []), ...(options.archives ?? [])] },
    ...(options.acceptExpired === undefined ? {} : { acceptExpired: options.acceptExpired }),
    ...(options.only === undefined ? {} : { only: options.only.flatMap((names) => names.split(',')) }),
    ...(options.archive === undefined ? {} : { archive: options.archive }),
    readFiles: readPatchedFiles,
    onProgress: (what: string) => terminal.progress(what),
  }
  const patches: PlatformPatch[] = []
  try {
    for (const platform of options.platform?.split(',') ?? (await platformsOf(reference))) {
      const chosen = platform === undefined ? {} : { platform: parsePlatform(platform) }
      const opened = await openImage(parseReference(reference), chosen)
      patches.push({ opened, ...(await patchImage(opened, settings).catch(closing(opened))) })
    }
    terminal.progress('')
    const notices = new Set(patches.flatMap(({ notices }) => notices))
    for (const notice of notices) terminal.warn(visibleText(notice))
    const image = imageOf(patches)
    const load = { wanted: options.load === true, name: 'localhost/patched:latest' }
    const written = image === undefined ? [] : await writeOutputs(image, outputs, load)
    const print = options.json === true ? printJson : printPage
    print({ patches, image, written }, terminal)
    return exitStatus.done
  } finally {
    for (const { opened } of patches) await opened.close()
  }
}

function closing(opened: OpenedImage): (error: unknown) => Promise<never> {
  return async (error) => {
    await opened.close()
    throw error
  }
}

/** Every platform of an index; of an archive's file the only one. */
async function platformsOf(reference: string): Promise<readonly (string | undefined)[]> {
  const { transport } = parseReference(reference)
  if (transport !== 'docker' && transport !== 'oci') return [undefined]
  const image = await findSubjects(reference)
  await image.repository.close()
  const platforms = image.platforms
    .map(({ platform }) => platform)
    .filter((platform) => !/unknown|sha256:/.test(platform))
  return platforms.length === 0 ? [undefined] : platforms
}

/** What is written: a platform with nothing newer stays as it is; `undefined` where that is every one. */
function imageOf(patches: readonly PlatformPatch[]): ImageSource | undefined {
  const held = patches.flatMap(({ patched }) => patched?.layer ?? [])
  if (held.length === 0) return undefined
  const blobs = memoryBlobs(held, layerBlobs(patches.flatMap(({ opened }) => opened.layers)))
  const images = patches.map(({ opened, patched }) => patched?.image ?? unchanged(opened))
  const [only] = images
  // What was one manifest stays one.
  const isIndex = patches.some(({ opened }) => opened.top !== opened.manifestDocument)
  if (only !== undefined && !isIndex) return { top: only.manifest, images, blobs }
  return composeIndex(images, blobs)
}

function unchanged({ config, manifestDocument, configDocument, layers }: OpenedImage): PlatformImage {
  const { platform } = config
  const manifest = { ...manifestDocument, descriptor: { ...manifestDocument.descriptor, platform } }
  return { platform, manifest, config: configDocument, layers }
}

/** What `casemate patch` found and wrote. */
interface Patched {
  readonly patches: readonly PlatformPatch[]
  readonly image: ImageSource | undefined
  readonly written: readonly Written[]
}

function printPage({ patches, image, written }: Patched, terminal: Terminal): void {
  for (const patch of patches) {
    if (patches.length > 1) terminal.print(terminal.style('bold', formatPlatform(patch.opened.config.platform)))
    for (const line of linesOf(patch, terminal.width)) terminal.print(line)
    terminal.print()
  }
  if (image === undefined) {
    terminal.print('nothing is newer: nothing was written')
    return
  }
  terminal.print(`${terminal.style('bold', 'digest')}  ${image.top.descriptor.digest}`)
  for (const { place } of written) terminal.print(`${terminal.style('bold', 'wrote')}   ${place}`)
}

function linesOf(patch: PlatformPatch, width: number): readonly string[] {
  const { upgrades, keptBack, conffiles, scripts, changed, removed, trust, patched } = patch
  const rows = upgrades.map(({ installed, candidate }) =>
    [installed.name, installed.version, candidate.version, candidate.suite].map(visibleText),
  )
  const table = rows.length === 0 ? [] : formatTable([['package', 'from', 'to', 'suite'], ...rows], { width })
  const size = patched === undefined ? '' : `, ${formatBytes(patched.layer.descriptor.size)} in one layer`
  return [
    ...table,
    ...(rows.length === 0 ? [] : ['', `${changed} paths written, ${removed} taken away${size}`]),
    ...keptBack.map(({ name, candidate, reason }) => visibleText(`kept back: ${name} ${candidate}: ${reason}`)),
    ...conffiles.map(({ path, beside }) => visibleText(`stayed as it was changed: ${path}; the new one is ${beside}`)),
    ...(trust === undefined
      ? []
      : [`certificates: ${trust.added.length} added, ${trust.removed.length} no longer trusted`]),
    ...(scripts.length === 0 ? [] : [visibleText(`not run: ${scripts.join(', ')}`)]),
  ]
}

function printJson({ patches, image, written }: Patched, terminal: Terminal): void {
  const document = {
    digest: image?.top.descriptor.digest ?? null,
    outputs: written.map(({ place }) => place),
    platforms: patches.map(({ opened, upgrades, keptBack, conffiles, scripts, changed, removed, trust, patched }) => ({
      platform: formatPlatform(opened.config.platform),
      digest: (patched?.image.manifest ?? opened.manifestDocument).descriptor.digest,
      upgrades: upgrades.map(({ installed: { name, architecture, version }, candidate }) => ({
        ...{ name, architecture, from: version, to: candidate.version },
        ...{ source: candidate.source.name, suite: candidate.suite, sha256: candidate.digest },
      })),
      ...{
        keptBack,
        conffiles,
        scriptsNotRun: scripts,
        written: changed,
        removed,
        ...(trust === undefined ? {} : { certificates: trust }),
      },
      ...(patched === undefined ? {} : { layer: patched.layer.descriptor }),
    })),
  }
  terminal.print(JSON.stringify(document, null, 2))
}
