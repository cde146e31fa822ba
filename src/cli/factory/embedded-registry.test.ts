import assert from 'node:assert/strict'
import { test } from 'node:test'
import { registryName } from './embedded-registry.ts'

const names: [string | undefined, string, string, string][] = [
  [undefined, '127.0.0.1:5000', '127.0.0.1:5000', 'where it listens'],
  [undefined, '0.0.0.0:5000', '127.0.0.1:5000', 'all addresses are none that one can name'],
  [undefined, '[::]:443', '127.0.0.1:443', 'nor are those of IPv6'],
  ['https://images.example.org', '0.0.0.0:5000', 'images.example.org', 'the name that others know it by'],
  ['http://casemate:5000', '0.0.0.0:5000', 'casemate:5000', 'a port belongs to the name'],
  ['https://casemate', '0.0.0.0:5000', 'casemate:443', "without dot and port it would be a path of Docker's registry"],
  ['http://localhost', '127.0.0.1:80', 'localhost', 'which localhost is not'],
]
for (const [url, address, want, because] of names) {
  test(`${url ?? 'no url'} at ${address} is called ${want}: ${because}`, () => {
    assert.equal(registryName({ url }, { address, port: Number(address.split(':').at(-1)) }), want)
  })
}
