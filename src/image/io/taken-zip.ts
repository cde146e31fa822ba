import type { Entry, ZipFile } from 'yauzl'
import { normalizeArchivePath, PATH_BYTES } from '#core'
import { type ImageFile, ImageFiles } from '#oci'
import type { TakenTree } from './taken-archive.ts'

const MAX_ENTRIES = 200_000
const MAX_BYTES = 2 ** 30

/** The kinds of Unix files (stat(2), `st_mode`), which a zip may say of its entries. */
const KINDS = { mask: 0o170000, regular: 0o100000, directory: 0o040000, link: 0o120000 } as const
const IS_ENCRYPTED = 1

/**
 * Reads the list of a zip's files by its central directory (APPNOTE 4.3.12). Links are those that Info-ZIP writes. Rejects with
 * an error that says why where it is damaged, over its limits, encrypted, or holds what no program should unpack.
 */
export async function readTakenZip(path: string): Promise<TakenTree> {
  const files = new Map<string, ImageFile>()
  await forEachEntry(path, async (zip, entry) => {
    const file = await fileOf(zip, entry)
    if (file.path === '/') return
    if (files.has(file.path) && file.type !== 'directory') throw new Error(`it holds ${file.path} twice`)
    files.set(file.path, file)
  })
  return {
    files: new ImageFiles(files),
    async read(paths) {
      const contents = new Map<string, Uint8Array>()
      let room = MAX_BYTES
      await forEachEntry(path, async (zip, entry) => {
        const name = normalizeArchivePath(entry.fileName)
        if (!paths.has(name)) return
        room -= entry.uncompressedSize
        if (room < 0) throw new Error(`over ${MAX_BYTES} bytes of it are wanted`)
        contents.set(name, await contentOf(zip, entry))
      })
      return contents
    },
  }
}

async function forEachEntry(path: string, take: (zip: ZipFile, entry: Entry) => Promise<void>): Promise<void> {
  const { openPromise } = await import('yauzl')
  const zip = await openPromise(path, { lazyEntries: true, autoClose: false, strictFileNames: true })
  try {
    if (zip.entryCount > MAX_ENTRIES) throw new Error(`it has ${zip.entryCount} entries, more than ${MAX_ENTRIES}`)
    for await (const entry of zip.eachEntry()) await take(zip, entry)
  } finally {
    zip.close()
  }
}

async function fileOf(zip: ZipFile, entry: Entry): Promise<ImageFile> {
  const path = normalizeArchivePath(entry.fileName)
  if ((entry.generalPurposeBitFlag & IS_ENCRYPTED) !== 0) throw new Error(`${path} is encrypted`)
  const unix = entry.externalFileAttributes >>> 16
  const kind = unix & KINDS.mask
  const isFolder = entry.fileName.endsWith('/')
  if (kind !== 0 && kind !== KINDS.regular && kind !== KINDS.link && (kind !== KINDS.directory || !isFolder)) {
    throw new Error(`${path} is neither file nor folder nor link`)
  }
  const type = isFolder ? 'directory' : kind === KINDS.link ? 'symlink' : 'file'
  const target = type === 'symlink' ? await linkTarget(zip, entry, path) : ''
  const { uncompressedSize: size } = entry
  return { path, type, mode: unix & 0o777, uid: 0, gid: 0, size, mtime: 0, target, layer: 0, xattrs: new Map() }
}

async function linkTarget(zip: ZipFile, entry: Entry, path: string): Promise<string> {
  if (entry.uncompressedSize > PATH_BYTES) throw new Error(`the link ${path} is longer than a path may be`)
  return Buffer.from(await contentOf(zip, entry)).toString('utf8')
}

async function contentOf(zip: ZipFile, entry: Entry): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  const stream = await zip.openReadStreamPromise(entry)
  for await (const chunk of stream) chunks.push(chunk)
  return Buffer.concat(chunks)
}
