import type { Dirent } from 'node:fs'
import { readdir, readlink, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { hasControlCharacters } from '#core'
import { ImageError } from '../errors.ts'
import type { FolderEntry } from '../taken/folder-tree.ts'

/** What version control keeps beside the files themselves. */
const NOT_CONTENT: ReadonlySet<string> = new Set(['.git'])
const MAX_ENTRIES = 100_000
const MAX_DEPTH = 100

/**
 * Lists the files and links below a folder, in code-unit order, links not followed; empty directories and `.git` are no
 * content. `name` is what messages call the folder. Rejects with `SOURCE_INVALID` for anything else than files, folders and
 * links, for names that no image can have, and for more than 100,000 paths.
 */
export async function readFolder(folder: string, name: string): Promise<readonly FolderEntry[]> {
  const refuse = (reason: string) => new ImageError('SOURCE_INVALID', `cannot take in ${name}: ${reason}`)
  const entries: FolderEntry[] = []
  const walk = async (below: string, depth: number): Promise<void> => {
    if (depth > MAX_DEPTH) throw refuse(`its folders lie more than ${MAX_DEPTH} deep`)
    for (const entry of await readdir(join(folder, below), { withFileTypes: true })) {
      if (NOT_CONTENT.has(entry.name)) continue
      const path = `${below}/${entry.name}`
      if (hasControlCharacters(entry.name) || entry.name.includes('\ufffd')) {
        throw refuse(`the name ${JSON.stringify(path)} is no plain text`)
      }
      if (entry.isDirectory()) await walk(path, depth + 1)
      else entries.push(await folderEntry(folder, path, entry, refuse))
      if (entries.length > MAX_ENTRIES) throw refuse(`it holds more than ${MAX_ENTRIES} paths`)
    }
  }
  await walk('', 0)
  return entries.sort((left, right) => (left.path < right.path ? -1 : 1))
}

async function folderEntry(
  folder: string,
  path: string,
  entry: Dirent,
  refuse: (reason: string) => ImageError,
): Promise<FolderEntry> {
  const place = join(folder, path)
  if (entry.isSymbolicLink()) return { path, type: 'symlink', isExecutable: false, target: await readlink(place) }
  if (!entry.isFile()) throw refuse(`${path} is no regular file, folder or link`)
  return { path, type: 'file', isExecutable: ((await stat(place)).mode & 0o100) !== 0, target: '' }
}
