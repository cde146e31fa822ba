import { open } from 'node:fs/promises'
import { hasSystemCode, messageOf } from '#core'
import { OciError } from '../../errors.ts'

/** Makes what was renamed into a folder, or removed from it, durable. */
export async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r')
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}

/** An error of the operating system in the store's words: no space, or anything else. */
export function storeError(cause: unknown, action: string): OciError {
  if (cause instanceof OciError) return cause
  const code = hasSystemCode(cause, 'ENOSPC', 'EDQUOT', 'EFBIG') ? 'STORE_FULL' : 'STORE_FAILED'
  return new OciError(code, `cannot ${action}: ${messageOf(cause)}`, { cause })
}

/** Runs one piece of work at a time for each key, in the order of the calls. */
export class KeyedLock {
  readonly #tails = new Map<string, Promise<unknown>>()

  async run<Result>(key: string, work: () => Promise<Result>): Promise<Result> {
    const before = this.#tails.get(key)
    const mine = (before ?? Promise.resolve()).then(work, work)
    this.#tails.set(key, mine)
    try {
      return await mine
    } finally {
      if (this.#tails.get(key) === mine) this.#tails.delete(key)
    }
  }
}
