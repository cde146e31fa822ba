import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import http from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { digestOf } from '#core'
import { parseFactorySettings } from '#factory'
import { RegistryServer } from '#oci/registry'
import { Api } from '#server'
import { fillFactory, testServers } from '#testkit'

const servers = testServers()

test('registry, API and page are one address, also on one connection, and stop together', async (t) => {
  const store = await servers.store(t, 'embedded')
  await fillFactory(store)
  const folder = mkdtempSync(join(tmpdir(), 'cm-one-port-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const errors: unknown[] = []
  const onError = (error: unknown) => void errors.push(error)
  let registry: RegistryServer | undefined
  const common = {
    isOpen: true,
    registry: 'localhost',
    url: 'http://localhost',
    version: '1.0.0',
    levels: parseFactorySettings('', 'factory.yaml').levels,
  }
  const api = new Api({ store, ...common, onError, metrics: () => registry?.metrics.format() ?? '' })
  registry = await RegistryServer.start(folder, { host: '127.0.0.1', port: 0, elsewhere: api.handle, onError })
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 })
  const ports = new Set<number | undefined>()
  const ask = (method: string, path: string, body?: string) =>
    new Promise<{ status: number | undefined; headers: http.IncomingHttpHeaders; text: string }>((resolve, reject) => {
      const request = http.request({ agent, port: registry.port, host: '127.0.0.1', method, path }, (response) => {
        ports.add(request.socket?.localPort)
        let text = ''
        response.setEncoding('utf8').on('data', (chunk) => {
          text += chunk
        })
        response.on('end', () => resolve({ status: response.statusCode, headers: response.headers, text }))
      })
      request.on('error', reject).end(body)
    })
  const content = 'some layer'
  const push = await ask('POST', `/v2/base/blobs/uploads/?digest=${digestOf(content)}`, content)
  assert.equal(push.status, 201)
  assert.equal((await ask('GET', `/v2/base/blobs/${digestOf(content)}`)).text, content)
  const images = await ask('GET', '/api/v1/images')
  assert.deepEqual([images.status, JSON.parse(images.text).items.length], [200, 3])
  assert.match((await ask('GET', '/')).text, /<title>3 to fix/)
  const metrics = await ask('GET', '/metrics')
  assert.match(metrics.text, /^casemate_registry_contents 1$/m)
  assert.match(metrics.text, /^casemate_fixable_findings 3$/m)
  assert.match(metrics.text, /^casemate_api_requests_total\{method="GET",route="listImages",status="200"\} 1$/m)
  // What only looks like the registry's is not.
  for (const path of ['/v2x', '/tokens', '/v2.json', '/V2/']) {
    const { status, headers } = await ask('GET', path)
    assert.deepEqual([path, status, headers['content-type']], [path, 404, 'application/problem+json'])
  }
  assert.equal((await ask('GET', '/v2/')).headers['docker-distribution-api-version'], 'registry/2.0')
  assert.equal(ports.size, 1)
  agent.destroy()

  const stream = await fetch(`http://127.0.0.1:${registry.port}/api/v1/stream`)
  const ended = stream.text()
  const began = performance.now()
  api.stop()
  await registry.close()
  assert.match(await ended, /^retry: /)
  assert.ok(performance.now() - began < 5000, 'an open stream holds up the end')
  assert.deepEqual(errors, [])
})

test('metrics are what Prometheus reads: each name with one type, each line a number', async (t) => {
  const store = await servers.store(t, 'embedded')
  await fillFactory(store)
  const api = new Api({
    store,
    isOpen: true,
    registry: 'localhost',
    url: 'http://localhost',
    version: '1.0.0',
    levels: parseFactorySettings('', 'factory.yaml').levels,
  })
  const server = http.createServer(api.handle).listen(0, '127.0.0.1')
  t.after(() => server.close())
  await new Promise((done) => server.once('listening', done))
  const { port } = server.address() as { port: number }
  const response = await fetch(`http://127.0.0.1:${port}/metrics`)
  assert.equal(response.headers.get('content-type'), 'text/plain; version=0.0.4; charset=utf-8')
  const types = new Map<string, string>()
  for (const line of (await response.text()).trimEnd().split('\n')) {
    const [, name = '', type = ''] = /^# TYPE (\S+) (counter|gauge|histogram)$/.exec(line) ?? []
    if (name !== '') {
      assert.ok(!types.has(name), `${name} is declared twice`)
      types.set(name, type)
    }
    if (line.startsWith('#')) continue
    const [, sample = ''] = /^([a-z_]+)(?:\{(?:[a-z]+="[^"\\\n]*",?)+\})? [0-9.e+-]+$/.exec(line) ?? []
    assert.ok(types.has(sample.replace(/_(bucket|sum|count)$/, '')) || types.has(sample), line)
  }
  assert.equal(types.get('casemate_oldest_fix_seconds'), 'gauge')
})
