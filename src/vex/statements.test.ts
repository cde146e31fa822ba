import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Digest, digestOf } from '#core'
import { debProduct, imageProduct, matchesPurl, type Purl, parsePurl, purlWithEpochApart } from './purl.ts'
import { parseVexDocument } from './read-document.ts'
import { type VexSource, VexStatements } from './statements.ts'

const purl = (text: string): Purl => {
  const parsed = parsePurl(text)
  assert.ok(parsed !== undefined, text)
  return parsed
}
const IS = 'pkg:deb/debian/libstdc%2B%2B6@14.2.0-19%2Bb1?arch=amd64&distro=debian-13&upstream=gcc-14%4014.2.0-19'

const matches: [said: string, want: boolean, because: string][] = [
  ['pkg:deb/debian/libstdc%2B%2B6@14.2.0-19%2Bb1?arch=amd64', true, 'what is not said does not matter'],
  ['pkg:deb/debian/libstdc++6@14.2.0-19+b1?arch=amd64', true, 'a plus sign means itself, escaped or not'],
  ['pkg:deb/debian/libstdc%2B%2B6', true, 'a statement without version is about all of them'],
  ['pkg:deb/debian/libstdc%2B%2B6@14.2.0-19?arch=amd64', false, 'another version'],
  ['pkg:deb/debian/libstdc%2B%2B6@14.2.0-19%2Bb1?arch=arm64', false, 'another architecture'],
  ['pkg:deb/debian/libstdc%2B%2B6?distro=debian-13.7', false, 'a qualifier is compared as text'],
  ['pkg:deb/debian/libstdc%2B%2B6?repository_url=x', false, 'a qualifier that the component lacks'],
  ['pkg:deb/ubuntu/libstdc%2B%2B6', false, 'another namespace'],
  ['pkg:rpm/debian/libstdc%2B%2B6', false, 'another type'],
  ['pkg:deb/debian/libstdc', false, 'a name is not a prefix'],
  ['pkg:deb/debian/libstdc%2B%2B6#usr/lib', false, 'a part of a package is not the package'],
]
for (const [said, want, because] of matches) {
  test(`${said} ${want ? 'matches' : 'does not match'}: ${because}`, () => {
    assert.equal(matchesPurl(purl(said), purl(IS)), want)
  })
}

test('what is no package URL is none', () => {
  for (const text of [
    '',
    'CVE-2026-1',
    'pkg:',
    'pkg:deb',
    'pkg:deb/%',
    'https://example.org',
    `pkg:deb/${'a'.repeat(5000)}`,
  ]) {
    assert.equal(parsePurl(text), undefined, text.slice(0, 20))
  }
})

test('our purls are written with arch only, and an image by its digest', () => {
  const one = { name: 'libstdc++6', version: '1:14.2.0-19+b1', architecture: 'amd64' }
  assert.equal(debProduct(one), 'pkg:deb/debian/libstdc%2B%2B6@1:14.2.0-19%2Bb1?arch=amd64')
  const digest = `sha256:${'a'.repeat(64)}`
  assert.equal(imageProduct({ name: 'App', digest }), `pkg:oci/app@sha256%3A${'a'.repeat(64)}`)
})

test('the epoch of a Debian package is the same beside the version as in it, and is written in both ways', () => {
  const one = debProduct({ name: 'zlib1g', version: '1:1.3.dfsg+really1.3.1-1', architecture: 'amd64' })
  const apart = purlWithEpochApart(one)
  assert.equal(apart, 'pkg:deb/debian/zlib1g@1.3.dfsg%2Breally1.3.1-1?arch=amd64&epoch=1')
  const [left, right] = [parsePurl(one), parsePurl(apart)]
  assert.deepEqual(left, right)
  assert.equal(parsePurl('pkg:deb/debian/a@1?arch=amd64&epoch=0')?.version, '1')
  assert.equal(parsePurl('pkg:rpm/fedora/a@1?epoch=2')?.version, '1', 'rpm has it beside the version')
  for (const text of [LIBSSL, 'pkg:rpm/fedora/a@1:2?arch=amd64', `pkg:oci/app@sha256%3A${'a'.repeat(64)}`]) {
    assert.equal(purlWithEpochApart(text), undefined, text)
  }
})

interface Said {
  readonly id?: string
  readonly version?: number
  readonly at?: string
  readonly status?: string
  readonly product?: object
  readonly aliases?: readonly string[]
  readonly signers?: readonly Digest[]
  readonly name?: string
}

const LIBSSL = 'pkg:deb/debian/libssl3t64@3.5.1-1?arch=amd64'
const MANIFEST = digestOf(Buffer.from('manifest'))
const SIGNER = digestOf(Buffer.from('key'))

function source({
  id = 'urn:it',
  version = 1,
  at = '2026-01-01T00:00:00Z',
  status = 'not_affected',
  ...said
}: Said): VexSource {
  const { product = { '@id': LIBSSL }, aliases = [], signers = [], name = `${status} ${at}` } = said
  const reasons = { justification: 'component_not_present' }
  const document = {
    ...{ '@context': 'https://openvex.dev/ns/v0.2.0', '@id': id, author: 'somebody', timestamp: at, version },
    statements: [
      {
        vulnerability: { name: 'CVE-2026-1', aliases },
        products: [product],
        status,
        ...(status === 'not_affected' ? reasons : {}),
        ...(status === 'affected' ? { action_statement: 'Update.' } : {}),
      },
    ],
  }
  const bytes = Buffer.from(JSON.stringify(document))
  return { document: parseVexDocument(bytes, { name }), name, signers }
}

function decide(sources: readonly VexSource[], change: { vulnerability?: string; component?: string } = {}) {
  const { vulnerability = 'CVE-2026-1', component = `${LIBSSL}&distro=debian-13` } = change
  return new VexStatements(sources).decisive({
    vulnerabilities: [vulnerability],
    component: purl(component),
    images: [purl(`${imageProduct({ name: 'app', digest: MANIFEST })}?arch=amd64`)],
    digests: [MANIFEST],
  })
}

const IMAGE = imageProduct({ name: 'app', digest: MANIFEST })
const products: [product: object, want: boolean, because: string][] = [
  [{ '@id': LIBSSL }, true, 'the package itself'],
  [{ identifiers: { purl: LIBSSL } }, true, 'the package by its identifier'],
  [{ '@id': LIBSSL, subcomponents: [{ '@id': 'pkg:generic/part' }] }, false, 'a part of it that is not looked at'],
  [{ '@id': IMAGE }, true, 'the image, and so all of it'],
  [{ '@id': IMAGE, subcomponents: [{ '@id': LIBSSL }] }, true, 'the package in this image'],
  [{ '@id': IMAGE, subcomponents: [{ '@id': 'pkg:deb/debian/zlib1g' }] }, false, 'another package in this image'],
  [{ '@id': `${IMAGE}?repository_url=registry.example.org/app` }, false, 'an image in a repository that this is not'],
  [{ '@id': IMAGE.replace('%3A', '%3A0'), subcomponents: [{ '@id': LIBSSL }] }, false, 'another image'],
  [{ '@id': 'urn:x', hashes: { 'sha-256': MANIFEST.slice(7) } }, true, 'the image by its digest'],
  [{ '@id': 'urn:x', hashes: { 'sha-256': 'no digest' } }, false, 'a hash that is none'],
  [{ '@id': 'https://example.org/product' }, false, 'a product by a name that is no purl'],
]
for (const [product, want, because] of products) {
  test(`a statement about ${because} ${want ? 'holds' : 'does not hold'}`, () => {
    assert.equal(decide([source({ product })]) !== undefined, want)
  })
}

const orders: [sources: Said[], want: string, because: string][] = [
  [
    [
      { status: 'affected', at: '2026-01-01T00:00:00Z' },
      { status: 'fixed', at: '2026-01-02T00:00:00Z' },
    ],
    'fixed',
    'the last wins',
  ],
  [
    [
      { status: 'fixed', at: '2026-01-02T00:00:00Z' },
      { status: 'affected', at: '2026-01-01T00:00:00Z' },
    ],
    'fixed',
    'whatever the order of files',
  ],
  [
    [
      { status: 'fixed', at: '2026-01-01T00:30:00+01:00' },
      { status: 'affected', at: '2026-01-01T00:00:00Z' },
    ],
    'affected',
    'zones count',
  ],
  [
    [
      { status: 'fixed', at: '2026-01-01T00:00:00.000000002Z' },
      { status: 'affected', at: '2026-01-01T00:00:00.000000001Z' },
    ],
    'fixed',
    'so do nanoseconds',
  ],
  [[{ status: 'not_affected' }, { status: 'affected' }], 'affected', 'at one time the careful word wins'],
  [
    [
      { status: 'affected', signers: [SIGNER] },
      { status: 'not_affected', at: '2027-01-01T00:00:00Z' },
    ],
    'affected',
    'who has not signed flips nothing that a signer said',
  ],
]
for (const [said, want, because] of orders) {
  test(`of several statements: ${because}`, () => {
    const sources = said.map((each, index) => source({ id: `urn:${index}`, ...each }))
    assert.equal(decide(sources)?.statement.status, want)
  })
}

test('the highest version of a document counts alone; the same version twice must be the same document', () => {
  const first = source({ version: 1, status: 'not_affected', at: '2026-05-01T00:00:00Z' })
  const second = source({ version: 2, status: 'affected', at: '2026-01-01T00:00:00Z' })
  assert.equal(decide([second, first])?.statement.status, 'affected')
  assert.equal(decide([first, first])?.statement.status, 'not_affected')
  const other = source({ version: 2, status: 'fixed' })
  assert.throws(() => decide([second, other]), /both are version 2 of urn:it, and they differ/)
  const forged = source({ version: 9, status: 'fixed' })
  const trusted = source({ version: 1, status: 'affected', signers: [SIGNER] })
  assert.equal(decide([forged, trusted])?.statement.status, 'affected')
})

test('an alias is another name, and a circle of aliases leads nowhere', () => {
  const sources = [
    source({ id: 'urn:1', aliases: ['GHSA-1', 'CVE-2026-1'] }),
    source({ id: 'urn:2', aliases: ['GHSA-2', 'GHSA-1'] }),
  ]
  assert.ok(decide(sources, { vulnerability: 'GHSA-2' }))
  assert.equal(decide(sources, { vulnerability: 'GHSA-3' }), undefined)
})
