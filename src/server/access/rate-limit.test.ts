import assert from 'node:assert/strict'
import { test } from 'node:test'
import { clientKey, RateLimit } from './rate-limit.ts'

test('a client has its burst at once and then its rate, whatever others do', () => {
  let now = 0
  const limit = new RateLimit({ burst: 3, perSecond: 0.5 }, () => now)
  assert.deepEqual(
    Array.from({ length: 4 }, () => limit.take('a')),
    [0, 0, 0, 2],
  )
  assert.equal(limit.take('b'), 0)
  now += 1000
  assert.equal(limit.take('a'), 1)
  now += 1000
  assert.deepEqual([limit.take('a'), limit.take('a')], [0, 2])
  now += 3_600_000
  assert.deepEqual(
    Array.from({ length: 4 }, () => limit.take('a')),
    [0, 0, 0, 2],
  )
})

test('a million clients take no more memory than ten thousand, and who is still there is not forgotten', () => {
  const limit = new RateLimit({ burst: 2, perSecond: 0.001 }, () => 0)
  limit.take('stays')
  limit.take('stays')
  for (let number = 0; number < 50_000; number++) {
    limit.take(`client ${number}`)
    if (number % 1000 === 0) assert.ok(limit.take('stays') > 0)
  }
  assert.equal(limit.take('client 0'), 0)
})

const addresses: [string, string, string][] = [
  ['203.0.113.7', '203.0.113.7', 'an IPv4 address is one client'],
  ['::ffff:203.0.113.7', '203.0.113.7', 'also as IPv6 writes it'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64', 'whoever has a /64 has all its addresses'],
  ['2001:db8:1:2::6', '2001:db8:1:2::/64', 'also in short'],
  ['2001:db8::6', '2001:db8:0:0::/64', 'also in very short'],
  ['::1', '0:0:0:0::/64', 'loopback is one client'],
  ['fe80::1%eth0', 'fe80:0:0:0::/64', 'an interface does not matter'],
]
for (const [address, client, because] of addresses) {
  test(`${address} is the client ${client}: ${because}`, () => assert.equal(clientKey(address), client))
}
