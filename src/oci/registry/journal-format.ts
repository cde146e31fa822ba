import { crc32 } from 'node:zlib'
import { messageOf } from '#core'
import { OciError } from '../errors.ts'
import type { ContentDigest } from './content-digest.ts'
import type { StateRecord } from './state.ts'

/** Changes that become durable together, with the bytes of the contents among them that are `inline`. */
export interface JournalBatch {
  readonly records: readonly StateRecord[]
  readonly inline: ReadonlyMap<ContentDigest, Uint8Array>
}

const MAGIC = 0x434d4a31
/** Magic, length of the records, length of the bytes behind them, CRC-32 of both; 32 bits each, big-endian. */
const HEADER = 16

/** Writes a batch as it stands in a journal: a header, the records as JSON, the inline contents in the records' order. */
export function formatBatch(batch: JournalBatch): Uint8Array[] {
  const records = Buffer.from(JSON.stringify(batch.records))
  const contents = batch.records.flatMap((record) =>
    record.op === 'content' && record.inline ? [batch.inline.get(record.digest) ?? new Uint8Array()] : [],
  )
  const size = contents.reduce((sum, content) => sum + content.length, 0)
  const header = Buffer.alloc(HEADER)
  header.writeUInt32BE(MAGIC, 0)
  header.writeUInt32BE(records.length, 4)
  header.writeUInt32BE(size, 8)
  header.writeUInt32BE(
    [records, ...contents].reduce((sum, part) => crc32(part, sum), 0),
    12,
  )
  return [header, records, ...contents]
}

/**
 * Reads the batches of a journal. A batch is written only when the one before is durable, so what follows the last whole
 * one was never acknowledged and is left out: the result says where it begins. Throws `STORE_DAMAGED` when a whole batch
 * stands behind a broken one, because then something that was acknowledged is gone.
 */
export function readBatches(journal: Buffer, name: string): { batches: JournalBatch[]; end: number } {
  const batches: JournalBatch[] = []
  let position = 0
  for (;;) {
    const found = batchAt(journal, position)
    if (found === undefined) break
    batches.push(found.batch)
    position = found.end
  }
  const magic = Buffer.alloc(4)
  magic.writeUInt32BE(MAGIC)
  for (let next = journal.indexOf(magic, position + 1); next >= 0; next = journal.indexOf(magic, next + 1)) {
    if (batchAt(journal, next) === undefined) continue
    throw new OciError(
      'STORE_DAMAGED',
      `cannot read ${name}: the batch at byte ${position} is damaged, and a whole one stands at byte ${next}`,
    )
  }
  return { batches, end: position }
}

function batchAt(journal: Buffer, position: number): { batch: JournalBatch; end: number } | undefined {
  if (position + HEADER > journal.length || journal.readUInt32BE(position) !== MAGIC) return undefined
  const recordsEnd = position + HEADER + journal.readUInt32BE(position + 4)
  const end = recordsEnd + journal.readUInt32BE(position + 8)
  if (end > journal.length || crc32(journal.subarray(position + HEADER, end)) !== journal.readUInt32BE(position + 12)) {
    return undefined
  }
  const records = recordsIn(journal.subarray(position + HEADER, recordsEnd))
  const inline = new Map<ContentDigest, Uint8Array>()
  let start = recordsEnd
  for (const record of records) {
    if (record.op !== 'content' || !record.inline) continue
    inline.set(record.digest, journal.subarray(start, start + record.size))
    start += record.size
  }
  return { batch: { records, inline }, end }
}

/** The CRC vouches that these are the bytes that `formatBatch` wrote. */
function recordsIn(bytes: Buffer): StateRecord[] {
  try {
    return JSON.parse(bytes.toString('utf8')) as StateRecord[]
  } catch (cause) {
    throw new OciError('STORE_DAMAGED', `cannot read a journal's records: ${messageOf(cause)}`, { cause })
  }
}
