import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MAX_DOCUMENT_BYTES, parseDocument, parseDocumentList } from './json-document.ts'

const bytes = (text: string) => new TextEncoder().encode(text)

const refused: [string, RegExp, string][] = [
  ['{"a":1,"a":2}', /the key "a" stands twice/, 'readers differ about which of the two counts'],
  ['{"a":1,"\\u0061":2}', /stands twice/, 'an escape does not hide a repeated key'],
  ['{"x":[{"b":{},"b":{}}]}', /the key "b" stands twice/, 'a repeated key counts at any depth'],
  [`{"a":${'['.repeat(64)}${']'.repeat(64)}}`, /nested deeper than 64/, 'nesting is bounded'],
  ['{"a":1} trailing', /no JSON/, 'nothing follows the document'],
  ['\uFEFF{"a":NaN}', /no JSON/, 'numbers are JSON numbers'],
  ['[]', /no JSON object/, 'the top is an object'],
  ['', /no JSON/, 'an empty file is no document'],
]
for (const [text, message, because] of refused) {
  test(`${text.slice(0, 30)} is refused: ${because}`, () => {
    assert.throws(() => parseDocument(bytes(text), 'thing'), { code: 'DOCUMENT_INVALID', message })
  })
}

test('a document of 4 MiB is read, one byte more is refused', () => {
  const filled = (size: number) => bytes(`{"a":"${'\\n'.repeat((size - 8) / 2)}"}`)
  assert.equal(filled(MAX_DOCUMENT_BYTES).length, MAX_DOCUMENT_BYTES)
  assert.equal(parseDocument(filled(MAX_DOCUMENT_BYTES), 'thing').text('a').length, (MAX_DOCUMENT_BYTES - 8) / 2)
  const over = Buffer.concat([filled(MAX_DOCUMENT_BYTES), bytes(' ')])
  assert.throws(() => parseDocument(over, 'thing'), { code: 'DOCUMENT_INVALID', message: /more than 4194304/ })
})

test('bytes that are no UTF-8 are refused', () => {
  assert.throws(() => parseDocument(Buffer.from('{"a":"\xff"}', 'latin1'), 'thing'), { code: 'DOCUMENT_INVALID' })
})

test('colons, braces and keys inside texts are only texts', () => {
  const object = parseDocument(bytes('{"a":"\\"a\\": {","b":["a","a"],"c":{"a":"a"}}'), 'thing')
  assert.equal(object.text('a'), '"a": {')
  assert.deepEqual(object.texts('b'), ['a', 'a'])
})

test('null counts as absent, and a member of the wrong kind is named with its place', () => {
  const object = parseDocument(bytes('{"list":null,"deep":[{"size":-1}],"__proto__":"own"}'), 'thing')
  assert.deepEqual(object.texts('list'), [])
  assert.equal(object.text('__proto__'), 'own')
  assert.throws(() => object.objects('deep')[0]?.size('size'), { message: /thing\.deep\[0\]\.size: -1 is no size/ })
  assert.throws(() => object.text('absent'), { message: /thing: it has no "absent"/ })
})

test('a list of documents is read by the same rules', () => {
  assert.equal(parseDocumentList(bytes('[{"a":"b"}]'), 'thing')[0]?.text('a'), 'b')
  assert.throws(() => parseDocumentList(bytes('[{"a":1,"a":2}]'), 'thing'), { code: 'DOCUMENT_INVALID' })
  assert.throws(() => parseDocumentList(bytes('{}'), 'thing'), { code: 'DOCUMENT_INVALID' })
})
