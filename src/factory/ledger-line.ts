import { canonicalJson, faultsOf, formatFault, type Json, parseDigest, readStrictJson, type Shape } from '#core'
import { FactoryError } from './errors.ts'
import type { LedgerEntry } from './ledger.ts'

/** A line of an exported ledger: an entry, or behind it the envelope of a checkpoint that was made there. */
export type LedgerLine = { readonly entry: LedgerEntry } | { readonly checkpoint: string }

/** The most that a line may have. */
export const MAX_LEDGER_LINE = 16 * 2 ** 20

const digest: Shape = { type: 'string', pattern: '^sha256:[0-9a-f]{64}$', title: 'a SHA-256 digest' }
const entryShape: Shape = {
  type: 'object',
  title: 'an entry of a ledger',
  properties: {
    sequence: { type: 'integer', minimum: 1 },
    at: { type: 'string' },
    kind: { type: 'string' },
    subject: { type: 'string' },
    body: {},
    previous: digest,
    digest,
  },
  required: ['sequence', 'at', 'kind', 'subject', 'body', 'previous', 'digest'],
  additionalProperties: false,
}
const checkpointShape: Shape = {
  type: 'object',
  properties: { checkpoint: { type: 'string' } },
  required: ['checkpoint'],
  additionalProperties: false,
}

/** Writes an entry as canonical JSON, without a line feed. */
export function formatLedgerEntry({ sequence, at, kind, subject, body, previous, digest: own }: LedgerEntry): string {
  return canonicalJson({ sequence, at, kind, subject, body, previous, digest: own })
}

/** Writes a checkpoint's envelope as a line of its own, without a line feed. */
export function formatLedgerCheckpoint(envelope: string): string {
  return canonicalJson({ checkpoint: envelope })
}

/** Reads a line of an exported ledger, believing nothing. Throws `LEDGER_INVALID`, which names the line. */
export function parseLedgerLine(bytes: Uint8Array, line: number): LedgerLine {
  const invalid = (reason: string) =>
    new FactoryError('LEDGER_INVALID', `cannot read the ledger: line ${line}: ${reason}`)
  const read = readStrictJson(bytes, { maxBytes: MAX_LEDGER_LINE, maxDepth: 64 })
  if ('fault' in read) throw invalid(read.fault)
  if (fits<{ checkpoint: string }>(checkpointShape, read.value)) return read.value
  if (!fits<Omit<LedgerEntry, 'body'> & { body: Json }>(entryShape, read.value)) {
    throw invalid(faultsOf(entryShape, read.value).map(formatFault).slice(0, 3).join('; '))
  }
  const { previous, digest: own, ...entry } = read.value
  return { entry: { ...entry, previous: parseDigest(previous), digest: parseDigest(own) } }
}

function fits<Value>(shape: Shape, value: unknown): value is Value {
  return faultsOf(shape, value).length === 0
}
