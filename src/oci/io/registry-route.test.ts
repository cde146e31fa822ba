import assert from 'node:assert/strict'
import { once } from 'node:events'
import http from 'node:http'
import { test } from 'node:test'
import { RegistryConnection } from './registry-connection.ts'
import { registryRoute } from './registry-route.ts'

const routes: [string | undefined, string | undefined, string][] = [
  [undefined, undefined, 'where nothing is said, a registry is where its name says'],
  ['', undefined, 'an empty setting is none'],
  ['images.example.org=http://casemate:5000', 'http://casemate:5000/', 'a name has an address of its own'],
  [
    'a.example=https://b.example, images.example.org=http://[::1]:80/',
    'http://[::1]/',
    'of several the one of the name',
  ],
  ['other.example.org=http://casemate:5000', undefined, "another's address is not ours"],
  ['images.example.org:443=http://casemate:5000', undefined, 'a port is a part of the name'],
]
for (const [setting, want, because] of routes) {
  test(`${setting}: ${because}`, () => {
    const found = registryRoute('images.example.org', { CASEMATE_REGISTRY_AT: setting })
    assert.equal(found?.href, want)
  })
}

for (const wrong of ['images.example.org', 'a=ftp://b', 'a=http://b/path', 'a=http://user:pw@b', 'a=http://b?x']) {
  test(`${wrong} is refused`, () => {
    assert.throws(() => registryRoute('images.example.org', { CASEMATE_REGISTRY_AT: wrong }), {
      code: 'REFERENCE_INVALID',
      message: /want HOST\[:PORT\]=http/,
    })
  })
}

test('a registry is asked where the environment says that it is, and called by its name', async (t) => {
  const asked: string[] = []
  const server = http.createServer((request, response) => {
    asked.push(request.url ?? '')
    response.writeHead(request.url === '/v2/' ? 200 : 403).end()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const port = typeof address === 'object' ? address?.port : undefined
  process.env['CASEMATE_REGISTRY_AT'] = `images.example.org=http://127.0.0.1:${port}`
  const connection = new RegistryConnection('images.example.org', { credentials: null })
  t.after(async () => {
    delete process.env['CASEMATE_REGISTRY_AT']
    await connection.close()
    server.close()
  })
  const sent = connection.send({ method: 'GET', target: '/v2/app/tags/list', scopes: [], retry: true }, 'app')
  await assert.rejects(sent, { code: 'REGISTRY_REFUSED', message: /at images\.example\.org: status 403/ })
  assert.deepEqual(asked, ['/v2/', '/v2/app/tags/list'])
})
