import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseFactorySettings } from './factory-settings.ts'

const server = (text: string) => parseFactorySettings(text, 'factory.yaml').server

test('without a word the server is on loopback, and open to read', () => {
  const place = { host: '127.0.0.1', port: 5000, url: undefined, hosts: [], tls: undefined, proxies: undefined }
  const defaults = { ...place, reading: undefined, isOpen: true }
  assert.deepEqual(server(''), defaults)
  assert.deepEqual(server('server: {}'), defaults)
})

test('a server for others says its address, and wants a token unless it says that it is open', () => {
  const text =
    'listen: "[::]:443", url: "https://Images.example.org/", hosts: [other.example.org], tls: { certificate: c.pem, key: k.pem }'
  const wanted = {
    ...{ host: '::', port: 443, url: 'https://Images.example.org', hosts: ['images.example.org', 'other.example.org'] },
    ...{ reading: undefined, isOpen: false, proxies: undefined, tls: { certificate: 'c.pem', key: 'k.pem' } },
  }
  assert.deepEqual(server(`server: { ${text} }`), wanted)
  assert.deepEqual(server(`server: { ${text}, reading: open }`), { ...wanted, reading: 'open', isOpen: true })
  assert.equal(server('server: { reading: token }').isOpen, false)
})

test('proxies are believed by one header', () => {
  const networks = ['10.0.0.0/8', '::1']
  const of = (more = '') => server(`server: { proxies: [10.0.0.0/8, "::1"]${more} }`).proxies
  assert.deepEqual(of(), { networks, header: 'x-forwarded-for' })
  assert.deepEqual(of(', forwarded: forwarded'), { networks, header: 'forwarded' })
})

const openness: [string, boolean, string][] = [
  ['127.0.0.1:80', true, 'loopback'],
  ['127.9.9.9:80', true, 'all of 127/8 is'],
  ['"[::1]:80"', true, 'loopback of IPv6'],
  ['localhost:80', true, 'by its name'],
  ['127.0.0.1.example.org:80', false, 'a name that only looks like it'],
  ['0.0.0.0:80', false, 'all addresses'],
]
for (const [listen, isOpen, because] of openness) {
  test(`listening on ${listen} is ${isOpen ? 'open' : 'closed'}: ${because}`, () => {
    assert.equal(server(`server: { listen: ${listen} }`).isOpen, isOpen)
  })
}

const faults: [string, RegExp][] = [
  ['{ listen: 5000 }', /listen: found 5000, want HOST:PORT/],
  ['{ listen: "localhost:65536" }', /want HOST:PORT/],
  ['{ url: "https://x.example.org/path" }', /want an address without a path/],
  ['{ url: "https://user:pw@x.example.org" }', /want an address without a path/],
  ['{ reading: opn }', /did you mean `open`\?/],
  ['{ tls: { certificate: c.pem } }', /`key` is missing/],
  ['{ proxies: [10.0.0.0/33] }', /proxies\[0\]: found 10\.0\.0\.0\/33, want an address or a network/],
  ['{ forwarded: forwarded }', /found a header that nobody is to set/],
]
for (const [text, message] of faults) {
  test(`server: ${text} is refused`, () => {
    assert.throws(() => server(`server: ${text}`), { code: 'SETTINGS_INVALID', message })
  })
}
