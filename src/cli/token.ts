import { userInfo } from 'node:os'
import { createToken, revokeToken } from '#server'
import { type AccessToken, openState, statePlace } from '#store'
import { UsageError } from './errors.ts'
import { type ExitStatus, exitStatus } from './exit-status.ts'
import { parseAge } from './stale-advisories.ts'
import { formatTable, type Terminal } from './terminal.ts'
import { visibleText } from './visible-text.ts'

/** The options of `casemate token`, as the command line gives them. */
export interface TokenOptions {
  readonly state: string
  readonly json?: boolean
}

const DAY = 86_400_000
/** Tokens at a time. */
const BATCH = 500

/** Makes a token and prints it, the only time. */
export async function runTokenCreate(
  name: string,
  {
    state,
    json = false,
    role,
    images,
    expires,
  }: TokenOptions & { role: string; images: readonly string[]; expires?: string },
  terminal: Terminal,
): Promise<ExitStatus> {
  const at = new Date()
  const end = expires === undefined ? undefined : new Date(at.getTime() + parseAge(expires) * DAY).toISOString()
  const opened = await openState(statePlace(process.env, state), { create: true })
  try {
    const { id, text } = await createToken(opened.store, { name, role, images, expires: end }, handOf('create', at))
    if (json) {
      const document = { schema: 'casemate.token/v1', id, name, role, images, expires: end ?? null, secret: text }
      terminal.print(JSON.stringify(document, null, 2))
    } else {
      terminal.print(text)
      terminal.warn(`this is the only time that token ${id} is shown; send it as authorization: Bearer`)
    }
  } finally {
    await opened.close()
  }
  return exitStatus.done
}

/** Prints all tokens, but not what they are. */
export async function runTokenList({ state, json = false }: TokenOptions, terminal: Terminal): Promise<ExitStatus> {
  const now = new Date().toISOString()
  const opened = await openState(statePlace(process.env, state))
  try {
    const tokens: AccessToken[] = []
    for (let before = Number.MAX_SAFE_INTEGER; ; before = tokens.at(-1)?.id ?? 0) {
      const some = await opened.store.tokens.list(before, BATCH)
      tokens.push(...some)
      if (some.length < BATCH) break
    }
    if (json) {
      const shown = tokens.map(({ digest: _, expires = null, revoked = null, ...token }) => ({
        ...token,
        expires,
        revoked,
      }))
      terminal.print(JSON.stringify({ schema: 'casemate.tokens/v1', tokens: shown }, null, 2))
    } else {
      const rows = tokens.map((token) => rowOf(token, now))
      const head = ['number', 'name', 'role', 'state', 'made', 'images']
      for (const line of formatTable([head, ...rows], { width: terminal.width, right: [0] })) terminal.print(line)
    }
  } finally {
    await opened.close()
  }
  return exitStatus.done
}

/** Revokes a token. */
export async function runTokenRevoke(
  number: string,
  { state, json = false }: TokenOptions,
  terminal: Terminal,
): Promise<ExitStatus> {
  const id = Number(number)
  if (!/^\d{1,15}$/.test(number)) {
    throw new UsageError(
      'USAGE_INVALID',
      `cannot revoke the token ${JSON.stringify(number)}: want its number in \`casemate token list\``,
    )
  }
  const opened = await openState(statePlace(process.env, state))
  try {
    await revokeToken(opened.store, id, handOf('revoke', new Date()))
  } finally {
    await opened.close()
  }
  terminal.print(json ? JSON.stringify({ schema: 'casemate.token/v1', id, revoked: true }) : `revoked token ${id}`)
  return exitStatus.done
}

function rowOf({ id, name, role, images, made, expires, revoked }: AccessToken, now: string): readonly string[] {
  const state = revoked !== undefined ? 'revoked' : expires !== undefined && expires <= now ? 'expired' : 'holds'
  return [String(id), visibleText(name), role, state, made.slice(0, 10), images.map(visibleText).join(' ')]
}

function handOf(verb: string, at: Date) {
  return { by: `${userInfo().username} on this machine`, at: at.toISOString(), command: `casemate token ${verb}` }
}
