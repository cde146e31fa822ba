import { readdir, rm, stat } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { hasSystemCode, hexOf } from '#core'
import { parseFactorySettings, type StoreRetention } from '#factory'
import { UsageError } from './errors.ts'
import { type ExitStatus, exitStatus } from './exit-status.ts'
import { type RecordedRelease, recordedReleases } from './kept-releases.ts'
import { readSettings } from './plan-settings.ts'
import { formatBytes, formatTable, type Terminal } from './terminal.ts'

/** The options of `casemate store prune`, as the command line gives them. */
export interface PruneOptions {
  readonly last?: string
  readonly within?: string
  readonly settings?: string
  readonly dryRun?: boolean
  readonly json?: boolean
}

/** What nothing refers to is left for a day: somebody may be keeping a release of it, whose record is written last. */
const GRACE = 86_400_000

/** What is to go: records of releases, and files that no release that stays needs. */
export interface Pruning {
  readonly stay: readonly RecordedRelease[]
  readonly go: readonly RecordedRelease[]
  readonly files: readonly { readonly path: string; readonly size: number }[]
}

/**
 * Lets go of releases that the settings do not keep, and of what no other one needs. What a release that stays was made of stays whole. A record
 * that cannot be read keeps everything: rejects with `STORE_UNREADABLE` then, and with `USAGE_INVALID` where nothing says what is kept.
 */
export async function runStorePrune(dir: string, options: PruneOptions, terminal: Terminal): Promise<ExitStatus> {
  const retention = await retentionOf(options)
  const pruning = await planPruning(dir, retention, Date.now())
  if (options.dryRun !== true) {
    // Records go first: a file without a record is taken the next time, a record without its files would be a promise that is broken.
    for (const { path } of pruning.go) await rm(path, { force: true })
    for (const { path } of pruning.files) await rm(path, { force: true })
  }
  print(pruning, options, terminal)
  return exitStatus.done
}

/** Decides what goes at a moment, in milliseconds since 1970, and removes nothing. Rejects with `STORE_UNREADABLE`. */
export async function planPruning(dir: string, { last, within }: StoreRetention, now: number): Promise<Pruning> {
  const all = await recordedReleases(dir)
  const stay = new Set<RecordedRelease>()
  for (const own of Map.groupBy(all, ({ release: { name, variant } }) => `${name} ${variant ?? ''}`).values()) {
    const newest = own.toSorted((left, right) => right.kept - left.kept)
    for (const [rank, one] of newest.entries()) if (rank < last || one.kept > now - within) stay.add(one)
  }
  const needed = new Set([...stay].flatMap(({ release }) => release.objects.map(({ digest }) => hexOf(digest))))
  const files = (await storedFiles(dir)).filter(({ path, written }) => {
    return !needed.has(basename(path)) && written < now - GRACE
  })
  return { stay: [...stay], go: all.filter((one) => !stay.has(one)), files }
}

async function storedFiles(dir: string) {
  const folder = join(dir, 'objects', 'sha256')
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch((error: unknown) => {
    if (hasSystemCode(error, 'ENOENT')) return []
    throw error
  })
  const found: { path: string; size: number; written: number }[] = []
  for (const entry of entries) {
    if (!entry.isFile() || !/^[0-9a-f]{64}$/.test(entry.name)) continue
    const path = join(entry.parentPath, entry.name)
    const { size, mtimeMs } = await stat(path)
    found.push({ path, size, written: mtimeMs })
  }
  return found
}

/** What the command line says, else the settings. Both are read by the same rules. */
async function retentionOf({ last, within, settings }: PruneOptions): Promise<StoreRetention> {
  const { retention } = await readSettings(settings)
  if (last === undefined && within === undefined) {
    if (retention.store !== undefined) return retention.store
    const how = 'say what is kept by --last and --within, or by `retention: store:` of the settings'
    throw new UsageError('USAGE_INVALID', `cannot prune a store: ${how}`)
  }
  const said = [
    ...(last === undefined ? [] : [`last: ${last}`]),
    ...(within === undefined ? [] : [`within: ${within}`]),
  ]
  const text = `retention: { store: { ${said.join(', ')} } }`
  return parseFactorySettings(text, 'the command line').retention.store ?? { last: 1, within: 0 }
}

function print({ stay, go, files }: Pruning, { dryRun, json }: PruneOptions, terminal: Terminal): void {
  const bytes = files.reduce((sum, { size }) => sum + size, 0)
  if (json === true) {
    const names = go.map(({ release: { name, variant, image, lock } }) => ({ name, variant, image, lock }))
    const removed = { releases: names, files: files.length, bytes }
    terminal.print(JSON.stringify({ dryRun: dryRun === true, kept: stay.length, removed }, undefined, 2))
    return
  }
  const rows = go.map(({ release: { name, variant, image, lock }, kept }) => {
    return [
      variant === undefined ? name : `${name} (${variant})`,
      image ?? `lock ${lock}`,
      new Date(kept).toISOString(),
    ]
  })
  for (const line of formatTable(rows, { width: terminal.width })) terminal.print(line)
  const word = dryRun === true ? 'would remove' : 'removed'
  terminal.print(`${word} ${go.length} releases and ${files.length} files, ${formatBytes(bytes)}; ${stay.length} stay`)
}
