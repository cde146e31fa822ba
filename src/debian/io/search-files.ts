import type { FileMatch } from '../contents.ts'
import { ContentsSearch } from '../contents.ts'
import { DebianError } from '../errors.ts'
import type { ReleaseFile } from '../release.ts'
import { ArchiveSession, type OpenArchiveOptions } from './archive-session.ts'
import { decompressChunks } from './decompress.ts'
import type { ReadSuite, SuiteRequest } from './suite-reader.ts'

/** A path in the packages of one suite. */
export interface SuiteFileMatch extends FileMatch {
  readonly archive: string
  readonly suite: string
}

/** What a search for files found, and which suites it could not look into. */
export interface FileSearch {
  /** In the order of suites, then of their indexes. */
  readonly matches: readonly SuiteFileMatch[]
  readonly notices: readonly string[]
}

/**
 * Finds which packages have a file: a path from its start, or the last components of one (`ContentsSearch`). Fetches
 * the suites' `Contents` indexes, which are large, and verifies them; one that cannot be had is told in a notice.
 * Throws as `openArchive`, and `INDEX_INVALID` when no suite could be looked into.
 */
export async function searchFiles(wanted: string, options: OpenArchiveOptions): Promise<FileSearch> {
  const session = new ArchiveSession(options)
  try {
    const matches: SuiteFileMatch[] = []
    const notices: string[] = []
    let searched = 0
    for (const request of await session.requests()) {
      await session.withSuite(request, async (read) => {
        for (const file of contentsOf(request, read, options.architecture)) {
          const found = await searchOne(session, { request, read, file }, wanted)
          if (typeof found === 'string') notices.push(found)
          else matches.push(...found)
          if (typeof found !== 'string') searched++
        }
      })
    }
    session.checkMissing()
    if (searched === 0) {
      const reason = notices.join('; ') || `no suite of ${options.archives.join(', ')} lists an index of files`
      throw new DebianError('INDEX_INVALID', `cannot search for ${wanted}: ${reason}`)
    }
    return { matches, notices }
  } finally {
    await session.client.close()
  }
}

function contentsOf({ suite }: SuiteRequest, { release }: ReadSuite, architecture: string): ReleaseFile[] {
  return suite.components
    .flatMap((component) => [`${component}/Contents-${architecture}`, `${component}/Contents-all`])
    .flatMap((path) => release.files.get(`${path}.xz`) ?? release.files.get(`${path}.gz`) ?? [])
}

async function searchOne(
  session: ArchiveSession,
  { request, read, file }: { request: SuiteRequest; read: ReadSuite; file: ReleaseFile },
  wanted: string,
): Promise<SuiteFileMatch[] | string> {
  const search = new ContentsSearch(wanted)
  const failed = `suite ${request.suite.suite} was not searched through ${file.path}`
  try {
    const path = await session.fetchFile(request, read, file)
    if (path === undefined) return `${failed}: there is no network to be used, and the cache lacks it`
    await decompressChunks(path, { name: file.path, limit: TEXT_LIMIT }, (chunk) => search.push(chunk))
  } catch (error) {
    if (!(error instanceof DebianError)) throw error
    return `${failed}: ${error.message}`
  }
  search.end()
  return search.matches.map((match) => ({ ...match, archive: request.archive.name, suite: request.suite.suite }))
}

/** The text of trixie's largest index of files is half a gigabyte. */
const TEXT_LIMIT = 8 * 2 ** 30
