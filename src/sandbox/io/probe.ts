import http from 'node:http'
import net from 'node:net'
import type { ProbeReply } from '../outcome.ts'

/**
 * A program of its own: asks a service on loopback once and prints the `ProbeReply` as JSON. It is run inside the
 * container's network namespace (and nothing else of the container), where our own process cannot be.
 * Its argument is `{ kind, port, path?, send?, limit, timeout }` as JSON.
 */
interface ProbeRequest {
  readonly kind: 'http' | 'tcp'
  readonly port: number
  readonly path: string
  readonly send: string
  readonly limit: number
  readonly timeout: number
}

function askHttp({ port, path, limit, timeout }: ProbeRequest): Promise<ProbeReply> {
  return new Promise((resolve, reject) => {
    const request = http.get({ host: '127.0.0.1', port, path, timeout, agent: false }, async (response) => {
      const { statusCode = 0, headers } = response
      const plain = Object.entries(headers).map(([name, value]) => [name, String(value)] as const)
      const reply = { kind: 'http', status: statusCode, headers: Object.fromEntries(plain) } as const
      readText(response, limit).then((body) => resolve({ ...reply, body }), reject)
    })
    request.on('error', reject)
    request.on('timeout', () => request.destroy(new Error('no answer in time')))
  })
}

async function askTcp({ port, send, limit, timeout }: ProbeRequest): Promise<ProbeReply> {
  const socket = net.connect({ host: '127.0.0.1', port, timeout })
  socket.on('timeout', () => socket.end())
  socket.write(send)
  const received = await readText(socket, limit, () => socket.end())
  return { kind: 'tcp', received }
}

async function readText(stream: AsyncIterable<Buffer>, limit: number, onChunk?: () => void): Promise<string> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of stream) {
    chunks.push(chunk)
    length += chunk.length
    if (length >= limit) break
    onChunk?.()
  }
  return Buffer.concat(chunks).toString().slice(0, limit)
}

const request: ProbeRequest = JSON.parse(process.argv[2] ?? '{}')
const reply = await (request.kind === 'http' ? askHttp(request) : askTcp(request)).catch(
  (error: unknown): ProbeReply => ({ kind: 'unreachable', reason: error instanceof Error ? error.message : String(error) }),
)
process.stdout.write(JSON.stringify(reply), () => process.exit())
