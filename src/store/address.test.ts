import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseDatabaseAddress, showAddress } from './address.ts'

test('an address has its parts, decoded', () => {
  const address = parseDatabaseAddress('postgres://case%40mate:p%3A%2Fw@db.example.org:6432/state')
  const wanted = {
    host: 'db.example.org',
    port: 6432,
    user: 'case@mate',
    password: 'p:/w',
    database: 'state',
    tls: 'verify',
  }
  assert.deepEqual(address, wanted)
  assert.equal(showAddress(address), 'postgres://case@mate@db.example.org:6432/state')
})

const ways: [string, 'disable' | 'require' | 'verify', string][] = [
  ['postgres://u@db.example.org/d', 'verify', 'over the network a certificate is verified'],
  ['postgresql://u@127.0.0.1/d', 'disable', 'on this machine nothing is to be hidden from anybody'],
  ['postgres://u@localhost/d?host=/run/postgresql', 'disable', 'a socket does not leave this machine'],
  ['postgres://u@[::1]/d?sslmode=verify-full', 'verify', 'who asks for it gets it here too'],
  ['postgres://u@db.example.org/d?sslmode=require', 'require', 'a certificate that nobody knows is allowed by name'],
]
for (const [text, tls, because] of ways) {
  test(`${text}: ${because}`, () => assert.equal(parseDatabaseAddress(text).tls, tls))
}

const refused: [string, RegExp][] = [
  ['mysql://u@h/d', /no postgres URL/],
  ['postgres://u:secret@h', /names no database/],
  ['postgres://h/d', /names no user/],
  ['postgres://u@/d', /no postgres URL/],
  ['postgres://u:secret@h/d?sslmode=prefer', /sslmode is "prefer"/],
  ['postgres://u:secret@h/d?options=x', /its parameter "options"/],
  ['postgres://u:%ff@h/d', /its password is not encoded/],
]
for (const [text, reason] of refused) {
  test(`${text} is refused, and its password is not shown`, () => {
    assert.throws(
      () => parseDatabaseAddress(text),
      (error: Error) => reason.test(error.message) && !error.message.includes('secret'),
    )
  })
}
