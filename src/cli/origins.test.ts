import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { TarItem } from '#testkit'
import { casemate, casemateWith, sampleLayout } from './sample-layout.test.ts'
import { sbomFaults } from './sbom-faults.test.ts'

const RELEASE = { path: 'etc/os-release', content: 'ID=debian\nVERSION_ID="13"\nVERSION_CODENAME=trixie\n' }
const BASE = {
  others: [RELEASE],
  packages: { 'bash 5.2': [{ path: 'bin/bash', content: 'x' }], 'libssl3t64 3.5.1-1': [] },
}
const stanza = (name: string, version: string, source = '') =>
  `Package: ${name}\nStatus: install ok installed\n${source}Version: ${version}\nArchitecture: amd64\n`
const SSL = stanza('libssl3t64', '3.5.1-1', 'Source: openssl\n')
const status = (...more: readonly string[]): TarItem => {
  return { path: 'var/lib/dpkg/status', content: [stanza('bash', '5.2'), SSL, ...more].join('\n') }
}
const OVERLAY: readonly TarItem[] = [status(stanza('tini', '1')), { path: 'usr/bin/tini', content: '' }]
const OWN: readonly TarItem[] = [
  status(stanza('tini', '1'), stanza('curl', '8')),
  { path: 'bin/bash', content: 'own' },
  { path: 'app/node_modules/left-pad/package.json', content: '{"name":"left-pad","version":"1.3.0"}' },
]

async function images(t: TestContext) {
  const base = await sampleLayout(t, BASE)
  const overlay = await sampleLayout(t, { ...BASE, above: [OVERLAY] })
  const app = await sampleLayout(t, { ...BASE, above: [OVERLAY, OWN] })
  return { base, overlay, app, other: await sampleLayout(t, { packages: {} }) }
}

test('explain says of every layer, package and file whether it is of base, overlay or application', async (t) => {
  const { base, overlay, app, other } = await images(t)
  const { status: ended, stdout } = casemate('explain', app, '--base', overlay, other, base)
  assert.equal(ended, 0)
  assert.match(stdout, /^base +oci:.*, proven by the lowest 2 of 4 layers$/m)
  assert.match(stdout, /^overlay +oci:.*, proven by the lowest 3 of 4 layers$/m)
  assert.match(stdout, /^ +4 +application +\d+ B +3 *$/m)
  assert.match(stdout, /^packages of the base +2$/m)
  assert.match(stdout, /^packages of the overlay +1 +tini 1$/m)
  assert.match(stdout, /^packages of the application +1 +curl 8$/m)
  const document = JSON.parse(casemate('explain', app, '--base', overlay, base, '--json').stdout)
  const origins = new Map(document.files.map((one: { path: string; origin: string }) => [one.path, one.origin]))
  assert.deepEqual(
    ['/etc/passwd', '/usr/bin/tini', '/bin/bash', '/var/lib/dpkg/status'].map((path) => origins.get(path)),
    ['base', 'overlay', 'application', 'application'],
  )
})

test('explain of a path says from which layer it is, whose that is, and its package', async (t) => {
  const { base, app } = await images(t)
  const { stdout } = casemate('explain', app, '/bin/bash', '--base', base)
  assert.match(stdout, /^\/bin\/bash\n {2}from +application: layer 4 of 4, sha256:/m)
  assert.match(stdout, /^ {2}package +bash 5\.2, base$/m)
  assert.equal(casemate('explain', app, '/nothing', '--base', base).status, 1)
  assert.equal(casemate('explain', app, 'bash').status, 2)
})

test('what nothing proves is called stated or unknown, and no part is said to be anybody’s', async (t) => {
  const { app, other } = await images(t)
  const { status: ended, stdout } = casemate('explain', app, '--base', other)
  assert.equal(ended, 0)
  assert.match(stdout, /^base +its first 1 of 2 layers of oci:.*: it is on another build of it$/m)
  assert.match(stdout, /^ +1 +unknown/m)
  const sbom = casemate('sbom', app, '--base', other)
  assert.equal(sbom.status, 2)
  assert.match(sbom.stderr, /cannot tell base from application in .*another build of it/)
})

test('SBOMs say whose each package is, each in its format’s own way, and stay valid', async (t) => {
  const { base, overlay, app } = await images(t)
  const texts = [[], ['--format', 'cyclonedx']].map(
    (format) => casemate('sbom', app, '--base', base, overlay, ...format).stdout,
  )
  const [spdxText = '', cycloneDxText = ''] = texts
  const cyclonedx = JSON.parse(cycloneDxText)
  const { ancestors } = cyclonedx.metadata.component.pedigree
  assert.deepEqual(
    ancestors.map((one: { name: string }) => one.name),
    [overlay, base].map((one) => /([^/]+):sample$/.exec(one)?.[1]),
    'the nearest first',
  )
  interface Component {
    readonly name: string
    readonly properties?: readonly { readonly name: string; readonly value: string }[]
  }
  const originOf = ({ properties = [] }: Component) => properties.find(({ name }) => name === 'casemate:origin')?.value
  const found = new Map(cyclonedx.components.map((one: Component) => [one.name, originOf(one)]))
  const names = ['bash', 'tini', 'curl', 'left-pad']
  assert.deepEqual(
    names.map((name) => found.get(name)),
    ['base', 'overlay', 'application', 'application'],
  )

  const spdx = JSON.parse(spdxText)
  const relations: string[] = spdx.relationships.map((one: Record<string, string>) =>
    [one['spdxElementId'], one['relationshipType'], one['relatedSpdxElement']]
      .join(' ')
      .replace(/-[0-9a-f]{24}/g, '-N'),
  )
  for (const line of [
    'SPDXRef-Image DESCENDANT_OF SPDXRef-Base-N',
    'SPDXRef-Base-N DESCENDANT_OF SPDXRef-Base-N',
    'SPDXRef-Base-N CONTAINS SPDXRef-deb-bash-amd64',
    'SPDXRef-Base-N CONTAINS SPDXRef-deb-tini-amd64',
  ]) {
    assert.ok(relations.includes(line), line)
  }
  assert.ok(!relations.includes('SPDXRef-Base-N CONTAINS SPDXRef-deb-curl-amd64'))
  // The samples' packages name nobody, and CycloneDX has bases in the pedigree, not among the components.
  const faults = sbomFaults(spdxText, cycloneDxText).filter(
    (fault) => !/has no supplier$|differ in the component \S+ sha256:/.test(fault),
  )
  assert.deepEqual(faults, [])
})

test('a scan says whose a finding is, and how many a rebase closes', async (t) => {
  const { base, app } = await images(t)
  const tracker = {
    openssl: {
      'CVE-2026-1000': {
        releases: {
          trixie: {
            status: 'resolved',
            fixed_version: '3.5.2-1',
            urgency: 'medium',
            repositories: { trixie: '3.5.2-1' },
          },
        },
      },
    },
    curl: {
      'CVE-2026-2000': {
        releases: { trixie: { status: 'resolved', fixed_version: '9', urgency: 'low', repositories: { trixie: '9' } } },
      },
    },
  }
  const run = casemateWith(t, { 'tracker.json': tracker })
  const { stdout, stderr } = run('scan', app, '--base', base)
  assert.match(stdout, /of the fixable, 1 are of the base, for a rebase to close, 1 of the application/, stderr)
  assert.match(stdout, /CVE-2026-1000 +openssl +3\.5\.1-1 +base +3\.5\.2-1/)
  assert.match(stdout, /CVE-2026-2000 +curl +8 +application +9/)
  const { findings } = JSON.parse(run('scan', app, '--base', base, '--json').stdout)
  assert.deepEqual(findings.map((one: { source: string; origin: string }) => [one.source, one.origin]).sort(), [
    ['curl', 'application'],
    ['openssl', 'base'],
  ])
})
