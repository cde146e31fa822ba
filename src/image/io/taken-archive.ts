import { createReadStream } from 'node:fs'
import { messageOf } from '#core'
import { type Compression, createDecoders, type DecodeLimits, loadLibarchive } from '#debian'
import { type ImageFile, ImageFiles, readLayerContent } from '#oci'
import type { Packing } from '../definition/definition.ts'
import { ImageError } from '../errors.ts'
import { readTakenZip } from './taken-zip.ts'

/** A tree that something is taken in of. */
export interface TakenTree {
  readonly files: ImageFiles
  /** The contents of files, by the paths that the tree has them at. */
  read(paths: ReadonlySet<string>): Promise<ReadonlyMap<string, Uint8Array>>
}

/** What an archive may cost: bytes of what it holds, and how much of that may be taken in. */
export const ARCHIVE_LIMITS: DecodeLimits & { readonly held: number } = {
  maxOutput: 4 * 2 ** 30,
  maxRatio: 1000,
  held: 2 ** 30,
}

/**
 * Reads the list of an archive's files, without their contents. `name` is what messages call it. Rejects with `SOURCE_INVALID`
 * for an archive that is damaged or over its limits, and for one that no program should unpack: paths that lead out, twice the
 * same file, names that delete in an image.
 */
export async function openTakenArchive(
  path: string,
  { packing, strip, name }: { packing: Packing; strip: number; name: string },
): Promise<TakenTree> {
  try {
    const tree = packing === 'zip' ? await readTakenZip(path) : await readTar(path, packing, name)
    return strip === 0 ? tree : stripped(tree, strip)
  } catch (cause) {
    if (cause instanceof ImageError) throw cause
    throw new ImageError('SOURCE_INVALID', `cannot take in ${name}: ${messageOf(cause)}`, { cause })
  }
}

const COMPRESSIONS: Readonly<Record<Exclude<Packing, 'zip'>, Compression>> = {
  tar: 'none',
  'tar.gz': 'gzip',
  'tar.xz': 'xz',
  'tar.zst': 'zstd',
}

async function readTar(path: string, packing: Exclude<Packing, 'zip'>, name: string): Promise<TakenTree> {
  const refuse = (reason: string) => new ImageError('SOURCE_INVALID', `cannot take in ${name}: ${reason}`)
  const openTar = () => decoded(path, COMPRESSIONS[packing], name)
  const seen = new Set<string>()
  const { files, removed, opaque } = await readLayerContent(
    { openTar },
    {
      wants: (file) => {
        if (seen.has(file.path)) throw refuse(`it holds ${file.path} twice`)
        seen.add(file.path)
        return false
      },
    },
  )
  const [hidden] = [...removed, ...opaque]
  if (hidden !== undefined) throw refuse(`a name in it would delete ${hidden} in an image`)
  return {
    files,
    async read(paths) {
      const read = await readLayerContent(
        { openTar },
        { wants: (file) => paths.has(file.path), maxContent: ARCHIVE_LIMITS.held },
      )
      return contentsOf(read.files, paths)
    },
  }
}

/** The contents that were held of some paths. */
export function contentsOf(files: ImageFiles, paths: ReadonlySet<string>): ReadonlyMap<string, Uint8Array> {
  const contents = new Map<string, Uint8Array>()
  for (const path of paths) {
    const content = files.get(path)?.content
    if (content !== undefined) contents.set(path, content)
  }
  return contents
}

/** The tar archive in a file, its compression undone. */
async function* decoded(path: string, compression: Compression, name: string): AsyncGenerator<Uint8Array> {
  let chunks: Uint8Array[] = []
  const decoder = createDecoders(await loadLibarchive())(compression, {
    origin: name,
    limits: ARCHIVE_LIMITS,
    onOutput: (chunk) => void chunks.push(Uint8Array.from(chunk)),
  })
  for await (const piece of createReadStream(path, { highWaterMark: 1 << 18 })) {
    decoder.push(piece)
    yield* chunks
    chunks = []
  }
  decoder.end()
  yield* chunks
}

/** The tree without the first folders of each path; what has no more than those is left out. */
function stripped({ files, read }: TakenTree, strip: number): TakenTree {
  const short = (path: string) => {
    const parts = path.split('/').slice(strip + 1)
    return parts.length === 0 ? undefined : `/${parts.join('/')}`
  }
  const whole = new Map<string, string>()
  const moved = new Map<string, ImageFile>()
  for (const file of files.entries()) {
    const path = short(file.path)
    if (path === undefined) continue
    const other = moved.get(path)
    if (other !== undefined && (other.type !== 'directory' || file.type !== 'directory')) {
      throw new Error(`without the first ${strip} folders ${whole.get(path)} and ${file.path} are one path`)
    }
    const target = file.type === 'hardlink' ? (short(file.target) ?? file.target) : file.target
    moved.set(path, { ...file, path, target })
    whole.set(path, file.path)
  }
  return {
    files: new ImageFiles(moved),
    async read(paths) {
      const contents = await read(new Set([...paths].flatMap((path) => whole.get(path) ?? [])))
      return new Map([...contents].flatMap(([path, bytes]) => [[short(path) ?? path, bytes] as const]))
    },
  }
}
