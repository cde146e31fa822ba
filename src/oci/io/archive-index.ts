import { createHash, type Hash } from 'node:crypto'
import { type FileHandle, open } from 'node:fs/promises'
import { posix } from 'node:path'
import {
  type CasemateError,
  type ContentSink,
  type Digest,
  digestFromHex,
  messageOf,
  normalizeArchivePath,
  TAR_LIMITS,
  type TarHeader,
  TarReader,
} from '#core'
import { readBlob } from '../blob-source.ts'
import { OciError } from '../errors.ts'
import { checkSize } from '../opened-image.ts'
import { type FileSegment, locatedBlobs } from './segment-blobs.ts'

/** Where the content of a file in an archive lies, and what its digest is. */
export interface ArchivedFile {
  readonly segment: Required<FileSegment>
  readonly digest: Digest
}

const CHUNK_BYTES = 1024 * 1024
const MAX_LINKS = 8
const GZIP_MAGIC = [0x1f, 0x8b]

/**
 * Gives what a tar archive of an image holds, by absolute path, having read it once from end to end; `lookup` follows
 * links. Rejects with `IMAGE_UNKNOWN` where there is no such file and with `IMAGE_ARCHIVE_INVALID` for one that is no
 * plain tar archive or has a path twice.
 */
export async function indexArchive(path: string): Promise<ArchiveIndex> {
  const file = await open(path).catch((cause: NodeJS.ErrnoException) => {
    throw new OciError('IMAGE_UNKNOWN', `cannot open image archive ${path}: ${cause.message}`, { cause })
  })
  const index = new ArchiveIndex(path)
  try {
    await pushAll(file, index)
    return index
  } catch (cause) {
    if (cause instanceof OciError) throw cause
    const reason = messageOf(cause)
    throw new OciError('IMAGE_ARCHIVE_INVALID', `cannot read image archive ${path}: ${reason}`, { cause })
  } finally {
    await file.close()
  }
}

async function pushAll(file: FileHandle, index: ArchiveIndex): Promise<void> {
  const chunk = Buffer.allocUnsafe(CHUNK_BYTES)
  for (let position = 0; ; ) {
    const { bytesRead } = await file.read(chunk, 0, chunk.length, position)
    if (bytesRead === 0) break
    index.push(chunk.subarray(0, bytesRead), position)
    position += bytesRead
  }
  index.end()
}

/** The files and links of one archive. */
export class ArchiveIndex {
  readonly path: string
  readonly #reader: TarReader
  readonly #files = new Map<string, ArchivedFile>()
  readonly #links = new Map<string, string>()
  /** The chunk that is being pushed and where in the archive it begins. */
  #chunk: Uint8Array = new Uint8Array()
  #position = 0

  constructor(path: string) {
    this.path = path
    const onEntry = (header: TarHeader) => this.#add(header)
    this.#reader = new TarReader({
      origin: path,
      limits: { ...TAR_LIMITS, totalBytes: 2 ** 40, entryBytes: 2 ** 40 },
      onEntry,
    })
  }

  push(chunk: Uint8Array, position: number): void {
    if (position === 0 && GZIP_MAGIC.every((byte, index) => chunk[index] === byte)) {
      throw new OciError(
        'IMAGE_ARCHIVE_INVALID',
        `cannot read image archive ${this.path}: it is compressed; gunzip it first`,
      )
    }
    this.#chunk = chunk
    this.#position = position
    this.#reader.push(chunk)
  }

  end(): void {
    this.#reader.end()
  }

  /** Gives the file at a path relative to the archive's root. Throws `IMAGE_ARCHIVE_INVALID` where there is none. */
  lookup(path: string): ArchivedFile {
    const found = this.find(path)
    if (found) return found
    throw new OciError('IMAGE_ARCHIVE_INVALID', `cannot read image archive ${this.path}: it has no file "${path}"`)
  }

  /** Gives the file at a path, through links that stay inside, or `undefined`. */
  find(path: string): ArchivedFile | undefined {
    let place = posix.join('/', path)
    for (let links = 0; links <= MAX_LINKS; links++) {
      const target = this.#links.get(place)
      if (target === undefined) return this.#files.get(place)
      place = target
    }
    return undefined
  }

  /** Reads a JSON document. Rejects with `DOCUMENT_INVALID` for one over 4 MiB, and as `lookup`. */
  async readDocument(path: string): Promise<Uint8Array> {
    const { segment, digest } = this.lookup(path)
    const descriptor = { mediaType: '', digest, size: segment.length }
    checkSize(descriptor, `${this.path}: ${path}`)
    return readBlob(descriptor, locatedBlobs(() => [segment]).open(digest))
  }

  #add(header: TarHeader): ContentSink | undefined {
    const path = normalizeArchivePath(header.path)
    if (header.type === 'directory') return undefined
    if (this.#files.has(path) || this.#links.has(path)) throw this.#invalid(`"${path}" stands in it twice`)
    if (header.type === 'symlink') this.#links.set(path, posix.join('/', posix.dirname(path), header.linkPath))
    else if (header.type === 'hardlink') this.#links.set(path, normalizeArchivePath(header.linkPath))
    else if (header.type === 'file') return this.#file(path, header.size)
    else throw this.#invalid(`"${path}" is a ${header.type}`)
    return undefined
  }

  /** Finds out where the content begins from the piece of the pushed chunk that the reader hands on. */
  #file(path: string, length: number): ContentSink {
    const hash: Hash = createHash('sha256')
    let offset: number | undefined
    return {
      write: (piece) => {
        offset ??= this.#position + piece.byteOffset - this.#chunk.byteOffset
        hash.update(piece)
      },
      end: () => {
        const segment = { path: this.path, offset: offset ?? 0, length }
        this.#files.set(path, { segment, digest: digestFromHex(hash.digest('hex')) })
      },
    }
  }

  #invalid(reason: string): CasemateError {
    return new OciError('IMAGE_ARCHIVE_INVALID', `cannot read image archive ${this.path}: ${reason}`)
  }
}
