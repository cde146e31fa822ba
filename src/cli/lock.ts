import { rename, writeFile } from 'node:fs/promises'
import type { ArchivePlace } from '#debian'
import {
  CURRENT_FORMAT,
  compareLock,
  formatLock,
  ImageError,
  type Lock,
  type LockedBase,
  lockMismatches,
  type OpenedDefinition,
  openDefinition,
  parseLock,
  pinnedVersions,
  type SolveLockOptions,
  solveLock,
} from '#image'
import { chosenMembers, everyMember } from './definition-members.ts'
import { UsageError } from './errors.ts'
import { type ExitStatus, exitStatus } from './exit-status.ts'
import { type BaseOptions, keepBase } from './keep-base.ts'
import { readLockText, unsolved } from './lock-choice.ts'
import { provideDerived } from './lock-derived.ts'
import { placeOf } from './place.ts'
import { Stages } from './stages.ts'
import type { Terminal } from './terminal.ts'
import type { PlaceOptions } from './verb.ts'

/** The options of `casemate lock`, as the command line gives them. */
export interface LockOptions extends PlaceOptions, BaseOptions {
  /** Packages, or `true` for all. */
  readonly update?: readonly string[] | true
  readonly format?: boolean
  /** Names of bases, where the definition has several. */
  readonly only?: readonly string[]
  readonly json?: boolean
}

/** A definition's lock, or why there is none. */
export type SolvedDefinition =
  | { readonly kind: 'locked'; readonly lock: Lock; readonly notices: readonly string[] }
  | { readonly kind: 'impossible'; readonly reasons: readonly string[] }

/**
 * Writes or checks the lock of a definition, or of each image that it makes. Without `--update` what is locked stays as it is: only what the definition
 * newly asks for is solved.
 */
export async function runLock(reference: string, options: LockOptions, terminal: Terminal): Promise<ExitStatus> {
  const members = await chosenMembers(reference, options.only)
  return everyMember(members, (member) => lockOne(member, options, terminal))
}

async function lockOne(reference: string, options: LockOptions, terminal: Terminal): Promise<ExitStatus> {
  await keepBase(reference, options)
  const opened = await openDefinition(reference, { workingFolder: process.cwd() })
  const text = await readLockText(opened.lockFile)
  const previous = text === undefined ? undefined : parseLock(text, opened.lockFile)
  if (options.check === true && previous !== undefined && isCurrent(previous, opened, options)) {
    const changes = await movesOfBase(previous, opened)
    for (const change of options.json === true ? [] : changes) terminal.print(change)
    if (options.json === true) terminal.print(JSON.stringify({ changes }))
    else if (changes.length === 0) terminal.print(`${opened.lockFile} is up to date`)
    return changes.length === 0 ? exitStatus.done : exitStatus.no
  }
  const place = await placeOf(options, opened.files)
  const anew = previous === undefined ? new Set<string>() : packagesToUpdate(previous, options)
  const solved = await solveDefinition(opened, previous, { place, options, anew, stages: new Stages(terminal) })
  if (solved.kind === 'impossible') {
    for (const reason of solved.reasons) terminal.print(reason)
    return exitStatus.no
  }
  for (const notice of solved.notices) terminal.warn(notice)
  return report(solved.lock, { previous, opened, options }, terminal)
}

/** How a definition is solved. */
export interface Solving {
  readonly place: ArchivePlace
  readonly options: Pick<LockOptions, 'acceptExpired' | 'update' | 'format'>
  /** Names of packages that shall not stay in their versions. */
  readonly anew: ReadonlySet<string>
  readonly stages: Stages
  /** Of what an overlay stacks on, where that was decided elsewhere. */
  readonly below?: Lock
  /** OCI platforms; the definition's unless given. */
  readonly platforms?: readonly string[]
  /** Adds what derived effects give; `provideDerived` unless given. */
  readonly derive?: typeof provideDerived
  /** See `SolveLockOptions`. */
  readonly open?: SolveLockOptions['open']
}

/** Solves a definition, its base first, and adds what derived effects give. */
export async function solveDefinition(
  opened: OpenedDefinition,
  previous: Lock | undefined,
  solving: Solving,
): Promise<SolvedDefinition> {
  const { place, options, anew, stages, platforms = opened.definition.platforms, derive = provideDerived } = solving
  const below = opened.base && (await provideBase(opened.base, previous?.base, solving))
  if (below?.kind === 'impossible') return below
  const base = opened.base && below && { from: opened.base.from, lock: below.lock }
  const solved = await solveLock({
    definition: opened.definition,
    platforms,
    format: base?.lock.format ?? formatFor(previous, options),
    place,
    acceptExpired: options.acceptExpired === true,
    base,
    open: solving.open,
    ...(previous === undefined ? {} : { previous, pinned: pinnedVersions(previous, anew) }),
  })
  if (solved.kind === 'impossible') return { kind: 'impossible', reasons: unsolved(opened.definition.image, solved) }
  const lock = await derive(solved.lock, { opened, place }, stages)
  return { kind: 'locked', lock, notices: [...new Set([...(below?.notices ?? []), ...solved.notices])] }
}

/**
 * The lock of a base: the one that the overlay's lock holds while it is of the base's definition and nothing shall be
 * updated; else the one beside the base; else, where there is none, it is solved as well.
 */
async function provideBase(
  { from, opened }: NonNullable<OpenedDefinition['base']>,
  previous: LockedBase | undefined,
  solving: Solving,
): Promise<SolvedDefinition> {
  const { options, below } = solving
  if (below !== undefined) return { kind: 'locked', lock: below, notices: [] }
  const isKept = options.update === undefined && options.format !== true && previous?.from === from
  if (previous !== undefined && isKept && lockMismatches(previous.lock, opened.definition).length === 0) {
    return { kind: 'locked', lock: previous.lock, notices: [] }
  }
  const beside = await lockBeside(opened)
  if (beside !== undefined) return { kind: 'locked', lock: beside, notices: [] }
  return solveDefinition(opened, previous?.lock, solving)
}

/** The lock beside a base. Throws `LOCK_INVALID` when it is of another state of the base's definition. */
async function lockBeside({ definition, lockFile }: OpenedDefinition): Promise<Lock | undefined> {
  const text = await readLockText(lockFile)
  if (text === undefined) return undefined
  const lock = parseLock(text, lockFile)
  const mismatches = lockMismatches(lock, definition)
  if (mismatches.length === 0) return lock
  const reason = `${lockFile} is not of it: ${mismatches.join('; ')}; run "casemate lock" for the base first`
  throw new ImageError('LOCK_INVALID', `cannot stack on ${definition.image}: ${reason}`)
}

/** How the lock beside a base differs from what the overlay's lock holds of it, a line each. */
async function movesOfBase(lock: Lock, { base }: OpenedDefinition): Promise<readonly string[]> {
  if (base === undefined || lock.base === undefined) return []
  const beside = await lockBeside(base.opened)
  const moves = beside === undefined ? [] : compareLock(lock.base.lock, beside)
  return moves.map((line) => `base ${lock.base?.lock.image}: ${line}`)
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

function formatFor(previous: Lock | undefined, options: Solving['options']): number {
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
