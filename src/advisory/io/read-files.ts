import { createHash } from 'node:crypto'
import { readdir, readFile, stat } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { hasSystemCode, messageOf } from '#core'
import { AdvisoryError } from '../errors.ts'
import { importFile } from '../import-file.ts'
import { makePart, type NewPart } from '../part.ts'
import { Quarantine } from '../quarantine.ts'
import type { AdvisoryKind, ImportedFile } from '../records.ts'

/** Bytes of a file, and of what it unpacks to; the tracker's export has 60 to 80 MB. */
export const FILE_LIMIT = 160 << 20

interface ReadFile {
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
 * Reads files of advisory data, plain or gzip, and the `.json` files below folders, into one part per kind. Among several
 * files of `osv`, asked for by that name, one that cannot be read is a broken record. Rejects with `ADVISORIES_INVALID`
 * for a file that is no such data, with `ADVISORIES_LIMIT` and `ADVISORIES_UNREADABLE`.
 */
export async function readParts(paths: readonly string[], options: ReadFilesOptions): Promise<NewPart[]> {
  const files = (await Promise.all(paths.map(filesAt))).flat()
  const byKind = new Map<AdvisoryKind, ReadFile[]>()
  for (const path of files) {
    options.onFile?.(path)
    const read = await readOne(path, options.kind, files.length)
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

async function readOne(path: string, kind: AdvisoryKind | undefined, count: number): Promise<ReadFile> {
  const { bytes, changedAt } = await bytesOf(path)
  const digest = createHash('sha256').update(bytes).digest('hex')
  const isGzip = bytes[0] === 0x1f && bytes[1] === 0x8b
  const name = basename(path)
  const file = isGzip ? name.replace(/\.gz$/, '') : name
  try {
    const text = (isGzip ? gunzip(path, bytes) : bytes).toString('utf8')
    return { name, digest, changedAt, imported: importFile(text, { file, ...(kind === undefined ? {} : { kind }) }) }
  } catch (error) {
    const isRecordOfMany = kind === 'osv' && count > 1
    if (!isRecordOfMany || !(error instanceof AdvisoryError) || error.code !== 'ADVISORIES_INVALID') throw error
    const quarantine = new Quarantine()
    quarantine.add(file, error.message)
    return { name, digest, changedAt, imported: { kind, records: [], quarantined: quarantine.all } }
  }
}

async function bytesOf(path: string): Promise<{ bytes: Buffer; changedAt: string }> {
  try {
    const { size, mtime } = await stat(path)
    if (size > FILE_LIMIT) throw overLimit(path)
    return { bytes: await readFile(path), changedAt: mtime.toISOString() }
  } catch (cause) {
    throw cause instanceof AdvisoryError ? cause : unreadable(path, cause)
  }
}

function gunzip(path: string, bytes: Buffer): Buffer {
  try {
    return gunzipSync(bytes, { maxOutputLength: FILE_LIMIT })
  } catch (cause) {
    if (hasSystemCode(cause, 'ERR_BUFFER_TOO_LARGE')) throw overLimit(path)
    const reason = `it is no whole gzip file: ${messageOf(cause)}`
    throw new AdvisoryError('ADVISORIES_INVALID', `cannot import ${path}: ${reason}`, { cause })
  }
}

function digestOfAll(files: readonly ReadFile[]): string {
  const [only] = files
  if (only !== undefined && files.length === 1) return `sha256:${only.digest}`
  const all = createHash('sha256')
  for (const { digest } of files) all.update(digest)
  return `sha256:${all.digest('hex')}`
}

function overLimit(path: string): AdvisoryError {
  return new AdvisoryError('ADVISORIES_LIMIT', `cannot import ${path}: it is over ${FILE_LIMIT} bytes long`)
}

function unreadable(path: string, cause: unknown): AdvisoryError {
  return new AdvisoryError('ADVISORIES_UNREADABLE', `cannot read ${path}: ${messageOf(cause)}`, { cause })
}
