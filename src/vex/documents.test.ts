import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { digestOf } from '#core'
import { formatVexDocument, type NewStatement } from './format-document.ts'
import { parseVexDocument } from './read-document.ts'

const schema = JSON.parse(readFileSync(join(import.meta.dirname, 'testdata', 'openvex-0.2.0.schema.json'), 'utf8'))
const ajv = new Ajv2020({ strict: false, allErrors: true })
for (const format of ['iri', 'uri']) ajv.addFormat(format, /^[a-z][a-z0-9+.-]*:[^\s<>"{}|\\^`]+$/)
ajv.addFormat('date-time', /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)$/)
const isValid = ajv.compile(schema)

const AT = '2026-11-21T12:00:00Z'
const LIBSSL = 'pkg:deb/debian/libssl3t64@3.5.7-1~deb13u3?arch=amd64'
const IMAGE = `pkg:oci/app@sha256%3A${'a'.repeat(64)}`

const statements: readonly NewStatement[] = [
  { vulnerability: 'CVE-2026-2', products: [{ purl: LIBSSL }], status: 'fixed', notes: 'DSA-6000-1' },
  {
    vulnerability: 'CVE-2026-1',
    aliases: ['GHSA-2', 'GHSA-1'],
    products: [{ purl: IMAGE, subcomponents: [LIBSSL, LIBSSL] }],
    status: 'not_affected',
    justification: 'vulnerable_code_not_present',
  },
  { vulnerability: 'CVE-2026-3', products: [{ purl: LIBSSL }], status: 'affected', action: 'Update.' },
  { vulnerability: 'CVE-2026-4', products: [{ purl: LIBSSL }], status: 'under_investigation' },
  { vulnerability: 'CVE-2026-5', products: [{ purl: LIBSSL }], status: 'not_affected', impact: 'Not built.' },
]
const written = (list: readonly NewStatement[] = statements) =>
  formatVexDocument({ author: 'A Team', timestamp: AT, tooling: 'casemate-1', statements: list })
const read = (value: unknown) => parseVexDocument(Buffer.from(JSON.stringify(value)), { name: 'it' })

test('a document that is written is valid by the specification’s schema, and read back it says the same', () => {
  const text = written()
  assert.ok(isValid(JSON.parse(text)), JSON.stringify(isValid.errors))
  const { author, id, digest, statements: said } = parseVexDocument(Buffer.from(text), { name: 'it' })
  assert.deepEqual([author, digest], ['A Team', digestOf(Buffer.from(text))])
  assert.match(id, /^urn:casemate:vex:sha256:[0-9a-f]{64}$/)
  const lines = said.map(({ vulnerability, aliases, status, justification, impact, action, notes, timestamp }) =>
    [vulnerability, ...aliases, status, justification, impact, action, notes, timestamp]
      .filter((word) => word !== undefined)
      .join(' '),
  )
  assert.deepEqual(lines.sort(), [
    `CVE-2026-1 GHSA-1 GHSA-2 not_affected vulnerable_code_not_present ${AT}`,
    `CVE-2026-2 fixed DSA-6000-1 ${AT}`,
    `CVE-2026-3 affected Update. ${AT}`,
    `CVE-2026-4 under_investigation ${AT}`,
    `CVE-2026-5 not_affected Not built. ${AT}`,
  ])
  const image = said.find(({ vulnerability }) => vulnerability === 'CVE-2026-1')?.products[0]
  assert.equal(image?.purls[0]?.version, `sha256:${'a'.repeat(64)}`)
  assert.deepEqual(image?.subcomponents[0]?.purls[0]?.name, 'libssl3t64')
})

test('a product or part with an epoch is named in each way that scanners compare', () => {
  const purl = 'pkg:deb/debian/zlib1g@1:1.3-1?arch=amd64'
  const products = [{ purl }, { purl: IMAGE, subcomponents: [purl, LIBSSL] }]
  const text = written([{ vulnerability: 'CVE-2026-1', products, status: 'fixed' }])
  assert.ok(isValid(JSON.parse(text)), JSON.stringify(isValid.errors))
  const both = { '@id': purl, identifiers: { purl: 'pkg:deb/debian/zlib1g@1.3-1?arch=amd64&epoch=1' } }
  assert.deepEqual(JSON.parse(text).statements[0].products, [
    both,
    { '@id': IMAGE, subcomponents: [{ '@id': LIBSSL }, both] },
  ])
})

test('the order of statements and what stands twice change no byte; a changed word changes the id', () => {
  assert.equal(written([...statements].reverse().concat(statements)), written())
  const idOf = (text: string) => JSON.parse(text)['@id']
  assert.notEqual(idOf(written(statements.slice(1))), idOf(written()))
})

const unsaid: [statement: Partial<NewStatement>, fault: RegExp][] = [
  [{ status: 'not_affected' }, /neither justification nor impact/],
  [{ status: 'affected' }, /no action statement/],
  [{ status: 'fixed', products: [] }, /names no product/],
]
for (const [change, fault] of unsaid) {
  test(`nobody may state ${change.status} like this: ${fault.source}`, () => {
    const statement = { vulnerability: 'CVE-2026-1', products: [{ purl: LIBSSL }], status: 'fixed' as const, ...change }
    assert.throws(() => written([statement]), fault)
  })
}

test('a document without statements is not written', () => {
  assert.throws(() => written([]), /there is nothing to state/)
})

const document = {
  '@context': 'https://openvex.dev/ns/v0.2.0',
  '@id': 'https://example.org/vex/1',
  author: 'A Team',
  timestamp: AT,
  version: 1,
}
const statement = { vulnerability: { name: 'CVE-2026-1' }, products: [{ '@id': LIBSSL }], status: 'fixed' }
const withStatement = (change: object) => ({ ...document, statements: [{ ...statement, ...change }] })

const refused: [value: unknown, fault: RegExp, because: string][] = [
  [[], /an OpenVEX document/, 'a list'],
  [{ ...document, statements: [] }, /statements: .*at least one statement/, 'no statement'],
  [
    { ...document, '@context': 'https://openvex.dev/ns/v0.0.1', statements: [statement] },
    /@context/,
    'another version',
  ],
  [{ bomFormat: 'CycloneDX' }, /`@context` is missing/, 'another format'],
  [{ ...document, version: 0, statements: [statement] }, /version: found 0/, 'version 0'],
  [{ ...document, timestamp: 'yesterday', statements: [statement] }, /timestamp.*RFC 3339/, 'no time'],
  [{ ...document, timestamp: '2026-02-31T00:00:00Z', statements: [statement] }, /RFC 3339/, 'a day that is none'],
  [withStatement({ status: 'wont_fix' }), /statements\[0\]\.status.*not_affected/, 'an unknown status'],
  [withStatement({ status: 'not_affected' }), /statements\[0\].*without justification or impact/, 'no reason'],
  [
    withStatement({ status: 'not_affected', impact_statement: ' ' }),
    /without justification or impact/,
    'a blank reason',
  ],
  [withStatement({ status: 'not_affected', justification: 'we looked' }), /justification/, 'an unknown justification'],
  [withStatement({ status: 'affected' }), /without action statement/, 'no action'],
  [withStatement({ justification: 'component_not_present' }), /justification for not_affected/, 'a reason for nothing'],
  [withStatement({ products: [] }), /names no product/, 'no product'],
  [withStatement({ products: [{}] }), /products\[0\]/, 'a product without name'],
  [withStatement({ surprise: 1 }), /unknown key `surprise`/, 'an unknown member'],
  [withStatement({ last_updated: 'now' }), /statements\[0\]\.last_updated/, 'no time of update'],
]
for (const [value, fault, because] of refused) {
  test(`no OpenVEX: ${because}`, () => {
    assert.throws(() => read(value), fault)
    assert.throws(() => read(value), /cannot read it as OpenVEX: /)
  })
}

test('documents that are cut, no text, doubled or nested are refused by name', () => {
  const text = JSON.stringify(withStatement({}))
  const bad: [bytes: Uint8Array, fault: RegExp][] = [
    [Buffer.from(text.slice(0, -10)), /no JSON/],
    [Buffer.from([0xff, 0xfe]), /no JSON in UTF-8/],
    [Buffer.from(text.replace('"version":1', '"version":1,"version":2')), /"version" stands twice/],
    [Buffer.from('['.repeat(5000) + ']'.repeat(5000)), /nested deeper than 16/],
    [Buffer.alloc(33 * 2 ** 20, 0x20), /more than 33554432/],
  ]
  for (const [bytes, fault] of bad) assert.throws(() => parseVexDocument(bytes, { name: 'it' }), fault)
})

test('the specification’s own example is read, nanoseconds and zone included', () => {
  const { statements: said } = read({
    ...{ '@context': 'https://openvex.dev/ns/v0.2.0', '@id': 'https://openvex.dev/docs/example/vex-9fb3463de1b57' },
    ...{ author: 'Wolfi J Inkinson', role: 'Document Creator', timestamp: '2023-01-08T18:02:03.647787998-06:00' },
    version: 1,
    statements: [
      {
        vulnerability: { name: 'CVE-2023-12345' },
        products: [{ '@id': 'pkg:apk/wolfi/git@2.39.0-r1?arch=armv7' }],
        status: 'fixed',
      },
    ],
  })
  assert.equal(said[0]?.timestamp, '2023-01-08T18:02:03.647787998-06:00')
})

test('products may come from the statement around the document, and from nowhere else', () => {
  const { products: _, ...bare } = statement
  const bytes = Buffer.from(JSON.stringify({ ...document, statements: [bare] }))
  const subject = digestOf(Buffer.from('manifest'))
  const { statements: said } = parseVexDocument(bytes, { name: 'it', subjects: [subject] })
  assert.deepEqual(said[0]?.products, [{ purls: [], digest: subject, subcomponents: [] }])
  assert.throws(() => parseVexDocument(bytes, { name: 'it' }), /names no product/)
})
