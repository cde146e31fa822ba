import fs from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { createGunzip, createZstdDecompress } from 'node:zlib'
import { TAR_LIMITS, TarReader } from '#core'
import { SandboxError } from '../errors.ts'
import { finishDirectories, LayerWriter, type Owners } from './layer-writer.ts'

/** A layer of an image: its media type, and a way to read its blob, which the giver has verified. */
export interface ImageLayer {
  readonly mediaType: string
  open(): AsyncIterable<Uint8Array>
}

/** An image's files in a directory that only we (and, in bwrap, the image's user) can reach. */
export interface Rootfs {
  /** The private directory; `root` and the drivers' own files are in it. */
  readonly directory: string
  /** The image's root in it. */
  readonly root: string
  /** Who owns what by the layers, where that is not what the files of the host say. */
  readonly owners?: Owners
  /** Devices and fifos that were left out. */
  readonly skipped: readonly string[]
  /** Removes the whole directory. */
  remove(): void
}

/**
 * Unpacks layers, lowest first, below the host's folder for temporary files.
 * Rejects with `ROOTFS_INVALID`, what `TarReader` throws, or the signal's reason; nothing is left then.
 */
export async function unpackRootfs(layers: readonly ImageLayer[], signal?: AbortSignal): Promise<Rootfs> {
  const directory = fs.mkdtempSync(join(tmpdir(), 'casemate-'))
  try {
    const root = join(directory, 'root')
    fs.mkdirSync(root, 0o755)
    const directories = new Map([['/', { mode: 0o755, mtime: 0 }]])
    const owners = new Map([['/', { uid: 0, gid: 0 }]])
    const skipped: string[] = []
    let room = TAR_LIMITS.totalBytes
    for (const [index, layer] of layers.entries()) {
      const origin = `layer ${index + 1}`
      const writer = new LayerWriter({ root, origin, directories, owners })
      const reader = new TarReader({
        origin,
        limits: { ...TAR_LIMITS, totalBytes: room },
        onEntry: (header) => writer.add(header),
      })
      try {
        room -= await readLayer(layer, reader, signal)
      } finally {
        writer.close()
      }
      skipped.push(...writer.skipped)
    }
    finishDirectories(root, directories)
    const noted = process.getuid?.() === 0 ? {} : { owners }
    return { directory, root, ...noted, skipped, remove: () => removeTree(directory) }
  } catch (error) {
    removeTree(directory)
    throw error
  }
}

/** Gives the bytes that were in the layer once decompressed. */
async function readLayer({ mediaType, open }: ImageLayer, reader: TarReader, signal?: AbortSignal): Promise<number> {
  let bytes = 0
  const read = async (chunks: AsyncIterable<Uint8Array>) => {
    for await (const chunk of chunks) {
      signal?.throwIfAborted()
      bytes += chunk.length
      reader.push(chunk)
    }
    reader.end()
  }
  const options = signal ? { signal } : {}
  try {
    if (/\.tar[.+]gzip$/.test(mediaType)) await pipeline(open(), createGunzip(), read, options)
    else if (/\.tar[.+]zstd$/.test(mediaType)) await pipeline(open(), createZstdDecompress(), read, options)
    else if (mediaType.endsWith('.tar')) await pipeline(open(), read, options)
    else throw new SandboxError('ROOTFS_INVALID', `cannot unpack layer: media type "${mediaType}" is no layer's`)
  } catch (error) {
    // Node's versions differ in which error an abort becomes.
    signal?.throwIfAborted()
    throw error
  }
  return bytes
}

/** Removes a tree of ours whatever its modes are; no link is followed. */
export function removeTree(directory: string): void {
  if (process.getuid?.() !== 0) makeWritable(directory)
  fs.rmSync(directory, { recursive: true, force: true })
}

function makeWritable(directory: string): void {
  fs.chmodSync(directory, 0o700)
  for (const entry of fs.readdirSync(directory, { withFileTypes: true })) {
    if (entry.isDirectory()) makeWritable(join(directory, entry.name))
  }
}
