import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { open, readdir, readFile, stat } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { messageOf } from '#core'
import { AdvisoryError } from '../errors.ts'
import { importFile } from '../import-file.ts'
import { type FetchedFile, makePart, type NewPart } from '../part.ts'
import { Quarantine } from '../quarantine.ts'
import type { AdvisoryKind, ImportedFile } from '../records.ts'
import { readOsvZip } from './osv-zip.ts'
import { unpack } from './unpack.ts'

/** Bytes of a file, and of what it unpacks to; the tracker's export has 60 to 80 MB. */
export const FILE_LIMIT = 160 << 20

/** A file where it lies; its name, and when its data were current, may be known better than the disk does. */
export interface InputFile {
  readonly path: string
  readonly name: string
  /** ISO 8601; the file's time of change unless given. */
  readonly changedAt?: string
  readonly fetched?: FetchedFile
}

interface ReadFile {
  readonly input: InputFile
  readonly name: string
  readonly digest: string
  readonly changedAt: string
  readonly imported: ImportedFile
}

/** What to read, and when: `now` is when the data are taken in, ISO 8601. */
export interface ReadFilesOptions {
  readonly kind?: AdvisoryKind
  readonly now: string
  /** Called before each file is read. */
  readonly onFile?: (path: string) => void
}

/**
 * Reads files of advisory data, plain, gzip, xz or zips of OSV records, and the `.json` files below folders, into one part
 * per kind. Among several files of `osv`, asked for by that name, one that cannot be read is a broken record. Rejects with
 * `ADVISORIES_INVALID` for a file that is no such data, with `ADVISORIES_LIMIT` and `ADVISORIES_UNREADABLE`.
 */
export async function readParts(paths: readonly string[], options: ReadFilesOptions): Promise<NewPart[]> {
  const files = (await Promise.all(paths.map(filesAt))).flat()
  return readInputs(
    files.map((path) => ({ path, name: basename(path) })),
    options,
  )
}

/** Reads files as `readParts` does, under names of their own. */
export async function readInputs(files: readonly InputFile[], options: ReadFilesOptions): Promise<NewPart[]> {
  const byKind = new Map<AdvisoryKind, ReadFile[]>()
  for (const file of files) {
    options.onFile?.(file.path)
    const read = await readOne(file, options.kind, files.length)
    byKind.set(read.imported.kind, [...(byKind.get(read.imported.kind) ?? []), read])
  }
  return [...byKind.values()].map((members) =>
    makePart(
      members.map(({ imported }) => imported),
      {
        names: members.map(({ name }) => name),
        digest: digestOfAll(members),
        changedAt: members.reduce((newest, { changedAt }) => (changedAt > newest ? changedAt : newest), ''),
        importedAt: options.now,
        fetched: members.flatMap(({ input }) => input.fetched ?? []),
      },
    ),
  )
}

async function filesAt(path: string): Promise<string[]> {
  try {
    if (!(await stat(path)).isDirectory()) return [path]
    const entries = await readdir(path, { recursive: true, withFileTypes: true })
    const names = entries.filter((entry) => entry.isFile() && entry.name.endsWith('.json'))
    return names.map((entry) => join(entry.parentPath, entry.name)).sort()
  } catch (cause) {
    throw unreadable(path, cause)
  }
}

async function readOne(input: InputFile, kind: AdvisoryKind | undefined, count: number): Promise<ReadFile> {
  const { path, name } = input
  const start = await statOf(path)
  const changedAt = input.changedAt ?? start.changedAt
  // Zips are the one form that is read piece by piece: OSV's are far longer than any text.
  if (isZip(start.bytes)) {
    if (kind !== undefined && kind !== 'osv') throw invalid(name, `want ${kind} data, got a zip`)
    return { input, name, digest: await digestOfFile(path), changedAt, imported: await readOsvZip(path, name) }
  }
  const bytes = await bytesOf(path, start.size)
  const digest = createHash('sha256').update(bytes).digest('hex')
  const { text, file } = await unpack(bytes, name, FILE_LIMIT)
  try {
    const imported = importFile(text, { file, ...(kind === undefined ? {} : { kind }) })
    return { input, name, digest, changedAt, imported }
  } catch (error) {
    const isRecordOfMany = kind === 'osv' && count > 1
    if (!isRecordOfMany || !(error instanceof AdvisoryError) || error.code !== 'ADVISORIES_INVALID') throw error
    const quarantine = new Quarantine()
    quarantine.add(file, error.message)
    return { input, name, digest, changedAt, imported: { kind, records: [], quarantined: quarantine.all } }
  }
}

/** A local header, or the end of an empty zip (APPNOTE 4.3.7, 4.3.16). */
function isZip(bytes: Uint8Array): boolean {
  return bytes[0] === 0x50 && bytes[1] === 0x4b && (bytes[2] === 3 || bytes[2] === 5)
}

async function statOf(path: string): Promise<{ size: number; changedAt: string; bytes: Uint8Array }> {
  try {
    const handle = await open(path)
    try {
      const { size, mtime } = await handle.stat()
      const { buffer, bytesRead } = await handle.read(Buffer.alloc(4), 0, 4, 0)
      return { size, changedAt: mtime.toISOString(), bytes: buffer.subarray(0, bytesRead) }
    } finally {
      await handle.close()
    }
  } catch (cause) {
    throw unreadable(path, cause)
  }
}

async function bytesOf(path: string, size: number): Promise<Buffer> {
  if (size > FILE_LIMIT) {
    throw new AdvisoryError('ADVISORIES_LIMIT', `cannot import ${path}: it is over ${FILE_LIMIT} bytes long`)
  }
  try {
    return await readFile(path)
  } catch (cause) {
    throw unreadable(path, cause)
  }
}

async function digestOfFile(path: string): Promise<string> {
  const hash = createHash('sha256')
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) hash.update(chunk)
  return hash.digest('hex')
}

function digestOfAll(files: readonly ReadFile[]): string {
  const [only] = files
  if (only !== undefined && files.length === 1) return `sha256:${only.digest}`
  const all = createHash('sha256')
  for (const { digest } of files) all.update(digest)
  return `sha256:${all.digest('hex')}`
}

function invalid(name: string, reason: string): AdvisoryError {
  return new AdvisoryError('ADVISORIES_INVALID', `cannot import ${name}: ${reason}`)
}

function unreadable(path: string, cause: unknown): AdvisoryError {
  return new AdvisoryError('ADVISORIES_UNREADABLE', `cannot read ${path}: ${messageOf(cause)}`, { cause })
}
