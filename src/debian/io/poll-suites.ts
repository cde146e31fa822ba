import { setImmediate as breathe } from 'node:timers/promises'
import type { Digest } from '#core'
import { DebianError } from '../errors.ts'
import type { DebVersion } from '../package.ts'
import type { PackagesIndex } from '../packages-index.ts'
import type { SuiteState } from '../suite.ts'
import { isVersion } from '../version.ts'
import { ArchiveSession, type OpenArchiveOptions } from './archive-session.ts'
import { SuiteIndexes } from './suite-indexes.ts'
import type { SuiteRequest } from './suite-reader.ts'

/** A package as a suite offers it, as far as it decides whether an image is behind. */
export interface OfferedPackage {
  readonly name: string
  readonly version: DebVersion
  readonly architecture: string
  readonly source: { readonly name: string; readonly version: DebVersion }
}

/** A state of a suite that was recorded before. */
export interface KnownSuite {
  readonly suite: string
  /** ISO 8601: no mirror behind it is believed. */
  readonly date: string
  /** Of the InRelease file whose packages need not be read again; `undefined` where they do. */
  readonly digest: Digest | undefined
}

export interface PollSuitesOptions
  extends Omit<OpenArchiveOptions, 'archives' | 'architecture' | 'foreignArchitectures' | 'floor' | 'offline'> {
  readonly archive: string
  /** Debian's names. */
  readonly architectures: readonly string[]
  /** What was recorded: the packages of a suite that is still so are not read. */
  readonly known: readonly KnownSuite[]
}

/** What one look at a suite gave. A suite that failed says nothing of the others. */
export type PolledSuite = { readonly suite: string } & (
  | { readonly outcome: 'unchanged'; readonly state: SuiteState }
  | { readonly outcome: 'changed'; readonly state: SuiteState; readonly offered: readonly OfferedPackage[] }
  | { readonly outcome: 'failed'; readonly error: DebianError; readonly loudAfterHours: number | undefined }
)

/**
 * Looks whether suites of an archive have changed, by conditional requests, and reads what those offer that have. Each
 * suite is verified as `openArchive` does. Rejects with `ARCHIVE_UNKNOWN`, `ARCHIVE_INVALID` and `MIRROR_UNKNOWN`; anything else is the
 * outcome of its suite.
 */
export async function pollSuites(options: PollSuitesOptions): Promise<readonly PolledSuite[]> {
  const { archive, architectures, known } = options
  const [architecture = ''] = architectures
  const floor = known.map(({ suite, date }) => ({ archive, suite, date }))
  const session = new ArchiveSession({ ...options, archives: [archive], architecture, floor })
  const indexes = new SuiteIndexes(session, architectures)
  try {
    const polled: PolledSuite[] = []
    for (const request of await session.requests()) {
      const before = known.find(({ suite }) => suite === request.suite.suite)
      polled.push(await pollSuite(session, indexes, request, before).catch((error) => failed(request, error)))
    }
    return polled
  } finally {
    indexes.close()
    await session.client.close()
  }
}

async function pollSuite(
  session: ArchiveSession,
  indexes: SuiteIndexes,
  request: SuiteRequest,
  known: KnownSuite | undefined,
): Promise<PolledSuite> {
  const { suite } = request.suite
  const polled = await session.withSuite(request, async (read): Promise<PolledSuite> => {
    const { state } = read
    if (state.digest === known?.digest) return { suite, outcome: 'unchanged', state }
    const opened = await indexes.open(request, read)
    await session.keep(request, read)
    const offered: OfferedPackage[] = []
    for (const { index } of opened) await readOffered(index, offered)
    return { suite, outcome: 'changed', state, offered }
  })
  if (polled !== undefined) return polled
  throw new DebianError('FETCH_FAILED', `cannot read suite ${suite}: there is no network to be used`)
}

function failed({ suite: { suite, loudAfterHours } }: SuiteRequest, error: unknown): PolledSuite {
  if (error instanceof DebianError) return { suite, outcome: 'failed', error, loudAfterHours }
  throw error
}

/** Names between which other work has its turn: a whole release has 65,000. */
const BREATH = 4000

/** Reads four fields of each stanza: parsing all of them takes ten times as long. What has no valid version cannot be installed either. */
async function readOffered(index: PackagesIndex, offered: OfferedPackage[]): Promise<void> {
  let count = 0
  for (const name of index.names()) {
    if (++count % BREATH === 0) await breathe()
    for (const stanza of index.named(name)) {
      const version = /^version:[ \t]*(\S+)/im.exec(stanza)?.[1]
      const architecture = /^architecture:[ \t]*([a-z0-9-]+)/im.exec(stanza)?.[1]
      if (version === undefined || architecture === undefined || !isVersion(version)) continue
      const [, source = name, sourceVersion = version] =
        /^source:[ \t]*([a-z0-9][a-z0-9+.-]+)(?:[ \t]+\(([^()\s]+)\))?/im.exec(stanza) ?? []
      if (!isVersion(sourceVersion)) continue
      offered.push({ name, version, architecture, source: { name: source, version: sourceVersion } })
    }
  }
}
