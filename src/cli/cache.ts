import { readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { hasSystemCode } from '#core'
import { defaultCacheFolder } from '#debian'
import { UsageError } from './errors.ts'
import { type ExitStatus, exitStatus } from './exit-status.ts'
import { formatBytes, formatTable, type Terminal } from './terminal.ts'

interface CachedFile {
  /** The first folder below the cache: what kind of thing it is. */
  readonly kind: string
  readonly path: string
  readonly size: number
  /** Milliseconds since the epoch: the later of last read, as far as the file system keeps it, and last written. */
  readonly used: number
}

const DAY = 24 * 60 * 60 * 1000

/** Prints what the cache holds, by kind. */
export async function runCacheStatus(options: { json?: boolean }, terminal: Terminal): Promise<ExitStatus> {
  const folder = defaultCacheFolder()
  const kinds = new Map<string, { files: number; bytes: number }>()
  for (const { kind, size } of await cachedFiles(folder)) {
    const known = kinds.get(kind) ?? { files: 0, bytes: 0 }
    kinds.set(kind, { files: known.files + 1, bytes: known.bytes + size })
  }
  if (options.json === true) {
    terminal.print(JSON.stringify({ folder, kinds: Object.fromEntries(kinds) }))
    return exitStatus.done
  }
  terminal.print(folder)
  const rows = [...kinds].map(([kind, { files, bytes }]) => [`  ${kind}`, `${files} files`, formatBytes(bytes)])
  for (const line of formatTable(rows, { width: terminal.width, right: [1, 2] })) terminal.print(line)
  return exitStatus.done
}

/** Removes what was not used for some days. Another process that needs it at this moment makes it anew. */
export async function runCachePrune(
  options: { days: string; json?: boolean },
  terminal: Terminal,
): Promise<ExitStatus> {
  const days = Number(options.days)
  if (!Number.isInteger(days) || days < 0) {
    throw new UsageError(
      'USAGE_INVALID',
      `cannot prune what was unused for "${options.days}" days: want a whole number`,
    )
  }
  const oldest = Date.now() - days * DAY
  let bytes = 0
  let files = 0
  for (const file of await cachedFiles(defaultCacheFolder())) {
    if (file.used > oldest) continue
    await rm(file.path, { force: true })
    bytes += file.size
    files++
  }
  if (options.json === true) terminal.print(JSON.stringify({ files, bytes }))
  else terminal.print(`removed ${files} files, ${formatBytes(bytes)}`)
  return exitStatus.done
}

async function cachedFiles(folder: string): Promise<CachedFile[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch((error: unknown) => {
    if (hasSystemCode(error, 'ENOENT')) return []
    throw error
  })
  const files: CachedFile[] = []
  for (const entry of entries) {
    if (!entry.isFile()) continue
    const path = join(entry.parentPath, entry.name)
    const found = await stat(path).catch(() => undefined)
    if (found === undefined) continue
    const kind = path.slice(folder.length + 1).split('/')[0] ?? ''
    files.push({ kind, path, size: found.size, used: Math.max(found.atimeMs, found.mtimeMs) })
  }
  return files
}
