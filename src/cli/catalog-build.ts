import { canonicalJson } from '#core'
import { type OpenArchiveOptions, openArchive } from '#debian'
import { type BuiltImage, type ClassifiedScript, type EffectiveDefinition, ImageError, type Lock } from '#image'
import { composeIndex, formatPlatform, type ImageSource, parseReference, segmentBlobs } from '#oci'
import {
  type BuildOrder,
  type BuildSettings,
  buildPlatformsIn,
  type Workshop,
  withWorkshop,
} from './build-platforms.ts'
import { unpackedSize } from './build-summary.ts'
import { type BoardImage, drawBoard } from './catalog-board.ts'
import { type CatalogImage, readCatalog } from './catalog-images.ts'
import { type ExitStatus, exitStatus, formatError, statusOfError } from './exit-status.ts'
import { provideLock } from './lock-choice.ts'
import { openScripts } from './open-scripts.ts'
import { writeOutputs } from './outputs.ts'
import { placeOf } from './place.ts'
import { Stages } from './stages.ts'
import { formatBytes, formatDuration, formatTable, type Terminal } from './terminal.ts'
import type { PlaceOptions } from './verb.ts'

/** The options of `casemate catalog build`, as the command line gives them. */
export interface CatalogBuildOptions extends PlaceOptions, BuildSettings {
  readonly variant?: string
  readonly platform?: string
  readonly output: string
  readonly json?: boolean
}

/** One image that was built and written, as `--json` prints it. */
export interface Finished {
  readonly name: string
  readonly variant: string
  readonly digest: string
  readonly place: string
  readonly platforms: readonly FinishedPlatform[]
}

/** An image of one platform. */
export interface FinishedPlatform {
  readonly platform: string
  readonly digest: string
  /** Bytes of the layers as they are stored, each once, and of the files in them. */
  readonly compressed: number
  readonly unpacked: number
  /** `name version`, in name order. */
  readonly packages: readonly string[]
  readonly scripts: readonly FinishedScript[]
}

/** What became of a maintainer script. */
export interface FinishedScript {
  readonly package: string
  readonly script: string
  readonly class: string
  /** The effects or reasons, each once. */
  readonly by: readonly string[]
}

/**
 * Builds images of the catalogue, a few at a time in one workshop, and writes each to `OUTPUT` under its own name. One that
 * fails holds no other. The status is that of the first failure.
 */
export async function runCatalogBuild(
  names: readonly string[],
  options: CatalogBuildOptions,
  terminal: Terminal,
): Promise<ExitStatus> {
  const images = await readCatalog(names)
  const run = new CatalogBuild(images, options, terminal)
  await withWorkshop(options, (workshop) => run.all(workshop))
  run.print()
  return run.status
}

/** While one image waits for threads another is merged; more at a time would only hold more memory. */
const AT_A_TIME = 3

class CatalogBuild {
  readonly #options: CatalogBuildOptions
  readonly #terminal: Terminal
  readonly #images: readonly CatalogImage[]
  readonly #board: Map<string, BoardImage>
  readonly #members = { made: 0, reused: 0 }
  readonly #finished: Finished[] = []
  readonly #failures: { readonly name: string; readonly error: unknown }[] = []
  readonly #archives = new SharedArchives()
  readonly #start = performance.now()
  /** Two writers of one layout would lose each other's tags. */
  #writing: Promise<unknown> = Promise.resolve()

  constructor(images: readonly CatalogImage[], options: CatalogBuildOptions, terminal: Terminal) {
    this.#images = images
    this.#options = options
    this.#terminal = terminal
    this.#board = new Map(
      images.map(({ name, about, opened }) => {
        const builds = this.#variantsOf(opened).length * this.#platformsOf(opened).length
        return [name, { name, category: about.category, builds, done: 0, running: 0, failed: false }]
      }),
    )
  }

  get status(): ExitStatus {
    const [first] = this.#failures
    return first === undefined ? exitStatus.done : statusOfError(first.error)
  }

  async all(workshop: Workshop): Promise<void> {
    const drawing = this.#terminal.isLive ? setInterval(() => this.#draw(), 100) : undefined
    try {
      const queue = this.#images.values()
      const work = async () => {
        for (const image of queue) await this.#image(image, workshop)
      }
      await Promise.all(Array.from({ length: AT_A_TIME }, work))
    } finally {
      clearInterval(drawing)
      this.#archives.close()
    }
    this.#draw()
  }

  print(): void {
    const { json } = this.#options
    const order = (one: Finished) => `${one.name} ${one.variant === 'runtime' ? '' : one.variant}`
    const finished = this.#finished.toSorted((left, right) => (order(left) < order(right) ? -1 : 1))
    for (const { name, error } of this.#failures) this.#terminal.warn(`${name}: ${formatError(error)}`)
    if (json === true) {
      this.#terminal.print(JSON.stringify(finished, null, 2))
      return
    }
    const rows = finished.map((one) => {
      const [first] = one.platforms
      const size = formatBytes(first?.compressed ?? 0)
      return [one.name, one.variant, `${first?.packages.length ?? 0}`, size, one.digest.slice(0, 19), one.place]
    })
    const header = ['image', 'variant', 'packages', 'compressed', 'digest', 'written to']
    for (const line of formatTable([header, ...rows], { width: this.#terminal.width, right: [2, 3] })) {
      this.#terminal.print(line)
    }
    const failed = this.#failures.length === 0 ? '' : `, ${this.#failures.length} failed`
    const took = formatDuration(performance.now() - this.#start)
    this.#terminal.print()
    this.#terminal.print(`${this.#images.length} images, ${finished.length} variants${failed}, in ${took}`)
  }

  async #image(image: CatalogImage, workshop: Workshop): Promise<void> {
    try {
      await this.#variants(image, workshop)
      if (!this.#terminal.isLive && this.#options.json !== true) {
        this.#terminal.print(`built ${image.name} after ${formatDuration(performance.now() - this.#start)}`)
      }
    } catch (error) {
      this.#failures.push({ name: image.name, error })
      this.#mark(image.name, (own) => ({ ...own, running: 0, failed: true }))
    }
  }

  async #variants({ name, opened }: CatalogImage, workshop: Workshop): Promise<void> {
    const { options, platforms } = { options: this.#options, platforms: this.#platformsOf(opened) }
    if (platforms.length === 0) return
    const place = await placeOf(options, opened.files)
    const open = (wanted: OpenArchiveOptions) => this.#archives.open(wanted)
    const choice = await provideLock(opened, { platforms, place, acceptExpired: options.acceptExpired === true, open })
    if (choice.kind === 'impossible') throw new ImageError('LOCK_INVALID', choice.reasons.join('\n'))
    for (const effective of this.#variantsOf(opened)) {
      const order = { opened, effective, lock: choice.lock, platforms, place, options }
      this.#mark(name, (own) => ({ ...own, running: own.running + platforms.length }))
      const built = await this.#build(order, workshop)
      for (const line of openScripts(opened, built)) this.#terminal.warn(`${name} ${effective.variant}: ${line}`)
      this.#finished.push(await this.#write(effective, built))
      const [count, running] = [platforms.length, -platforms.length]
      this.#mark(name, (own) => ({ ...own, done: own.done + count, running: own.running + running }))
    }
  }

  async #build(order: BuildOrder & { readonly lock: Lock }, workshop: Workshop): Promise<readonly BuiltImage[]> {
    const quiet = new Stages({ ...this.#terminal, progress: () => undefined })
    const { built, members } = await buildPlatformsIn(workshop, order, quiet)
    this.#members.made += members.made
    this.#members.reused += members.reused
    return built
  }

  async #write({ image: name, variant }: EffectiveDefinition, built: readonly BuiltImage[]): Promise<Finished> {
    const image = composeIndex(
      built.map((one) => one.image),
      segmentBlobs(built.flatMap((one) => one.blobs)),
    )
    const place = outputOf(this.#options.output, name, { variant, version: built[0]?.tags[0] ?? 'latest' })
    const written = this.#writing.then(() => this.#writeNow(image, place))
    this.#writing = written.catch(() => undefined)
    await written
    return { name, variant, digest: image.top.descriptor.digest, place, platforms: built.map(finishedPlatform) }
  }

  async #writeNow(image: ImageSource, place: string): Promise<void> {
    await writeOutputs(image, [parseReference(place)], { wanted: false, name: '' })
  }

  #variantsOf({ definition }: CatalogImage['opened']): readonly EffectiveDefinition[] {
    const wanted = this.#options.variant?.split(',')
    return [...definition.variants.values()].filter(({ variant }) => wanted?.includes(variant) !== false)
  }

  #platformsOf({ definition }: CatalogImage['opened']): readonly string[] {
    const wanted = this.#options.platform?.split(',')
    return definition.platforms.filter((platform) => wanted?.includes(platform) !== false)
  }

  #mark(name: string, change: (own: BoardImage) => BoardImage): void {
    const own = this.#board.get(name)
    if (own !== undefined) this.#board.set(name, change(own))
  }

  #draw(): void {
    const elapsed = performance.now() - this.#start
    const state = { images: [...this.#board.values()], members: this.#members, elapsed }
    this.#terminal.picture(drawBoard(state, this.#terminal))
  }
}

function finishedPlatform({ image, packages, assembly }: BuiltImage): FinishedPlatform {
  const layers = new Map(image.layers.map(({ descriptor }) => [descriptor.digest, descriptor.size]))
  return {
    platform: formatPlatform(image.platform),
    digest: image.manifest.descriptor.digest,
    compressed: [...layers.values()].reduce((sum, size) => sum + size, 0),
    unpacked: unpackedSize(assembly),
    packages: packages.map((one) => `${one.name} ${one.version}`).sort(),
    scripts: assembly.scripts.flatMap((one) => one.scripts.map((script) => finishedScript(one.package, script))),
  }
}

function finishedScript(name: string, { script, class: own, fragments }: ClassifiedScript): FinishedScript {
  const by = [...new Set(fragments.map((fragment) => fragment.by))].filter((text) => text !== '')
  return { package: name, script, class: own, by }
}

/** Archives that many definitions are solved in, each opened once. */
class SharedArchives {
  readonly #opened = new Map<string, ReturnType<typeof openArchive>>()

  async open(options: OpenArchiveOptions): ReturnType<typeof openArchive> {
    const { archives, architecture, acceptExpired, offline } = options
    const key = canonicalJson({
      archives: [...archives],
      architecture,
      acceptExpired: acceptExpired === true,
      offline: offline === true,
    })
    const opening = this.#opened.get(key) ?? openArchive(options)
    this.#opened.set(key, opening)
    return { ...(await opening), close: () => undefined }
  }

  close(): void {
    for (const opening of this.#opened.values()) {
      opening.then(
        (archive) => archive.close(),
        () => undefined,
      )
    }
  }
}

/** Where an image goes: a tag of its own in one layout, or a repository of its own in a registry. */
function outputOf(output: string, name: string, { variant, version }: { variant: string; version: string }): string {
  const suffix = variant === 'runtime' ? '' : `-${variant}`
  if (output.startsWith('docker://')) {
    // The tags of a variant end in its name already.
    return `${output.replace(/\/+$/, '')}/${name}:${version}`
  }
  return `${output}:${name}${suffix}`
}
