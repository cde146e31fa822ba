import { rename, writeFile } from 'node:fs/promises'
import {
  CURRENT_FORMAT,
  compareLock,
  formatLock,
  type Lock,
  lockMismatches,
  type OpenedDefinition,
  openDefinition,
  parseLock,
  pinnedVersions,
  solveLock,
} from '#image'
import { UsageError } from './errors.ts'
import { type ExitStatus, exitStatus } from './exit-status.ts'
import { readLockText } from './lock-choice.ts'
import { provideDerived } from './lock-derived.ts'
import { placeOf } from './place.ts'
import { Stages } from './stages.ts'
import type { Terminal } from './terminal.ts'
import type { PlaceOptions } from './verb.ts'

/** The options of `casemate lock`, as the command line gives them. */
export interface LockOptions extends PlaceOptions {
  readonly check?: boolean
  /** Packages, or `true` for all. */
  readonly update?: readonly string[] | true
  readonly format?: boolean
  readonly json?: boolean
}

/**
 * Writes or checks the lock of a definition. Without `--update` what is locked stays as it is: only what the definition
 * newly asks for is solved.
 */
export async function runLock(reference: string, options: LockOptions, terminal: Terminal): Promise<ExitStatus> {
  const opened = await openDefinition(reference, { workingFolder: process.cwd() })
  const text = await readLockText(opened.lockFile)
  const previous = text === undefined ? undefined : parseLock(text, opened.lockFile)
  if (options.check === true && previous !== undefined && isCurrent(previous, opened, options)) {
    terminal.print(options.json === true ? JSON.stringify({ changes: [] }) : `${opened.lockFile} is up to date`)
    return exitStatus.done
  }
  const place = await placeOf(options, opened.files)
  const solved = await solveLock({
    definition: opened.definition,
    platforms: opened.definition.platforms,
    format: formatFor(previous, options),
    place,
    acceptExpired: options.acceptExpired === true,
    ...(previous === undefined
      ? {}
      : { previous, pinned: pinnedVersions(previous, packagesToUpdate(previous, options)) }),
  })
  if (solved.kind === 'impossible') {
    terminal.print(`cannot solve ${opened.definition.image} (${solved.variant}, ${solved.platform}):`)
    for (const reason of solved.reasons) terminal.print(`  ${reason}`)
    return exitStatus.no
  }
  for (const notice of solved.notices) terminal.warn(notice)
  const lock = await provideDerived(solved.lock, { opened, place }, new Stages(terminal))
  return report(lock, { previous, opened, options }, terminal)
}

async function report(
  lock: Lock,
  { previous, opened, options }: { previous: Lock | undefined; opened: OpenedDefinition; options: LockOptions },
  terminal: Terminal,
): Promise<ExitStatus> {
  const changes = previous === undefined ? [`${opened.definition.image} has no lock yet`] : compareLock(previous, lock)
  if (options.json === true) terminal.print(JSON.stringify({ file: opened.lockFile, changes }))
  else for (const change of changes) terminal.print(change)
  if (options.check === true) return changes.length === 0 ? exitStatus.done : exitStatus.no
  const unfinished = `${opened.lockFile}.${process.pid}.tmp`
  await writeFile(unfinished, formatLock(lock))
  await rename(unfinished, opened.lockFile)
  if (options.json !== true) {
    const counts = Object.entries(lock.platforms).map(
      ([platform, { packages }]) => `${packages.length} for ${platform}`,
    )
    terminal.print(`wrote ${opened.lockFile}: ${counts.join(', ')} packages, format ${lock.format}`)
  }
  return exitStatus.done
}

/** A check without `--update` asks only whether the lock is of this definition: newer packages are no fault of it. */
function isCurrent(lock: Lock, { definition }: OpenedDefinition, options: LockOptions): boolean {
  return options.update === undefined && options.format !== true && lockMismatches(lock, definition).length === 0
}

function formatFor(previous: Lock | undefined, options: LockOptions): number {
  return options.format === true || previous === undefined ? CURRENT_FORMAT : previous.format
}

/** The names to be taken anew: all of the lock's, those asked for, or none. Throws `USAGE_INVALID` for one not locked. */
function packagesToUpdate(previous: Lock, { update }: LockOptions): ReadonlySet<string> {
  const locked = new Set(Object.values(previous.platforms).flatMap(({ packages }) => packages.map(({ name }) => name)))
  if (update === undefined) return new Set()
  if (update === true) return locked
  const unknown = update.find((name) => !locked.has(name))
  if (unknown === undefined) return new Set(update)
  throw new UsageError('USAGE_INVALID', `cannot update ${unknown}: ${previous.image} does not have it`)
}
