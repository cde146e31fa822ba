import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AttestError } from './errors.ts'
import { parsePkcs11Uri } from './pkcs11-uri.ts'

test('a URI names token and key, and says where module and PIN are', () => {
  const uri = 'pkcs11:token=The%20Team;object=release?module-path=/usr/lib/m.so&pin-source=file:/run/pin'
  assert.deepEqual(parsePkcs11Uri(uri), {
    name: 'pkcs11:token=The%20Team;object=release',
    token: 'The Team',
    object: 'release',
    modulePath: '/usr/lib/m.so',
    pinFile: '/run/pin',
  })
  assert.deepEqual(parsePkcs11Uri('pkcs11:slot-id=7;id=%01%fF;type=private'), {
    name: 'pkcs11:slot-id=7;id=%01%fF;type=private',
    slotId: '7',
    id: '01ff',
  })
  assert.equal(parsePkcs11Uri('pkcs11:token=t;object=o?pin-source=file:///run/pin').pinFile, '/run/pin')
  assert.equal(parsePkcs11Uri('pkcs11:token=t;object=o?pin-source=/run/pin').pinFile, '/run/pin')
})

const refused: readonly [string, RegExp, string][] = [
  ['pkcs11:', /want one of token and slot-id/, 'it names nothing'],
  ['pkcs11:object=o', /want one of token and slot-id/, 'it names no token'],
  ['pkcs11:token=t;slot-id=1;object=o', /want one of token and slot-id/, 'it names two'],
  ['pkcs11:token=t', /want object, id, or both/, 'it names no key'],
  ['pkcs11:token=t;id=', /want object, id, or both/, 'its id is empty'],
  ['pkcs11:token=t;object=o;object=p', /object twice/, 'it names two keys'],
  ['pkcs11:token=t;object=o;serial=1', /serial says nothing here/, 'what is not looked at must not seem to be'],
  ['pkcs11:token=t;object=o;type=cert', /its type is cert/, 'it names no key pair'],
  ['pkcs11:slot-id=0x1;object=o', /slot-id is no number/, 'a slot has a decimal number'],
  ['pkcs11:token=t;object=o?pin-value=1234', /seen by everybody/, 'a PIN in arguments is no secret'],
  ['pkcs11:token=t;object=o?pin-source=|ask', /no absolute path/, 'nothing is run for a PIN'],
  ['pkcs11:token=t;object=o?pin-source=file:pin', /no absolute path/, 'a folder must not decide on the PIN'],
  ['pkcs11:token=t;object=o?module-path=m.so', /module-path is not absolute/, 'a folder must not decide on the module'],
  ['pkcs11:token=t;object=o?module-name=m', /module-name says nothing here/, 'a module has a path'],
  ['pkcs11:token=t;object=o?a=b?c=d', /no URI of RFC 7512/, 'it has two queries'],
  ['pkcs11:token=%;object=o', /percent-encoded/, 'an escape is cut'],
  ['pkcs11:token=t t;object=o', /percent-encoded/, 'it has a space'],
  ['pkcs11:token=%1b[2J;object=o', /token is no text of one line/, 'it would steer a terminal'],
  ['pkcs11:token=t;object=%00', /object is no text of one line/, 'it has a NUL'],
  ['pkcs11:token=%ff;object=o', /token is no text of one line/, 'it is no UTF-8'],
  [`pkcs11:token=t;object=${'o'.repeat(5000)}`, /no URI of RFC 7512/, 'it is too long'],
]
for (const [uri, reason, because] of refused) {
  test(`${uri.slice(0, 60)} is refused: ${because}`, () => {
    assert.throws(
      () => parsePkcs11Uri(uri),
      (error) => {
        assert.ok(error instanceof AttestError)
        assert.equal(error.code, 'KEY_INVALID')
        assert.match(error.message, reason)
        assert.doesNotMatch(error.message, /1234|\p{Cc}/u)
        return true
      },
    )
  })
}
