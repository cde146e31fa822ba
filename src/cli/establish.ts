import { CasemateError } from '#core'
import type { Established } from '#policy'
import { UsageError } from './errors.ts'

/**
 * What was looked for, or why it could not be had: an error that has a code is a reason. Rejects with anything else, which is
 * a fault of our own, and for wrong use, which is the caller's.
 */
export async function establish<Value>(find: () => Promise<Value>): Promise<Established<Value>> {
  try {
    return { known: true, value: await find() }
  } catch (error) {
    if (!(error instanceof CasemateError) || error instanceof UsageError) throw error
    return { known: false, reason: `${error.message} [${error.code}]` }
  }
}
