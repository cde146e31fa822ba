import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseCleartext } from './cleartext.ts'

const message = `-----BEGIN PGP SIGNED MESSAGE-----
Hash: SHA512

Origin: Test
- - dashed
Label: Test \t
-----BEGIN PGP SIGNATURE-----

iHUEARYKAB0WIQ==
=abcd
-----END PGP SIGNATURE-----
`

const parse = (text: string) => parseCleartext(Buffer.from(text, 'latin1'), 'InRelease')

test('a message is given as its signature covers it: without escapes and without white space at the ends of lines', () => {
  assert.deepEqual(parse(message), {
    text: 'Origin: Test\n- dashed\nLabel: Test',
    signature: message.slice(message.indexOf('-----BEGIN PGP SIGNATURE')),
  })
})

test('armor headers of the signature and a missing last newline are harmless', () => {
  parse(message.replace('SIGNATURE-----\n\n', 'SIGNATURE-----\nVersion: GnuPG v2\n\n'))
  parse(message.trimEnd())
})

const refused: [string, string, string][] = [
  [`Origin: Evil\n${message}`, 'line 1 is not', 'data comes before the message'],
  [`\n${message}`, 'line 1 is not', 'an empty line comes before the message'],
  [`${message}Origin: Evil\n`, 'line 12 comes after', 'data comes after the signature'],
  [`${message}\n`, 'line 12 comes after', 'an empty line comes after the signature'],
  [`${message}${message}`, 'line 12 comes after', 'a second message follows'],
  [message.replace('Hash: SHA512', 'Hash: SHA512\nOrigin: Evil'), 'line 3 is no "Hash" header', 'an unsigned header'],
  [message.replace('\n\nOrigin', '\nOrigin'), 'is no "Hash" header', 'the signed text starts behind an empty line'],
  [message.replace('- - dashed', '- dashed').replace('- d', '-d'), 'starts with a dash', 'a dash is not escaped'],
  [message.replace('- - dashed', '-----BEGIN PGP SIGNED MESSAGE-----'), 'starts with a dash', 'a message is nested'],
  [message.replace('\niHUE', '\nOrigin: Evil\niHUE'), 'belongs to no signature', 'text stands in the signature'],
  [
    message.replace('SIGNATURE-----\n\n', 'SIGNATURE-----\nOrigin: Evil\n\n'),
    'an empty line',
    'text heads the signature',
  ],
  [message.replace(/-----BEGIN PGP SIGNATURE[\s\S]*/, ''), 'no signature', 'the signature is cut off'],
  [message.replace('-----END PGP SIGNATURE-----\n', ''), 'belongs to no signature', 'the end is cut off'],
  ['Origin: Test\nLabel: Test\n', 'line 1 is not', 'an InRelease stripped to its Release is not signed'],
  [message.replaceAll('\n', '\r\n'), 'carriage return', 'a carriage return could hide text'],
  [message.replace('Test', 'Te\0st'), 'NUL', 'a NUL could hide text'],
  [message.replace('Test', 'T\xe9st'), 'not UTF-8', 'bytes that are no text could be read in two ways'],
  ['', 'line 1 is not', 'the file is empty'],
]
for (const [text, reason, because] of refused) {
  test(`refused, because ${because}`, () => {
    assert.throws(
      () => parse(text),
      (error: Error) => 'code' in error && error.code === 'SUITE_INVALID' && error.message.includes(reason),
    )
  })
}
