import { canonicalJson, type Digest, faultsOf, formatFault, type Json, readStrictJson, type Shape } from '#core'
import { StoreError } from '../errors.ts'

/**
 * A backup is lines of canonical JSON: a head, rows of one table after another, and an end that vouches for all before it.
 * Nothing in it is PostgreSQL's own, so any version of it can take it back.
 */
export const BACKUP_FORMAT = 'casemate backup 1'

/** Tables in an order in which each finds what it refers to. Projections are not among them: they are made anew. */
export const TABLES = [
  'event',
  'plan',
  'plan_event',
  'plan_image',
  'run',
  'stage_record',
  'package_version',
  'package_set',
  'package_set_with',
  'package_set_without',
  'release',
  'release_manifest',
  'run_batch',
  'run_batch_image',
  'run_image_end',
  'run_end',
  'run_cancel',
  'tag_intent',
  'hold',
  'hold_end',
  'approval',
  'clock_mark',
  'ledger_entry',
  'ledger_checkpoint',
  'watched',
  'message',
  'subscriber',
  'undelivered',
  'delivery',
  'access_token',
  'access_token_end',
  'audit_record',
] as const
export type TableName = (typeof TABLES)[number]

/** The first line: which format, and the digests of the migrations that the tables had. */
export type BackupHead = {
  readonly format: string
  readonly migrations: readonly Digest[]
}

/** Some rows of one table, as objects of its columns. */
export type BackupRows = { readonly table: TableName; readonly rows: readonly Json[] }

/** The last line: how many rows there are, and the digest of every byte before this line. */
export type BackupEnd = { readonly rows: number; readonly digest: Digest }

const digest: Shape = { type: 'string', pattern: '^sha256:[0-9a-f]{64}$', title: 'a SHA-256 digest' }
const headShape: Shape = {
  type: 'object',
  properties: { format: { type: 'string' }, migrations: { type: 'array', items: digest } },
  required: ['format', 'migrations'],
}
const rowsShape: Shape = {
  type: 'object',
  properties: { table: { type: 'string', enum: TABLES }, rows: { type: 'array', items: { type: 'object' } } },
  required: ['table', 'rows'],
  additionalProperties: false,
}
const endShape: Shape = {
  type: 'object',
  properties: { rows: { type: 'integer', minimum: 0 }, digest },
  required: ['rows', 'digest'],
  additionalProperties: false,
}

/** What one line of a backup may have: rows come in batches, so this is far above what we write. */
export const MAX_LINE = 256 * 2 ** 20
const LIMITS = { maxBytes: MAX_LINE, maxDepth: 64 }

export function formatLine(value: BackupHead | BackupRows | BackupEnd): string {
  return `${canonicalJson(value)}\n`
}

/** Where a line stands, for messages. */
export interface LinePlace {
  readonly name: string
  readonly line: number
}

/** Throws `BACKUP_INVALID` for what is no head, or one of a format that is not known here. */
export function parseHead(line: Uint8Array, place: LinePlace): BackupHead {
  const value = readLine(line, place)
  if (!fits<BackupHead>(headShape, value)) throw invalid(place, 'it is no backup of Casemate')
  if (value.format !== BACKUP_FORMAT)
    throw invalid(place, `it is of the format ${JSON.stringify(value.format)}, want "${BACKUP_FORMAT}"`)
  return value
}

/** Throws `BACKUP_INVALID` for what is neither rows nor an end. */
export function parseLine(line: Uint8Array, place: LinePlace): BackupRows | BackupEnd {
  const value = readLine(line, place)
  if (fits<BackupEnd>(endShape, value) || fits<BackupRows>(rowsShape, value)) return value
  throw invalid(place, faultsOf(rowsShape, value).map(formatFault).slice(0, 3).join('; '))
}

export function invalid({ name, line }: LinePlace, reason: string): StoreError {
  return new StoreError('BACKUP_INVALID', `cannot restore ${name}: line ${line}: ${reason}`)
}

function readLine(line: Uint8Array, place: LinePlace): unknown {
  const read = readStrictJson(line, LIMITS)
  if ('fault' in read) throw invalid(place, read.fault)
  return read.value
}

function fits<Value>(shape: Shape, value: unknown): value is Value {
  return faultsOf(shape, value).length === 0
}
