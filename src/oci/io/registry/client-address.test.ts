import assert from 'node:assert/strict'
import { Socket } from 'node:net'
import { test } from 'node:test'
import { addressBehind, isNetwork, peerAddress, type TrustedProxies } from './client-address.ts'

const own = ['10.0.0.0/8', '2001:db8:1::/48', '192.0.2.7']

function ask(peer: string, headers: Readonly<Record<string, string>>, header: TrustedProxies['header']) {
  const socket = new Socket()
  Object.defineProperty(socket, 'remoteAddress', { value: peer })
  const request = { socket, headers }
  return [addressBehind({ networks: own, header })(request), peerAddress(request)]
}

const chains: [string, string, string, string][] = [
  ['203.0.113.9', '198.51.100.1', '203.0.113.9', 'who is no proxy of ours is not believed'],
  ['10.0.0.1', '', '10.0.0.1', 'a proxy that says nothing stands for its client'],
  ['10.0.0.1', '198.51.100.1', '198.51.100.1', 'a proxy says who asked it'],
  ['::ffff:10.0.0.1', '198.51.100.1', '198.51.100.1', 'IPv4 as an IPv6 socket writes it'],
  ['10.0.0.1', '198.51.100.66, 198.51.100.1', '198.51.100.1', 'what the client wrote before is not believed'],
  ['10.0.0.1', '198.51.100.1, 10.0.0.2, 192.0.2.7', '198.51.100.1', 'several proxies of ours behind one another'],
  ['10.0.0.1', '10.0.0.3, 10.0.0.2', '10.0.0.3', 'a client in the network of the proxies is the outermost of them'],
  ['10.0.0.1', '198.51.100.1:4711', '198.51.100.1', 'with a port'],
  ['10.0.0.1', '[2001:db8:2::1]:4711', '2001:db8:2::1', 'IPv6 with a port'],
  ['2001:db8:1::7', '2001:db8:2::1', '2001:db8:2::1', 'IPv6'],
  ['10.0.0.1', '198.51.100.1, unknown', '10.0.0.1', 'a proxy that does not know stands for its client'],
  ['10.0.0.1', '198.51.100.1, ', '10.0.0.1', 'and so does one that leaves it empty'],
  ['10.0.0.1', '198.51.100.1, 1.2.3.4.5', '10.0.0.1', 'what is no address is not followed'],
  ['10.0.0.1', Array(50).fill('10.0.0.2').join(), '10.0.0.2', 'however long it is'],
]
for (const [peer, said, wanted, because] of chains) {
  test(`X-Forwarded-For "${said.slice(0, 60)}" by ${peer} is ${wanted}: ${because}`, () =>
    assert.equal(ask(peer, { 'x-forwarded-for': said }, 'x-forwarded-for')[0], wanted))
}

const forwarded: [string, string, string][] = [
  ['for=198.51.100.1', '198.51.100.1', 'plain'],
  ['For="198.51.100.1:4711";proto=https, for=10.0.0.2', '198.51.100.1', 'quoted, with a port and more'],
  ['proto=http;for="[2001:db8:2::1]:80"', '2001:db8:2::1', 'IPv6'],
  ['for=198.51.100.66, for="_hidden"', '10.0.0.1', 'an obfuscated name is no address'],
  ['for=198.51.100.66, proto=https', '10.0.0.1', 'an element without `for`'],
  ['for=198.51.100.66, for="a, for=198.51.100.67"', '10.0.0.1', 'a comma in quotes begins nothing'],
  ['for="198.51.100.66', '10.0.0.1', 'a quote that does not end'],
]
for (const [said, wanted, because] of forwarded) {
  test(`Forwarded ${JSON.stringify(said)} is ${wanted}: ${because}`, () =>
    assert.equal(ask('10.0.0.1', { forwarded: said }, 'forwarded')[0], wanted))
}

test('of the two headers only the one is read that the proxies set', () => {
  const both = { forwarded: 'for=198.51.100.66', 'x-forwarded-for': '198.51.100.1' }
  assert.deepEqual(ask('10.0.0.1', both, 'x-forwarded-for'), ['198.51.100.1', '10.0.0.1'])
  assert.deepEqual(ask('10.0.0.1', { forwarded: 'for=198.51.100.66' }, 'x-forwarded-for')[0], '10.0.0.1')
})

test('what is a network', () => {
  for (const text of ['10.0.0.1', '10.0.0.0/8', '::1', '2001:db8::/32']) assert.ok(isNetwork(text), text)
  for (const text of ['', '10.0.0', '10.0.0.0/33', '::/129', 'fe80::1%eth0', '10.0.0.0/8/8', 'proxy', '10.0.0.0/']) {
    assert.ok(!isNetwork(text), text)
  }
})
