import { readFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Digest, digestOf } from '#core'

/** What a mirror does instead of serving a file as it is. */
export type Fault =
  | { readonly kind: 'status'; readonly status: number }
  | { readonly kind: 'redirect'; readonly location: string }
  /** Serves other bytes, whole and with their own length. */
  | { readonly kind: 'body'; readonly body: Uint8Array | string }
  /** Announces the whole file and breaks off after that many bytes. */
  | { readonly kind: 'truncate'; readonly after: number }
  /** Never ends, without announcing a length. */
  | { readonly kind: 'endless' }
  /** Announces another length than it sends. */
  | { readonly kind: 'length'; readonly length: number }
  /** Sends pieces of that many bytes, a pause of milliseconds before each. */
  | { readonly kind: 'slow'; readonly piece: number; readonly pause: number }
  /** Takes the request and never answers. */
  | { readonly kind: 'silent' }
  /** Answers 304 to whatever is asked. */
  | { readonly kind: 'not-modified' }

/** A request as the mirror saw it. */
export interface MirrorRequest {
  /** Decoded, from the mirror's root, e.g. `/dists/trixie/InRelease`. */
  readonly path: string
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
}

/** An HTTP server over a folder, on loopback. */
export interface TestMirror {
  /** Without a slash at its end. */
  readonly url: string
  /** Every request so far, in order. */
  readonly requests: MirrorRequest[]
  /** Set it to make requests fail; `count` is how often the path was asked for before. */
  fault: (request: MirrorRequest, count: number) => Fault | undefined
  close(): Promise<void>
}

/** Starts a mirror of a folder: ranges and conditional requests as any server does them. Stopped when the test ends. */
export async function testMirror(t: { after(stop: () => Promise<void>): void }, folder: string): Promise<TestMirror> {
  const requests: MirrorRequest[] = []
  const stop = new AbortController()
  const server = createServer((message, response) => {
    const request = { path: decodeURIComponent(message.url ?? '/'), headers: message.headers }
    const count = requests.filter(({ path }) => path === request.path).length
    requests.push(request)
    const answer = new Answer(message, response, stop.signal)
    answer.serve(join(folder, request.path), mirror.fault(request, count)).catch(() => response.destroy())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('cannot start mirror: no port')
  const mirror: TestMirror = {
    url: `http://127.0.0.1:${address.port}`,
    requests,
    fault: () => undefined,
    async close() {
      stop.abort()
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
  t.after(() => mirror.close())
  return mirror
}

class Answer {
  readonly #request: IncomingMessage
  readonly #response: ServerResponse
  readonly #signal: AbortSignal

  constructor(request: IncomingMessage, response: ServerResponse, signal: AbortSignal) {
    this.#request = request
    this.#response = response
    this.#signal = signal
  }

  async serve(path: string, fault: Fault | undefined): Promise<void> {
    switch (fault?.kind) {
      case 'status':
        this.#end(fault.status, '')
        return
      case 'redirect':
        this.#response.writeHead(302, { location: fault.location }).end()
        return
      case 'not-modified':
        this.#response.writeHead(304).end()
        return
      case 'body':
        this.#end(200, fault.body)
        return
      case 'silent':
        return
      default:
        await this.#serveFile(readIfThere(path), fault)
    }
  }

  async #serveFile(bytes: Uint8Array | undefined, fault: Fault | undefined): Promise<void> {
    if (fault?.kind === 'endless') return this.#endless()
    if (bytes === undefined) return this.#end(404, 'no such file')
    const etag = `"${digestOf(bytes)}"`
    if (this.#request.headers['if-none-match'] === etag) {
      this.#response.writeHead(304, { etag }).end()
      return
    }
    const from = rangeStart(this.#request.headers.range, bytes.length)
    const length = fault?.kind === 'length' ? fault.length : bytes.length - from
    const range = from > 0 ? { 'content-range': `bytes ${from}-${bytes.length - 1}/${bytes.length}` } : {}
    this.#response.writeHead(from > 0 ? 206 : 200, { etag, 'content-length': length, ...range })
    if (fault?.kind === 'truncate') {
      this.#response.write(bytes.subarray(from, Math.max(from, fault.after)), () => this.#response.destroy())
    } else if (fault?.kind === 'slow') await this.#slowly(bytes.subarray(from), fault)
    else this.#response.end(bytes.subarray(from))
  }

  async #slowly(bytes: Uint8Array, { piece, pause }: { piece: number; pause: number }): Promise<void> {
    for (let start = 0; start < bytes.length; start += piece) {
      await sleep(pause, undefined, { signal: this.#signal })
      if (this.#response.destroyed) return
      this.#response.write(bytes.subarray(start, start + piece))
    }
    this.#response.end()
  }

  async #endless(): Promise<void> {
    const piece = new Uint8Array(65536)
    this.#response.writeHead(200)
    while (!this.#response.destroyed && !this.#signal.aborted) {
      if (!this.#response.write(piece)) await sleep(1)
    }
  }

  #end(status: number, body: Uint8Array | string): void {
    this.#response.writeHead(status, { 'content-length': Buffer.byteLength(body) }).end(body)
  }
}

function rangeStart(range: string | undefined, size: number): number {
  const start = Number(/^bytes=(\d+)-$/.exec(range ?? '')?.[1] ?? 0)
  return start < size ? start : 0
}

function readIfThere(path: string): Uint8Array | undefined {
  try {
    return readFileSync(path)
  } catch {
    return undefined
  }
}

/** How often a mirror was asked for a path that holds the text, e.g. `InRelease` or a digest's hex digits. */
export function requestsFor(mirror: TestMirror, text: string | Digest): number {
  return mirror.requests.filter(({ path }) => path.includes(text)).length
}
