import type { ContentDigest } from '../../registry/content-digest.ts'
import type { JournalBatch } from '../../registry/journal-format.ts'
import type { StateRecord } from '../../registry/state.ts'
import type { Decision } from '../../registry/transactions.ts'

/** A change of the state that depends on the state. */
export interface Transaction<Result> {
  /** What it decides on: two that share a key are never in one batch, and go in order. */
  readonly keys?: readonly string[]
  /** It takes something away that others rely on, so it goes in a batch of its own. */
  readonly exclusive?: boolean
  /** About how many bytes it brings along. */
  readonly weight?: number
  /** Called when all earlier batches are applied. May throw: then nothing happens, and the caller gets the error. */
  decide(): Decision<Result>
}

interface Waiting {
  readonly transaction: Transaction<unknown>
  resolve(result: unknown): void
  reject(error: unknown): void
}

const MAX_TRANSACTIONS = 1000
const MAX_BYTES = 16 * 1024 * 1024

/**
 * Group commit: transactions that come while a batch is being made durable form the next one together, so many share
 * one sync. The state that others see changes only when a batch is durable.
 */
export class CommitQueue {
  readonly #append: (batch: JournalBatch) => Promise<void>
  readonly #apply: (batch: JournalBatch) => void
  #waiting: Waiting[] = []
  #running: Promise<void> | undefined

  constructor(append: (batch: JournalBatch) => Promise<void>, apply: (batch: JournalBatch) => void) {
    this.#append = append
    this.#apply = apply
  }

  /** Resolves when the change is durable and seen; rejects with the error of `decide` or of the journal. */
  commit<Result>(transaction: Transaction<Result>): Promise<Result> {
    return new Promise<Result>((resolve, reject) => {
      // The result that comes back is the one that this transaction's own `decide` gave.
      this.#waiting.push({ transaction, resolve: (result) => resolve(result as Result), reject })
      this.#running ??= this.#drain()
    })
  }

  /** Resolves when nothing waits. */
  async settle(): Promise<void> {
    while (this.#running !== undefined) await this.#running
  }

  async #drain(): Promise<void> {
    // Everything of this turn of the event loop joins the first batch.
    await new Promise(setImmediate)
    while (this.#waiting.length > 0) await this.#commitBatch()
    this.#running = undefined
  }

  async #commitBatch(): Promise<void> {
    const records: StateRecord[] = []
    const inline = new Map<ContentDigest, Uint8Array>()
    const done: { waiting: Waiting; result: unknown }[] = []
    for (const waiting of this.#takeBatch()) {
      try {
        const decision = waiting.transaction.decide()
        records.push(...decision.records)
        for (const [digest, content] of decision.inline) inline.set(digest, content)
        done.push({ waiting, result: decision.result })
      } catch (error) {
        waiting.reject(error)
      }
    }
    try {
      if (records.length > 0) await this.#append({ records, inline })
    } catch (error) {
      for (const { waiting } of done) waiting.reject(error)
      return
    }
    if (records.length > 0) this.#apply({ records, inline })
    for (const { waiting, result } of done) waiting.resolve(result)
  }

  /** Takes those that may share a batch out of the queue; the others stay, in order. */
  #takeBatch(): Waiting[] {
    const taken: Waiting[] = []
    const rest: Waiting[] = []
    const keys = new Set<string>()
    let weight = 0
    for (const [index, waiting] of this.#waiting.entries()) {
      const { exclusive = false, keys: own = [] } = waiting.transaction
      const isFull = weight > MAX_BYTES || taken.length >= MAX_TRANSACTIONS
      if (isFull || (exclusive && index > 0)) {
        rest.push(...this.#waiting.slice(index))
        break
      }
      const isFree = own.every((key) => !keys.has(key))
      for (const key of own) keys.add(key)
      ;(isFree ? taken : rest).push(waiting)
      weight += waiting.transaction.weight ?? 0
      if (exclusive) {
        rest.push(...this.#waiting.slice(1))
        break
      }
    }
    this.#waiting = rest
    return taken
  }
}
