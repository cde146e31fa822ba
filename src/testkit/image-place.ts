import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { type Archive, type ArchivePlace, fetchPackages, readArchives, selectArchive } from '#debian'
import {
  type BuiltImage,
  buildImage,
  everyObserved,
  type FetchDebs,
  type Lock,
  type OpenedDefinition,
  openDefinition,
  openMemberPool,
  openTaking,
  openWorkshop,
  solveLock,
} from '#image'
import { composeIndex, openSource, readImageFiles, segmentBlobs } from '#oci'
import { type TestArchive, type TestArchiveOptions, testArchive } from './archive.ts'

/** An image as it was built: its lock, its layers' digests, and what it shows. */
export interface TestImage {
  readonly built: BuiltImage
  readonly lock: Lock
  readonly layers: readonly string[]
  /** By path: type, mode, owner and content, as text; times aside. */
  readonly files: ReadonlyMap<string, string>
}

/** Definitions that are built from an archive, in this process. */
export interface ImagePlace {
  readonly archive: TestArchive
  write(file: string, content: string): void
  open(reference: string): Promise<OpenedDefinition>
  /** Solves an overlay on its base as that lock has it; rejects with an `Error` of the solver's reasons. */
  lockAbove(reference: string, base: Lock): Promise<Lock>
  /** Opens, solves and builds a variant, the runtime unless told otherwise; `lock` in place of solving. */
  build(reference: string, options?: { readonly variant?: string; readonly lock?: Lock }): Promise<TestImage>
}

type TestContext = { after(stop: () => Promise<void>): void }

const PLATFORM = 'linux/amd64'

/** Makes a folder for definitions with an archive beside it and a workshop of its own; gone when the test ends. */
export async function testImagePlace(t: TestContext, options: TestArchiveOptions): Promise<ImagePlace> {
  const archive = await testArchive(t, {
    archiveLines: ['release: { id: debian, version: "13", codename: trixie }', 'merged-usr: made'],
    ...options,
  })
  const folder = dirname(archive.archiveFolder)
  const pool = openMemberPool(1)
  t.after(async () => pool[Symbol.asyncDispose]())
  const workshop = openWorkshop(join(folder, 'workshop'), pool, { codec: 'gzip', owner: 'test' })
  const { archives: _, architecture: __, ...place } = archive.options
  const taking = openTaking(place)
  t.after(async () => taking[Symbol.asyncDispose]())
  const found = selectArchive(await readArchives([archive.archiveFolder]), archive.name).archive
  const open = (reference: string) =>
    openDefinition(reference, { workingFolder: folder, catalogue: join(folder, 'catalogue') })
  return {
    archive,
    open,
    write(file, content) {
      mkdirSync(dirname(join(folder, file)), { recursive: true })
      writeFileSync(join(folder, file), content)
    },
    lockAbove: async (reference, base) => lockOf(await open(reference), place, base),
    async build(reference, { variant = 'runtime', lock: given } = {}) {
      const opened = await open(reference)
      const lock = given ?? (await lockOf(opened, place))
      const built = await buildImage(
        { ...inputOf(opened, { variant, lock, archive: found, place }), takeIn: taking.takeIn },
        workshop,
      )
      const layers = built.image.layers.map(({ descriptor }) => descriptor.digest)
      return { built, lock, layers, files: await filesOf(built) }
    },
  }
}

async function lockOf(opened: OpenedDefinition, place: ArchivePlace, given?: Lock): Promise<Lock> {
  const { base, definition } = opened
  const below = base && { from: base.from, lock: given ?? (await lockOf(base.opened, place)) }
  const order = { definition, platforms: definition.platforms, format: 1, place, acceptExpired: false, base: below }
  const solved = await solveLock(order)
  if (solved.kind === 'impossible') throw new Error(`cannot solve: ${solved.reasons.join('; ')}`)
  return solved.lock
}

function inputOf(
  opened: OpenedDefinition,
  { variant, lock, archive, place }: { variant: string; lock: Lock; archive: Archive; place: ArchivePlace },
) {
  const definition = opened.definition.variants.get(variant)
  const { release } = archive
  if (definition === undefined || release === undefined)
    throw new Error(`there is no variant ${variant}, or no release`)
  const fetch: FetchDebs = (packages, onFile) =>
    fetchPackages(packages, { ...place, observed: everyObserved(lock), onFile })
  return {
    definition,
    contents: opened.definition.contents,
    chain: opened.definition.chain,
    lock,
    platform: PLATFORM,
    release,
    archive,
    contract: ({ entrypoint }: typeof definition, { uid }: { readonly uid: number }) => ({
      document: JSON.stringify({ entrypoint, uid }),
      labels: {},
    }),
    fetch,
    takeIn: openTaking(place).takeIn,
  }
}

async function filesOf({ image, blobs }: BuiltImage): Promise<ReadonlyMap<string, string>> {
  const source = composeIndex([image], segmentBlobs(blobs))
  const opened = await openSource(source, { name: 'test image', platform: image.platform })
  const files = await readImageFiles(opened.layers, { wants: () => false, hashes: true })
  const entries = [...files.entries()].map(({ path, type, mode, uid, gid, target, digest = '' }) => {
    const isFile = type === 'file' || type === 'hardlink'
    const rights = type === 'symlink' ? '' : ` ${mode.toString(8)} ${uid}:${gid}`
    return [path, isFile ? `file${rights} ${digest}` : `${type}${rights} ${target}`] as const
  })
  return new Map(entries.sort(([left], [right]) => (left < right ? -1 : 1)))
}
