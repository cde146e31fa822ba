import { readdir } from 'node:fs/promises'
import { dirname, join, relative, resolve } from 'node:path'
import { hasSystemCode, messageOf } from '#core'
import { type FleetImage, lockedImage, type SupportedImage } from '#factory'
import {
  DEFINITION_FILE,
  definitionMembers,
  everyObserved,
  type Lock,
  lockMismatches,
  type ObservedSuite,
  type OpenedDefinition,
  openDefinition,
  parseLock,
  readKeptBase,
} from '#image'
import type { ImageOnBase, WatchedBase } from '#integrations'
import { formatReference, parseReference } from '#oci'
import { UsageError } from './errors.ts'
import { foreignBaseOf, parentOf } from './foreign-base.ts'
import { readLockText } from './lock-choice.ts'

/** The definitions of a fleet, each with the lock beside it. */
export interface FleetDefinitions {
  readonly images: readonly FleetImage[]
  /** Images without a lock that is of their definition, with why: what they hold is not known from here. */
  readonly unlocked: ReadonlyMap<string, string>
  /** What the locks saw of suites. */
  readonly observed: readonly ObservedSuite[]
  /** Names of archives that images are built from. */
  readonly archives: readonly string[]
  readonly files: readonly string[]
  /** Who images belong to, where their definitions say so. */
  readonly owners: ReadonlyMap<string, string>
  /** Until when images are supported. */
  readonly supported: readonly SupportedImage[]
  /** Images of others that images stack on, by their references. */
  readonly bases: readonly WatchedBase[]
}

/** Deep enough for any order that people give their definitions, and shallow enough for a loop of mounts. */
const DEEPEST = 12
const MOST_FOLDERS = 50_000

/**
 * Finds every definition below a folder: its `casemate.yaml` files, in the order of their paths. Hidden folders and those of
 * packages are passed over. Throws `USAGE_INVALID` for a folder that cannot be read.
 */
export async function definitionsBelow(folder: string): Promise<readonly string[]> {
  const found: string[] = []
  const open: { path: string; depth: number }[] = [{ path: resolve(folder), depth: 0 }]
  for (let count = 0, next = open.pop(); next !== undefined; next = open.pop()) {
    const { path, depth } = next
    if (++count > MOST_FOLDERS)
      throw new UsageError('USAGE_INVALID', `cannot look for definitions in ${folder}: it has too many folders`)
    const entries = await readdir(path, { withFileTypes: true }).catch((cause: unknown) => {
      if (depth > 0 && hasSystemCode(cause, 'ENOENT', 'EACCES')) return []
      throw new UsageError('USAGE_INVALID', `cannot look for definitions in ${path}: ${messageOf(cause)}`, { cause })
    })
    for (const entry of entries) {
      const inside = join(path, entry.name)
      if (entry.name === DEFINITION_FILE) found.push(inside)
      const isPassed = entry.name.startsWith('.') || entry.name === 'node_modules'
      if (entry.isDirectory() && !isPassed && depth < DEEPEST) open.push({ path: inside, depth: depth + 1 })
    }
  }
  return found.sort()
}

/**
 * Opens definitions, each image of each, with their locks. References are names of catalogue images or paths; the same image by
 * two ways is one. Rejects as `openDefinition` and `parseLock` do.
 */
export async function openFleet(references: readonly string[]): Promise<FleetDefinitions> {
  const opened = new Map<string, OpenedDefinition>()
  for (const reference of references) {
    for (const member of await definitionMembers(reference, { workingFolder: process.cwd() })) {
      const definition = await openDefinition(member, { workingFolder: process.cwd() })
      opened.set(`${definition.files.at(-1)} ${definition.definition.image}`, definition)
    }
  }
  const all = [...opened.values()]
  const names = new Set(all.map(({ definition }) => definition.image))
  const locks = await Promise.all(all.map(readLock))
  const parents = all.map(parentOf)
  const unlocked = new Map<string, string>()
  const images = all.map(({ definition, lockFile }, index) => {
    const lock = locks[index]
    const faults = lock === undefined ? ['it has no lock'] : lockMismatches(lock, definition)
    const folder = relative(process.cwd(), dirname(lockFile))
    const place = folder === '' ? '.' : `./${folder}`
    if (faults.length > 0) unlocked.set(definition.image, `${faults.join('; ')}: casemate lock ${place}`)
    return lockedImage(
      definition,
      faults.length > 0 ? undefined : lock,
      (image) => image === parents[index] && names.has(image),
    )
  })
  return {
    images,
    unlocked,
    observed: locks.flatMap((lock) => (lock === undefined ? [] : everyObserved(lock))),
    archives: [...new Set(all.flatMap(({ definition }) => definition.variants.get('runtime')?.archives ?? []))].sort(),
    files: all.flatMap(({ files }) => files),
    owners: new Map(all.flatMap(ownerOf)),
    supported: all.map(supportOf),
    bases: await basesOf(all.filter((_, index) => !names.has(parents[index] ?? ''))),
  }
}

function ownerOf({ definition }: OpenedDefinition): readonly (readonly [string, string])[] {
  const owner = definition.variants.get('runtime')?.owner
  return owner === undefined ? [] : [[definition.image, owner]]
}

function supportOf({ definition }: OpenedDefinition): SupportedImage {
  const { upstreamEnd, archiveEnd } = definition.variants.get('runtime')?.lifecycle ?? {}
  return { image: definition.image, upstreamEnd, archiveEnd }
}

/** Of images that stack on none of the fleet: what stacks on those moves along with them. */
async function basesOf(all: readonly OpenedDefinition[]): Promise<readonly WatchedBase[]> {
  const bases = new Map<string, ImageOnBase[]>()
  for (const opened of all) {
    const foreign = foreignBaseOf(opened)
    const reference = foreign && parseReference(foreign.image)
    const kept = foreign && (await readKeptBase(foreign.folder))
    if (reference?.transport !== 'docker' || kept === undefined) continue
    const name = formatReference(reference)
    bases.set(name, [...(bases.get(name) ?? []), { image: opened.definition.image, kept: kept.digest }])
  }
  return [...bases].map(([reference, images]) => ({ reference, images }))
}

async function readLock({ lockFile }: OpenedDefinition): Promise<Lock | undefined> {
  const text = await readLockText(lockFile)
  return text === undefined ? undefined : parseLock(text, lockFile)
}
