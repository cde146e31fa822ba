import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type TestContext, test } from 'node:test'
import { unreachableUrl } from './network-fault.ts'

async function mirrorThatAnswers(context: TestContext, status: number): Promise<string> {
  const server = createServer((_request, response) => response.writeHead(status).end())
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
  context.after(() => server.close())
  const address = server.address() as AddressInfo
  return `http://127.0.0.1:${address.port}/debian/InRelease`
}

const errorFor = (url: string) => `cannot fetch ${url}: it ended after 3 of 8 bytes  [FETCH_FAILED]\n`

test('a mirror that answers another client leaves the failure ours', async (context) => {
  const url = await mirrorThatAnswers(context, 404)
  assert.equal(await unreachableUrl(errorFor(url)), undefined)
})

test('a mirror with a fault of its own is a network fault', async (context) => {
  const url = await mirrorThatAnswers(context, 503)
  assert.equal(await unreachableUrl(errorFor(url)), url)
})

test('a host that nobody reaches is a network fault', async () => {
  assert.equal(await unreachableUrl(errorFor('http://127.0.0.1:1/debian')), 'http://127.0.0.1:1/debian')
})

test('an error of another kind is never a network fault', async () => {
  assert.equal(await unreachableUrl('cannot trust http://127.0.0.1:1/: no signature  [SUITE_UNTRUSTED]'), undefined)
})
