import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { digestOf, hasSystemCode } from '#core'
import { type TestArchive, testArchive } from '#testkit'
import { hostMirrors } from './host-network.ts'

const DAY = 86_400_000
const SUITES = ['debian/dists/trixie', 'debian/dists/trixie-updates', 'debian-security/dists/trixie-security']
/** Below this everything is as it will be, for whoever works out what is to be expected. */
const TO_COME = '/to-come'
/** The suite that comes and goes, as clients ask for it. */
const SECURITY = '/debian-security/dists/trixie-security/'

/**
 * A mirror of Debian 13 on loopback, which passes on what this machine's own mirrors have: with the security suite, or with one in its
 * place that is empty, older, and signed by a key of its own. What the three suites are is read once, so that they stay.
 */
export class StagedMirror {
  readonly #upstream: Awaited<ReturnType<typeof hostMirrors>>
  readonly #kept: ReadonlyMap<string, Buffer>
  readonly #empty: TestArchive
  readonly #server: Server
  #isWhole = false
  #touched = 0
  /** How often somebody has asked for the InRelease of the security suite. */
  looks = 0

  private constructor(
    upstream: Awaited<ReturnType<typeof hostMirrors>>,
    kept: ReadonlyMap<string, Buffer>,
    empty: TestArchive,
  ) {
    this.#upstream = upstream
    this.#kept = kept
    this.#empty = empty
    this.#server = createServer((request, response) => {
      this.#answer(request, response).catch(() => response.destroy())
    })
  }

  /** Starts without the security updates; `ends` gets what ends it. */
  static async start(ends: (() => Promise<void>)[]): Promise<StagedMirror> {
    const upstream = await hostMirrors()
    const kept = new Map<string, Buffer>()
    for (const suite of SUITES) {
      const path = `/${suite}/InRelease`
      kept.set(path, await bytesAt(placeOf(path, upstream)))
    }
    const whole = dateIn(kept.get(`${SECURITY}InRelease`) ?? Buffer.of())
    const empty = await testArchive(
      { after: (end) => void ends.unshift(end) },
      { name: 'empty', suite: 'trixie-security', origin: 'Debian', label: 'Debian-Security' },
    )
    await empty.republish({
      date: new Date(whole.getTime() - DAY),
      fields: { Suite: 'stable-security', Version: '13' },
    })
    const mirror = new StagedMirror(upstream, kept, empty)
    mirror.#server.listen(0, '127.0.0.1')
    await once(mirror.#server, 'listening')
    ends.unshift(async () => {
      mirror.#server.closeAllConnections()
      mirror.#server.close()
    })
    return mirror
  }

  get url(): string {
    const address = this.#server.address()
    if (address === null || typeof address === 'string') throw new Error('the mirror does not listen')
    return `http://127.0.0.1:${address.port}`
  }

  /** The same mirror with the security updates, whatever it serves to others. */
  get whole(): string {
    return `${this.url}${TO_COME}`
  }

  /** The certificate that signs the empty suite, and its fingerprint. */
  get key(): { readonly armored: string; readonly fingerprint: string } {
    const { key } = this.#empty
    return { armored: key.toPublic().armor(), fingerprint: key.getFingerprint().toUpperCase() }
  }

  /** The Date of the security suite as Debian has it. */
  get date(): Date {
    return dateIn(this.#kept.get(`${SECURITY}InRelease`) ?? Buffer.of())
  }

  /** From now on with the security updates, or without them. */
  serve(which: 'with' | 'without'): void {
    this.#isWhole = which === 'with'
  }

  /** The same bytes under another ETag and time, as after a synchronisation that brought nothing. */
  touch(): void {
    this.#touched++
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const asked = decodeURIComponent(request.url ?? '/')
    const isToCome = asked.startsWith(`${TO_COME}/`)
    const path = isToCome ? asked.slice(TO_COME.length) : asked
    if (asked === `${SECURITY}InRelease`) this.looks++
    const isEmpty = path.startsWith(SECURITY) && !isToCome && !this.#isWhole
    const kept = isEmpty ? await this.#ofEmpty(path) : this.#kept.get(path)
    if (kept !== undefined) return this.#send(kept, request, response)
    if (isEmpty) return void response.writeHead(404).end()
    const { range } = request.headers
    const passed = await fetch(placeOf(path, this.#upstream), range === undefined ? {} : { headers: { range } })
    const headers = ['content-length', 'content-range', 'last-modified'].flatMap((name) => {
      const value = passed.headers.get(name)
      return value === null ? [] : [[name, value]]
    })
    response.writeHead(passed.status, Object.fromEntries(headers))
    if (passed.body === null) return void response.end()
    for await (const piece of Readable.fromWeb(passed.body)) {
      if (!response.write(piece)) await once(response, 'drain')
    }
    response.end()
  }

  async #ofEmpty(path: string): Promise<Buffer | undefined> {
    try {
      return await readFile(join(this.#empty.folder, path.replace('/debian-security', '')))
    } catch (error) {
      if (hasSystemCode(error, 'ENOENT')) return undefined
      throw error
    }
  }

  #send(bytes: Buffer, request: IncomingMessage, response: ServerResponse): void {
    const etag = `"${digestOf(bytes)} ${this.#touched}"`
    if (request.headers['if-none-match'] === etag) response.writeHead(304, { etag }).end()
    else response.writeHead(200, { etag, 'content-length': bytes.length }).end(bytes)
  }
}

/** The bytes at an address. */
export async function bytesAt(url: string): Promise<Buffer> {
  const answer = await fetch(url)
  if (!answer.ok) throw new Error(`cannot read what the mirror has: status ${answer.status}`)
  return Buffer.from(await answer.arrayBuffer())
}

function placeOf(path: string, upstream: { readonly debian: string; readonly security: string }): string {
  return path.startsWith('/debian-security/')
    ? `${upstream.security}/${path.slice('/debian-security/'.length)}`
    : `${upstream.debian}/${path.slice('/debian/'.length)}`
}

function dateIn(inRelease: Buffer): Date {
  return new Date(/^Date: (.+)$/m.exec(inRelease.toString('latin1'))?.[1] ?? '')
}
