import { mkdir, readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { type Digest, hasSystemCode, hexOf, messageOf, parseDigest } from '#core'
import type { SourceReference } from '#debian'
import { UsageError } from './errors.ts'
import { writeWhole } from './print-output.ts'

/** One thing that is kept: what it is, and its content's digest. */
export interface KeptObject {
  readonly what: string
  readonly digest: Digest
  readonly size: number
}

/** What is kept of one release. */
export interface KeptRelease {
  readonly schema: 'casemate.store/v1'
  /** The image's index, or nothing where a definition's lock was kept. */
  readonly image?: string
  readonly name: string
  /** Of an image; records of before have none. */
  readonly variant?: string
  /** When it was kept; records of before do not say it. */
  readonly kept?: string
  readonly lock: Digest
  readonly objects: readonly KeptObject[]
  /** The sources of the packages: where the archive has them, with their digests. */
  readonly sources: readonly SourceReference[]
  /** Sources that no index of these suites lists, as `name version`. */
  readonly missingSources: readonly string[]
}

/** A release with its record. */
export interface RecordedRelease {
  readonly release: KeptRelease
  readonly path: string
  /** When it was kept, in milliseconds since 1970: by its own word, else by its file. */
  readonly kept: number
}

/** Writes the record of a release; the same release again replaces it. */
export async function writeRelease(folder: string, release: KeptRelease): Promise<void> {
  await mkdir(join(folder, 'releases'), { recursive: true })
  const name = hexOf(parseDigest(release.image ?? release.lock))
  await writeWhole(`${JSON.stringify(release, null, 2)}\n`, join(folder, 'releases', `${name}.json`))
}

/** Every release that a store keeps. Throws `STORE_UNREADABLE` where a record is damaged. */
export async function recordedReleases(folder: string): Promise<readonly RecordedRelease[]> {
  const names = await readdir(join(folder, 'releases')).catch((error: unknown) => {
    if (hasSystemCode(error, 'ENOENT')) return []
    throw error
  })
  const releases: RecordedRelease[] = []
  for (const name of names.filter((each) => each.endsWith('.json')).sort()) {
    const path = join(folder, 'releases', name)
    try {
      const release: KeptRelease = JSON.parse(await readFile(path, 'utf8'))
      if (release.schema !== 'casemate.store/v1') throw new Error(`its schema is ${release.schema}`)
      const kept = release.kept === undefined ? (await stat(path)).mtimeMs : Date.parse(release.kept)
      if (Number.isNaN(kept)) throw new Error(`it was kept at "${release.kept}"`)
      releases.push({ release, path, kept })
    } catch (cause) {
      throw new UsageError('STORE_UNREADABLE', `cannot read ${path}: ${messageOf(cause)}`, { cause })
    }
  }
  return releases
}
