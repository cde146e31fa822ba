import { setTimeout as sleep } from 'node:timers/promises'
import type { Digest } from '#core'
import { DebianError } from '../errors.ts'
import { fetchFault, type HttpAnswer, type HttpClient } from './http-client.ts'
import type { ObjectCache, PartialObject } from './object-cache.ts'

/** A file whose digest is known before it is fetched, and its size, or how long it may be at most. */
export type KnownFile = PlacedFile & ({ readonly size: number } | { readonly limit: number })

interface PlacedFile {
  readonly digest: Digest
  /** Every URL it may be had from, in order of preference. */
  readonly urls: readonly string[]
}

/** What a download may cost. */
export interface DownloadPatience {
  /** Tries for each URL; only faults that may pass are tried again. */
  readonly attempts: number
  /** Milliseconds before the second try, doubled before each further one. */
  readonly backOff: number
  /** Milliseconds that every file may take, and bytes a second below which a long one takes too long. */
  readonly deadline: number
  readonly slowest: number
}

export const DOWNLOAD_PATIENCE: DownloadPatience = { attempts: 3, backOff: 250, deadline: 60_000, slowest: 16_384 }

interface Job {
  readonly file: KnownFile
  readonly signal: AbortSignal
  readonly onSize: (size: number) => void
}

/** Fetches files over HTTP into a cache, resuming what was left there and falling over from URL to URL. */
export class Downloader {
  readonly #http: HttpClient
  readonly #cache: ObjectCache
  readonly #patience: DownloadPatience

  constructor(http: HttpClient, cache: ObjectCache, patience: DownloadPatience = DOWNLOAD_PATIENCE) {
    this.#http = http
    this.#cache = cache
    this.#patience = patience
  }

  /**
   * Fetches a file and gives its path in the cache; `onSize` hears how many bytes of it are there. When no URL gives
   * exactly the bytes wanted it throws, with the reason of each in the message: `FETCH_MISSING` when every place
   * answered that it has no such file, else `FETCH_MISMATCH`, `FETCH_REFUSED` or `FETCH_FAILED`.
   */
  async fetch(file: KnownFile, signal: AbortSignal, onSize: (size: number) => void = () => {}): Promise<string> {
    const job = { file, signal, onSize }
    const faults: DebianError[] = []
    for (const url of file.urls) {
      for (let attempt = 0; attempt < this.#patience.attempts; attempt++) {
        if (attempt > 0) await sleep(this.#pause(attempt), undefined, { signal })
        const outcome = await this.#attempt(job, url)
        if (typeof outcome === 'string') return outcome
        signal.throwIfAborted()
        faults.push(outcome.fault)
        if (!outcome.mayPass) break
      }
    }
    throw summary(file, faults)
  }

  /** Fetches a small file of unknown digest, up to `limit` bytes. Throws as `fetch`. */
  async fetchSmall(
    url: string,
    limit: number,
    headers: Readonly<Record<string, string>>,
    signal: AbortSignal,
  ): Promise<{ answer: HttpAnswer; bytes: Uint8Array }> {
    for (let attempt = 1; ; attempt++) {
      try {
        const deadline = AbortSignal.any([signal, AbortSignal.timeout(this.#patience.deadline)])
        const answer = await this.#http.get(url, headers, deadline)
        checkStatus(url, answer.status, [200, 304])
        return { answer, bytes: await collect(url, answer, limit) }
      } catch (error) {
        signal.throwIfAborted()
        const fault = fetchFault(url, error)
        if (attempt >= this.#patience.attempts || !mayPass(fault)) throw fault
        await sleep(this.#pause(attempt), undefined, { signal })
      }
    }
  }

  async #attempt(job: Job, url: string): Promise<string | { fault: DebianError; mayPass: boolean }> {
    const partial = await this.#cache.openPartial(job.file.digest)
    const resumed = partial.size > 0
    try {
      await this.#fill(partial, job, url)
      return await partial.commit()
    } catch (error) {
      const fault = fetchFault(url, error)
      if (fault.code === 'FETCH_MISMATCH') await partial.restart()
      return { fault, mayPass: mayPass(fault) || (fault.code === 'FETCH_MISMATCH' && resumed) }
    } finally {
      await partial.release()
    }
  }

  async #fill(partial: PartialObject, { file, signal, onSize }: Job, url: string): Promise<void> {
    const size = 'size' in file ? file.size : undefined
    const most = 'size' in file ? file.size : file.limit
    if (partial.size > most) await partial.restart()
    if (partial.size === size) return
    const budget = Math.ceil(this.#patience.deadline + (most / this.#patience.slowest) * 1000)
    const deadline = AbortSignal.any([signal, AbortSignal.timeout(budget)])
    const range: Record<string, string> = partial.size > 0 ? { range: `bytes=${partial.size}-` } : {}
    const answer = await this.#http.get(url, range, deadline)
    try {
      checkStatus(url, answer.status, [200, 206, 416])
      if (answer.status === 416 || (answer.status === 206 && !continues(answer, partial.size, size))) {
        await partial.restart()
        throw new DebianError('FETCH_FAILED', `cannot fetch ${url}: it does not continue where the last download ended`)
      }
      if (answer.status === 200 && partial.size > 0) await partial.restart()
      const length = answer.headers['content-length']
      const announced = length === undefined ? size : partial.size + Number(length)
      if (size !== undefined && announced !== size) {
        throw mismatch(url, `want ${size} bytes, it announces ${announced}`)
      }
      if (announced !== undefined && announced > most)
        throw mismatch(url, `it is longer than the ${most} bytes allowed`)
      for await (const chunk of answer.body) {
        if (partial.size + chunk.length > most) throw mismatch(url, `it is longer than the ${most} bytes wanted`)
        await partial.append(chunk)
        onSize(partial.size)
      }
      if (announced !== undefined && partial.size < announced) {
        const reason = `it ended after ${partial.size} of ${announced} bytes`
        throw new DebianError('FETCH_FAILED', `cannot fetch ${url}: ${reason}`)
      }
    } finally {
      await answer.body.dump().catch(() => {})
    }
  }

  #pause(attempt: number): number {
    return this.#patience.backOff * 2 ** (attempt - 1) * (0.5 + Math.random())
  }
}

/** The HTTP status that a download failed with, as the cause of its fault. */
class StatusFault extends Error {
  readonly status: number

  constructor(status: number) {
    super(`HTTP status ${status}`)
    this.status = status
  }
}

function checkStatus(url: string, status: number, wanted: readonly number[]): void {
  if (wanted.includes(status)) return
  const cause = new StatusFault(status)
  throw new DebianError('FETCH_FAILED', `cannot fetch ${url}: ${cause.message}`, { cause })
}

function isMissing({ cause }: DebianError): boolean {
  return cause instanceof StatusFault && (cause.status === 404 || cause.status === 410)
}

/** A server that says "not found" will say so again; one that is overloaded or breaks off may not. */
function mayPass({ code, cause }: DebianError): boolean {
  if (code !== 'FETCH_FAILED') return false
  return !(cause instanceof StatusFault) || cause.status >= 500 || cause.status === 429
}

function continues(answer: HttpAnswer, from: number, size: number | undefined): boolean {
  const range = answer.headers['content-range']
  const match = /^bytes (\d+)-(\d+)\/(\d+|\*)$/.exec(typeof range === 'string' ? range : '')
  if (match === null || Number(match[1]) !== from) return false
  return size === undefined || match[3] === '*' || Number(match[3]) === size
}

async function collect(url: string, answer: HttpAnswer, limit: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of answer.body) {
    size += chunk.length
    if (size > limit) throw mismatch(url, `it is longer than the ${limit} bytes allowed`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

function mismatch(url: string, reason: string): DebianError {
  return new DebianError('FETCH_MISMATCH', `cannot fetch ${url}: ${reason}`)
}

/** One fault as it is; of several the first that is more than a failure, with all of them in its message. */
function summary({ digest }: KnownFile, faults: readonly DebianError[]): DebianError {
  const [first] = faults
  if (first !== undefined && faults.length === 1 && !isMissing(first)) return first
  const worst = faults.find(({ code }) => code !== 'FETCH_FAILED') ?? faults.find((fault) => !isMissing(fault)) ?? first
  const reasons = [...new Set(faults.map(({ message }) => message))].join('; ')
  const reason = reasons === '' ? 'no place is known that has it' : `every place failed: ${reasons}`
  const code = faults.every(isMissing) ? 'FETCH_MISSING' : (worst?.code ?? 'FETCH_FAILED')
  return new DebianError(code, `cannot fetch ${digest}: ${reason}`, { cause: worst })
}
