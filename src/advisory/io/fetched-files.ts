import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { hasSystemCode } from '#core'
import { fetchFault, type HttpAnswer, type HttpClient } from '#debian'
import { AdvisoryError } from '../errors.ts'
import { isRecord, textOf } from '../fields.ts'
import type { FetchedFile } from '../part.ts'
import { writeAside } from './write-aside.ts'

/** What a download may cost. */
export interface FetchPatience {
  /** Tries; only faults that may pass are tried again. */
  readonly attempts: number
  /** Milliseconds before the second try, doubled before each further one. */
  readonly backOff: number
  /** Milliseconds that one try may take. */
  readonly deadline: number
}

/** The biggest file, npm's, has some hundred megabytes. */
export const FETCH_PATIENCE: FetchPatience = { attempts: 3, backOff: 500, deadline: 900_000 }

/** A file that is wanted: its address, how long it may be in bytes, and who hears of its progress. */
export interface WantedFile {
  readonly url: string
  readonly limit: number
  readonly onBytes?: (bytes: number) => void
}

/** A fetched file where it lies. */
export interface KeptFile {
  readonly path: string
  readonly state: FetchedFile
}

/**
 * Files of publishers below one folder, each with what its server said of it, so that it is sent again only when it has
 * changed. A body appears whole or not at all, and is checked before it is believed: a killed process costs a download.
 */
export class FetchedFiles {
  readonly #folder: string
  readonly #http: HttpClient
  readonly #patience: FetchPatience

  constructor(folder: string, http: HttpClient, patience: FetchPatience = FETCH_PATIENCE) {
    this.#folder = folder
    this.#http = http
    this.#patience = patience
  }

  /** Fetches a file, or has it confirmed. Rejects with `ADVISORY_FETCH_FAILED`; what was there before then stays. */
  async fetch(wanted: WantedFile, signal: AbortSignal): Promise<KeptFile> {
    await mkdir(this.#folder, { recursive: true })
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#within(signal, (stop) => this.#attempt(wanted, stop))
      } catch (error) {
        signal.throwIfAborted()
        const fault = error instanceof AdvisoryError ? error : worded(wanted.url, error)
        if (attempt >= this.#patience.attempts || !mayPass(fault)) throw fault
        await sleep(this.#patience.backOff * 2 ** (attempt - 1) * (0.5 + Math.random()), undefined, { signal })
      }
    }
  }

  /** Runs one try with a signal that ends it at its deadline, and with it whatever is left of its answer. */
  async #within<Result>(signal: AbortSignal, run: (signal: AbortSignal) => Promise<Result>): Promise<Result> {
    const { deadline } = this.#patience
    const stop = new AbortController()
    const end = () => stop.abort(signal.reason)
    signal.addEventListener('abort', end)
    const timer = setTimeout(() => stop.abort(new Error(`it took over ${deadline / 1000} s`)), deadline)
    try {
      return await run(stop.signal)
    } finally {
      clearTimeout(timer)
      signal.removeEventListener('abort', end)
      stop.abort()
    }
  }

  async #attempt(wanted: WantedFile, signal: AbortSignal): Promise<KeptFile> {
    const { url } = wanted
    const kept = await this.#kept(url)
    const answer = await this.#http.get(url, { 'accept-encoding': 'gzip', ...conditions(kept) }, signal)
    const fetchedAt = new Date().toISOString()
    if (answer.status === 304 && kept !== undefined) {
      const state = { ...kept, fetchedAt }
      await this.#keep(state)
      return { path: this.#path(url, 'body'), state }
    }
    checkAnswer(wanted, answer)
    const digest = await this.#receive(wanted, answer)
    const state = { url, digest, ...header('etag', answer), ...header('lastModified', answer), fetchedAt }
    await this.#keep(state)
    return { path: this.#path(url, 'body'), state }
  }

  /** Takes a body aside and puts it in place; gives its digest. */
  async #receive({ url, limit, onBytes }: WantedFile, answer: HttpAnswer): Promise<string> {
    const hash = createHash('sha256')
    let size = 0
    const announced = Number(answer.headers['content-length'] ?? Number.NaN)
    await writeAside(this.#path(url, 'body'), async (handle) => {
      for await (const chunk of answer.body) {
        size += chunk.length
        if (size > limit) throw refused(url, `it is over ${limit} bytes long`)
        hash.update(chunk)
        await handle.appendFile(chunk)
        onBytes?.(size)
      }
      if (size === 0) throw refused(url, 'it is empty')
      // Undici cannot tell, where the connection is closed at the end, that a body was cut short.
      if (size < announced) throw worded(url, new Error(`it ended after ${size} of ${announced} bytes`))
    })
    return hash.digest('hex')
  }

  /** What is kept of an address, if the body is there and whole. */
  async #kept(url: string): Promise<FetchedFile | undefined> {
    try {
      const state = stateOf(JSON.parse(await readFile(this.#path(url, 'json'), 'utf8')))
      const hash = createHash('sha256')
      for await (const chunk of createReadStream(this.#path(url, 'body'))) hash.update(chunk)
      return state?.url === url && state.digest === hash.digest('hex') ? state : undefined
    } catch (error) {
      if (hasSystemCode(error, 'ENOENT') || error instanceof SyntaxError) return undefined
      throw error
    }
  }

  async #keep(state: FetchedFile): Promise<void> {
    await writeAside(this.#path(state.url, 'json'), (handle) => handle.writeFile(JSON.stringify(state)))
  }

  #path(url: string, part: 'body' | 'json'): string {
    return join(this.#folder, `${createHash('sha256').update(url).digest('hex').slice(0, 32)}.${part}`)
  }
}

function conditions(kept: FetchedFile | undefined): Record<string, string> {
  if (kept?.etag !== undefined) return { 'if-none-match': kept.etag }
  return kept?.lastModified === undefined ? {} : { 'if-modified-since': kept.lastModified }
}

/** The HTTP status that a download failed with, as the cause of its fault. */
class StatusFault extends Error {
  readonly status: number

  constructor(status: number) {
    super(`HTTP status ${status}`)
    this.status = status
  }
}

function checkAnswer({ url, limit }: WantedFile, { status, headers }: HttpAnswer): void {
  if (status !== 200) throw worded(url, new StatusFault(status))
  const type = headers['content-type']
  // What a login page or a proxy's notice is sent as, with status 200.
  if (typeof type === 'string' && /^text\/html\b/i.test(type)) throw refused(url, 'it is a web page, want data')
  const encoding = headers['content-encoding'] ?? 'identity'
  if (encoding !== 'identity' && encoding !== 'gzip') throw refused(url, `it is encoded as ${encoding}`)
  if (Number(headers['content-length'] ?? 0) > limit) throw refused(url, `it is over ${limit} bytes long`)
}

/** A server that says "not found" will say so again; one that is overloaded or breaks off may not. */
function mayPass({ cause }: AdvisoryError): boolean {
  if (cause instanceof StatusFault) return cause.status >= 500 || cause.status === 429
  return cause !== undefined && !hasSystemCode(cause, 'FETCH_REFUSED')
}

function worded(url: string, error: unknown): AdvisoryError {
  const fault = error instanceof StatusFault ? undefined : fetchFault(url, error)
  const message = fault?.message ?? `cannot fetch ${url}: ${(error as StatusFault).message}`
  return new AdvisoryError('ADVISORY_FETCH_FAILED', message, { cause: fault ?? error })
}

function refused(url: string, reason: string): AdvisoryError {
  return new AdvisoryError('ADVISORY_FETCH_FAILED', `cannot fetch ${url}: ${reason}`)
}

function header<Key extends 'etag' | 'lastModified'>(key: Key, { headers }: HttpAnswer): { [K in Key]?: string } {
  const value = textOf(headers[key === 'etag' ? 'etag' : 'last-modified'])
  const found: { [K in Key]?: string } = {}
  if (value !== undefined && value.length < 1000) found[key] = value
  return found
}

function stateOf(value: unknown): FetchedFile | undefined {
  if (!isRecord(value)) return undefined
  const { url, etag, lastModified, fetchedAt, digest } = value
  if (typeof url !== 'string' || typeof fetchedAt !== 'string' || typeof digest !== 'string') return undefined
  return {
    url,
    ...(typeof etag === 'string' ? { etag } : {}),
    ...(typeof lastModified === 'string' ? { lastModified } : {}),
    fetchedAt,
    digest,
  }
}
