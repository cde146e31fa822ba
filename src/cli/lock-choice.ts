import { readFile } from 'node:fs/promises'
import { hasSystemCode } from '#core'
import type { ArchivePlace } from '#debian'
import {
  CURRENT_FORMAT,
  everyObserved,
  ImageError,
  type Lock,
  lockMismatches,
  type OpenedDefinition,
  parseLock,
  type SolvedLock,
  type SolveLockOptions,
  solveLock,
} from '#image'
import { hostPlatform } from './host-platform.ts'

/** How the packages of a build were decided. */
export type LockChoice =
  | {
      readonly kind: 'locked'
      readonly lock: Lock
      /** The lock file that was taken, or `undefined` when the archive was asked. */
      readonly file: string | undefined
      readonly notices: readonly string[]
    }
  | { readonly kind: 'impossible'; readonly reasons: readonly string[] }

/** Where packages are looked for when there is no lock. */
export interface LockPlace {
  readonly platforms: readonly string[]
  readonly place: ArchivePlace
  readonly acceptExpired: boolean
  /** See `SolveLockOptions`. */
  readonly open?: SolveLockOptions['open']
}

/**
 * Takes the lock beside the definition if there is one, and then reads no index; else solves against the archive. Rejects
 * with `LOCK_INVALID` when the lock is of another state of the definition.
 */
export async function provideLock(opened: OpenedDefinition, from: LockPlace): Promise<LockChoice> {
  const text = await readLockText(opened.lockFile)
  if (text !== undefined) {
    const lock = parseLock(text, opened.lockFile)
    refuseOutdated(lock, opened, from.platforms)
    return { kind: 'locked', lock, file: opened.lockFile, notices: expiredNotices(lock) }
  }
  const platforms = platformsToSolve(opened, from.platforms)
  const below = opened.base && (await provideLock(opened.base.opened, { ...from, platforms }))
  if (below?.kind === 'impossible') return below
  const base = opened.base && below && { from: opened.base.from, lock: below.lock }
  const format = base?.lock.format ?? CURRENT_FORMAT
  const solved = await solveLock({ definition: opened.definition, format, ...from, platforms, base })
  if (solved.kind === 'impossible') return { kind: 'impossible', reasons: unsolved(opened.definition.image, solved) }
  const notices = [...new Set([...(below?.notices ?? []), ...solved.notices])]
  return { kind: 'locked', lock: solved.lock, file: undefined, notices }
}

/** Why an image cannot be solved, a line each. */
export function unsolved(image: string, solved: Extract<SolvedLock, { kind: 'impossible' }>): readonly string[] {
  return [
    `cannot solve ${image} (${solved.variant}, ${solved.platform}):`,
    ...solved.reasons.map((reason) => `  ${reason}`),
  ]
}

/** A derived effect runs its program as it is for this machine, wherever the definition has that platform. */
function platformsToSolve({ definition }: OpenedDefinition, wanted: readonly string[]): readonly string[] {
  const own = hostPlatform()
  const runsPrograms = [...definition.variants.values()].some(({ derived }) => derived.length > 0)
  if (!runsPrograms || wanted.includes(own) || !definition.platforms.includes(own)) return wanted
  return [...wanted, own]
}

/** The text of a lock file; `undefined` when there is none. */
export async function readLockText(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    if (hasSystemCode(error, 'ENOENT')) return undefined
    throw error
  }
}

function refuseOutdated(lock: Lock, { definition, lockFile }: OpenedDefinition, platforms: readonly string[]): void {
  const mismatches = lockMismatches(lock, definition, platforms)
  if (mismatches.length === 0) return
  const reason = `${mismatches.join('; ')}; run "casemate lock" to bring it up to date`
  throw new ImageError('LOCK_INVALID', `cannot build ${definition.image} from ${lockFile}: ${reason}`)
}

function expiredNotices(lock: Lock): string[] {
  return everyObserved(lock)
    .filter((suite) => suite.expired)
    .map((suite) => `suite ${suite.suite} was past its Valid-Until when the lock was made, and accepted by a setting`)
}
