import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import http from 'node:http'
import { type AddressInfo, createServer } from 'node:net'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { TEST_POSTGRES_USER } from '#testkit'
import type { Workplace } from './workplace.ts'

const MAIN = join(import.meta.dirname, '../../src/cli/main.ts')
/** Milliseconds that anything here may take at most, on a loaded machine. */
export const PATIENCE = 120_000

/** What somebody who is told by a webhook was told. */
export interface Heard {
  readonly url: string
  readonly bodies: { readonly type: string; readonly subject?: string; readonly data: { readonly title: string } }[]
}

/** A webhook on loopback that takes all it is told. */
export async function hearing(t: TestContext): Promise<Heard> {
  const bodies: Heard['bodies'] = []
  const server = http.createServer((request, response) => {
    request
      .setEncoding('utf8')
      .toArray()
      .then((chunks) => {
        bodies.push(JSON.parse(chunks.join('')))
        response.writeHead(204).end()
      })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close())
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`, bodies }
}

/** `casemate up` as a process of its own. */
export class Up {
  readonly #child: ChildProcess
  readonly started = performance.now()
  output = ''

  constructor(
    place: Pick<Workplace, 'folder' | 'environment'>,
    state: string,
    listen: string,
    more: readonly string[] = [],
  ) {
    const args = ['up', '--state', state, '--listen', listen, '--workers', '1', ...more]
    this.#child = spawn(process.execPath, ['--conditions=source', MAIN, ...args], {
      cwd: place.folder,
      env: { ...place.environment, CASEMATE_POSTGRES_USER: TEST_POSTGRES_USER, CASEMATE_ADVISORIES: '' },
    })
    for (const stream of [this.#child.stdout, this.#child.stderr])
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.output += text
      })
  }

  /** Waits until it has printed something. */
  async printed(pattern: RegExp): Promise<RegExpExecArray> {
    for (const end = Date.now() + PATIENCE; Date.now() < end; await sleep(50)) {
      const found = pattern.exec(this.output)
      if (found !== null) return found
      if (this.#child.exitCode !== null) break
    }
    throw new Error(`it never printed ${pattern}:\n${this.output}`)
  }

  async end(signal: NodeJS.Signals): Promise<number | null> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return this.#child.exitCode
    this.#child.kill(signal)
    const [status] = await once(this.#child, 'close')
    return status
  }
}

/** A port of loopback that nobody listens on. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  return typeof address === 'object' && address !== null ? address.port : 0
}
