import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type ArItem, arOf, bytesOf } from '#testkit'
import { type ReadAt, readArMembers } from './ar.ts'

const ITEM: ArItem = { name: 'debian-binary', content: bytesOf('2.0\n') }
const ODD: ArItem = { name: 'odd', content: bytesOf('abc') }

function reader(bytes: Uint8Array): ReadAt {
  return (offset, length) => bytes.subarray(offset, offset + length)
}

test('members are found where they are, odd ones padded', () => {
  const bytes = arOf(ODD, { ...ITEM, name: 'slash/' })
  assert.deepEqual(readArMembers(reader(bytes), bytes.length, 'sample'), [
    { name: 'odd', offset: 68, size: 3 },
    { name: 'slash', offset: 132, size: 4 },
  ])
})

const sized = (size: string) => arOf({ ...ITEM, size })
const named = (name: string) => arOf({ ...ITEM, name })
const changed = (offset: number, value: string) => {
  const bytes = arOf(ITEM)
  bytes.set(bytesOf(value), offset)
  return bytes
}
const hostile: [string, Uint8Array][] = [
  ['no bytes at all', new Uint8Array(0)],
  ['another magic', bytesOf('!<thin>\n', arOf(ITEM).subarray(8))],
  ['a negative size', sized('-1')],
  ['a huge size', sized('9999999999')],
  ['a size one byte too large', sized('5')],
  ['a size in hexadecimal', sized('0x4')],
  ['a size with a space inside', sized('1 4')],
  ['an empty size', sized('')],
  ['a header that is cut short', arOf(ITEM).subarray(0, 50)],
  ['content that is cut short', arOf(ITEM).subarray(0, -1)],
  ['bytes behind the last member', bytesOf(arOf(ITEM), 'x')],
  ['no padding behind an odd member', arOf(ODD).subarray(0, -1)],
  ['padding that is something else', bytesOf(arOf(ODD).subarray(0, -1), 'x')],
  ['a header without its end mark', changed(66, 'xx')],
  ['an owner that is no number', changed(8 + 28, '-5')],
  ['a table of long names', named('//')],
  ['a reference into that table', named('/15')],
  ['a symbol table', named('/')],
  ['a BSD long name', named('#1/20')],
  ['a name with a path', named('../data.tar')],
  ['a name with a space inside', named('data .tar')],
  ['a name with NUL', named('data.tar\u0000')],
  ['no name', named('')],
  ['too many members', arOf(...Array.from({ length: 17 }, () => ITEM))],
]
for (const [what, bytes] of hostile) {
  test(`an ar archive with ${what} is refused`, () => {
    assert.throws(() => readArMembers(reader(bytes), bytes.length, 'sample'), {
      name: 'CoreError',
      code: 'AR_INVALID',
      message: /^cannot read ar archive sample: byte \d+: /,
    })
  })
}
