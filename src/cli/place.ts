import { dirname, join } from 'node:path'
import { type ArchivePlace, BUILT_IN_ARCHIVES, parseMirrors, readArchives } from '#debian'
import type { PlaceOptions } from './verb.ts'

/**
 * The place of building that the command line describes: archives beside the definition, mirrors, network or none.
 * Rejects with `ARCHIVE_INVALID` and `MIRROR_UNKNOWN`.
 */
export async function placeOf(options: PlaceOptions, definitionFiles: readonly string[] = []): Promise<ArchivePlace> {
  const archiveFolders = [...new Set(definitionFiles.map((file) => join(dirname(file), 'archives')))]
  return {
    archiveFolders,
    ...(options.mirror === undefined
      ? {}
      : { mirrors: parseMirrors(options.mirror, await kindsOf(archiveFolders), '--mirror') }),
    ...(options.offline === undefined ? {} : { offline: options.offline }),
  }
}

/** The kinds of mirror that the known archives tell apart. */
async function kindsOf(folders: readonly string[]): Promise<string[]> {
  const files = await readArchives([BUILT_IN_ARCHIVES, ...folders])
  return [...new Set([...files.values()].flatMap(({ archive }) => Object.keys(archive.mirrors)))]
}
