import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import type { TarItem } from '#testkit'
import { sampleLayout } from './sample-layout.test.ts'

const CLI = join(import.meta.dirname, 'main.ts')
const DSA =
  '[1 Nov 2026] DSA-9001-1 zlib - security update\n\t{CVE-2026-9001}\n\t[trixie] - zlib 1:1.3.dfsg+really1.3.1-2\n'
/** What no input may cost, however large: heap in MiB, resident size in KiB, and milliseconds on a machine that is busy. */
const HEAP = 1024
const RESIDENT = 1536 * 1024
const TIME = 60_000

/** Tells at the end what the process needed at most. */
const PEAK = 'process.on("exit",()=>process.stderr.write("peak "+process.resourceUsage().maxRSS+"\\n"))'

/** Runs the command line with a cache of its own, in which there is one announcement. */
function commandLine(t: TestContext) {
  const folder = mkdtempSync(join(tmpdir(), 'casemate-hostile-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const run = (...args: readonly string[]) => {
    const options = ['--conditions=source', `--max-old-space-size=${HEAP}`, '--import', `data:text/javascript,${PEAK}`]
    const { status, stdout, stderr } = spawnSync(process.execPath, [...options, CLI, ...args], {
      encoding: 'utf8',
      env: { ...process.env, NO_COLOR: '1', XDG_CACHE_HOME: folder },
      timeout: TIME,
    })
    const peak = Number(/^peak (\d+)$/m.exec(stderr)?.[1] ?? Number.POSITIVE_INFINITY)
    assert.ok(peak <= RESIDENT, `${args.join(' ')} needed ${peak} KiB: ${stderr}`)
    return { status, stdout, stderr }
  }
  const file = (name: string, content: string | Uint8Array) => {
    const path = join(folder, name)
    writeFileSync(path, content)
    return path
  }
  return { run, file }
}

/** A file of nothing but so many zeros, which takes no room. */
function sparse(path: string, size: number): string {
  truncateSync(path, size)
  return path
}

/** A JSON object whose last key holds so many empty lists. */
function manyValues(object: object, count: number): string {
  return `${JSON.stringify(object).slice(0, -1)},"x":[${'[],'.repeat(count)}[]]}`
}

const SPDX = { spdxVersion: 'SPDX-2.3', name: 'x', packages: [] }
const CYCLONEDX = { bomFormat: 'CycloneDX', specVersion: '1.6', components: [] }
/** Something to scan, while what is handed in beside it is broken. */
const SCANNED = {
  ...CYCLONEDX,
  components: [{ type: 'library', name: 'zlib1g', purl: 'pkg:deb/debian/zlib1g@1.3-1?arch=amd64&distro=debian-13' }],
}
const VEX = { '@context': 'https://openvex.dev/ns/v0.2.0', '@id': 'urn:x', author: 'x', version: 1, statements: [] }
const KEV = { catalogVersion: '2026.11.01', dateReleased: '2026-11-01', vulnerabilities: [3, { cveID: 'no' }] }

type Files = ReturnType<typeof commandLine>['file']
/** Which verb reads it, a file that is made when it is its turn, and what is said of it. */
type Row = [what: string, verb: readonly string[], make: (file: Files) => string, code: string, message: RegExp]

const refused: readonly Row[] = [
  [
    'an SPDX document that is cut',
    ['scan'],
    (file) => file('a.json', '{"spdxVersion":"SPDX-2.3"'),
    'SBOM_INVALID',
    /no JSON/,
  ],
  [
    'an SPDX document of another shape',
    ['scan'],
    (file) => file('a.json', '{"spdxVersion":"SPDX-2.3","packages":{}}'),
    'SBOM_INVALID',
    /`packages`/,
  ],
  [
    'a CycloneDX document of another shape',
    ['scan'],
    (file) => file('a.json', JSON.stringify({ ...CYCLONEDX, components: ['x'] })),
    'SBOM_INVALID',
    /no object/,
  ],
  [
    'a CycloneDX document that is cut',
    ['scan'],
    (file) => file('a.json', JSON.stringify(CYCLONEDX).slice(0, -2)),
    'SBOM_INVALID',
    /no JSON/,
  ],
  [
    'an SPDX document of thirteen million values',
    ['scan'],
    (file) => file('a.json', manyValues(SPDX, 13e6)),
    'SBOM_LIMIT',
    /more than 12000000 values/,
  ],
  [
    'an SBOM of a gigabyte',
    ['scan'],
    (file) => sparse(file('a.json', ''), 2 ** 30),
    'USAGE_INVALID',
    /1073741824 bytes/,
  ],
  ['an SBOM that never ends', ['scan'], () => 'sbom:/dev/zero', 'USAGE_INVALID', /more bytes than/],
  [
    'a VEX document that is cut',
    ['scan', 'x.json', '--vex-unsigned', '--vex'],
    (file) => file('v.json', JSON.stringify(VEX).slice(0, -3)),
    'VEX_INVALID',
    /no JSON/,
  ],
  [
    'a VEX document of another shape',
    ['scan', 'x.json', '--vex-unsigned', '--vex'],
    (file) =>
      file('v.json', JSON.stringify({ ...VEX, timestamp: '2026-11-01T00:00:00Z', statements: [{ status: 'no' }] })),
    'VEX_INVALID',
    /statements\[0\]/,
  ],
  [
    'a VEX document of nine million values',
    ['scan', 'x.json', '--vex-unsigned', '--vex'],
    (file) => file('v.json', manyValues(VEX, 9e6)),
    'VEX_INVALID',
    /more than 8000000 values/,
  ],
  [
    'a VEX document that never ends',
    ['scan', 'x.json', '--vex-unsigned', '--vex'],
    () => '/dev/zero',
    'USAGE_INVALID',
    /more bytes than/,
  ],
  [
    'an export of the tracker that is cut',
    ['advisories', 'import'],
    (file) => file('e.json', '{"zlib":{"CVE-2026-9001":{"rel'),
    'ADVISORIES_INVALID',
    /no JSON/,
  ],
  [
    'an export of the tracker of another shape',
    ['advisories', 'import'],
    (file) => file('e.json', '{"zlib":{"CVE-2026-9001":{"releases":[]}}}'),
    'ADVISORIES_INVALID',
    /no record of it/,
  ],
  [
    'an export of the tracker of nine million values',
    ['advisories', 'import'],
    (file) => file('e.json', manyValues({ zlib: { 'CVE-2026-9001': { releases: {} } } }, 9e6)),
    'ADVISORIES_LIMIT',
    /more than [0-9]+ values/,
  ],
  [
    'a catalogue of exploits that is cut',
    ['advisories', 'import'],
    (file) => file('k.json', JSON.stringify(KEV).slice(0, -2)),
    'ADVISORIES_INVALID',
    /no JSON/,
  ],
  [
    'a catalogue of exploits of another shape',
    ['advisories', 'import'],
    (file) => file('k.json', JSON.stringify(KEV)),
    'ADVISORIES_INVALID',
    /vulnerabilities\[0\]: found number/,
  ],
  [
    'an OSV document that is cut',
    ['advisories', 'import'],
    (file) => file('o.json', '{"id":"GHSA-1","modified":"2026-'),
    'ADVISORIES_INVALID',
    /no JSON/,
  ],
  [
    'an OSV document without a date',
    ['advisories', 'import'],
    (file) => file('o.json', '{"id":"GHSA-1","modified":"soon"}'),
    'ADVISORIES_INVALID',
    /`modified` as a date/,
  ],
  [
    'scores in millions of empty lines',
    ['advisories', 'import'],
    (file) => file('epss.csv', `cve,epss,percentile\n${'\n'.repeat(9e7)}`),
    'ADVISORIES_LIMIT',
    /more than 3000000 lines/,
  ],
  [
    'a list that unpacks to a gigabyte',
    ['advisories', 'import'],
    (file) => file('DSA-list.gz', gzipSync(Buffer.alloc(2 ** 28))),
    'ADVISORIES_LIMIT',
    /bytes long/,
  ],
]
for (const [what, [verb = '', ...args], make, code, message] of refused) {
  test(`${what} is refused, and costs neither time nor memory`, (t) => {
    const { run, file } = commandLine(t)
    if (verb === 'scan') assert.equal(run('advisories', 'import', file('DSA-list', DSA)).status, 0)
    const others = args.map((arg) => (arg === 'x.json' ? file(arg, JSON.stringify(SCANNED)) : arg))
    const { status, stderr } = run(verb, ...others, make(file))
    assert.equal(status, 2, stderr)
    assert.match(stderr, new RegExp(`\\[${code}\\]`))
    assert.match(stderr, message)
  })
}

test('of a list of announcements broken lines are counted, and the rest goes in', (t) => {
  const { run, file } = commandLine(t)
  const broken = `${DSA}[31 Feb 2026] DSA-9002-1 x - y\n\u001B[2J\n\t[trixie] - \u0000 1\n${DSA.replaceAll('9001', '9003').slice(0, -30)}`
  const { status, stdout, stderr } = run('advisories', 'import', file('DSA-list', broken))
  assert.equal(status, 0, stderr)
  assert.match(stdout, /2 records +4 left out/)
  assert.ok(
    ![...stderr].some((letter) => letter === '\u001B' || letter === '\u0000'),
    'nothing in it steers a terminal',
  )
})

const TRIXIE: TarItem = { path: 'etc/os-release', content: 'ID=debian\nVERSION_CODENAME=trixie\n' }
const ZLIB =
  'Package: zlib1g\nSource: zlib\nStatus: install ok installed\nVersion: 1:1.3.dfsg+really1.3.1-1\nArchitecture: amd64\n'
const status = (content: string): TarItem => ({ path: 'var/lib/dpkg/status', content })

const DOCUMENT = 'usr/share/doc/zlib1g/copyright'
const DEP5 = 'Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\n\n'

const databases: readonly [what: string, items: readonly TarItem[], code: string, message: RegExp][] = [
  [
    'has nothing in it that is a package',
    [TRIXIE, status('\u0000\u0001 garbage')],
    'DPKG_DATABASE_INVALID',
    /paragraph 1/,
  ],
  [
    'has the size of no database',
    [TRIXIE, status(`${ZLIB}\n${' '.repeat(2 ** 26)}`)],
    'DPKG_DATABASE_INVALID',
    /more than 67108864/,
  ],
  [
    'names one list a hundred times',
    [TRIXIE, status(`${ZLIB}\n`.repeat(100)), { path: 'var/lib/dpkg/info/zlib1g.list', content: '/a\n'.repeat(2e6) }],
    'DPKG_DATABASE_INVALID',
    /over 20000000 paths/,
  ],
  [
    'has a list without end',
    [TRIXIE, status(ZLIB), { path: 'var/lib/dpkg/info/zlib1g.list', content: '/a\n'.repeat(6e6) }],
    'DPKG_DATABASE_INVALID',
    /the list of zlib1g has 18000000 bytes/,
  ],
  [
    'is a link that leads to itself',
    [TRIXIE, { path: 'var/lib/dpkg/status', type: 'symlink', linkPath: 'status' }],
    'MATCH_PACKAGES_MISSING',
    /no package database/,
  ],
  [
    'stands beside an os-release of a megabyte',
    [{ path: 'etc/os-release', content: `ID=debian\n${'X=1\n'.repeat(2 ** 18)}` }, status(ZLIB)],
    'MATCH_RELEASE_UNKNOWN',
    /no os-release/,
  ],
]
for (const [what, items, code, message] of databases) {
  test(`an image whose package database ${what} is refused`, async (t) => {
    const { run, file } = commandLine(t)
    assert.equal(run('advisories', 'import', file('DSA-list', DSA)).status, 0)
    const image = await sampleLayout(t, { packages: {}, above: [items] })
    const { status, stderr } = run('scan', image, '--platform', 'linux/amd64')
    assert.equal(status, 3, stderr)
    assert.match(stderr, new RegExp(`\\[${code}\\]`))
    assert.match(stderr, message)
  })
}

test('an announcement whose title does not end is kept with the beginning of it', (t) => {
  const { run, file } = commandLine(t)
  const endless = `[1 Nov 2026] DSA-9001-1 zlib - ${'x '.repeat(4e7)}\n\t[trixie] - zlib 1:1.3\n`
  assert.equal(run('advisories', 'import', file('DSA-list', endless)).status, 0)
  const { stdout } = run('advisories', 'show', 'DSA-9001-1', '--json')
  assert.ok(stdout.length > 100 && stdout.length < 5000, `${stdout.length} characters are shown`)
})

test('of a package database that is cut the broken paragraph is told and the rest counts', async (t) => {
  const { run, file } = commandLine(t)
  assert.equal(run('advisories', 'import', file('DSA-list', DSA)).status, 0)
  const cut = status(`${ZLIB}\nPackage: bash\nStatus: install ok installed\nArchitecture: am`)
  const image = await sampleLayout(t, { packages: {}, above: [[TRIXIE, cut]] })
  const { status: ended, stdout, stderr } = run('scan', image, '--platform', 'linux/amd64')
  assert.equal(ended, 0, stderr)
  assert.match(stderr, /cannot read package bash: field "version" is missing/)
  assert.match(stdout, /CVE-2026-9001/)
})

test('a layer that is cut, and a copyright file that is too large, are told', async (t) => {
  const { run, file } = commandLine(t)
  assert.equal(run('advisories', 'import', file('DSA-list', DSA)).status, 0)
  const huge: TarItem = { path: 'usr/share/doc/zlib1g/copyright', content: 'GPL-2+ or '.repeat(2 ** 20) }
  const image = await sampleLayout(t, { packages: {}, above: [[TRIXIE, status(ZLIB), huge]] })
  const licences = run('licenses', image, '--platform', 'linux/amd64')
  assert.equal(licences.status, 0, licences.stderr)
  assert.match(licences.stdout, /zlib1g: .*is larger than 8388608 bytes/)
  const blobs = join(image.split(':')[1] ?? '', 'blobs/sha256')
  for (const name of readdirSync(blobs)) {
    const bytes = readFileSync(join(blobs, name))
    if (bytes[0] === 0x1f) writeFileSync(join(blobs, name), bytes.subarray(0, bytes.length / 2))
  }
  const { status: ended, stderr } = run('scan', image, '--platform', 'linux/amd64')
  assert.equal(ended, 3, stderr)
  assert.match(stderr, /\[BLOB_MISMATCH\]/)
})

/** What leads round in a circle is read once, and the scan ends. */
const RING = ['GHSA-1', 'GHSA-2', 'GHSA-3']
const NAMED = { type: 'library', name: 'ring', purl: 'pkg:npm/ring@1.0.0' }

test('advisories that are one another’s aliases, and dependencies in a circle, end', (t) => {
  const { run, file } = commandLine(t)
  assert.equal(run('advisories', 'import', file('DSA-list', DSA)).status, 0)
  const documents = RING.map((id, at) => {
    const other = RING[(at + 1) % RING.length]
    const affected = [{ package: { ecosystem: 'npm', name: 'ring' }, versions: ['1.0.0'] }]
    const document = { id, modified: '2026-11-01T00:00:00Z', aliases: [other, id], related: [id], affected }
    return file(`${id}.json`, JSON.stringify(document))
  })
  assert.equal(run('advisories', 'import', ...documents).status, 0)
  const dependencies = RING.map((ref, at) => ({ ref, dependsOn: [RING[(at + 1) % RING.length], ref] }))
  const cycloneDx = file(
    'a.json',
    JSON.stringify({ ...SCANNED, components: [...SCANNED.components, NAMED], dependencies }),
  )
  const relationships = RING.map((id, at) => ({
    ...{ spdxElementId: `SPDXRef-${id}`, relationshipType: 'CONTAINS' },
    relatedSpdxElement: `SPDXRef-${RING[(at + 1) % RING.length]}`,
  }))
  const packages = [NAMED, ...SCANNED.components].map(({ name, purl }, at) => ({
    ...{ name, SPDXID: `SPDXRef-${RING[at]}`, versionInfo: '1.0.0' },
    externalRefs: [{ referenceCategory: 'PACKAGE-MANAGER', referenceType: 'purl', referenceLocator: purl }],
  }))
  const spdx = file('b.json', JSON.stringify({ ...SPDX, packages, relationships }))
  for (const sbom of [cycloneDx, spdx]) {
    const { status, stdout, stderr } = run('scan', sbom, '--json')
    assert.equal(status, 0, stderr)
    assert.match(stdout, /GHSA-1/, sbom)
  }
})

test('VEX whose names of one issue go round says what it says, once', (t) => {
  const { run, file } = commandLine(t)
  assert.equal(run('advisories', 'import', file('DSA-list', DSA)).status, 0)
  const purl = 'pkg:deb/debian/zlib1g@1.3-1?arch=amd64&distro=debian-13&upstream=zlib'
  const zlib = { type: 'library', name: 'zlib1g', purl }
  const names = ['CVE-2026-9001', 'GHSA-1', 'GHSA-2']
  const statements = names.map((name, at) => ({
    vulnerability: { name, aliases: [names[(at + 1) % names.length], name] },
    products: [{ '@id': 'pkg:deb/debian/zlib1g@1.3-1?arch=amd64' }],
    ...{ status: 'not_affected', justification: 'component_not_present' },
  }))
  const vex = file('v.json', JSON.stringify({ ...VEX, timestamp: '2026-11-01T00:00:00Z', statements }))
  const { status, stdout, stderr } = run(
    'scan',
    file('x.json', JSON.stringify({ ...CYCLONEDX, components: [zlib] })),
    '--vex',
    vex,
    '--vex-unsigned',
    '--json',
  )
  assert.equal(status, 0, stderr)
  const { findings } = JSON.parse(stdout)
  assert.deepEqual(
    findings.map(({ cve, suppression }: { cve: string; suppression?: { by: string } }) => [
      cve,
      suppression !== undefined,
    ]),
    [['CVE-2026-9001', true]],
  )
})

const copyrights: readonly (readonly [what: string, items: readonly TarItem[], classified: 0 | 1])[] = [
  ['is cut', [{ path: DOCUMENT, content: `${DEP5}Files: *\nCopyright: x\nLicen` }], 0],
  ['is binary', [{ path: DOCUMENT, content: Buffer.from([0, 255, 27, 91, 50, 74, 10, 0]) }], 0],
  ['has fields of another form', [{ path: DOCUMENT, content: `${DEP5}Files: *\nLicense:\n` }], 0],
  [
    'names licences that nobody explains',
    [{ path: DOCUMENT, content: `${DEP5}Files: *\nLicense: A\n\nLicense: A\n B\n\nLicense: B\n A\n` }],
    1,
  ],
  ['is a link that leads to itself', [{ path: DOCUMENT, type: 'symlink', linkPath: 'copyright' }], 0],
  [
    'has hundreds of thousands of paragraphs',
    [{ path: DOCUMENT, content: `${DEP5}${'Files: a\nLicense: Expat\n\n'.repeat(3e5)}` }],
    1,
  ],
]
for (const [what, items, classified] of copyrights) {
  test(`a copyright file that ${what} costs little, and ${classified === 1 ? 'says its licence' : 'no licence is made of it'}`, async (t) => {
    const { run } = commandLine(t)
    const image = await sampleLayout(t, { packages: {}, above: [[TRIXIE, status(ZLIB), ...items]] })
    const { status: ended, stdout, stderr } = run('licenses', image, '--platform', 'linux/amd64')
    assert.equal(ended, 0, stderr)
    assert.match(stdout, new RegExp(`licences of ${classified} of 1 packages`))
    assert.ok(!`${stdout}${stderr}`.includes('\u001B[2J'), 'nothing in it steers a terminal')
  })
}
