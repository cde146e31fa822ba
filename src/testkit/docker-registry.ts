import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import http from 'node:http'
import { type AddressInfo, connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

/** What ends with a test, or with a proof. */
interface Cleanup {
  after(end: () => unknown): void
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
  const name = ['-out', files.certificate, '-subj', '/CN=nobody', '-days', '2']
  await promisify(execFile)('openssl', ['req', '-x509', ...key, ...name])
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
