import type { Json } from '#core'
import type { StoreLogs } from '#store'
import type { Action, Caller } from './access/rights.ts'
import { type Problem, problem } from './http/problem.ts'
import type { Call } from './http/route.ts'
import type { Serving } from './serving.ts'

/** What is noted of something that was done. */
export interface Deed {
  readonly action: Action
  readonly status: number
  /** What the ledger says of it; `undefined` where what was done is noted there already. */
  readonly note:
    | { readonly kind: string; readonly subject: string; readonly body: Readonly<Record<string, Json>> }
    | undefined
}

type AnyCall = Pick<Call<object, object, object>, 'caller' | 'request' | 'address' | 'target'>

/** Does what somebody asked for, and notes it in the audit trail and in the ledger, all of it or nothing. */
export async function record<Result>(
  { store, now }: Serving,
  call: AnyCall,
  work: (logs: StoreLogs) => Promise<{ readonly result: Result; readonly deed: Deed | undefined }>,
): Promise<Result> {
  return await store.transaction(async (logs) => {
    const { result, deed } = await work(logs)
    if (deed === undefined) return result
    const { caller, request, address, target } = call
    const { action, note, status } = deed
    const at = now()
    const { token, name: who } = caller
    await logs.audit.record({ at, token, who, address, request, action, target, status, reason: undefined })
    if (note !== undefined) await logs.ledger.append([{ ...note, body: { ...note.body, by: who, request }, at }])
    return result
  })
}

/** Notes in the audit trail and in the ledger that somebody was refused something. */
export async function recordRefusal(
  { store, now }: Serving,
  call: Omit<AnyCall, 'caller'> & { readonly caller: Caller | undefined; readonly action: string },
  { status, code, message }: Problem,
): Promise<void> {
  const { caller, request, address, target, action } = call
  const at = now()
  const who = caller?.name ?? 'unknown'
  await store.transaction(async ({ audit, ledger }) => {
    await audit.record({ at, token: caller?.token, who, address, request, action, target, status, reason: message })
    await ledger.append([{ kind: 'refusal', subject: action, body: { by: who, address, code, request, target }, at }])
  })
}

/** What a caller may not see is answered like what is not there. */
export function notThere(what: string): Problem {
  return problem('NOT_THERE', `cannot find ${what}: there is none, or the token is not for it`)
}
