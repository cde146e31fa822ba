import assert from 'node:assert/strict'
import { once } from 'node:events'
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { type Credentials, findCredentials, openImage, parseReference, pushImage, type RegistryReference } from '#oci'
import { dockerRegistry, httpServer, proxyBefore, sampleImage, testFolder } from './fixtures.test.ts'

const PASSWORD: Credentials = { kind: 'password', username: 'tester', password: 'secret' }
const FAST = { policy: { backOff: 10 } } as const

function registryReference(text: string): RegistryReference {
  return parseReference(text) as RegistryReference
}

test('a registry with Basic authentication takes a push with the right password', async (t) => {
  const registry = await dockerRegistry(t, { locked: true })
  const image = sampleImage(testFolder(t))
  const reference = registryReference(`${registry}/app:1`)
  await pushImage(image, reference, { ...FAST, credentials: PASSWORD })
  const opened = await openImage(reference, { ...FAST, credentials: PASSWORD })
  assert.equal(opened.top.descriptor.digest, image.top.descriptor.digest)
  await opened.close()
})

test('a registry with Basic authentication refuses a wrong password and no password', async (t) => {
  const registry = await dockerRegistry(t, { locked: true })
  const image = sampleImage(testFolder(t))
  const reference = registryReference(`${registry}/app:1`)
  const wrong = { ...PASSWORD, password: 'wrong' }
  await assert.rejects(pushImage(image, reference, { ...FAST, credentials: wrong }), { code: 'REGISTRY_REFUSED' })
  await assert.rejects(pushImage(image, reference, { ...FAST, credentials: null }), {
    code: 'REGISTRY_REFUSED',
    message: /user name and a password/,
  })
})

interface TokenRequest {
  readonly method: string
  readonly authorization: string | undefined
  readonly parameters: URLSearchParams
}

/** A registry behind a token service, as Docker Hub is; a token is worth `uses` requests. */
async function tokenRegistry(t: TestContext, { uses = Number.POSITIVE_INFINITY } = {}) {
  const granted: TokenRequest[] = []
  const left = new Map<string, number>()
  const service = await httpServer(t, (request, reply) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const query = new URL(request.url ?? '', 'http://x').searchParams
      const parameters = request.method === 'POST' ? new URLSearchParams(Buffer.concat(chunks).toString()) : query
      granted.push({ method: request.method ?? '', authorization: request.headers.authorization, parameters })
      const token = `token-${granted.length}`
      left.set(token, uses)
      reply.end(JSON.stringify(request.method === 'POST' ? { access_token: token } : { token, expires_in: 300 }))
    })
  })
  const secrets: string[] = []
  const challenge = `Bearer realm="http://${service}/token",service="registry.test",scope="ignored"`
  const proxy = await proxyBefore(t, await dockerRegistry(t), (request, reply) => {
    const { authorization = '' } = request.headers
    secrets.push(authorization)
    const token = authorization.replace(/^Bearer /, '')
    const remaining = left.get(token) ?? 0
    left.set(token, remaining - 1)
    if (remaining > 0) return undefined
    request.resume()
    reply.writeHead(401, { 'www-authenticate': challenge }).end()
    return 'handled'
  })
  return { address: proxy.address, granted, secrets }
}

test('a token is fetched once for each set of scopes, and the password goes to the token service only', async (t) => {
  const registry = await tokenRegistry(t)
  const image = sampleImage(testFolder(t))
  const options = { ...FAST, credentials: PASSWORD, mountFrom: ['base'] }
  await pushImage(image, registryReference(`${registry.address}/app:1`), options)
  const scopes = registry.granted.map(({ parameters }) => parameters.getAll('scope'))
  assert.deepEqual(scopes, [['repository:app:pull,push'], ['repository:app:pull,push', 'repository:base:pull']])
  assert.deepEqual(
    registry.granted.map(({ authorization }) => authorization),
    Array(2).fill(`Basic ${btoa('tester:secret')}`),
  )
  assert.equal(registry.granted[0]?.parameters.get('service'), 'registry.test')
  assert.deepEqual(
    registry.secrets.filter((secret) => secret.startsWith('Basic')),
    [],
  )
})

test('a token that has run out is replaced, and the push goes on', async (t) => {
  const registry = await tokenRegistry(t, { uses: 3 })
  const report = await pushImage(sampleImage(testFolder(t)), registryReference(`${registry.address}/app:1`), {
    ...FAST,
    credentials: null,
  })
  assert.equal(report.blobs.uploaded, 3)
  assert.ok(registry.granted.length > 2)
  assert.equal(registry.granted[0]?.authorization, undefined)
})

test('an identity token buys access tokens by POST', async (t) => {
  const registry = await tokenRegistry(t)
  const credentials = { kind: 'identity-token', token: 'refresh-me' } as const
  await pushImage(sampleImage(testFolder(t)), registryReference(`${registry.address}/app:1`), { ...FAST, credentials })
  const [first] = registry.granted
  assert.equal(first?.method, 'POST')
  assert.equal(first?.parameters.get('grant_type'), 'refresh_token')
  assert.equal(first?.parameters.get('refresh_token'), 'refresh-me')
})

test('credentials are not sent to another origin that a blob is redirected to', async (t) => {
  const registry = await dockerRegistry(t, { locked: true })
  const image = sampleImage(testFolder(t))
  const seen: (string | undefined)[] = []
  const basic = `Basic ${btoa('tester:secret')}`
  const storage = await httpServer(t, async (request, reply) => {
    seen.push(request.headers.authorization)
    const blob = await fetch(`http://${registry}${request.url}`, { headers: { authorization: basic } })
    reply.end(Buffer.from(await blob.arrayBuffer()))
  })
  const proxy = await proxyBefore(t, registry, (request, reply) => {
    if (request.method !== 'GET' || !request.url?.includes('/blobs/sha256:')) return undefined
    reply.writeHead(307, { location: `http://${storage}${request.url}` }).end()
    return 'handled'
  })
  const options = { ...FAST, credentials: PASSWORD }
  await pushImage(image, registryReference(`${registry}/app:1`), options)
  const opened = await openImage(registryReference(`${proxy.address}/app:1`), options)
  for (const layer of opened.layers) await Array.fromAsync(layer.open())
  await opened.close()
  assert.deepEqual(seen, [undefined, undefined, undefined])
})

test('a registry that sends a client off TLS or off this machine in the clear is not followed', async (t) => {
  const registry = await httpServer(t, (request, reply) => {
    if (request.url === '/v2/') return void reply.end()
    reply.writeHead(302, { location: 'http://192.0.2.1/elsewhere' }).end()
  })
  await assert.rejects(openImage(registryReference(`${registry}/app:1`), { ...FAST, credentials: null }), {
    code: 'REGISTRY_FAILED',
    message: /not protected by TLS/,
  })
})

test('a certificate that nobody vouches for is the reason that is named', async (t) => {
  const registry = await dockerRegistry(t, { tls: true })
  await assert.rejects(openImage(registryReference(`${registry}/app:1`), { ...FAST, credentials: PASSWORD }), {
    code: 'REGISTRY_UNREACHABLE',
    message: /self-signed certificate/,
  })
})

test('a registry elsewhere is asked through the proxy that the environment names, and by TLS only', async (t) => {
  const tunnels: (string | undefined)[] = []
  const server = createServer((request, reply) => {
    tunnels.push(request.url)
    reply.end()
  })
  server.on('connect', (request, socket) => {
    tunnels.push(`CONNECT ${request.url}`)
    socket.end('HTTP/1.1 502 Bad Gateway\r\n\r\n')
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const { port } = server.address() as AddressInfo
  const names = ['HTTPS_PROXY', 'HTTP_PROXY', 'https_proxy', 'http_proxy']
  const before = names.map((name) => [name, process.env[name]] as const)
  t.after(() => {
    server.close()
    for (const [name, value] of before) {
      if (value === undefined) delete process.env[name]
      else process.env[name] = value
    }
  })
  for (const name of names) process.env[name] = `http://127.0.0.1:${port}`
  const options = { credentials: PASSWORD, policy: { backOff: 1, tries: 2 } }
  await assert.rejects(openImage(registryReference('registry.invalid/app:1'), options), {
    code: 'REGISTRY_UNREACHABLE',
  })
  assert.deepEqual(tunnels, Array(2).fill('CONNECT registry.invalid:443'))
})

test('credentials are found where Docker and podman keep them', async (t) => {
  const home = testFolder(t)
  const entry = (username: string) => ({ auth: btoa(`${username}:pass:word`) })
  const write = (path: string, value: unknown) => {
    mkdirSync(join(home, path, '..'), { recursive: true })
    writeFileSync(join(home, path), JSON.stringify(value))
  }
  const bin = join(home, 'bin')
  const helper = (name: string, script: string) => {
    mkdirSync(bin, { recursive: true })
    writeFileSync(join(bin, `docker-credential-${name}`), `#!/bin/sh\nread server\n${script}\n`)
    chmodSync(join(bin, `docker-credential-${name}`), 0o755)
  }
  helper('good', 'echo "{\\"Username\\":\\"<token>\\",\\"Secret\\":\\"for-$server\\"}"')
  helper('empty', 'echo "credentials not found in native keychain"; exit 1')
  helper('broken', 'echo "the keychain is locked" >&2; exit 2')
  write('.docker/config.json', {
    auths: {
      'https://index.docker.io/v1/': entry('hub'),
      'quay.test': entry('host'),
      'quay.test/team': entry('team'),
      'empty.test': {},
    },
    credsStore: 'empty',
    credHelpers: { 'good.test': 'good', 'broken.test': 'broken', 'absent.test': 'absent', 'evil.test': '../evil' },
  })
  write('run/containers/auth.json', { auths: { 'both.test': entry('podman') } })
  const environment = { HOME: home, PATH: `${bin}:${process.env['PATH']}`, XDG_RUNTIME_DIR: join(home, 'run') }
  const find = (registry: string, repository = 'app') => findCredentials({ registry, repository }, environment)
  const password = (username: string) => ({ kind: 'password', username, password: 'pass:word' })
  assert.deepEqual(await find('docker.io', 'library/app'), password('hub'))
  assert.deepEqual(await find('quay.test'), password('host'))
  assert.deepEqual(await find('quay.test', 'team/app'), password('team'), 'the longest match wins')
  assert.deepEqual(await find('both.test'), password('podman'))
  assert.deepEqual(await find('good.test'), { kind: 'identity-token', token: 'for-good.test' })
  assert.equal(await find('empty.test'), undefined)
  assert.equal(await find('other.test'), undefined)
  await assert.rejects(find('broken.test'), { code: 'CREDENTIALS_FAILED', message: /the keychain is locked/ })
  await assert.rejects(find('absent.test'), { code: 'CREDENTIALS_FAILED', message: /docker-credential-absent/ })
  await assert.rejects(find('evil.test'), { code: 'CREDENTIALS_FAILED', message: /no helper's name/ })
})

test('a credential file that cannot be read is an error, not an anonymous login', async (t) => {
  const home = testFolder(t)
  writeFileSync(join(home, 'auth.json'), '{"auths":')
  const environment = { HOME: home, REGISTRY_AUTH_FILE: join(home, 'auth.json') }
  await assert.rejects(findCredentials({ registry: 'x.test', repository: 'app' }, environment), {
    code: 'CREDENTIALS_FAILED',
  })
})
