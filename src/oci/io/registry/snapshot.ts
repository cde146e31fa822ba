import { open, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import { hasSystemCode } from '#core'
import { OciError } from '../../errors.ts'
import { type RegistryState, recordsOf, type StateRecord } from '../../registry/state.ts'
import { storeError, syncFolder } from './disk.ts'

const FORMAT = 1
const LINES = 2000

/**
 * Writes the state to `state.jsonl`, seen whole or not at all: a first line with the number of the first journal that is
 * to be applied on top, a line for each record, and a last one with a checksum. The state may go on changing meanwhile,
 * because everything that changes from now on stands in that journal as well. Gives its size in bytes.
 */
export async function writeSnapshot(folder: string, state: RegistryState, journal: number): Promise<number> {
  const path = join(folder, 'state.jsonl')
  const temporary = `${path}.partial`
  let size = 0
  try {
    const file = await open(temporary, 'w', 0o600)
    try {
      let sum = 0
      let lines = [JSON.stringify({ format: FORMAT, journal })]
      const flush = async () => {
        const bytes = Buffer.from(lines.map((line) => `${line}\n`).join(''))
        lines = []
        sum = crc32(bytes, sum)
        size += bytes.length
        await file.writeFile(bytes)
      }
      for (const record of recordsOf(state)) {
        if (lines.push(JSON.stringify(record)) >= LINES) await flush()
      }
      await flush()
      await file.writeFile(`${JSON.stringify({ crc32: sum })}\n`)
      await file.datasync()
    } finally {
      await file.close()
    }
    await rename(temporary, path)
    await syncFolder(folder)
    return size
  } catch (cause) {
    await rm(temporary, { force: true }).catch(() => undefined)
    throw storeError(cause, `write ${path}`)
  }
}

/** Reads the last snapshot: its records, its size, and the first journal on top. Without one: none, and the first of all. */
export async function readSnapshot(folder: string): Promise<{ records: StateRecord[]; journal: number; size: number }> {
  const path = join(folder, 'state.jsonl')
  let bytes: Buffer
  try {
    bytes = await readFile(path)
  } catch (cause) {
    if (hasSystemCode(cause, 'ENOENT')) return { records: [], journal: 1, size: 0 }
    throw storeError(cause, `read ${path}`)
  }
  const end = bytes.lastIndexOf('\n', bytes.length - 2) + 1
  try {
    const last: { crc32?: unknown } = JSON.parse(bytes.toString('utf8', end))
    if (last.crc32 !== crc32(bytes.subarray(0, end))) throw new OciError('STORE_DAMAGED', 'its checksum differs')
    const [first = '', ...lines] = bytes.toString('utf8', 0, end).trimEnd().split('\n')
    const head: { format?: unknown; journal?: unknown } = JSON.parse(first)
    if (head.format !== FORMAT || typeof head.journal !== 'number') {
      throw new OciError('STORE_DAMAGED', `its format is ${String(head.format)}, this version reads ${FORMAT}`)
    }
    // The checksum vouches that these are the lines that `writeSnapshot` wrote.
    return { records: lines.map((line) => JSON.parse(line) as StateRecord), journal: head.journal, size: bytes.length }
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new OciError('STORE_DAMAGED', `cannot read ${path}: ${reason}`, { cause })
  }
}
