import { readFile } from 'node:fs/promises'
import { Agent, request } from 'undici'
import { messageOf, readStrictJson, visibleText } from '#core'
import { type RunningContainer, runningContainers } from '#factory'
import { IntegrationError } from '../errors.ts'

/** A Kubernetes API, and who asks it. */
export interface ClusterPlace {
  /** Without a slash at its end. */
  readonly url: string
  /** A file, read at each look. */
  readonly token?: string | undefined
  /** A file of certificates that are believed in place of the system's. */
  readonly ca?: string | undefined
  /** All of them unless given. */
  readonly namespaces?: readonly string[] | undefined
}

/** How much is asked for at a time, and how much an answer may be. */
const PAGE = 500
const LIMITS = { maxBytes: 256 << 20, maxDepth: 64 }
const TOKEN_LENGTH = 1 << 16
/** A list that changed too much while it was read is read again from its beginning. */
const TRIES = 3
const PATIENCE = { connect: { timeout: 10_000 }, headersTimeout: 60_000, bodyTimeout: 60_000 }

/**
 * Asks a cluster's API which containers run, read-only: the right to list pods is all that is needed. Rejects with
 * `INVENTORY_INVALID` for whatever is not a whole answer.
 */
export async function fetchRunningContainers(
  place: ClusterPlace,
  signal: AbortSignal,
): Promise<readonly RunningContainer[]> {
  const refused = (reason: string, cause?: unknown) =>
    new IntegrationError('INVENTORY_INVALID', `cannot ask ${place.url} for its pods: ${reason}`, { cause })
  const read = (path: string) =>
    readFile(path).catch((cause: unknown) => {
      throw refused(messageOf(cause), cause)
    })
  const token = place.token === undefined ? undefined : (await read(place.token)).toString('utf8').trim()
  if (token !== undefined && (!/^[\x21-\x7e]+$/.test(token) || token.length > TOKEN_LENGTH))
    throw refused(`${place.token} holds no token`)
  const ca = place.ca === undefined ? undefined : await read(place.ca)
  const agent = new Agent({ ...PATIENCE, ...(ca === undefined ? {} : { connect: { ...PATIENCE.connect, ca } }) })
  const paths =
    place.namespaces === undefined ? ['/api/v1/pods'] : place.namespaces.map((one) => `/api/v1/namespaces/${one}/pods`)
  try {
    const found: RunningContainer[] = []
    for (const path of paths) found.push(...(await readList(`${place.url}${path}`, { agent, token, signal, refused })))
    return found
  } finally {
    await agent.destroy()
  }
}

interface Asking {
  readonly agent: Agent
  readonly token: string | undefined
  readonly signal: AbortSignal
  refused(reason: string, cause?: unknown): IntegrationError
}

async function readList(list: string, asking: Asking): Promise<readonly RunningContainer[]> {
  for (let tried = 1; ; tried++) {
    const found = await readPages(list, asking)
    if (found !== undefined) return found
    if (tried === TRIES) throw asking.refused(`the list was gone each time before its end was read, ${TRIES} times`)
  }
}

/** All pages of a list; `undefined` where it went away between two of them. */
async function readPages(list: string, asking: Asking): Promise<readonly RunningContainer[] | undefined> {
  const containers: RunningContainer[] = []
  for (let next = ''; ; ) {
    const query = new URLSearchParams({ limit: String(PAGE), ...(next === '' ? {} : { continue: next }) })
    const page = await readPage(`${list}?${query}`, asking)
    if (page === undefined) return undefined
    containers.push(...page.containers)
    if (page.next === '') return containers
    if (page.next === next) throw asking.refused('a page leads to itself')
    next = page.next
  }
}

async function readPage(
  url: string,
  { agent, token, signal, refused }: Asking,
): Promise<{ readonly containers: readonly RunningContainer[]; readonly next: string } | undefined> {
  const headers = { accept: 'application/json', ...(token === undefined ? {} : { authorization: `Bearer ${token}` }) }
  const answer = await ask(url, { dispatcher: agent, headers, signal }).catch((cause: unknown) => {
    signal.throwIfAborted()
    throw refused(messageOf(cause), cause)
  })
  const { status, bytes } = answer
  if (status === 410) return undefined
  if (status !== 200) throw refused(`it answers with ${status}${saidIn(bytes)}`)
  const read = readStrictJson(bytes, LIMITS)
  if ('fault' in read) throw refused(read.fault)
  const containers = runningContainers(read.value)
  if (containers === undefined) throw refused('it gives no list of pods')
  return { containers, next: continuationOf(read.value) }
}

async function ask(url: string, options: Parameters<typeof request>[1]) {
  // A redirect is an answer: a token goes nowhere else.
  const { statusCode: status, body } = await request(url, { ...options, method: 'GET' })
  const chunks: Uint8Array[] = []
  let length = 0
  for await (const chunk of body) {
    length += chunk.length
    if (length > LIMITS.maxBytes) throw new Error(`its answer is longer than ${LIMITS.maxBytes} bytes`)
    chunks.push(chunk)
  }
  return { status, bytes: Buffer.concat(chunks) }
}

/** The API's own words of why not. */
function saidIn(bytes: Uint8Array): string {
  const read = readStrictJson(bytes, { maxBytes: 1 << 16, maxDepth: 16 })
  const message = 'value' in read ? memberOf(read.value, 'message') : undefined
  return typeof message === 'string' && message !== '' ? `: ${visibleText(message).slice(0, 300)}` : ''
}

function continuationOf(list: unknown): string {
  const next = memberOf(memberOf(list, 'metadata'), 'continue')
  return typeof next === 'string' ? next : ''
}

function memberOf(value: unknown, key: string): unknown {
  return typeof value === 'object' && value !== null && key in value
    ? Object.entries(value).find(([name]) => name === key)?.[1]
    : undefined
}
