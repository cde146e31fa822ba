import { setTimeout as sleep } from 'node:timers/promises'
import type { Ledger, LedgerEntry } from '#factory'

/** How often the ledger is looked at while somebody listens, in milliseconds. */
const PERIOD = 500
/** Entries that are kept in memory for those who listen. */
const KEPT = 2_000
/** Entries at a time. */
const BATCH = 500

/**
 * What is appended to the ledger, for any number of listeners, by one look at the database for all of them, and only while
 * somebody listens. Entries come in the order of the chain and none is missing, because the ledger has no gaps.
 */
export class LedgerTail {
  readonly #ledger: Ledger
  readonly #onError: (error: unknown) => void
  /** The newest entries, in order; empty while nobody looks. */
  #recent: readonly LedgerEntry[] = []
  #more = Promise.withResolvers<void>()
  #listeners = 0
  #isLooking = false
  #hasFailed = false
  #isStopped = false

  constructor(ledger: Ledger, onError: (error: unknown) => void) {
    this.#ledger = ledger
    this.#onError = onError
  }

  /** Looks no more, and tells of no more errors: the database may be closed. */
  stop(): void {
    this.#isStopped = true
  }

  /** How many listen. */
  get listeners(): number {
    return this.#listeners
  }

  /**
   * Entries behind `after` as they come, some at a time, until the signal; an empty list at least every `pulse` milliseconds.
   * Behind what the ledger has not come to yet it begins at the end of the ledger.
   */
  async *listen(
    after: number,
    { signal, pulse }: { signal: AbortSignal; pulse: number },
  ): AsyncGenerator<readonly LedgerEntry[]> {
    this.#listeners++
    if (!this.#isLooking) void this.#look()
    try {
      let last = Math.min(after, (await this.#ledger.tip()).sequence)
      while (!signal.aborted) {
        // Taken before looking, so that what comes in between is not missed.
        const { promise: more } = this.#more
        const entries = await this.#behind(last)
        last = entries.at(-1)?.sequence ?? last
        if (entries.length > 0) yield entries
        else if (await isQuiet(more, signal, pulse)) yield []
      }
    } finally {
      this.#listeners--
    }
  }

  async #behind(after: number): Promise<readonly LedgerEntry[]> {
    const [oldest] = this.#recent
    const isKept = oldest !== undefined && oldest.sequence <= after + 1
    return isKept ? this.#recent.slice(after + 1 - oldest.sequence) : await this.#ledger.read(after, BATCH)
  }

  async #look(): Promise<void> {
    this.#isLooking = true
    while (this.#listeners > 0 && !this.#isStopped) {
      const found = await this.#readNew()
      if (found > 0) {
        this.#more.resolve()
        this.#more = Promise.withResolvers()
      }
      if (found < BATCH) await sleep(PERIOD, undefined, { ref: false })
    }
    this.#isLooking = false
    this.#recent = []
  }

  async #readNew(): Promise<number> {
    try {
      const newest = this.#recent.at(-1)?.sequence ?? Math.max(0, (await this.#ledger.tip()).sequence - 1)
      const entries = await this.#ledger.read(newest, BATCH)
      this.#recent = [...this.#recent, ...entries].slice(-KEPT)
      this.#hasFailed = false
      return entries.length
    } catch (error) {
      // A database that is away for a minute is told of once.
      if (!this.#hasFailed && !this.#isStopped) this.#onError(error)
      this.#hasFailed = true
      return 0
    }
  }
}

/** Waits for more, for the signal, or for so many milliseconds; tells whether nothing came. */
async function isQuiet(more: Promise<void>, signal: AbortSignal, milliseconds: number): Promise<boolean> {
  const timer = new AbortController()
  const ends = AbortSignal.any([signal, timer.signal])
  const quiet = sleep(milliseconds, true, { signal: ends, ref: false }).catch(() => false)
  const isSo = await Promise.race([quiet, more.then(() => false)])
  timer.abort()
  return isSo
}
