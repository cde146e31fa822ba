import { once } from 'node:events'
import { chmod, rm } from 'node:fs/promises'
import http from 'node:http'
import { join } from 'node:path'
import { hasSystemCode } from '#core'
import { OciError } from '../../errors.ts'
import { storeError } from './disk.ts'

/** Answers a question that came through the lock: its name, its parameters. */
export type ControlHandler = (name: string, parameters: URLSearchParams) => Promise<unknown>

/** Longer paths do not fit in a socket's address (unix(7)). */
const MAX_SOCKET_PATH = 100

/**
 * The right to be the only process that writes to a registry's folder, on this machine: a socket in it that only its
 * owner may speak to. The holder answers what other processes of this user ask it to do.
 */
export class FolderLock {
  readonly #server: http.Server
  #handler: ControlHandler | undefined

  private constructor() {
    this.#server = http.createServer((request, reply) => void this.#answer(request, reply))
  }

  /** Rejects with `STORE_LOCKED` while another process has it. */
  static async take(folder: string): Promise<FolderLock> {
    const path = socketOf(folder)
    const lock = new FolderLock()
    for (let tried = 1; ; tried++) {
      try {
        lock.#server.listen(path)
        await once(lock.#server, 'listening')
        await chmod(path, 0o600)
        lock.#server.unref()
        return lock
      } catch (cause) {
        if (!hasSystemCode(cause, 'EADDRINUSE') || tried > 3) throw storeError(cause, `lock ${folder}`)
        if ((await ask(path, 'ping')) !== undefined) {
          throw new OciError('STORE_LOCKED', `cannot open ${folder}: another process serves it`)
        }
        await rm(path, { force: true })
      }
    }
  }

  handle(handler: ControlHandler): void {
    this.#handler = handler
  }

  async release(): Promise<void> {
    if (!this.#server.listening) return
    this.#server.closeAllConnections()
    this.#server.close()
    await once(this.#server, 'close')
  }

  async #answer(request: http.IncomingMessage, reply: http.ServerResponse): Promise<void> {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://lock')
    const name = pathname.slice(1)
    try {
      const result = name === 'ping' ? {} : await this.#handler?.(name, searchParams)
      reply.writeHead(200).end(JSON.stringify({ result }))
    } catch (error) {
      const code = error instanceof OciError ? error.code : 'STORE_FAILED'
      const message = error instanceof Error ? error.message : String(error)
      reply.writeHead(200).end(JSON.stringify({ error: { code, message } }))
    }
  }
}

/**
 * Asks the process that serves a folder to do something; gives its answer, or `undefined` when no process serves it.
 * Rejects with `STORE_FAILED` and the process's own words when it could not.
 */
export async function askHolder(folder: string, name: string, parameters = new URLSearchParams()): Promise<unknown> {
  return await ask(socketOf(folder), name, parameters)
}

async function ask(socketPath: string, name: string, parameters = new URLSearchParams()): Promise<unknown> {
  const request = http.request({ socketPath, path: `/${name}?${parameters}`, agent: false })
  try {
    request.end()
    const reply = await new Promise<http.IncomingMessage>((resolve, reject) => {
      request.once('response', resolve).once('error', reject)
    })
    const text = Buffer.concat(await reply.toArray()).toString('utf8')
    const answer: { result?: unknown; error?: { message: string } } = JSON.parse(text)
    if (answer.error !== undefined) throw new OciError('STORE_FAILED', answer.error.message)
    return answer.result ?? {}
  } catch (cause) {
    if (hasSystemCode(cause, 'ECONNREFUSED', 'ENOENT')) return undefined
    throw storeError(cause, `ask the process that serves ${socketPath}`)
  }
}

function socketOf(folder: string): string {
  const path = join(folder, 'control.sock')
  if (Buffer.byteLength(path) <= MAX_SOCKET_PATH) return path
  throw new OciError('STORE_FAILED', `cannot lock ${folder}: its path has more than ${MAX_SOCKET_PATH - 13} bytes`)
}
