import type { Moment } from '#factory'
import type { OpenStore, StoreLogs } from '#store'
import { ServerError } from '../errors.ts'
import { makeToken, type TokenWish } from './token.ts'

/** Whoever does something to tokens without the API: on the machine, with the database at hand. */
export interface LocalHand {
  readonly by: string
  readonly at: Moment
  /** What was called, e.g. `casemate token create`. */
  readonly command: string
}

/** Makes and keeps a token; gives its number, and the text that is shown once. Noted as at the API. Rejects with `TOKEN_INVALID`. */
export async function createToken(
  store: OpenStore,
  wish: Omit<TokenWish, 'by' | 'made'>,
  hand: LocalHand,
): Promise<{ readonly id: number; readonly text: string }> {
  const { text, token } = makeToken({ ...wish, by: hand.by, made: hand.at })
  return await store.transaction(async (logs) => {
    const id = await logs.tokens.add(token)
    await note(logs, hand, { subject: token.name, body: { token: id, role: token.role, images: token.images } })
    return { id, text }
  })
}

/** Makes an administrator's token where no token was ever made; gives its text, or `undefined` where one was. */
export async function createFirstToken(store: OpenStore, hand: LocalHand): Promise<string | undefined> {
  const [known] = await store.tokens.list(Number.MAX_SAFE_INTEGER, 1)
  if (known !== undefined) return undefined
  const { text } = await createToken(store, { name: 'admin', role: 'admin', images: ['**'], expires: undefined }, hand)
  return text
}

/** Revokes a token. Rejects with `NOT_THERE` where there is none of this number. */
export async function revokeToken(store: OpenStore, id: number, hand: LocalHand): Promise<void> {
  await store.transaction(async (logs) => {
    const token = (await logs.tokens.list(id + 1, 1)).find((one) => one.id === id)
    if (token === undefined) throw new ServerError('NOT_THERE', `cannot revoke token ${id}: there is none`)
    if (token.revoked !== undefined) return
    await logs.tokens.revoke(id, hand.by, hand.at)
    await note(logs, hand, { subject: token.name, body: { token: id, revoked: true } })
  })
}

async function note(
  { audit, ledger }: StoreLogs,
  { by, at, command }: LocalHand,
  { subject, body }: { subject: string; body: Readonly<Record<string, string | number | boolean | readonly string[]>> },
): Promise<void> {
  const where = { address: 'local', request: '-', target: command }
  await audit.record({ at, token: undefined, who: by, ...where, action: 'tokens', status: 200, reason: undefined })
  await ledger.append([{ kind: 'token', subject, body: { ...body, by }, at }])
}
