import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { digestOf } from '#core'
import type { NewRelease } from '#factory'
import { testServers } from '#testkit'
import { fetchRunningContainers } from './cluster-api.ts'
import { pollInventory } from './poll-inventory.ts'

const servers = testServers()
const TOKEN = 'eyJhbGciOiJSUzI1NiJ9.e30.c2ln'
const never = new AbortController().signal

const pod = (name: string, digest: string, state: object = { running: {} }) => ({
  metadata: { namespace: 'shop', name },
  status: {
    containerStatuses: [{ name: 'app', image: 'r.example.org/app:1', imageID: `r.example.org/app@${digest}`, state }],
  },
})

type Answer = { readonly status?: number; readonly body: unknown; readonly headers?: http.OutgoingHttpHeaders }

/** What stands in for a cluster: answers as the Kubernetes API does, to who has the token. */
async function cluster(t: TestContext, answer: (url: URL) => Answer) {
  const folder = mkdtempSync(join(tmpdir(), 'cm-cluster-'))
  const asked: string[] = []
  const server = http.createServer((incoming, response) => {
    const url = new URL(incoming.url ?? '', 'http://cluster')
    asked.push(`${incoming.method} ${url.pathname}${url.search}`)
    const isKnown = incoming.headers.authorization === `Bearer ${TOKEN}`
    const {
      status = 200,
      body,
      headers,
    } = isKnown ? answer(url) : { status: 401, body: { kind: 'Status', message: 'Unauthorized' } }
    response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    server.close()
    rmSync(folder, { recursive: true })
  })
  const token = join(folder, 'token')
  writeFileSync(token, `${TOKEN}\n`)
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, token, asked, folder }
}

const list = (items: readonly object[], next?: string) => ({
  kind: 'PodList',
  apiVersion: 'v1',
  metadata: next === undefined ? {} : { continue: next },
  items,
})

test('all pages of a list are read, and what does not run is left out', async (t) => {
  const [one, two] = [digestOf('one'), digestOf('two')]
  const { asked, ...place } = await cluster(t, ({ searchParams }) => ({
    body:
      searchParams.get('continue') === 'more'
        ? list([pod('b', two), pod('c', two, { terminated: {} })])
        : list([pod('a', one)], 'more'),
  }))
  const found = await fetchRunningContainers(place, never)
  assert.deepEqual(
    found.map(({ place: at, image }) => [at, image.digest]),
    [
      ['shop/a/app', one],
      ['shop/b/app', two],
    ],
  )
  assert.deepEqual(asked, ['GET /api/v1/pods?limit=500', 'GET /api/v1/pods?limit=500&continue=more'])
})

test('namespaces are asked for one by one, and a list that went away between two pages is read again', async (t) => {
  let gone = 1
  const { asked, ...place } = await cluster(t, ({ pathname, searchParams }) => {
    if (searchParams.has('continue') && gone-- > 0) return { status: 410, body: { kind: 'Status', message: 'expired' } }
    if (pathname.includes('/a/'))
      return { body: searchParams.has('continue') ? list([]) : list([pod('a', digestOf('one'))], 'more') }
    return { body: list([]) }
  })
  assert.equal((await fetchRunningContainers({ ...place, namespaces: ['a', 'b'] }, never)).length, 1)
  assert.deepEqual(
    asked.map((line) => line.replace('GET /api/v1/namespaces/', '')),
    [
      'a/pods?limit=500',
      'a/pods?limit=500&continue=more',
      'a/pods?limit=500',
      'a/pods?limit=500&continue=more',
      'b/pods?limit=500',
    ],
  )
})

const faults: [string, Answer, RegExp][] = [
  [
    'who may not list pods',
    { status: 403, body: { kind: 'Status', message: 'pods is forbidden' } },
    /answers with 403: pods is forbidden/,
  ],
  [
    'a redirect, which is not followed',
    { status: 302, body: {}, headers: { location: 'http://127.0.0.1:1/' } },
    /answers with 302/,
  ],
  ['another document', { body: { kind: 'NodeList', items: [] } }, /it gives no list of pods/],
  ['a page that leads to itself', { body: list([], 'again') }, /a page leads to itself/],
  ['a list that is always gone', { status: 410, body: {} }, /gone each time/],
]
for (const [name, answer, message] of faults) {
  test(`no answer is taken from ${name}`, async (t) => {
    const place = await cluster(t, () => answer)
    await assert.rejects(fetchRunningContainers(place, never), { code: 'INVENTORY_INVALID', message })
  })
}

test('a token that is not the right one, none, and a file that is not there are told apart', async (t) => {
  const { url, token, folder } = await cluster(t, () => ({ body: list([]) }))
  assert.deepEqual(await fetchRunningContainers({ url, token }, never), [])
  await assert.rejects(fetchRunningContainers({ url }, never), /answers with 401: Unauthorized/)
  await assert.rejects(fetchRunningContainers({ url, token: join(folder, 'none') }, never), /ENOENT/)
  writeFileSync(token, 'two\nlines\n')
  await assert.rejects(fetchRunningContainers({ url, token }, never), /holds no token/)
})

test('while one of several places does not answer, nothing counts as running everywhere', async (t) => {
  const store = await servers.store(t, 'embedded')
  const at = '2026-11-17T12:00:00.000Z'
  const release: NewRelease = {
    ...{
      image: 'app',
      variant: 'runtime',
      digest: digestOf('index'),
      lock: digestOf('lock'),
      tags: ['1'],
      evidence: {},
    },
    manifests: [{ platform: 'linux/amd64', digest: digestOf('amd64'), packages: [] }],
    released: at,
  }
  await store.releases.record([release])
  await store.clocks.record([{ image: 'app', mark: 'published', finding: 'CVE-1 jq', at }])
  let isDown = true
  const sources = [
    { name: 'one', read: async () => [digestOf('amd64')] },
    {
      name: 'two',
      read: async () => {
        if (isDown) throw new Error('no route')
        return []
      },
    },
  ]
  const look = () => pollInventory({ store, sources, now: () => new Date('2026-11-18T12:00:00Z') }, never)
  assert.deepEqual(await look(), { seen: undefined, troubles: ['two: no route'] })
  isDown = false
  assert.equal((await look()).seen?.marks, 1)
})
