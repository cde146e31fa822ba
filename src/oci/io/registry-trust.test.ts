import assert from 'node:assert/strict'
import { once } from 'node:events'
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import { openImage, parseReference, pushImage, type RegistryReference, readAuthorities } from '#oci'
import { type Cleanup, run, sampleImage, testFolder } from './fixtures.test.ts'
import { ownRegistry } from './registry/registry-fixtures.test.ts'

const ONCE = { credentials: null, policy: { tries: 1, backOff: 1 } } as const

function reference(text: string): RegistryReference {
  return parseReference(text) as RegistryReference
}

/** Sets variables of this process's environment until the test ends. */
function setEnvironment(t: Cleanup, values: Readonly<Record<string, string | undefined>>): void {
  for (const [name, value] of Object.entries(values)) {
    const before = process.env[name]
    const set = (wanted: string | undefined) => {
      if (wanted === undefined) delete process.env[name]
      else process.env[name] = wanted
    }
    set(value)
    t.after(() => set(before))
  }
}

/** A registry of ours behind TLS, with a certificate for `registry.test` and 127.0.0.1 that only its own file vouches for. */
async function privateRegistry(t: Cleanup) {
  const folder = testFolder(t)
  const ca = join(folder, 'ca.crt')
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-noenc', '-keyout', join(folder, 'key.pem')]
  const name = ['-subj', '/CN=private', '-addext', 'subjectAltName=IP:127.0.0.1,DNS:registry.test', '-days', '2']
  await run('openssl', 'req', '-x509', ...key, '-out', ca, ...name)
  const tls = { cert: readFileSync(ca), key: readFileSync(join(folder, 'key.pem')) }
  const { address } = await ownRegistry(t, { tls })
  return { address, ca, folder }
}

/** A home with a `certs.d` for one registry. */
function homeTrusting(t: Cleanup, registry: string, ca: string): string {
  const home = testFolder(t)
  const folder = join(home, '.config/containers/certs.d', registry)
  mkdirSync(folder, { recursive: true })
  copyFileSync(ca, join(folder, 'ca.crt'))
  return home
}

test('a registry with a certificate of a private authority is trusted by certs.d, as skopeo does, and not without', async (t) => {
  const { address, ca } = await privateRegistry(t)
  const image = sampleImage(testFolder(t))
  const target = reference(`${address}/app:1`)
  setEnvironment(t, { HOME: testFolder(t) })
  await assert.rejects(pushImage(image, target, ONCE), { code: 'REGISTRY_UNREACHABLE', message: /self-signed/ })
  const home = homeTrusting(t, address, ca)
  setEnvironment(t, { HOME: home })
  const { digest } = await pushImage(image, target, ONCE)
  const seen = JSON.parse(await run('skopeo', 'inspect', `docker://${address}/app:1`))
  assert.equal(seen.Digest, digest)
  writeFileSync(join(home, '.config/containers/certs.d', address, 'other.crt'), 'no certificate')
  await assert.rejects(openImage(target, ONCE), { code: 'AUTHORITY_INVALID', message: /other\.crt/ })
})

test('a file of authorities that is named is trusted for that client, and another authority is not', async (t) => {
  const { address, ca, folder } = await privateRegistry(t)
  const stranger = await privateRegistry(t)
  const image = sampleImage(testFolder(t))
  setEnvironment(t, { HOME: folder })
  const push = async (file: string) =>
    pushImage(image, reference(`${address}/app:1`), { ...ONCE, authorities: await readAuthorities(file) })
  await assert.rejects(push(stranger.ca), { code: 'REGISTRY_UNREACHABLE', message: /self-signed/ })
  await push(ca)
  await assert.rejects(push(join(folder, 'key.pem')), { code: 'AUTHORITY_INVALID' })
  await assert.rejects(push(join(folder, 'nowhere')), { code: 'AUTHORITY_INVALID' })
})

test('a registry behind a proxy is reached through it, by its own name and certificate, unless NO_PROXY names it', async (t) => {
  const { address, ca } = await privateRegistry(t)
  const [host = '', port] = address.split(':')
  const tunnels: (string | undefined)[] = []
  const proxy = createServer()
  proxy.on('connect', (request, socket) => {
    tunnels.push(request.url)
    const onward = connect(Number(port), host, () => {
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n')
      socket.pipe(onward).pipe(socket)
    })
    onward.on('error', () => socket.destroy())
    socket.on('error', () => onward.destroy())
  })
  await once(proxy.listen(0, '127.0.0.1'), 'listening')
  t.after(() => proxy.close())
  const url = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`
  const none = { https_proxy: undefined, http_proxy: undefined, no_proxy: undefined, HTTP_PROXY: undefined }
  setEnvironment(t, { ...none, HTTPS_PROXY: url, NO_PROXY: undefined, HOME: homeTrusting(t, 'registry.test', ca) })
  const image = sampleImage(testFolder(t))
  await pushImage(image, reference('registry.test/app:1'), ONCE)
  assert.ok(tunnels.length > 0)
  assert.deepEqual([...new Set(tunnels)], ['registry.test:443'])

  tunnels.length = 0
  setEnvironment(t, { NO_PROXY: 'elsewhere.test,registry.test' })
  await assert.rejects(openImage(reference('registry.test/app:1'), ONCE), { code: 'REGISTRY_UNREACHABLE' })
  assert.deepEqual(tunnels, [])
})
