import { closeSync, openSync, readSync } from 'node:fs'
import { crc32, inflateRawSync } from 'node:zlib'
import type { Entry, ZipFile } from 'yauzl'
import { hasSystemCode, messageOf } from '#core'
import { AdvisoryError } from '../errors.ts'
import { importFile } from '../import-file.ts'
import { Quarantine } from '../quarantine.ts'
import type { ImportedFile, OsvRecord } from '../records.ts'

/** What a zip of OSV records may hold; npm's has some 200,000 records and 700 MB. */
export interface ZipLimits {
  readonly entries: number
  /** Bytes of one record. A longer one is quarantined. */
  readonly recordBytes: number
  /** Bytes of all records. */
  readonly totalBytes: number
}

export const ZIP_LIMITS: ZipLimits = { entries: 2_000_000, recordBytes: 16 << 20, totalBytes: 8 * 2 ** 30 }

/**
 * Reads a zip of OSV records, record by record, by its central directory (APPNOTE 4.3.12). The names of its entries only
 * name broken records. A record that is no OSV document, too long or encrypted is quarantined. A file that is cut short
 * or damaged is refused whole with `ADVISORIES_INVALID`, one over its limits with `ADVISORIES_LIMIT`.
 */
export async function readOsvZip(path: string, name: string, limits: ZipLimits = ZIP_LIMITS): Promise<ImportedFile> {
  // Loaded when there is a zip: most runs only ask the store.
  const { openPromise } = await import('yauzl')
  const descriptor = openSync(path, 'r')
  try {
    const zip = await openPromise(path, { lazyEntries: true, autoClose: false, decodeStrings: false })
    try {
      return await new ZipReading({ zip, descriptor, name, limits }).run()
    } finally {
      zip.close()
    }
  } catch (cause) {
    if (cause instanceof AdvisoryError) throw cause
    throw damaged(name, `it is no whole zip file: ${messageOf(cause)}`, cause)
  } finally {
    closeSync(descriptor)
  }
}

interface OpenZip {
  readonly zip: ZipFile
  readonly descriptor: number
  readonly name: string
  readonly limits: ZipLimits
}

class ZipReading {
  readonly #open: OpenZip
  readonly #quarantine = new Quarantine()
  readonly #records: OsvRecord[] = []
  #total = 0
  #contentDate = ''

  constructor(open: OpenZip) {
    this.#open = open
  }

  async run(): Promise<ImportedFile> {
    const { zip, name, limits } = this.#open
    if (zip.entryCount > limits.entries) throw over(name, `it has over ${limits.entries} entries`)
    for await (const entry of zip.eachEntry()) {
      const file = entry.fileNameRaw.toString('utf8').slice(-200)
      if (!file.endsWith('/')) await this.#take(entry, file)
    }
    return {
      kind: 'osv',
      records: this.#records,
      quarantined: this.#quarantine.all,
      ...(this.#contentDate === '' ? {} : { contentDate: this.#contentDate }),
    }
  }

  async #take(entry: Entry, file: string): Promise<void> {
    const { name, limits } = this.#open
    const place = `${name}: ${file}`
    if (entry.isEncrypted() || (entry.compressionMethod !== 0 && entry.compressionMethod !== 8)) {
      this.#quarantine.add(place, `it is encrypted, or compressed by method ${entry.compressionMethod}, want 0 or 8`)
      return
    }
    if (entry.uncompressedSize > limits.recordBytes || entry.compressedSize > limits.recordBytes) {
      this.#quarantine.add(place, `it is over ${limits.recordBytes} bytes long`)
      return
    }
    this.#total += entry.uncompressedSize
    if (this.#total > limits.totalBytes) throw over(name, `it unpacks to over ${limits.totalBytes} bytes`)
    const bytes = await this.#content(entry, place)
    try {
      const imported = importFile(bytes.toString('utf8'), { file, kind: 'osv' })
      this.#quarantine.addAll(imported.quarantined)
      if (imported.kind === 'osv') this.#records.push(...imported.records)
      const { contentDate = '' } = imported
      if (contentDate > this.#contentDate) this.#contentDate = contentDate
    } catch (error) {
      if (!(error instanceof AdvisoryError)) throw error
      this.#quarantine.add(place, error.message)
    }
  }

  /** An entry's content, held against the size and the sum that the directory gives. */
  async #content(entry: Entry, place: string): Promise<Buffer> {
    const { zip, descriptor } = this.#open
    const { fileDataStart } = await zip.readLocalFileHeaderPromise(entry, { minimal: true })
    const packed = Buffer.alloc(entry.compressedSize)
    if (readSync(descriptor, packed, 0, packed.length, fileDataStart) < packed.length) {
      throw damaged(place, 'it is cut short')
    }
    const bytes = entry.compressionMethod === 0 ? packed : inflate(packed, entry.uncompressedSize, place)
    if (bytes.length !== entry.uncompressedSize || crc32(bytes) !== entry.crc32) {
      throw damaged(place, 'its content has not the size and the sum that the directory gives')
    }
    return bytes
  }
}

/** Inflates no further than the directory says that the content goes: what has more is a bomb. */
function inflate(packed: Buffer, size: number, place: string): Buffer {
  try {
    return inflateRawSync(packed, { maxOutputLength: Math.max(1, size) })
  } catch (cause) {
    const isOver = hasSystemCode(cause, 'ERR_BUFFER_TOO_LARGE')
    throw damaged(place, isOver ? `it unpacks to more than the ${size} bytes announced` : messageOf(cause), cause)
  }
}

function damaged(name: string, reason: string, cause?: unknown): AdvisoryError {
  return new AdvisoryError('ADVISORIES_INVALID', `cannot import ${name}: ${reason}`, { cause })
}

function over(name: string, reason: string): AdvisoryError {
  return new AdvisoryError('ADVISORIES_LIMIT', `cannot import ${name}: ${reason}`)
}
