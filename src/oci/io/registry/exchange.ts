import type { IncomingMessage, ServerResponse } from 'node:http'
import { Refusal } from '../../registry/refusal.ts'

/** Who asks: a user by name, or nobody that is known; a token may allow less than its user may. */
export interface Identity {
  readonly user?: string
  /** What a token was issued for; without one, all that the user may. */
  readonly granted?: (repository: string, action: string) => boolean
}

/** The slowest that a body may come, in bytes a second, after the first seconds. */
export interface Pace {
  readonly bytesPerSecond: number
  readonly graceSeconds: number
}

/** One request and its answer. */
export class Exchange {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  /** As it came, without the query. */
  readonly path: string
  readonly started: number
  /** The address of who asks. */
  readonly client: string
  identity: Identity = {}
  /** What metrics call the request. */
  route = 'other'
  received = 0
  sent = 0
  /** Whether the connection broke before the end of the body. */
  isBroken = false
  #query: URLSearchParams | undefined
  #bodyStarted: number | undefined

  constructor(
    request: IncomingMessage,
    response: ServerResponse,
    { started, client }: Pick<Exchange, 'started' | 'client'>,
  ) {
    this.request = request
    this.response = response
    this.started = started
    this.client = client
    const url = request.url ?? '/'
    const mark = url.indexOf('?')
    this.path = mark < 0 ? url : url.slice(0, mark)
  }

  get method(): string {
    return this.request.method ?? ''
  }

  get query(): URLSearchParams {
    if (this.#query === undefined) {
      const url = this.request.url ?? ''
      const mark = url.indexOf('?')
      this.#query = new URLSearchParams(mark < 0 ? '' : url.slice(mark + 1))
    }
    return this.#query
  }

  header(name: string): string | undefined {
    const value = this.request.headers[name]
    return Array.isArray(value) ? value[0] : value
  }

  /** The body as it comes. Ends with an error when the client goes away before its end. */
  async *body(): AsyncGenerator<Uint8Array> {
    this.#bodyStarted = performance.now()
    try {
      // A refusal in the middle must still find its way out, so the request is not destroyed with the iterator.
      for await (const chunk of this.request.iterator({ destroyOnReturn: false })) {
        this.received += chunk.length
        yield chunk
      }
    } catch (error) {
      this.isBroken = true
      throw error
    } finally {
      this.#bodyStarted = undefined
    }
  }

  /** The whole body. Throws a `Refusal` of `SIZE_INVALID`, status 413, for more than `limit` bytes. */
  async wholeBody(limit: number): Promise<Buffer> {
    const tooLarge = () => new Refusal('SIZE_INVALID', `cannot take more than ${limit} bytes here`, { status: 413 })
    if (Number(this.header('content-length') ?? 0) > limit) throw tooLarge()
    const chunks: Uint8Array[] = []
    for await (const chunk of this.body()) {
      chunks.push(chunk)
      if (this.received > limit) throw tooLarge()
    }
    return Buffer.concat(chunks)
  }

  /** Ends the connection of somebody who sends a body so slowly that it looks as if it were to keep us busy. */
  checkPace({ bytesPerSecond, graceSeconds }: Pace): void {
    if (this.#bodyStarted === undefined) return
    const seconds = (performance.now() - this.#bodyStarted) / 1000
    if (seconds > graceSeconds && this.received < seconds * bytesPerSecond) this.request.destroy()
  }

  send(status: number, headers: Readonly<Record<string, string | number>>, body?: Uint8Array | string): void {
    const length = body === undefined ? 0 : Buffer.byteLength(body)
    const isEmpty = status === 204 || status === 304
    this.response.writeHead(status, isEmpty ? headers : { 'content-length': length, ...headers })
    if (this.method === 'HEAD' || body === undefined) {
      this.response.end()
      return
    }
    this.sent += length
    this.response.end(body)
  }

  sendJson(status: number, value: unknown, headers: Readonly<Record<string, string>> = {}): void {
    this.send(status, { 'content-type': 'application/json', ...headers }, JSON.stringify(value))
  }

  refuse(refusal: Refusal): void {
    const { response } = this
    if (response.headersSent) {
      response.destroy()
      return
    }
    this.send(refusal.status, { 'content-type': 'application/json', ...refusal.headers }, refusal.document())
  }
}
