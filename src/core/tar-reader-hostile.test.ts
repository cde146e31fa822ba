import assert from 'node:assert/strict'
import { test } from 'node:test'
import { bytesOf, forgedTarItem, paxItem, paxRecord, tarItem, tarOf } from '#testkit'
import type { CoreErrorCode } from './errors.ts'
import { TAR_LIMITS, type TarLimits } from './tar-header.ts'
import { TarReader } from './tar-reader.ts'
import { TAR_END } from './tar-writer.ts'

const HOSTILE_LIMITS: TarLimits = { ...TAR_LIMITS, entries: 1000, entryBytes: 2 ** 20, totalBytes: 2 ** 22 }
const NEGATIVE = new Uint8Array(12).fill(0xff)
const longName = (flag: 'L' | 'K', content: string | Uint8Array) =>
  forgedTarItem({ path: '././@LongLink', content }, { 156: flag })
const pax = (keyword: string, value: string) => tarOf(paxItem('x', paxRecord(keyword, value)), { path: 'a' })

const cases: [string, CoreErrorCode, Uint8Array][] = [
  // case 13: names
  ['a path with NUL in a pax record', 'TAR_INVALID', pax('path', 'a\u0000b')],
  ['a path with a newline', 'TAR_INVALID', tarOf({ path: 'a\nb' })],
  ['a link with an escape character', 'TAR_INVALID', tarOf({ path: 'a', type: 'symlink', linkPath: '\u001b[2J' })],
  ['a GNU long name with NUL inside', 'TAR_INVALID', tarOf(longName('L', 'a\u0000b\u0000'), { path: 'a' })],
  ['a path that is no UTF-8', 'TAR_INVALID', tarOf(forgedTarItem({ path: 'a' }, { 0: Uint8Array.of(0xff) }))],
  ['no path', 'TAR_INVALID', tarOf(forgedTarItem({ path: 'a' }, { 0: Uint8Array.of(0) }))],
  ['a path of 60 000 bytes in a pax record', 'TAR_LIMIT', pax('path', 'ab/'.repeat(20_000))],
  ['a path of 64 KiB as GNU long name', 'TAR_LIMIT', tarOf(longName('L', 'x'.repeat(65_536)), { path: 'a' })],
  ['a link target of 4097 bytes', 'TAR_LIMIT', tarOf({ path: 'a', type: 'symlink', linkPath: 'x'.repeat(4097) })],
  ['a file named as a directory', 'TAR_INVALID', tarOf({ path: 'a/' })],
  ['a link without target', 'TAR_INVALID', tarOf({ path: 'a', type: 'symlink' })],
  // case 21: sizes
  ['a GNU sparse file', 'TAR_INVALID', tarOf(forgedTarItem({ path: 'a' }, { 156: 'S', 483: '77777777777' }))],
  ['a pax sparse file', 'TAR_INVALID', pax('GNU.sparse.major', '1')],
  ['a negative size', 'TAR_INVALID', tarOf(forgedTarItem({ path: 'a' }, { 124: NEGATIVE }))],
  ['a size with a sign', 'TAR_INVALID', tarOf(forgedTarItem({ path: 'a' }, { 124: '-0000000001\u0000' }))],
  [
    'a size over 2^53',
    'TAR_INVALID',
    tarOf(forgedTarItem({ path: 'a' }, { 124: Uint8Array.of(0x80, 1, ...NEGATIVE.subarray(2)) })),
  ],
  ['a pax size over 2^53', 'TAR_INVALID', pax('size', '9007199254740993')],
  ['a pax size that is negative', 'TAR_INVALID', pax('size', '-1')],
  ['a file over the limit', 'TAR_LIMIT', tarOf({ path: 'a', size: 2 ** 40 })],
  ['a directory with content', 'TAR_INVALID', tarOf({ path: 'a/', type: 'directory', content: 'x' })],
  ['a hard link with content', 'TAR_INVALID', tarOf({ path: 'a', type: 'hardlink', linkPath: 'b', content: 'x' })],
  [
    'more bytes than the limit',
    'TAR_LIMIT',
    tarOf(...Array.from({ length: 5 }, (_, i) => ({ path: `${i}`, content: new Uint8Array(2 ** 20) }))),
  ],
  // case 22: pax
  ['a pax header over 1 MiB', 'TAR_LIMIT', pax('comment', 'x'.repeat(2 ** 20))],
  [
    'global headers over 1 MiB together',
    'TAR_LIMIT',
    bytesOf(...Array.from({ length: 600 }, () => paxItem('g', paxRecord('comment', 'x'.repeat(2000))))),
  ],
  ['a bad pax time', 'TAR_INVALID', pax('mtime', '1e99')],
  ['a pax time before 1970', 'TAR_INVALID', pax('mtime', '-1')],
  ['a pax record whose length is wrong', 'TAR_INVALID', tarOf(paxItem('x', '99 path=b\n'), { path: 'a' })],
  ['a pax record whose length begins with 0', 'TAR_INVALID', tarOf(paxItem('x', '010 path=b\n'), { path: 'a' })],
  ['a pax record without newline', 'TAR_INVALID', tarOf(paxItem('x', '9 path=bb'), { path: 'a' })],
  ['a pax record without "="', 'TAR_INVALID', tarOf(paxItem('x', '8 pathb\n'), { path: 'a' })],
  ['a pax record without keyword', 'TAR_INVALID', tarOf(paxItem('x', '5 =b\n'), { path: 'a' })],
  ['a pax keyword with NUL', 'TAR_INVALID', pax('SCHILY.xattr.a\u0000b', 'c')],
  ['another character set', 'TAR_INVALID', pax('hdrcharset', 'BINARY')],
  ['a global path', 'TAR_INVALID', tarOf(paxItem('g', paxRecord('path', 'b')), { path: 'a' })],
  [
    'two pax headers for one entry',
    'TAR_INVALID',
    tarOf(paxItem('x', paxRecord('uid', '1')), paxItem('x', paxRecord('uid', '2')), { path: 'a' }),
  ],
  ['a pax header at the end', 'TAR_INVALID', tarOf(paxItem('x', paxRecord('uid', '1')))],
  // case 23: damage
  ['no bytes', 'TAR_INVALID', new Uint8Array(0)],
  ['a wrong checksum', 'TAR_INVALID', tarOf(forgedTarItem({ path: 'a' }, { 148: '0001234\u0000' }))],
  ['half a header', 'TAR_INVALID', tarItem({ path: 'a' }).subarray(0, 300)],
  ['half of a file', 'TAR_INVALID', tarItem({ path: 'a', content: 'x'.repeat(600) }).subarray(0, 1000)],
  ['no end', 'TAR_INVALID', tarItem({ path: 'a' })],
  ['half an end', 'TAR_INVALID', bytesOf(tarItem({ path: 'a' }), TAR_END.subarray(512))],
  ['an entry behind its end', 'TAR_INVALID', bytesOf(tarOf({ path: 'a' }), tarItem({ path: 'b' }))],
  ['an entry behind half its end', 'TAR_INVALID', bytesOf(TAR_END.subarray(512), tarOf({ path: 'b' }))],
  ['garbage behind its end', 'TAR_INVALID', bytesOf(tarOf({ path: 'a' }), 'x')],
  ['zeros behind its end that are no whole record', 'TAR_INVALID', bytesOf(tarOf({ path: 'a' }), new Uint8Array(5))],
  ['a header of no known format', 'TAR_INVALID', tarOf(forgedTarItem({ path: 'a' }, { 257: new Uint8Array(8) }))],
  ['an entry of unknown type', 'TAR_INVALID', tarOf(forgedTarItem({ path: 'a' }, { 156: 'V' }))],
  // case 24: numbers
  ['too many entries', 'TAR_LIMIT', tarOf(...Array.from({ length: 1001 }, (_, index) => ({ path: `f${index}` })))],
]
for (const [what, code, archive] of cases) {
  for (const step of [archive.length, 100]) {
    test(`an archive with ${what} is refused, in pieces of ${step} bytes`, () => {
      const read = () => {
        const reader = new TarReader({ origin: 'sample', limits: HOSTILE_LIMITS, onEntry: () => undefined })
        for (let at = 0; at < archive.length; at += step) reader.push(archive.subarray(at, at + step))
        reader.end()
      }
      assert.throws(read, { name: 'CoreError', code, message: /^cannot read tar archive sample: / })
    })
  }
}

test('a million small files are the most that is read', () => {
  const item = tarItem({ path: './usr/share/file', content: 'x' })
  const batch = bytesOf(...Array.from({ length: 1000 }, () => item))
  let entries = 0
  const reader = new TarReader({ origin: 'sample', limits: TAR_LIMITS, onEntry: () => void entries++ })
  for (let count = 0; count < 1000; count++) reader.push(batch)
  assert.throws(() => reader.push(item), { code: 'TAR_LIMIT' })
  assert.equal(entries, 1_000_000)
})
