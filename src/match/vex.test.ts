import assert from 'node:assert/strict'
import { test } from 'node:test'
import { digestOf } from '#core'
import { debPurl } from '#sbom'
import { formatVexDocument, imageProduct, type NewStatement, parseVexDocument, VexStatements } from '#vex'
import type { DebianFinding, Finding, FindingStatus, SettledIssue } from './finding.ts'
import { suppressByVex } from './suppress-by-vex.ts'
import { type VexPolicy, vexStatements } from './vex-statements.ts'

const SOURCE = { name: 'openssl', version: '3.5.1-1' }
const DISTRIBUTION = { id: 'debian', versionId: '13', prettyName: 'Debian 13' }
const deb = (name: string, source = SOURCE, architecture = 'amd64') => ({
  ...{ name, version: '3.5.1-1', architecture, source, maintainer: '', homepage: '' },
  ...{ description: '', layer: undefined, files: [] },
})
const packages = [deb('libssl3t64'), deb('openssl'), deb('zlib1g', { name: 'zlib', version: '1.3' })]
const IMAGE = { name: 'app', digest: digestOf(Buffer.from('manifest')) }
const evidence = { origin: 'export.json', place: 'openssl/CVE-2026-1/trixie' }
const issue = {
  cve: 'CVE-2026-1',
  source: 'openssl',
  sourceVersion: '3.5.1-1',
  packages: ['libssl3t64', 'openssl'],
  evidence,
}
const finding = (status: FindingStatus, more: Partial<DebianFinding> = {}): DebianFinding => ({
  ...{ kind: 'debian', ...issue, aliases: [], ratings: [], status, description: '', isExploited: false },
  ...(status === 'fixed' ? { fixedIn: '3.5.7-1' } : {}),
  ...more,
})
const settled = (reason: SettledIssue['reason']): SettledIssue => ({ ...issue, reason })

function stated(
  what: { findings?: readonly DebianFinding[]; settled?: readonly SettledIssue[] },
  options: { policy?: VexPolicy; imageLevel?: boolean } = {},
) {
  return vexStatements({ findings: [], settled: [], ...what }, { images: [IMAGE], packages, ...options })
}

const LIBSSL = 'pkg:deb/debian/libssl3t64@3.5.1-1?arch=amd64'
const OPENSSL = 'pkg:deb/debian/openssl@3.5.1-1?arch=amd64'

const mappings: [status: FindingStatus, want: string | undefined, action: RegExp | undefined][] = [
  ['fixed', 'affected', /Update source package openssl to 3\.5\.7-1/],
  ['open', 'affected', /no fix in this release yet/],
  ['no-dsa', 'affected', /no-dsa/],
  ['postponed', 'affected', /postponed/],
  ['ignored', 'affected', /will not fix/],
  ['end-of-life', 'affected', /no longer supports/],
  ['undetermined', 'under_investigation', undefined],
  ['unimportant', undefined, undefined],
]
for (const [status, want, action] of mappings) {
  test(`what Debian calls ${status} is ${want ?? 'not stated'}, never not_affected`, () => {
    const [statement, ...more] = stated({ findings: [finding(status)] })
    assert.deepEqual([statement?.status, more], [want, []])
    if (action !== undefined) assert.match(statement?.action ?? '', action)
    if (want !== undefined) {
      assert.deepEqual(statement?.products, [{ purl: LIBSSL }, { purl: OPENSSL }])
      assert.match(statement?.notes ?? '', new RegExp(`${status}.*export\\.json, openssl/CVE-2026-1/trixie`))
    }
  })
}

test('Debian’s "not affected" has its justification, and an installed fix is fixed', () => {
  const said = stated({ settled: [settled('not-affected'), settled('has-fix')] })
  assert.deepEqual(
    said.map(({ status, justification }) => [status, justification]),
    [
      ['not_affected', 'vulnerable_code_not_present'],
      ['fixed', undefined],
    ],
  )
})

test('unimportant is stated by policy alone, and names the tracker’s note and record', () => {
  const findings = [finding('unimportant', { note: 'needs a debugger' })]
  const [statement] = stated({ findings }, { policy: { unimportant: 'not-affected' } })
  assert.deepEqual([statement?.status, statement?.justification], ['not_affected', undefined])
  assert.match(statement?.impact ?? '', /By policy: .*unimportant.*needs a debugger.*openssl\/CVE-2026-1\/trixie/)
})

test('on the image’s level its packages are subcomponents', () => {
  const [statement] = stated({ findings: [finding('open')] }, { imageLevel: true })
  assert.deepEqual(statement?.products, [{ purl: imageProduct(IMAGE), subcomponents: [LIBSSL, OPENSSL] }])
})

test('an image is named by its index and repository as well, but what is harmless in it by its own manifest only', () => {
  const index = digestOf(Buffer.from('index'))
  const names = [IMAGE, { ...IMAGE, name: 'other' }, { name: 'other', digest: index }] as const
  const harmless = ({ name }: { name: string }) =>
    name === 'openssl'
      ? { justification: 'vulnerable_code_not_in_execute_path' as const, impact: 'nothing leads to it' }
      : undefined
  const matches = { findings: [finding('open')], settled: [] }
  const said = vexStatements(matches, { images: names, packages, imageLevel: true, policy: { harmless } })
  const purls = names.map(imageProduct)
  assert.deepEqual(
    said.map(({ status, products }) => [status, products.map(({ purl }) => purl)]),
    [
      ['not_affected', purls.slice(0, 2)],
      ['affected', purls],
    ],
  )
})

test('what is harmless in this image is stated of the image, and the other packages keep Debian’s word', () => {
  const harmless: VexPolicy['harmless'] = ({ name }) =>
    name === 'openssl'
      ? { justification: 'vulnerable_code_not_in_execute_path', impact: 'nothing leads to it' }
      : undefined
  const said = stated({ findings: [finding('open')] }, { policy: { harmless } })
  assert.deepEqual(
    said.map(({ status, products }) => [status, products]),
    [
      ['not_affected', [{ purl: imageProduct(IMAGE), subcomponents: [OPENSSL] }]],
      ['affected', [{ purl: LIBSSL }]],
    ],
  )
})

function suppress(findings: readonly Finding[], said: readonly NewStatement[], installed = packages) {
  const text = formatVexDocument({ author: 'them', timestamp: '2026-01-01T00:00:00Z', statements: said })
  const document = parseVexDocument(Buffer.from(text), { name: 'them.json' })
  const statements = new VexStatements([{ document, name: 'them.json', signers: [] }])
  const image = { purls: [`${imageProduct(IMAGE)}?arch=amd64`], digests: [IMAGE.digest] }
  const marked = suppressByVex(findings, { packages: installed, distribution: DISTRIBUTION }, { statements, image })
  return {
    findings: marked.filter((one) => one.suppression === undefined),
    suppressed: marked.filter((one) => one.suppression !== undefined),
  }
}

const packagesOf = (one: Finding) => (one.kind === 'debian' ? one.packages : [])
const notAffected = (...products: NewStatement['products']): NewStatement => ({
  ...{ vulnerability: 'CVE-2026-1', products, status: 'not_affected', justification: 'component_not_present' },
})

test('a statement about one package takes that package from the finding, and no other', () => {
  const { findings, suppressed } = suppress([finding('open')], [notAffected({ purl: LIBSSL })])
  assert.deepEqual(findings.map(packagesOf), [['openssl']])
  assert.deepEqual(suppressed.map(packagesOf), [['libssl3t64']])
  assert.equal(suppressed[0]?.suppression?.owner, 'them, unsigned')
})

test('both packages, or the image, take the finding; it stays known', () => {
  for (const statements of [
    [notAffected({ purl: LIBSSL }, { purl: OPENSSL })],
    [notAffected({ purl: imageProduct(IMAGE) })],
    [{ vulnerability: 'CVE-2026-1', products: [{ purl: LIBSSL }, { purl: OPENSSL }], status: 'fixed' as const }],
  ]) {
    const { findings, suppressed } = suppress([finding('open')], statements)
    assert.deepEqual([findings, suppressed.map(packagesOf)], [[], [['libssl3t64', 'openssl']]])
  }
})

test('nothing is taken by another CVE, another version, or words that promise nothing', () => {
  const products = [{ purl: LIBSSL }, { purl: OPENSSL }]
  for (const statement of [
    { ...notAffected(...products), vulnerability: 'CVE-2026-2' },
    notAffected({ purl: LIBSSL.replace('3.5.1', '3.5.0') }),
    { vulnerability: 'CVE-2026-1', products, status: 'under_investigation' as const },
    { vulnerability: 'CVE-2026-1', products, status: 'affected' as const, action: 'Wait.' },
  ]) {
    assert.deepEqual(suppress([finding('open')], [statement]), { findings: [finding('open')], suppressed: [] })
  }
})

test('a package in two architectures is safe when both are, and a finding of no known package stays', () => {
  const both = [deb('libssl3t64'), deb('libssl3t64', SOURCE, 'i386')]
  const one = suppress([finding('open')], [notAffected({ purl: LIBSSL })], both)
  assert.deepEqual([one.findings.length, one.suppressed], [1, []])
  const all = [notAffected({ purl: 'pkg:deb/debian/libssl3t64' })]
  assert.equal(suppress([finding('open')], all, both).findings.length, 0)
  assert.equal(suppress([finding('open')], all, []).findings.length, 1)
})

test('what we write of an image takes from its own findings what it says, by the purls of our SBOM', () => {
  const statements = stated({ findings: [finding('unimportant')] }, { policy: { unimportant: 'not-affected' } })
  assert.equal(suppress([finding('unimportant')], statements).findings.length, 0)
  assert.match(debPurl(deb('libssl3t64'), DISTRIBUTION), /^pkg:deb\/debian\/libssl3t64@3\.5\.1-1\?arch=amd64&distro/)
})
