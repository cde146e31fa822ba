import { readdir, readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { hasSystemCode, nearest, packageFile } from '#core'
import { type Archive, type ArchiveSuite, parseArchive } from '../archive.ts'
import { DebianError } from '../errors.ts'
import { type PinnedKey, readPinnedKey } from '../signature.ts'

/** The archives that Casemate ships: `archives/` at the root of the package. */
export const BUILT_IN_ARCHIVES = fileURLToPath(packageFile('archives'))

/** An archive and the file it was read from; its keys lie beside that file. */
export interface ArchiveFile {
  readonly archive: Archive
  readonly path: string
}

/**
 * Reads every `*.yaml` of the folders; a folder that does not exist counts as empty. The file bears the archive's name.
 * Throws `ARCHIVE_INVALID` for a malformed file, or a name that two files bear: trust is never overridden silently.
 */
export async function readArchives(folders: readonly string[]): Promise<ReadonlyMap<string, ArchiveFile>> {
  const archives = new Map<string, ArchiveFile>()
  for (const folder of folders) {
    for (const name of (await listFolder(folder)).filter((each) => each.endsWith('.yaml')).sort()) {
      const path = join(folder, name)
      const archive = parsedArchive(await readFile(path, 'utf8'), path)
      const reason =
        `${archive.name}.yaml` !== name
          ? `it says "archive: ${archive.name}", so it must be named ${archive.name}.yaml`
          : archives.has(archive.name)
            ? `${archives.get(archive.name)?.path} has the same name`
            : undefined
      if (reason !== undefined) throw new DebianError('ARCHIVE_INVALID', `cannot read archive ${path}: ${reason}`)
      archives.set(archive.name, { archive, path })
    }
  }
  return archives
}

const parsed = new Map<string, { readonly text: string; readonly archive: Archive }>()

/** What a file says, parsed once for as long as it says the same: a verb asks several times. */
function parsedArchive(text: string, path: string): Archive {
  const known = parsed.get(path)
  if (known?.text === text) return known.archive
  const archive = parseArchive(text, path)
  parsed.set(path, { text, archive })
  return archive
}

/** The archive of that name. Throws `ARCHIVE_UNKNOWN`, naming the nearest. */
export function selectArchive(archives: ReadonlyMap<string, ArchiveFile>, name: string): ArchiveFile {
  const file = archives.get(name)
  if (file !== undefined) return file
  const near = nearest(name, archives.keys())
  const hint = near === undefined ? `only ${[...archives.keys()].join(', ') || 'none'}` : `did you mean ${near}?`
  throw new DebianError('ARCHIVE_UNKNOWN', `cannot find archive ${name}: no file archives/${name}.yaml; ${hint}`)
}

/** Reads the keys that a suite is pinned to. Throws `ARCHIVE_INVALID`. */
export function readSuiteKeys({ archive, path }: ArchiveFile, suite: ArchiveSuite): Promise<PinnedKey[]> {
  return Promise.all(
    suite.signedBy.map(async (name) => {
      const key = archive.keys[name]
      if (key === undefined) throw new DebianError('ARCHIVE_INVALID', `cannot read key ${name} of ${path}: none such`)
      const file = join(dirname(path), key.file)
      const armored = await readFile(file, 'utf8').catch((cause: unknown) => {
        throw new DebianError('ARCHIVE_INVALID', `cannot read key ${file}: no such file`, { cause })
      })
      return readPinnedKey(armored, key.fingerprint, file)
    }),
  )
}

async function listFolder(folder: string): Promise<string[]> {
  try {
    return await readdir(folder)
  } catch (error) {
    if (hasSystemCode(error, 'ENOENT')) return []
    throw error
  }
}
