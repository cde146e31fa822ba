import assert from 'node:assert/strict'
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { resolve } from 'node:path'
import { type TestContext, test } from 'node:test'
import { promisify } from 'node:util'
import { digestOf } from '#core'
import { MEDIA_TYPES } from '#oci'
import { noise } from '../fixtures.test.ts'
import { type Ask, asker, manifestOf, registryFolder } from './registry-fixtures.test.ts'

const program = resolve(import.meta.dirname, '../../../cli/main.ts')

/** `casemate registry serve` by a shell that first does something to its surroundings, with root's rights over a file system of its own. */
async function served(t: TestContext, folder: string, before: string): Promise<Ask> {
  const serve = `exec "${process.execPath}" --conditions=source "${program}" registry serve "${folder}" --listen 127.0.0.1:0`
  const child = spawn('unshare', ['--map-root-user', '--mount', 'sh', '-c', `${before} && ${serve}`], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  t.after(() => stopped(child))
  const errors: Buffer[] = []
  child.stderr.on('data', (chunk: Buffer) => errors.push(chunk))
  const [line] = await Promise.race([once(child.stdout, 'data'), once(child, 'exit').then(() => [''])])
  const address = /http:\/\/(\S+)/.exec(String(line))?.[1]
  assert.ok(address, `it did not start: ${Buffer.concat(errors)}`)
  return asker(address)
}

async function stopped(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  child.kill('SIGKILL')
  await once(child, 'exit')
}

test('a full disk gives 507 and nothing half published, for big blobs, small ones and manifests, and it recovers alone', async (t) => {
  const folder = registryFolder(t)
  const ask = await served(t, folder, `mount -t tmpfs -o size=4m tmpfs "${folder}"`)
  const put = (bytes: Uint8Array) => ask(`POST /v2/app/blobs/uploads/?digest=${digestOf(bytes)}`, { body: bytes })
  const manifest = (layers: readonly (string | Uint8Array)[], tag: string, more = {}) =>
    ask(`PUT /v2/app/manifests/${tag}`, {
      body: manifestOf(layers, more),
      headers: { 'content-type': MEDIA_TYPES.manifest },
    })
  assert.equal((await put(Buffer.from('{}'))).status, 201)
  assert.equal((await put(noise(1_500_000, 'fits'))).status, 201)
  assert.equal((await manifest([noise(1_500_000, 'fits')], 'good')).status, 201)
  const large = noise(6_000_000, 'does not fit')
  const refused = await put(large)
  assert.deepEqual([refused.status, refused.code], [507, 'UNAVAILABLE'])
  assert.equal((await ask(`HEAD /v2/app/blobs/${digestOf(large)}`)).status, 404)
  const small: [number, Uint8Array][] = []
  for (let count = 0; count < 30; count++) {
    const bytes = noise(150_000, `small ${count}`)
    small.push([(await put(bytes)).status, bytes])
  }
  assert.deepEqual(
    [...new Set(small.map(([status]) => status))].sort(),
    [201, 507],
    'what failed for a big one works for small ones',
  )
  assert.equal((await manifest([], 'large', { annotations: { a: 'x'.repeat(1_000_000) } })).status, 507)
  assert.equal((await ask('GET /v2/app/manifests/large')).status, 404)
  for (const [status, bytes] of small) {
    assert.equal((await ask(`HEAD /v2/app/blobs/${digestOf(bytes)}`)).status, status === 201 ? 200 : 404)
  }
  assert.equal((await ask('GET /v2/app/manifests/good')).status, 200, 'reading goes on')
})

test('no file descriptors left gives 503, and once there are some it works again', async (t) => {
  const folder = registryFolder(t)
  const ask = await served(t, folder, 'ulimit -n 60')
  const bytes = noise(400_000, 'a file of its own')
  const idle = await Promise.all(Array.from({ length: 20 }, () => ask('POST /v2/app/blobs/uploads/')))
  assert.ok(idle.every(({ status }) => status === 202))
  const many = await Promise.allSettled(
    Array.from({ length: 80 }, (_, index) => {
      const own = noise(400_000, `file ${index}`)
      return ask(`POST /v2/app/blobs/uploads/?digest=${digestOf(own)}`, { body: own })
    }),
  )
  const statuses = many.flatMap((one) => (one.status === 'fulfilled' ? [one.value.status] : []))
  assert.ok(
    statuses.every((status) => status === 201 || status === 503 || status === 429),
    statuses.join(' '),
  )
  const again = await ask(`POST /v2/app/blobs/uploads/?digest=${digestOf(bytes)}`, { body: bytes })
  assert.equal(again.status, 201)
  assert.deepEqual((await ask(`GET /v2/app/blobs/${digestOf(bytes)}`)).body, Buffer.from(bytes))
})

test('a registry whose folder is gone says so when it ends, and ends', async (t) => {
  const folder = registryFolder(t)
  const program = `
    const { RegistryServer } = await import('#oci/registry')
    const { rmSync } = await import('node:fs')
    const server = await RegistryServer.start(process.argv[1], { host: '127.0.0.1', port: 0 })
    await fetch('http://' + server.address + '/v2/app/blobs/uploads/', { method: 'POST' })
    rmSync(process.argv[1], { recursive: true })
    await server.close(100).catch((error) => console.log(error.code))`
  const args = ['--conditions=source', '--input-type=module', '--eval', program, folder]
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: import.meta.dirname, timeout: 30_000 })
  assert.equal(stdout, 'STORE_FAILED\n')
})
