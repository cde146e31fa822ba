import {
  ADVISORY_KINDS,
  AdvisoryError,
  type AdvisoryKind,
  ageOf,
  isExportFile,
  isStale,
  type OpenStore,
  openStore,
  type PartState,
  readParts,
  storeParts,
  storePath,
} from '#advisory'
import { defaultCacheFolder } from '#debian'
import { type ExportTrust, runExportImport } from './advisories-export.ts'
import { UsageError } from './errors.ts'
import { type ExitStatus, exitStatus } from './exit-status.ts'
import { holdFresh, stalePolicy } from './stale-advisories.ts'
import { formatTable, type Terminal } from './terminal.ts'
import type { StaleOptions } from './verb.ts'

/** Broken records that are named on the terminal; `status --json` has more of them. */
const NAMED = 5

/** Takes in files of advisories, and prints what came of them. */
export async function runAdvisoriesImport(
  paths: readonly string[],
  options: { kind?: AdvisoryKind } & ExportTrust,
  terminal: Terminal,
): Promise<ExitStatus> {
  const [first] = paths
  if (first !== undefined && paths.some(isExportFile)) {
    if (paths.length === 1) return runExportImport(first, options, terminal)
    throw new UsageError('USAGE_INVALID', 'cannot import an export of advisories together with other files')
  }
  if (options.key !== undefined) {
    const reason = '--key is for a file that casemate advisories export wrote, and this is none'
    throw new UsageError('USAGE_INVALID', `cannot import ${first}: ${reason}`)
  }
  const now = Date.now()
  const parts = await readParts(paths, {
    now: new Date(now).toISOString(),
    onFile: (path) => terminal.progress(`reading ${path} …`),
    ...(options.kind === undefined ? {} : { kind: options.kind }),
  })
  terminal.progress('writing the store …')
  await storeParts(defaultCacheFolder(), parts)
  const states = parts.map(({ state }) => state)
  for (const state of states) nameBroken(state, terminal)
  if (options.json === true) terminal.print(JSON.stringify({ parts: states.map((part) => jsonOf(part, now)) }, null, 2))
  else printParts(states, now, terminal)
  return exitStatus.done
}

/** Names the first records that were left out of a part. */
export function nameBroken({ quarantined }: PartState, terminal: Terminal): void {
  for (const { place, reason } of quarantined.first.slice(0, NAMED)) terminal.warn(`left out ${place}: ${reason}`)
  if (quarantined.count > NAMED) terminal.warn(`left out ${quarantined.count - NAMED} more`)
}

/** Prints the parts of the store; the status is "no" while the tracker is missing, or a part is stale. */
export async function runAdvisoriesStatus(
  options: { json?: boolean } & StaleOptions,
  terminal: Terminal,
): Promise<ExitStatus> {
  const policy = stalePolicy(options)
  const store = openStore(defaultCacheFolder())
  const parts = store?.parts ?? []
  store?.close()
  const now = Date.now()
  const missing = ADVISORY_KINDS.filter((kind) => parts.every((part) => part.kind !== kind))
  if (options.json === true) {
    const path = storePath(defaultCacheFolder())
    terminal.print(JSON.stringify({ path, parts: parts.map((part) => jsonOf(part, now)), missing }, null, 2))
  } else {
    printParts(parts, now, terminal)
    if (parts.length > 0 && missing.length > 0) terminal.print(`never imported: ${missing.join(', ')}`)
  }
  if (store === undefined) terminal.warn(NOTHING)
  else if (missing.includes('tracker'))
    terminal.warn('without the tracker, nobody says which issues are open in Debian')
  holdFresh(parts, policy.isError ? missing.map((kind) => `${kind} is missing`) : [], { now, policy, terminal })
  const isGood = !missing.includes('tracker') && parts.every((part) => !isStale(part, now, policy.maxAge))
  return isGood ? exitStatus.done : exitStatus.no
}

const NOTHING = 'there are no advisories yet: casemate advisories update, or import FILE…'

/** Opens the store that the cache holds. Throws `ADVISORY_STORE_MISSING` when nothing was imported yet. */
export function openCachedStore(): OpenStore {
  const store = openStore(defaultCacheFolder())
  if (store === undefined) throw new AdvisoryError('ADVISORY_STORE_MISSING', `cannot open advisories: ${NOTHING}`)
  return store
}

/** Says loudly which parts are older than they may be, whatever the policy makes of them elsewhere. */
export function warnOfStale(parts: readonly PartState[], now: number, terminal: Terminal): void {
  holdFresh(parts, [], { now, policy: { isError: false }, terminal })
}

/** A part as JSON shows it. */
export function jsonOf(part: PartState, now: number) {
  return { ...part, ageDays: Math.floor(ageOf(part, now)), isStale: isStale(part, now) }
}

/** Prints parts of a store, a line each. */
export function printParts(parts: readonly PartState[], now: number, terminal: Terminal): void {
  const rows = parts.map((part) => [
    part.kind,
    `${part.records} records`,
    part.quarantined.count === 0 ? '' : `${part.quarantined.count} left out`,
    `of ${part.contentDate.slice(0, 10)}${part.dated === 'file' ? ' (by the file)' : ''}`,
    `${formatAge(part, now)} old${isStale(part, now) ? ', STALE' : ''}`,
    part.origin,
  ])
  for (const line of formatTable(rows, { width: terminal.width, right: [1, 2] })) terminal.print(line)
}

/** The age of a part's data in words. */
export function formatAge(part: PartState, now: number): string {
  const days = Math.floor(ageOf(part, now))
  return days === 1 ? '1 day' : `${days} days`
}
