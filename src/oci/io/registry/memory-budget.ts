import { Refusal } from '../../registry/refusal.ts'

/** Bytes that requests may hold in memory together. */
export class MemoryBudget {
  #left: number

  constructor(bytes: number) {
    this.#left = bytes
  }

  /** Does some work that holds so many bytes. Throws a `Refusal` of `TOOMANYREQUESTS` when others hold too much now. */
  async during<Result>(bytes: number, work: () => Promise<Result>): Promise<Result> {
    if (bytes > this.#left) {
      const words = `cannot take ${bytes} bytes now: other requests bring much as well`
      throw new Refusal('TOOMANYREQUESTS', words, { headers: { 'retry-after': '1' } })
    }
    this.#left -= bytes
    try {
      return await work()
    } finally {
      this.#left += bytes
    }
  }
}
