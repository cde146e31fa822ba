import { existsSync } from 'node:fs'
import { CasemateError } from '#core'
import { type ImageFile, type OpenedImage, parseReference } from '#oci'
import type { Origin } from '#sbom'
import { UsageError } from './errors.ts'
import { type ExitStatus, exitStatus } from './exit-status.ts'
import { type ImageOrigins, readOrigins, recognitionText } from './image-origins.ts'
import { formatBytes, formatTable, type Terminal } from './terminal.ts'
import { visibleText } from './visible-text.ts'

/** The options of `casemate explain` of an image, as the command line gives them. */
export interface ExplainImageOptions {
  readonly platform: string
  readonly base?: readonly string[]
  readonly json?: boolean
}

const ORIGINS: readonly Origin[] = ['base', 'overlay', 'application']
/** Packages that are named of one origin; the others are counted, and `--json` has them. */
const NAMED = 12

/** Whether what `explain` is asked about is an image: it has a transport, or names a registry and is no path that is there. */
export function isImageReference(text: string): boolean {
  try {
    parseReference(text)
  } catch (error) {
    if (error instanceof CasemateError) return false
    throw error
  }
  return /^(?:docker:\/\/|oci:|oci-archive:|docker-archive:)/.test(text) || !existsSync(text)
}

/**
 * Prints what an image is built on, as far as its layers prove it, and whose its layers, packages and files are; of one path where
 * it comes from. The status is "no" for a path that is not there. Rejects as `readOrigins` does, and with `USAGE_INVALID`.
 */
export async function runExplainImage(
  reference: string,
  what: string | undefined,
  options: ExplainImageOptions,
  terminal: Terminal,
): Promise<ExitStatus> {
  if (what !== undefined && !what.startsWith('/')) {
    const reason = `"${what}" is no absolute path; packages are explained of a definition`
    throw new UsageError('USAGE_INVALID', `cannot explain ${reference}: ${reason}`)
  }
  terminal.progress(`reading ${reference} …`)
  const origins = await readOrigins(reference, options.platform, options.base)
  terminal.progress('')
  if (origins.notice !== undefined) terminal.warn(visibleText(origins.notice))
  if (what !== undefined) return explainPathOf(origins, what, options.json === true, terminal)
  if (options.json === true) terminal.print(JSON.stringify(documentOf(reference, origins), null, 2))
  else for (const line of imageLines(reference, origins, terminal.width)) terminal.print(visibleText(line))
  return exitStatus.done
}

function imageLines(reference: string, origins: ImageOrigins, width: number): string[] {
  const { recognition, bases, image, inventory } = origins
  const rows = layerRows(origins)
  const about = [
    ['image', reference],
    ...(recognition.kind === 'proven'
      ? recognition.bases.map(({ base, layers }, index) => {
          const proof = `proven by the lowest ${layers} of ${image.layers.length} layers`
          return [bases[index]?.origin ?? 'base', `${base.name}, ${proof}`]
        })
      : [['base', recognitionText(recognition)]]),
  ]
  return [
    ...formatTable(about, { width }),
    '',
    ...formatTable([['layer', 'of', 'size', 'files', 'made by'], ...rows], { width, right: [0, 2, 3] }),
    ...(recognition.kind === 'proven' ? ['', ...formatTable(packageRows(inventory.packages), { width })] : []),
  ]
}

/** A row for each layer: of a base's own only how many they are. */
function layerRows({ image, files, ofLayer }: ImageOrigins): string[][] {
  const counts = countBy([...files.entries()].filter(({ type }) => type !== 'directory'))
  const makers = makersOf(image)
  const rows: string[][] = []
  for (const [place, { descriptor }] of image.layers.entries()) {
    const origin = ofLayer(place) ?? 'unknown'
    const row = [`${place + 1}`, origin, formatBytes(descriptor.size), `${counts.get(place) ?? 0}`, makers[place] ?? '']
    rows.push(row)
  }
  return rows
}

function countBy(files: readonly ImageFile[]): ReadonlyMap<number, number> {
  const counts = new Map<number, number>()
  for (const { layer } of files) counts.set(layer, (counts.get(layer) ?? 0) + 1)
  return counts
}

/** What made each layer, as the history says; nothing where it does not say it of every one. */
function makersOf({ config }: Pick<OpenedImage, 'config'>): readonly string[] {
  const entries = (config.history ?? []).filter((entry) => entry.empty_layer !== true)
  if (entries.length !== config.diffIds.length) return []
  return entries.map(({ created_by = '' }) => created_by.replace(/\s+/g, ' '))
}

function packageRows(packages: ImageOrigins['inventory']['packages']): string[][] {
  const groups = Map.groupBy(packages, ({ origin }) => origin)
  return ORIGINS.flatMap((origin) => {
    const own = groups.get(origin) ?? []
    if (own.length === 0) return []
    const names = origin === 'base' ? [] : own.slice(0, NAMED).map(({ name, version }) => `${name} ${version}`)
    const more = origin === 'base' || own.length <= NAMED ? '' : ', …'
    return [[`packages of the ${origin}`, `${own.length}`, `${names.join(', ')}${more}`]]
  })
}

function explainPathOf(
  { image, inventory, files, ofLayer }: ImageOrigins,
  path: string,
  asJson: boolean,
  terminal: Terminal,
): ExitStatus {
  const file = files.get(path) ?? files.resolve(path)
  if (file === undefined) {
    if (asJson) terminal.print(JSON.stringify({ what: path, isKnown: false }, null, 2))
    else terminal.print(visibleText(`${path} is not in the image`))
    return exitStatus.no
  }
  const owner = inventory.packages.find((one) => one.files.includes(file.path))
  const origin = ofLayer(file.layer)
  const layer = image.layers[file.layer]
  const facts = {
    what: path,
    isKnown: true,
    path: file.path,
    origin: origin ?? 'unknown',
    layer: file.layer + 1,
    diffId: layer?.diffId,
    madeBy: makersOf(image)[file.layer],
    ...(owner === undefined
      ? {}
      : { package: `${owner.name} ${owner.version}`, packageOrigin: owner.origin ?? 'unknown' }),
  }
  if (asJson) {
    terminal.print(JSON.stringify(facts, null, 2))
    return exitStatus.done
  }
  const rows = [
    ['from', `${facts.origin}: layer ${facts.layer} of ${image.layers.length}, ${facts.diffId}`],
    ...(facts.madeBy ? [['made by', facts.madeBy]] : []),
    ...(owner === undefined ? [] : [['package', `${owner.name} ${owner.version}, ${owner.origin ?? 'unknown'}`]]),
    ['type', `${file.type}${file.target === '' ? '' : ` to ${file.target}`}`],
    ['mode', `${file.mode.toString(8).padStart(4, '0')}, owner ${file.uid}:${file.gid}`],
  ]
  terminal.print(visibleText(file.path === path ? path : `${path} is ${file.path}`))
  for (const line of formatTable(rows, { width: terminal.width })) terminal.print(`  ${visibleText(line)}`)
  return exitStatus.done
}

/** `casemate.origins/v1`: everything, every file among it. */
function documentOf(reference: string, { image, inventory, files, recognition, bases, ofLayer }: ImageOrigins) {
  const makers = makersOf(image)
  const stated = recognition.kind === 'stated' ? { stated: recognition.stated } : {}
  return {
    schema: 'casemate.origins/v1',
    reference,
    base: { kind: recognition.kind, says: recognitionText(recognition), ...stated, images: bases },
    layers: image.layers.map(({ diffId, descriptor: { digest, size } }, place) => ({
      ...{ diffId, digest, size, origin: ofLayer(place) ?? 'unknown' },
      ...(makers[place] ? { madeBy: makers[place] } : {}),
    })),
    packages: inventory.packages.map(({ name, version, architecture, origin }) => ({
      ...{ name, version, architecture, origin: origin ?? 'unknown' },
    })),
    files: [...files.entries()]
      .filter(({ type }) => type !== 'directory')
      .map(({ path, layer }) => ({ path, layer: layer + 1, origin: ofLayer(layer) ?? 'unknown' }))
      .sort((left, right) => (left.path < right.path ? -1 : 1)),
  }
}
