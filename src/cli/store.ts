import { createReadStream } from 'node:fs'
import { mkdtemp, rm, stat, utimes } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { type Digest, digestOf } from '#core'
import {
  type ArchivePlace,
  digestOfFile,
  fetchObserved,
  fetchPackages,
  ObjectCache,
  objectPath,
  type SourceReference,
} from '#debian'
import {
  everyObserved,
  formatLock,
  type Lock,
  type LockedPackage,
  type OpenedDefinition,
  openDefinition,
  openTaking,
  parseLock,
  type TakenObject,
} from '#image'
import { debianArchitectureOf, parsePlatform } from '#oci'
import { UsageError } from './errors.ts'
import { type ExitStatus, exitStatus } from './exit-status.ts'
import { type KeptObject, type KeptRelease, recordedReleases, writeRelease } from './kept-releases.ts'
import { readLockText } from './lock-choice.ts'
import { placeOf } from './place.ts'
import { formatBytes, formatTable, type Terminal } from './terminal.ts'
import { layRecipe, trustedRecipeOf } from './trusted-recipe.ts'
import type { PlaceOptions } from './verb.ts'

/** The options of `casemate store keep`, as the command line gives them. */
export interface KeepOptions extends PlaceOptions {
  readonly dir: string
  /** Public keys: then the reference is an image in a registry, and its recipe has to be signed by one of them. */
  readonly key?: readonly string[]
  readonly signedAs?: readonly string[]
  readonly json?: boolean
}

/**
 * Keeps everything that a release was made of, so that building it again needs no mirror's memory: the lock, every .deb, and
 * of each suite the InRelease and the indexes that were observed, with references to the sources. Rejects as
 * `fetchPackages` and `fetchObserved` do; what was kept before then stays.
 */
export async function runStoreKeep(reference: string, options: KeepOptions, terminal: Terminal): Promise<ExitStatus> {
  const folder = await mkdtemp(join(tmpdir(), 'casemate-store-'))
  try {
    const release = await keepRelease(await lockOf(reference, options, folder), options, terminal)
    await writeRelease(resolve(options.dir), release)
    printKept(release, options, terminal)
    return exitStatus.done
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** What shall be kept: a lock, and where the archives that it names are described. */
interface Wanted {
  readonly name: string
  readonly lock: Lock
  /** The image's index, where an image is kept. */
  readonly image: Digest | undefined
  /** Only this variant of the lock, where an image is kept. */
  readonly variant: string | undefined
  readonly opened: OpenedDefinition
}

async function keepRelease(wanted: Wanted, options: KeepOptions, terminal: Terminal): Promise<KeptRelease> {
  const { name, lock, image, variant, opened } = wanted
  const store = new ObjectCache(resolve(options.dir))
  const place = await placeOf(options, opened.files)
  const kept: KeptObject[] = []
  const keep = async (file: string, object: KeptObject) => {
    terminal.progress(`keep: ${object.what}`)
    await copyObject(store, file, object.digest)
    kept.push(object)
  }
  const text = Buffer.from(formatLock(lock))
  await store.put(digestOf(text), text)
  kept.push({ what: 'casemate.lock', digest: digestOf(text), size: text.length })
  const packages = everyPackage(lock, variant)
  const files = await fetchPackages(packages, { ...place, stores: [store.folder], observed: everyObserved(lock) })
  for (const [number, { filename, digest, size }] of packages.entries()) {
    await keep(files[number] ?? '', { what: filename, digest, size })
  }
  for (const one of await takenObjects(wanted, { ...place, stores: [store.folder] })) {
    await keep(one.path, { what: one.what, digest: one.digest, size: (await stat(one.path)).size })
  }
  const wantedSources = new Set(packages.map(({ source }) => `${source.name} ${source.version}`))
  const architectures = Object.keys(lock.platforms).map((platform) => debianArchitectureOf(parsePlatform(platform)))
  const sources = new Map<string, SourceReference>()
  for (const observed of everyObserved(lock)) {
    const found = await fetchObserved(observed, {
      ...place,
      stores: [store.folder],
      architectures,
      sources: wantedSources,
    })
    for (const { path, file, digest, size } of found.files) {
      await keep(file, { what: `${observed.archive}/${observed.suite}/${path}`, digest, size })
    }
    for (const source of found.sources) sources.set(`${source.name} ${source.version}`, source)
  }
  terminal.progress('')
  return {
    schema: 'casemate.store/v1',
    ...(image === undefined ? {} : { image }),
    name,
    ...(image === undefined || variant === undefined ? {} : { variant }),
    kept: new Date().toISOString(),
    lock: digestOf(text),
    objects: kept,
    sources: [...sources.values()].sort((left, right) => (left.name < right.name ? -1 : 1)),
    missingSources: [...wantedSources].filter((key) => !sources.has(key)).sort(),
  }
}

/** What the definition takes in from elsewhere, for every platform of the lock, each file once. */
async function takenObjects({ lock, variant, opened }: Wanted, place: ArchivePlace): Promise<readonly TakenObject[]> {
  await using taking = openTaking(place)
  const objects = new Map<Digest, TakenObject>()
  for (const [name, { paths }] of opened.definition.variants) {
    if (variant !== undefined && variant !== name) continue
    for (const platform of Object.keys(lock.platforms)) {
      for (const one of await taking.objects(paths, platform)) objects.set(one.digest, one)
    }
  }
  return [...objects.values()]
}

/** The lock of a definition, or of the recipe of an image, whose files are laid into a folder. */
async function lockOf(reference: string, options: KeepOptions, folder: string): Promise<Wanted> {
  if (options.key !== undefined) {
    const { recipe, digest } = await trustedRecipeOf(reference, options)
    await layRecipe(recipe, folder)
    const places = { workingFolder: folder, catalogue: join(folder, 'catalogue') }
    return {
      name: recipe.image,
      lock: parseLock(recipe.lock, 'the lock of the recipe'),
      image: digest,
      variant: recipe.variant,
      opened: await openDefinition(`./${recipe.definition}`, places),
    }
  }
  const opened = await openDefinition(reference, { workingFolder: process.cwd() })
  const text = await readLockText(opened.lockFile)
  if (text === undefined) {
    const how = 'write one by `casemate lock`; for an image in a registry, say whose recipe to believe by --key'
    throw new UsageError('USAGE_INVALID', `cannot keep what ${reference} is made of: it has no lock; ${how}`)
  }
  return {
    name: opened.definition.image,
    lock: parseLock(text, opened.lockFile),
    image: undefined,
    variant: undefined,
    opened,
  }
}

/** The packages of all platforms, once each: of a variant, or of every one; those of what an overlay stacks on among them. */
function everyPackage(lock: Lock, variant: string | undefined): LockedPackage[] {
  const below = lock.base === undefined ? [] : everyPackage(lock.base.lock, variant)
  const packages = new Map<Digest, LockedPackage>(below.map((one) => [one.digest, one]))
  const concerns = ({ layers }: LockedPackage) => variant === undefined || Object.hasOwn(layers, variant)
  for (const locked of Object.values(lock.platforms)) {
    for (const one of locked.packages.filter(concerns)) packages.set(one.digest, one)
  }
  return [...packages.values()]
}

/** Copies a file into the store, in pieces. What is there already is checked and not written again. */
async function copyObject(store: ObjectCache, file: string, digest: Digest): Promise<void> {
  const there = await store.find(digest)
  if (there !== undefined) {
    // It is needed anew from now on: who prunes leaves what is younger than a day.
    const now = new Date()
    await utimes(there, now, now)
    return
  }
  const partial = await store.openPartial(digest)
  try {
    await partial.restart()
    for await (const chunk of createReadStream(file)) await partial.append(chunk)
    await partial.commit()
  } finally {
    await partial.release()
  }
}

function printKept(release: KeptRelease, { dir, json }: KeepOptions, terminal: Terminal): void {
  if (json === true) {
    terminal.print(JSON.stringify(release, null, 2))
    return
  }
  const bytes = release.objects.reduce((sum, { size }) => sum + size, 0)
  terminal.print(`kept ${release.name}: ${release.objects.length} files, ${formatBytes(bytes)}, in ${dir}`)
  terminal.print(`sources: ${release.sources.length} are referred to by digest`)
  for (const name of release.missingSources) terminal.warn(`no index of its suites lists the source ${name}`)
}

async function releasesOf(folder: string): Promise<readonly KeptRelease[]> {
  return (await recordedReleases(folder)).map(({ release }) => release)
}

/** Lists what a store keeps. */
export async function runStoreList(
  dir: string,
  options: { readonly json?: boolean },
  terminal: Terminal,
): Promise<ExitStatus> {
  const releases = await releasesOf(dir)
  if (options.json === true) {
    terminal.print(JSON.stringify(releases, null, 2))
    return exitStatus.done
  }
  const rows = releases.map(({ name, image, lock, objects }) => {
    const bytes = objects.reduce((sum, { size }) => sum + size, 0)
    return [name, image ?? `lock ${lock}`, String(objects.length), formatBytes(bytes)]
  })
  for (const line of formatTable(rows, { width: terminal.width, right: [2, 3] })) terminal.print(line)
  return exitStatus.done
}

/** Reads everything that a store keeps again; the status is "no" when something is missing or damaged. */
export async function runStoreCheck(
  dir: string,
  options: { readonly json?: boolean },
  terminal: Terminal,
): Promise<ExitStatus> {
  const releases = await releasesOf(dir)
  const objects = new Map(releases.flatMap((release) => release.objects.map((one) => [one.digest, one] as const)))
  const faults: { readonly what: string; readonly digest: Digest; readonly fault: 'missing' | 'damaged' }[] = []
  for (const { what, digest } of objects.values()) {
    terminal.progress(`check: ${what}`)
    const found = await digestOfFile(objectPath(dir, digest))
    if (found !== digest) faults.push({ what, digest, fault: found === undefined ? 'missing' : 'damaged' })
  }
  terminal.progress('')
  if (options.json === true) {
    terminal.print(JSON.stringify({ releases: releases.length, objects: objects.size, faults }, null, 2))
  } else {
    for (const { fault, what, digest } of faults) terminal.print(`${fault}  ${what}  ${digest}`)
    terminal.print(`${objects.size} files of ${releases.length} releases, ${faults.length} with faults`)
  }
  return faults.length === 0 ? exitStatus.done : exitStatus.no
}
