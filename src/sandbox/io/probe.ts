import { once } from 'node:events'
import http from 'node:http'
import net from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import type { ProbeReply } from '../outcome.ts'

/**
 * A program of its own: asks a service on loopback once and prints the `ProbeReply`, with the milliseconds it took, as JSON. It is run inside the
 * container's network namespace (and nothing else of the container), where our own process cannot be.
 */
export type ProbeRequest = { readonly port: number; readonly limit: number; readonly timeout: number } & (
  | { readonly kind: 'http'; readonly path: string }
  | { readonly kind: 'tcp'; readonly send: string; readonly awaited: string }
)

type Get<Kind> = Extract<ProbeRequest, { kind: Kind }>

async function askHttp({ port, path, limit }: Get<'http'>): Promise<ProbeReply> {
  const request = http.get({ host: '127.0.0.1', port, path, agent: false })
  const [response]: http.IncomingMessage[] = await once(request, 'response')
  if (!response) throw new Error('no response')
  const headers = Object.entries(response.headers).map(([name, value]) => [name, String(value)] as const)
  const body: Buffer[] = []
  for await (const chunk of response) if (add(body, chunk) >= limit) break
  return {
    kind: 'http',
    status: response.statusCode ?? 0,
    headers: Object.fromEntries(headers),
    body: textOf(body, limit),
  }
}

/** Reads until the peer has said what is awaited, since many keep the connection open; or is done, or time is up. */
async function askTcp({ port, send, awaited, limit, timeout }: Get<'tcp'>): Promise<ProbeReply> {
  const socket = net.connect({ host: '127.0.0.1', port })
  await once(socket, 'connect')
  socket.write(send)
  const received: Buffer[] = []
  const hear = async () => {
    for await (const chunk of socket) {
      if (add(received, chunk) >= limit || textOf(received, limit).includes(awaited)) break
    }
  }
  if (awaited !== '') await Promise.race([hear(), delay(timeout)])
  return { kind: 'tcp', received: textOf(received, limit) }
}

function add(chunks: Buffer[], chunk: Buffer): number {
  chunks.push(chunk)
  return chunks.reduce((sum, { length }) => sum + length, 0)
}

function textOf(chunks: readonly Buffer[], limit: number): string {
  return Buffer.concat(chunks).subarray(0, limit).toString()
}

function print(reply: ProbeReply): void {
  const took = Math.round(performance.now() - began)
  process.stdout.write(JSON.stringify({ reply, took }), () => process.exit())
}

const began = performance.now()
const request: ProbeRequest = JSON.parse(process.argv[2] ?? '')
const reply = request.kind === 'http' ? askHttp(request) : askTcp(request)
const late = delay(request.timeout + 100).then(() => Promise.reject(new Error('no whole answer in time')))
Promise.race([reply, late]).then(print, (error: Error) => print({ kind: 'unreachable', reason: error.message }))
