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
} from '#image'
import { UsageError } from './errors.ts'
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
  const unlocked = new Map<string, string>()
  const images = all.map(({ definition, lockFile }, index) => {
    const lock = locks[index]
    const faults = lock === undefined ? ['it has no lock'] : lockMismatches(lock, definition)
    const folder = relative(process.cwd(), dirname(lockFile))
    const place = folder === '' ? '.' : `./${folder}`
    if (faults.length > 0) unlocked.set(definition.image, `${faults.join('; ')}: casemate lock ${place}`)
    return lockedImage(definition, faults.length > 0 ? undefined : lock, (image) => names.has(image))
  })
  return {
    images,
    unlocked,
    observed: locks.flatMap((lock) => (lock === undefined ? [] : everyObserved(lock))),
    archives: [...new Set(all.flatMap(({ definition }) => definition.variants.get('runtime')?.archives ?? []))].sort(),
    files: all.flatMap(({ files }) => files),
    owners: new Map(all.flatMap(ownerOf)),
    supported: all.map(supportOf),
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

async function readLock({ lockFile }: OpenedDefinition): Promise<Lock | undefined> {
  const text = await readLockText(lockFile)
  return text === undefined ? undefined : parseLock(text, lockFile)
}
