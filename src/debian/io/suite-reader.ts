import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Digest, digestFromHex, digestOf, hasSystemCode, hexOf } from '#core'
import type { Archive, ArchiveSuite } from '../archive.ts'
import { DebianError } from '../errors.ts'
import type { PinnedKey } from '../signature.ts'
import { formatDate, type VerifiedSuite, verifySuite } from '../suite.ts'
import type { Downloader } from './downloader.ts'
import { type ObjectCache, writeWhole } from './object-cache.ts'

/** The largest real InRelease file is a quarter of a megabyte. */
export const IN_RELEASE_LIMIT = 8 << 20

/** The suite to read and all that decides whether it is taken. */
export interface SuiteRequest {
  readonly archive: Archive
  readonly suite: ArchiveSuite
  readonly keys: readonly PinnedKey[]
  readonly mirrors: readonly string[]
  readonly now: Date
  readonly acceptExpired: boolean
  /** The newest Date that the caller knows of (ISO 8601), beside the one that the cache knows of. */
  readonly floor?: string
}

/** A suite as one mirror serves it, or, with `base` undefined, as the cache keeps it. */
export interface ReadSuite extends VerifiedSuite {
  readonly base?: string
}

/** Reads InRelease files from mirrors, or from the cache when there is no network, and guards their Dates. */
export class SuiteReader {
  readonly #cache: ObjectCache
  readonly #downloader: Downloader

  constructor(cache: ObjectCache, downloader: Downloader) {
    this.#cache = cache
    this.#downloader = downloader
  }

  /**
   * Gives the suite of the first mirror whose InRelease verifies and is not behind the newest Date known. Throws what
   * was wrong with the mirrors; `SUITE_ROLLED_BACK` only when every one of them is behind.
   */
  async fetch(request: SuiteRequest, signal: AbortSignal): Promise<ReadSuite> {
    const { suite, mirrors } = request
    const seen = await this.#newest(request, 'seen')
    const floor = [seen?.date ?? '', request.floor ?? ''].sort().at(-1) ?? ''
    const faults: DebianError[] = []
    for (const base of mirrors) {
      try {
        const { bytes, isKept } = await this.#fetchInRelease(`${suiteUrl(base, suite)}/InRelease`, signal)
        const verified = await verifySuite(bytes, { ...request, at: request.now })
        checkFloor(verified, floor, base)
        if (!isKept) await this.#cache.put(verified.state.digest, bytes)
        await this.#remember(request, 'seen', verified)
        return { ...verified, base }
      } catch (error) {
        signal.throwIfAborted()
        if (!(error instanceof DebianError)) throw error
        faults.push(error)
      }
    }
    throw summary(suite, faults)
  }

  /**
   * Gives the suite that was last used with success, from the cache and verified again; `undefined` when there is
   * none. Throws as `verifySuite`, and `SUITE_ROLLED_BACK` when the caller knows a newer one.
   */
  async recall(request: SuiteRequest): Promise<ReadSuite | undefined> {
    const used = await this.#newest(request, 'used')
    const path = used && (await this.#cache.find(used.digest))
    if (path === undefined) return undefined
    const verified = await verifySuite(await readFile(path), { ...request, at: request.now })
    checkFloor(verified, request.floor ?? '', 'the cache')
    return verified
  }

  /** Notes that everything needed of a suite's state was there and in order, so that `recall` may give it. */
  async keep(request: SuiteRequest, suite: VerifiedSuite): Promise<void> {
    await this.#remember(request, 'used', suite)
  }

  /** Conditional, where the same URL was read before; a kept copy is verified like a new one, and not kept again. */
  async #fetchInRelease(url: string, signal: AbortSignal): Promise<{ bytes: Uint8Array; isKept: boolean }> {
    const record = join(this.#cache.folder, 'validators', hexOf(digestOf(url)))
    const known = await readValidator(record)
    const kept = known && (await this.#cache.find(known.digest))
    const conditions = kept === undefined ? {} : (known?.conditions ?? {})
    const { answer, bytes } = await this.#downloader.fetchSmall(url, IN_RELEASE_LIMIT, conditions, signal)
    if (answer.status === 304) {
      if (kept === undefined) throw new DebianError('FETCH_FAILED', `cannot fetch ${url}: 304 for no condition`)
      return { bytes: await readFile(kept), isKept: true }
    }
    const fresh: Record<string, string> = {}
    const { etag, 'last-modified': lastModified } = answer.headers
    if (typeof etag === 'string') fresh['if-none-match'] = etag
    if (typeof lastModified === 'string') fresh['if-modified-since'] = lastModified
    await rm(record, { force: true })
    if (Object.keys(fresh).length > 0) {
      const text = JSON.stringify({ url, digest: digestOf(bytes), conditions: fresh })
      await writeWhole(record, [Buffer.from(text)])
    }
    return { bytes, isKept: false }
  }

  /**
   * The newest state noted of a suite is the greatest of the names in its folder, `DATE HEX`: adding a name needs no
   * reading, so processes cannot undo each other's notes, and nothing can be torn.
   */
  async #newest(request: SuiteRequest, what: Note): Promise<{ date: string; digest: Digest } | undefined> {
    const newest = (await notes(this.#noteFolder(request, what))).at(-1)
    if (newest === undefined) return undefined
    return { date: newest.slice(0, 20), digest: digestFromHex(newest.slice(21)) }
  }

  async #remember(request: SuiteRequest, what: Note, { state }: VerifiedSuite): Promise<void> {
    const folder = this.#noteFolder(request, what)
    const name = `${state.date} ${hexOf(state.digest)}`
    await mkdir(folder, { recursive: true })
    await writeFile(join(folder, name), '')
    for (const older of await notes(folder)) if (older < name) await rm(join(folder, older), { force: true })
  }

  #noteFolder({ archive, suite: { suite } }: SuiteRequest, what: Note): string {
    return join(this.#cache.folder, 'suites', archive.name, encodeURIComponent(suite), what)
  }
}

/** `seen` states were verified, and none behind them is taken; a `used` one also had all its files in order. */
type Note = 'seen' | 'used'

async function notes(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch((error: unknown) => {
    if (hasSystemCode(error, 'ENOENT')) return []
    throw error
  })
  return names.filter((name) => /^\S{20} [0-9a-f]{64}$/.test(name)).sort()
}

/** The URL of a suite's folder on a mirror; a flat repository's is below the mirror itself (sources.list(5)). */
export function suiteUrl(base: string, { suite }: ArchiveSuite): string {
  if (!suite.endsWith('/')) return `${base}/dists/${suite}`
  return suite === './' ? base : `${base}/${suite.slice(0, -1)}`
}

interface Validator {
  readonly digest: Digest
  readonly conditions: Readonly<Record<string, string>>
}

/** What cannot be read as a validator is as good as none: the file is then asked for unconditionally. */
async function readValidator(path: string): Promise<Validator | undefined> {
  try {
    const value: unknown = JSON.parse(await readFile(path, 'utf8'))
    if (typeof value !== 'object' || value === null) return undefined
    const { digest, conditions } = value as { digest?: unknown; conditions?: unknown }
    if (typeof digest !== 'string' || typeof conditions !== 'object' || conditions === null) return undefined
    const headers = Object.entries(conditions).filter(
      (entry): entry is [string, string] => typeof entry[1] === 'string',
    )
    return { digest: digestFromHex(digest.slice('sha256:'.length)), conditions: Object.fromEntries(headers) }
  } catch {
    return undefined
  }
}

function checkFloor({ state, release }: VerifiedSuite, floor: string, base: string): void {
  const date = formatDate(release.date)
  if (date >= floor) return
  const reason = `${base} has its state of ${date}, behind ${floor}, which was seen before`
  throw new DebianError('SUITE_ROLLED_BACK', `cannot trust suite ${state.suite}: ${reason}`)
}

function summary({ suite }: ArchiveSuite, faults: readonly DebianError[]): DebianError {
  const [first] = faults
  if (first === undefined) return new DebianError('MIRROR_UNKNOWN', `cannot read suite ${suite}: no mirror is known`)
  if (faults.length === 1) return first
  const rolledBack = faults.every(({ code }) => code === 'SUITE_ROLLED_BACK')
  const others = faults.filter(({ code }) => code !== 'SUITE_ROLLED_BACK')
  const worst = rolledBack ? first : (others.find(({ code }) => !code.startsWith('FETCH_')) ?? others[0] ?? first)
  const reasons = faults.map(({ message }) => message).join('; ')
  return new DebianError(worst.code, `cannot read suite ${suite}: every mirror failed: ${reasons}`, { cause: worst })
}
