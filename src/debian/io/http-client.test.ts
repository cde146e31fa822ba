import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { testMirror } from '#testkit'
import { DebianError } from '../errors.ts'
import { HttpClient, publicLookup, redirectTarget } from './http-client.ts'

const folder = mkdtempSync(join(tmpdir(), 'casemate-http-'))
writeFileSync(join(folder, 'file'), 'content')
after(() => rmSync(folder, { recursive: true, force: true }))
const signal = new AbortController().signal

test('a mirror on a private address may redirect to one', async (t) => {
  const [from, to] = [await testMirror(t, folder), await testMirror(t, folder)]
  from.fault = () => ({ kind: 'redirect', location: `${to.url}/file` })
  const client = new HttpClient()
  t.after(() => client.close())
  const answer = await client.get(`${from.url}/file`, {}, signal)
  assert.equal(answer.status, 200)
  await answer.body.dump()
})

for (const host of [
  '127.0.0.1',
  '10.1.2.3',
  '169.254.169.254',
  '[::1]',
  '[::ffff:127.0.0.1]',
  'localhost',
  '2130706433',
]) {
  test(`case 9: a redirect of a public mirror to ${host} is refused`, async (t) => {
    const inner = await testMirror(t, folder)
    const port = new URL(inner.url).port
    // A proxy on loopback stands in for the public internet: whatever is asked of it, it redirects to the target.
    const proxy = createServer((_, response) =>
      response.writeHead(302, { location: `http://${host}:${port}/file` }).end(),
    )
    await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve))
    t.after(() => proxy.close())
    const address = proxy.address()
    assert.ok(address !== null && typeof address === 'object')
    const client = new HttpClient(undefined, {
      httpProxy: `http://127.0.0.1:${address.port}`,
      noProxy: '127.0.0.1,::1',
    })
    t.after(() => client.close())
    await assert.rejects(client.get('http://1.1.1.1/file', {}, signal), { code: 'FETCH_REFUSED' })
    assert.equal(inner.requests.length, 0)
  })
}

const from = new URL('https://mirror.example/a/b')
test('a redirect may lead elsewhere over https, or to a path', () => {
  assert.equal(redirectTarget(from, 'https://other.example/x').href, 'https://other.example/x')
  assert.equal(redirectTarget(from, '../c').href, 'https://mirror.example/c')
})

for (const location of ['http://mirror.example/a', 'file:///etc/passwd', 'ftp://x/', 'https://', '']) {
  test(`case 9: a redirect from https to "${location}" is refused`, () => {
    assert.throws(() => redirectTarget(from, location), { code: 'FETCH_REFUSED' })
  })
}

test('case 9: a name that a redirect leads to may not resolve to a private address', async () => {
  const fault = await new Promise<unknown>((resolve) => publicLookup('localhost', { all: true }, resolve))
  assert.ok(fault instanceof DebianError)
  assert.equal(fault.code, 'FETCH_REFUSED')
})
