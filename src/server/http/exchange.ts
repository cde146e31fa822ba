import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Caller } from '../access/rights.ts'
import type { Problem } from './problem.ts'
import type { Answer, StreamSink } from './route.ts'

/** What every answer says, whatever it is: it is not for frames, other sites or guesses of its type. */
const SECURITY = {
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
} as const

/** How long a client of a stream may take nothing before it is let go, in milliseconds. */
const STALL = 30_000

/** One request and its answer. */
export class Exchange {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  /** The number of the request. */
  readonly id = randomBytes(8).toString('hex')
  readonly started = performance.now()
  /** As it came, without the query. */
  readonly path: string
  readonly query: string
  /** The address of who asks. */
  readonly address: string
  /** What metrics call the request. */
  route = 'other'
  caller: Caller | undefined
  sent = 0

  constructor(request: IncomingMessage, response: ServerResponse, address: string) {
    this.request = request
    this.response = response
    this.address = address
    const url = request.url ?? '/'
    const mark = url.indexOf('?')
    this.path = mark < 0 ? url : url.slice(0, mark)
    this.query = mark < 0 ? '' : url.slice(mark + 1)
  }

  get method(): string {
    return this.request.method ?? ''
  }

  header(name: string): string | undefined {
    const value = this.request.headers[name]
    return Array.isArray(value) ? value[0] : value
  }

  async send(answer: Answer, signal: AbortSignal, status = 200): Promise<void> {
    if ('json' in answer) {
      const body = JSON.stringify(answer.json)
      this.#sendWhole(answer.status ?? status, body, { 'content-type': 'application/json', ...answer.headers })
    } else if ('text' in answer) {
      this.#sendWhole(status, answer.text, { 'content-type': answer.type, ...answer.headers })
    } else {
      await this.#sendOpen(answer, signal)
    }
  }

  refuse(problem: Problem): void {
    if (this.response.headersSent) {
      this.response.destroy()
      return
    }
    const body = JSON.stringify(problem.document(this.id))
    const type = { 'content-type': 'application/problem+json' }
    // Nobody waits for a body that was refused unread, however slowly it may come.
    const end = this.request.complete || !hasBody(this.request) ? {} : { connection: 'close' }
    this.#sendBytes(problem.status, body, { ...type, ...end, ...problem.headers })
  }

  /** A whole answer: to who has it already, only that it is the same (RFC 9110 §13.1.2). */
  #sendWhole(status: number, body: string, headers: Readonly<Record<string, string>>): void {
    if (status !== 200 || (this.method !== 'GET' && this.method !== 'HEAD')) {
      this.#sendBytes(status, body, { 'cache-control': 'no-store', ...headers })
      return
    }
    const etag = `"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"`
    // What is kept is asked for again each time, and belongs to whoever asked.
    const kept = { 'cache-control': 'private, no-cache', etag, vary: 'authorization', ...headers }
    const known = (this.header('if-none-match') ?? '').split(',').map((one) => one.trim().replace(/^W\//, ''))
    if (known.includes(etag) || known.includes('*')) {
      this.response.writeHead(304, { ...SECURITY, ...kept, 'x-request-id': this.id }).end()
    } else this.#sendBytes(200, body, kept)
  }

  #sendBytes(status: number, body: string, headers: Readonly<Record<string, string>>): void {
    const length = Buffer.byteLength(body)
    this.response.writeHead(status, { ...SECURITY, 'x-request-id': this.id, 'content-length': length, ...headers })
    if (this.method !== 'HEAD') this.sent += length
    this.response.end(this.method === 'HEAD' ? undefined : body)
  }

  async #sendOpen(
    answer: Extract<Answer, { lines: unknown } | { stream: unknown }>,
    stopping: AbortSignal,
  ): Promise<void> {
    const type = 'lines' in answer ? answer.type : 'text/event-stream'
    // Who was busy with this when the server began to stop would hold it up by a connection that he may use again.
    this.response.shouldKeepAlive = false
    this.response.writeHead(200, {
      ...SECURITY,
      'x-request-id': this.id,
      'cache-control': 'no-store',
      'content-type': type,
    })
    if (this.method === 'HEAD') return void this.response.end()
    this.response.flushHeaders()
    const gone = new AbortController()
    this.response.once('close', () => gone.abort())
    const sink: StreamSink = {
      signal: AbortSignal.any([gone.signal, stopping]),
      write: (text) => this.#write(text, gone.signal),
    }
    if ('stream' in answer) await answer.stream(sink)
    else for await (const line of answer.lines) await sink.write(line)
    this.response.end()
  }

  async #write(text: string, gone: AbortSignal): Promise<void> {
    gone.throwIfAborted()
    this.sent += Buffer.byteLength(text)
    if (this.response.write(text)) return
    const signal = AbortSignal.any([gone, AbortSignal.timeout(STALL)])
    await once(this.response, 'drain', { signal }).catch(() => this.response.destroy())
  }
}

/** Whether a request says that it has a body (RFC 9112 §6.3). */
export function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || !['0', undefined].includes(headers['content-length'])
}
