import { open } from 'node:fs/promises'
import { constants } from 'node:os'
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
  const isFull = hasSystemCode(cause, 'ENOSPC', 'EFBIG') || isOverQuota(cause)
  const code = isFull ? 'STORE_FULL' : 'STORE_FAILED'
  return new OciError(code, `cannot ${action}: ${messageOf(cause)}`, { cause })
}

/** Node has no code for a used up quota, only its number. */
function isOverQuota(cause: unknown): boolean {
  return cause instanceof Error && 'errno' in cause && cause.errno === -constants.errno.EDQUOT
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
