import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isInternalAddress } from './internal-address.ts'

const addresses: [string, boolean, string][] = [
  ['127.0.0.1', true, 'loopback'],
  ['127.255.255.254', true, 'the whole of 127/8 is loopback'],
  ['0.0.0.0', true, 'this host'],
  ['10.1.2.3', true, 'private'],
  ['172.16.0.1', true, 'private'],
  ['172.31.255.255', true, 'private'],
  ['172.32.0.1', false, 'behind the private block'],
  ['192.168.1.1', true, 'private'],
  ['100.64.0.1', true, "a carrier's own"],
  ['169.254.169.254', true, 'metadata of a cloud'],
  ['168.63.129.16', false, 'public, whatever a cloud does with it: its hosts block it by themselves'],
  ['192.0.0.192', true, 'metadata of a cloud'],
  ['198.18.0.1', true, 'for benchmarks'],
  ['203.0.113.9', true, 'for documents'],
  ['224.0.0.1', true, 'multicast'],
  ['255.255.255.255', true, 'broadcast'],
  ['151.101.2.132', false, 'public'],
  ['::1', true, 'loopback'],
  ['::', true, 'this host'],
  ['::ffff:127.0.0.1', true, 'IPv4 in IPv6'],
  ['::ffff:7f00:1', true, 'the same in hexadecimal'],
  ['::ffff:8.8.8.8', true, 'a mapped address never comes from a resolver'],
  ['::127.0.0.1', true, 'IPv4-compatible, long given up'],
  ['fe80::1', true, 'link-local'],
  ['fe80::1%eth0', true, 'with a zone'],
  ['fd00:ec2::254', true, 'metadata of a cloud'],
  ['fec0::1', true, 'site-local, given up'],
  ['ff02::1', true, 'multicast'],
  ['64:ff9b::7f00:1', true, 'NAT64 of loopback'],
  ['64:ff9b::169.254.169.254', true, 'NAT64 of metadata'],
  ['64:ff9b::808:808', false, 'NAT64 of a public address'],
  ['64:ff9b:1::808:808', true, "NAT64 of a network's own"],
  ['2002:7f00:1::', true, '6to4 of loopback'],
  ['2001::1', true, 'Teredo'],
  ['2001:db8::1', true, 'for documents'],
  ['100::1', true, 'discarded'],
  ['2606:4700:4700::1111', false, 'public'],
  ['2a00:1450:4001:829::200e', false, 'public'],
  ['localhost', true, 'no address'],
  ['0x7f.1', true, 'not the usual form of an address'],
  ['', true, 'nothing'],
]
for (const [address, internal, because] of addresses) {
  test(`${address || 'an empty text'} is ${internal ? 'internal' : 'public'}: ${because}`, () =>
    assert.equal(isInternalAddress(address), internal))
}
