/**
 * Asks a registry as fast as it answers, over kept connections, from a process of its own:
 * `node bench/registry-load.ts KIND HOST:PORT SECONDS CONNECTIONS`. Prints one line of JSON. It speaks HTTP by hand, because
 * a client that costs more than the server would measure itself.
 */
import { createHash, randomBytes } from 'node:crypto'
import { connect, type Socket } from 'node:net'

/** What a run of load found. */
export interface LoadResult {
  /** Requests, or pushes. */
  readonly count: number
  readonly bytes: number
  readonly seconds: number
  /** Of requests or pushes, in milliseconds. */
  readonly median: number
  readonly p99: number
}

interface Reply {
  readonly status: number
  readonly head: string
  readonly bytes: number
}

/** One kept connection with one request at a time. */
class Connection {
  readonly #socket: Socket
  #buffered: Buffer = Buffer.alloc(0)
  #left = 0
  #head: string | undefined
  #size = 0
  #isHead = false
  #resolve: ((reply: Reply) => void) | undefined
  #reject: ((error: Error) => void) | undefined

  constructor(address: string) {
    const [host = '', port = ''] = address.split(':')
    this.#socket = connect({ host, port: Number(port), noDelay: true })
    this.#socket.on('data', (chunk: Buffer) => this.#take(chunk))
    this.#socket.on('error', (error) => this.#reject?.(error))
    this.#socket.on('close', () => this.#reject?.(new Error('the connection closed')))
  }

  ask(method: string, path: string, body?: Buffer, type?: string): Promise<Reply> {
    const about =
      body === undefined
        ? ''
        : `Content-Length: ${body.length}\r\n${type === undefined ? '' : `Content-Type: ${type}\r\n`}`
    this.#isHead = method === 'HEAD'
    return new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
      const head = Buffer.from(
        `${method} ${path} HTTP/1.1\r\nHost: registry\r\nAccept: ${MANIFEST_TYPE}\r\n${about}\r\n`,
      )
      this.#socket.write(body === undefined ? head : Buffer.concat([head, body]))
    })
  }

  close(): void {
    this.#reject = undefined
    this.#socket.destroy()
  }

  #take(chunk: Buffer): void {
    if (this.#head !== undefined) {
      this.#left -= chunk.length
      if (this.#left <= 0) this.#end()
      return
    }
    this.#buffered = this.#buffered.length === 0 ? chunk : Buffer.concat([this.#buffered, chunk])
    const end = this.#buffered.indexOf('\r\n\r\n')
    if (end < 0) return
    this.#head = this.#buffered.toString('latin1', 0, end)
    this.#size = this.#isHead ? 0 : Number(/^content-length: *(\d+)/im.exec(this.#head)?.[1] ?? 0)
    this.#left = this.#size - (this.#buffered.length - end - 4)
    this.#buffered = Buffer.alloc(0)
    if (this.#left <= 0) this.#end()
  }

  #end(): void {
    const head = this.#head ?? ''
    this.#head = undefined
    this.#resolve?.({ status: Number(head.slice(9, 12)), head, bytes: this.#size })
  }
}

const MANIFEST_TYPE = 'application/vnd.oci.image.manifest.v1+json'
const LAYER_TYPE = 'application/vnd.oci.image.layer.v1.tar+gzip'
const BASE_LAYERS = 8
const DERIVED_BYTES = 20_000
export const BLOB_BYTES = 64 * 1024 * 1024

const digestOf = (bytes: Buffer) => `sha256:${createHash('sha256').update(bytes).digest('hex')}`

/** The base image that is asked for and derived from, the same in every run. */
function baseLayers(): Buffer[] {
  return Array.from({ length: BASE_LAYERS }, (_, index) => Buffer.alloc(300_000, `layer ${index} `))
}

async function expect(reply: Promise<Reply>, status: number): Promise<Reply> {
  const got = await reply
  if (got.status !== status) throw new Error(`wanted ${status}, got ${got.head}`)
  return got
}

/** POST and PUT, as clients do it. */
async function upload(connection: Connection, repository: string, bytes: Buffer): Promise<string> {
  const digest = digestOf(bytes)
  const begun = await expect(connection.ask('POST', `/v2/${repository}/blobs/uploads/`, Buffer.alloc(0)), 202)
  const location = /^location: *(\S+)/im.exec(begun.head)?.[1] ?? ''
  const path = location.replace(/^https?:\/\/[^/]+/, '')
  await expect(
    connection.ask(
      'PUT',
      `${path}${path.includes('?') ? '&' : '?'}digest=${digest}`,
      bytes,
      'application/octet-stream',
    ),
    201,
  )
  return digest
}

function manifestOf(config: Buffer, layers: readonly { digest: string; size: number }[]): Buffer {
  const descriptor = {
    mediaType: 'application/vnd.oci.image.config.v1+json',
    digest: digestOf(config),
    size: config.length,
  }
  return Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: MANIFEST_TYPE,
      config: descriptor,
      layers: layers.map((layer) => ({ mediaType: LAYER_TYPE, ...layer })),
    }),
  )
}

/** A derived image: its base's blobs are looked for, its own config and layer go up, then its manifest under a new tag. */
async function pushDerived(connection: Connection, base: readonly { digest: string; size: number }[]): Promise<void> {
  const layer = randomBytes(DERIVED_BYTES)
  const config = Buffer.from(
    JSON.stringify({ architecture: 'amd64', os: 'linux', own: randomBytes(500).toString('hex') }),
  )
  for (const { digest } of base) await expect(connection.ask('HEAD', `/v2/bench/blobs/${digest}`), 200)
  await upload(connection, 'bench', layer)
  await upload(connection, 'bench', config)
  const manifest = manifestOf(config, [...base, { digest: digestOf(layer), size: layer.length }])
  await expect(
    connection.ask('PUT', `/v2/bench/manifests/t${randomBytes(8).toString('hex')}`, manifest, MANIFEST_TYPE),
    201,
  )
}

async function prepare(address: string): Promise<{ base: { digest: string; size: number }[]; blob: string }> {
  const connection = new Connection(address)
  const config = Buffer.from('{"architecture":"amd64","os":"linux"}')
  const layers = baseLayers()
  for (const bytes of [config, ...layers]) await upload(connection, 'bench', bytes)
  const base = layers.map((bytes) => ({ digest: digestOf(bytes), size: bytes.length }))
  await expect(connection.ask('PUT', '/v2/bench/manifests/base', manifestOf(config, base), MANIFEST_TYPE), 201)
  const blob = await upload(connection, 'bench', Buffer.alloc(BLOB_BYTES, 'a big blob '))
  connection.close()
  return { base, blob }
}

/** Runs one kind of load and gives what it found. */
async function runLoad(kind: string, address: string, seconds: number, connections: number): Promise<LoadResult> {
  const { base, blob } = await prepare(address)
  const works: Readonly<Record<string, (connection: Connection) => Promise<number>>> = {
    manifests: async (connection) => (await expect(connection.ask('GET', '/v2/bench/manifests/base'), 200)).bytes,
    blobs: async (connection) => (await expect(connection.ask('GET', `/v2/bench/blobs/${blob}`), 200)).bytes,
    uploads: async (connection) => {
      const bytes = Buffer.alloc(BLOB_BYTES / 4, randomBytes(32))
      await upload(connection, 'bench', bytes)
      return bytes.length
    },
    pushes: async (connection) => {
      await pushDerived(connection, base)
      return DERIVED_BYTES
    },
  }
  const work = works[kind]
  if (work === undefined) throw new Error(`there is no load ${kind}`)
  const times: number[] = []
  let bytes = 0
  const open = Array.from({ length: connections }, () => new Connection(address))
  const start = performance.now()
  const end = start + seconds * 1000
  const run = async (connection: Connection) => {
    for (let now = performance.now(); now < end; ) {
      bytes += await work(connection)
      const after = performance.now()
      times.push(after - now)
      now = after
    }
  }
  await Promise.all(open.map(run))
  const took = (performance.now() - start) / 1000
  for (const connection of open) connection.close()
  times.sort((left, right) => left - right)
  const at = (part: number) => times[Math.min(times.length - 1, Math.floor(times.length * part))] ?? 0
  return { count: times.length, bytes, seconds: took, median: at(0.5), p99: at(0.99) }
}

if (import.meta.main) {
  const [kind = '', address = '', seconds = '5', connections = '16'] = process.argv.slice(2)
  console.log(JSON.stringify(await runLoad(kind, address, Number(seconds), Number(connections))))
}
