import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { createCipheriv } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import http from 'node:http'
import { type AddressInfo, connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { gzipSync } from 'node:zlib'
import { digestOf, hexOf } from '#core'
import {
  composeImage,
  composeIndex,
  type ImageSource,
  MEDIA_TYPES,
  platformOfDebian,
  type SegmentedBlob,
  segmentBlobs,
} from '#oci'
import { tarOf } from '#testkit'

/** What ends with a test, or with a proof. */
export interface Cleanup {
  after(end: () => unknown): void
}

/** Runs a program and gives its standard output; rejects with its standard error when it fails. */
export async function run(program: string, ...args: string[]): Promise<string> {
  return (await promisify(execFile)(program, args, { maxBuffer: 1 << 26 })).stdout
}

/** A folder of its own for a test. */
export function testFolder(t: Cleanup): string {
  const folder = mkdtempSync(join(tmpdir(), 'casemate-oci-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** An image with two layers a platform, which lie in segments; `bulk` more bytes that do not compress. */
export function sampleImage(folder: string, { architectures = ['amd64'], bulk = 0 } = {}): ImageSource {
  const blobs: SegmentedBlob[] = []
  const layer = (name: string, tar: Uint8Array) => {
    // Two gzip members, one file each: their concatenation is the layer.
    const members = [tar.subarray(0, 512), tar.subarray(512)].map((part) => gzipSync(part))
    const bytes = Buffer.concat(members)
    const segments = members.map((_, index) => ({ path: join(folder, `${name}.${index}`) }))
    members.forEach((member, index) => {
      writeFileSync(segments[index]!.path, member)
    })
    const descriptor = { mediaType: MEDIA_TYPES.layerGzip, digest: digestOf(bytes), size: bytes.length }
    blobs.push({ descriptor, segments })
    return { descriptor, diffId: digestOf(tar) }
  }
  const shared = layer(
    'shared',
    tarOf({ path: 'etc/', type: 'directory' }, { path: 'etc/shared', content: 'shared\n' }),
  )
  const images = architectures.map((architecture) => {
    const own = tarOf({ path: `etc/${architecture}`, content: noise(bulk, architecture) })
    return composeImage({
      config: {
        platform: platformOfDebian(architecture),
        created: '2026-01-02T03:04:05Z',
        config: { User: '65532:65532', Env: ['LANG=C.UTF-8'], Entrypoint: ['/bin/true'], ExposedPorts: ['80/tcp'] },
      },
      layers: [shared, layer(architecture, own)],
    })
  })
  return composeIndex(images, segmentBlobs(blobs), { 'org.opencontainers.image.title': 'sample' })
}

/** Bytes that look random and are the same every time. */
export function noise(length: number, seed: string): Uint8Array {
  const key = Buffer.from(hexOf(digestOf(seed)), 'hex')
  return createCipheriv('aes-256-ctr', key, Buffer.alloc(16)).update(Buffer.alloc(length))
}

/** `tester:secret`, as `htpasswd -nbB -C 4` writes it. */
const HTPASSWD = 'tester:$2y$04$PpGTsv7NI4UFRcsrwsXo3.214832NMJzEIQ64U6mHDS8vGQbmhKzW\n'

/**
 * Debian's docker-registry on a free port, with a user `tester:secret` where `locked`, behind TLS with a certificate
 * that nobody trusts where `tls`. Gives `HOST:PORT`.
 */
export async function dockerRegistry(t: Cleanup, { locked = false, tls = false } = {}): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'casemate-registry-'))
  const port = await freePort()
  const auth = { auth: { htpasswd: { realm: 'test', path: join(folder, 'htpasswd') } } }
  if (locked) writeFileSync(join(folder, 'htpasswd'), HTPASSWD)
  const config = {
    version: 0.1,
    log: { level: 'error', accesslog: { disabled: true } },
    storage: { filesystem: { rootdirectory: join(folder, 'data') }, delete: { enabled: true } },
    http: { addr: `127.0.0.1:${port}`, secret: 'test', ...(tls ? { tls: await selfSigned(folder) } : {}) },
    ...(locked ? auth : {}),
  }
  // JSON is YAML.
  writeFileSync(join(folder, 'config.yml'), JSON.stringify(config))
  const child = spawn('docker-registry', ['serve', join(folder, 'config.yml')], { stdio: 'ignore' })
  t.after(async () => {
    await stopped(child)
    rmSync(folder, { recursive: true, force: true })
  })
  await listening(port)
  return `127.0.0.1:${port}`
}

async function selfSigned(folder: string) {
  const files = { certificate: join(folder, 'certificate.pem'), key: join(folder, 'key.pem') }
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-noenc', '-keyout', files.key]
  await run('openssl', 'req', '-x509', ...key, '-out', files.certificate, '-subj', '/CN=nobody', '-days', '2')
  return files
}

/** An HTTP server on a free port of this machine. Gives `HOST:PORT`. */
export async function httpServer(t: Cleanup, handler: http.RequestListener): Promise<string> {
  const server = http.createServer(handler).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  return `127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** A registry that keeps the bytes of a request that breaks off, as distribution-spec allows. It stores nothing else. */
export async function partialRegistry(t: Cleanup) {
  const known = new Set<string>()
  const uploads = new Map<string, Buffer>()
  let received = 0
  const address = await httpServer(t, (request, reply) => {
    const { pathname, searchParams } = new URL(request.url ?? '', 'http://x')
    const held = () => uploads.get(pathname) ?? Buffer.alloc(0)
    const range = { location: pathname, range: `0-${Math.max(held().length - 1, 0)}` }
    if (request.method === 'HEAD') return void reply.writeHead(known.has(pathname) ? 200 : 404).end()
    if (request.method === 'GET') return void reply.writeHead(pathname === '/v2/' ? 200 : 204, range).end()
    if (request.method === 'POST') {
      const location = `/v2/app/blobs/uploads/${uploads.size}`
      uploads.set(location, Buffer.alloc(0))
      return void reply.writeHead(202, { location }).end()
    }
    request.on('data', (chunk: Buffer) => {
      uploads.set(pathname, Buffer.concat([held(), chunk]))
      received += chunk.length
    })
    request.on('end', () => {
      const digest = searchParams.get('digest')
      if (digest !== null && digest !== digestOf(held())) return void reply.writeHead(400).end()
      known.add(digest === null ? pathname : `/v2/app/blobs/${digest}`)
      reply.writeHead(201).end()
    })
  })
  return { address, received: () => received }
}

/** What a proxy does with one request instead of passing it on; `undefined` passes it on. */
export type Interference = (
  request: http.IncomingMessage,
  reply: http.ServerResponse,
) => 'handled' | { cutAfter: number } | undefined

/** A proxy before a registry that notes `METHOD /path` of every request and may interfere. */
export async function proxyBefore(t: Cleanup, registry: string, interfere: Interference = () => undefined) {
  const requests: string[] = []
  /** Where the ranges of uploads begin. */
  const starts: number[] = []
  const [host, port] = registry.split(':')
  const address = await httpServer(t, (request, reply) => {
    requests.push(`${request.method} ${request.url}`)
    const range = /^(\d+)-/.exec(request.headers['content-range'] ?? '')
    if (range) starts.push(Number(range[1]))
    const order = interfere(request, reply)
    if (order === 'handled') return
    const onward = http.request({ host, port, method: request.method, path: request.url, headers: request.headers })
    onward.on('response', (response) => {
      reply.writeHead(response.statusCode ?? 502, response.headers)
      response.pipe(reply)
    })
    onward.on('error', () => reply.destroy())
    if (order === undefined) return void request.pipe(onward)
    let left = order.cutAfter
    request.on('data', (chunk: Buffer) => {
      onward.write(chunk.subarray(0, Math.max(left, 0)))
      left -= chunk.length
      if (left > 0) return
      // Lets the registry take what has been sent before both ends break.
      setTimeout(() => onward.destroy(), 50)
      request.pause()
    })
  })
  return { address, requests, starts, sent: () => requests.filter((line) => /^(POST|PUT|PATCH) /.test(line)) }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

async function listening(port: number): Promise<void> {
  for (let tries = 0; tries < 200; tries++) {
    const socket = connect(port, '127.0.0.1')
    const open = await once(socket, 'connect').then(
      () => true,
      () => false,
    )
    socket.destroy()
    if (open) return
    await new Promise((resolve) => setTimeout(resolve, 25))
  }
  throw new Error(`nothing listens on port ${port}`)
}

async function stopped(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return
  child.kill('SIGKILL')
  await once(child, 'exit')
}
