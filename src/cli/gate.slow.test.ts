import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import type { TarItem } from '#testkit'
import { casemateWith, type SampleImage, sampleLayout } from './sample-layout.test.ts'

const DAY = 86_400_000
const daysAgo = (days: number) => new Date(Date.now() - days * DAY)
const isoDay = (days: number) => daysAgo(days).toISOString().slice(0, 10)
const listDay = (days: number) =>
  daysAgo(days).toLocaleDateString('en-GB', { day: '2-digit', month: 'short', year: 'numeric', timeZone: 'UTC' })

const fixed = (version: string) => ({
  releases: { trixie: { status: 'resolved', fixed_version: version, urgency: 'high' } },
})
const open = { releases: { trixie: { status: 'open', urgency: 'high' } } }
const announced = (id: string, cve: string, days: number, [source, version]: [string, string]) =>
  `[${listDay(days)}] ${id} ${source} - security update\n\t{${cve}}\n\t[trixie] - ${source} ${version}\n`

/** What is known of a few packages: overdue, young, dateless, exploited. */
const ADVISORIES = {
  'tracker.json': {
    openssl: { 'CVE-2026-1000': fixed('3.5.7-1'), 'CVE-2026-1001': fixed('3.5.6-1') },
    zlib: { 'CVE-2026-2000': fixed('2'), 'CVE-2026-2001': open },
    old: { 'CVE-2026-3000': fixed('9') },
    bash: { 'CVE-2026-4000': open },
  },
  'DSA-list': [
    announced('DSA-9003-1', 'CVE-2026-2000', 1, ['zlib', '2']),
    announced('DSA-9002-1', 'CVE-2026-1001', 3, ['openssl', '3.5.6-1']),
    announced('DSA-9001-1', 'CVE-2026-1000', 20, ['openssl', '3.5.7-1']),
  ].join(''),
  'DLA-list': announced('DLA-9001-1', 'CVE-2026-9000', 1, ['nobody', '1']).replace('trixie', 'bullseye'),
  'kev.json': {
    title: 'catalogue',
    catalogVersion: '1',
    dateReleased: daysAgo(1).toISOString(),
    vulnerabilities: ['CVE-2026-2000', 'CVE-2026-4000', 'CVE-2026-3000', 'CVE-2026-2001'].map((cveID) => ({
      ...{ cveID, vulnerabilityName: 'name', dateAdded: isoDay(9), knownRansomwareCampaignUse: 'Unknown' },
    })),
  },
}

const copyright = (name: string, licence = 'Expat'): TarItem => ({
  path: `usr/share/doc/${name}/copyright`,
  content: `Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\n\nFiles: *\nCopyright: 2026 Nobody\nLicense: ${licence}\n${licence === 'Expat' ? '' : ' All that is said here is said of these terms and no others.\n'}`,
})
/** What every image has, so that nothing in it is unexplained. */
const BASE: TarItem[] = [
  { path: 'etc/os-release', content: 'ID=debian\nVERSION_CODENAME=trixie\n' },
  { path: 'etc/passwd', content: 'root:x:0:0::/root:/x\nnonroot:x:65532:65532::/:/x\ntoor:x:0:0::/:/x\n' },
  copyright('base-files'),
]
/** Made by chance, the same every time: no secret is written in these sources. */
const TOKEN = `ghp_${createHash('sha256').update('token').digest('hex').slice(0, 36)}`
const KEY = `-----BEGIN PRIVATE KEY-----\n${TOKEN.slice(4)}\n${TOKEN.slice(4)}\n-----END PRIVATE KEY-----\n`
const program = (path: string, mode = 0o755): TarItem => ({ path, content: 'x', mode })

/** Gates an image as JSON; with a report of its tests when `tests` says what came of them. */
async function openGates(t: TestContext, sample: SampleImage, tests?: Readonly<Record<string, string>>) {
  const folder = mkdtempSync(join(tmpdir(), 'casemate-gates-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const run = casemateWith(t, ADVISORIES)
  const image = await sampleLayout(t, sample)
  const file = (name: string, content: string | object) => {
    const path = join(folder, name)
    writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content))
    return path
  }
  const gate = (...args: string[]) => {
    const { status, stdout, stderr } = run('gate', image, '--json', ...args)
    const gates: Gate[] = stdout === '' ? [] : JSON.parse(stdout).gates
    const closed = gates.filter(({ verdict }) => verdict === 'refused' || verdict === 'undecided')
    const wrong = Object.fromEntries(closed.map(({ name, violations, code }) => [name, violations ?? code]))
    return { status, stderr, gates, wrong, digest: stdout === '' ? '' : JSON.parse(stdout).digest }
  }
  const results = Object.entries(tests ?? {}).map(([name, verdict]) => ({ name, verdict }))
  const report = { schema: 'casemate.test-report/v1', manifest: tests && gate().digest, results }
  const reported = tests === undefined ? [] : ['--tests', file('tests.json', report)]
  return { run, image, file, gate: (...args: string[]) => gate(...reported, ...args) }
}

interface Gate {
  readonly name: string
  readonly verdict: string
  readonly violations?: readonly string[]
  readonly code?: string
  readonly exception?: { readonly owner: string }
}

test('a sound image passes every gate, a fix within its days and an open finding among its packages', async (t) => {
  const { gate, run, image, file } = await openGates(
    t,
    {
      packages: {
        'base-files 13': BASE,
        'libssl3t64 3.5.6-0': [copyright('libssl3t64')],
        'app 1': [program('usr/bin/app'), copyright('app')],
      },
      others: [{ path: 'tmp', type: 'directory', mode: 0o1777 }],
      config: { User: 'nonroot', Entrypoint: ['/usr/bin/app'] },
    },
    { starts: 'passed' },
  )
  const rules = file('rules.yaml', 'ignore:\n  - { id: CVE-2026-1000, statement: behind a proxy, owner: team }\n')
  const passed = gate('--ignore-file', rules)
  assert.deepEqual([passed.status, passed.wrong], [0, {}], passed.stderr)
  assert.deepEqual(
    passed.gates.filter(({ verdict }) => verdict === 'not-applicable').map(({ name }) => name),
    ['evidence-verified', 'contract-kept', 'base-allowed'],
  )
  const overdue = gate()
  assert.deepEqual(overdue.wrong, {
    'no-overdue-fix': ['CVE-2026-1000 high in openssl 3.5.6-0, fixed in 3.5.7-1 for 20 days'],
  })
  assert.equal(overdue.status, 1)

  const page = run('gate', image)
  assert.equal(page.status, 1)
  assert.match(
    page.stdout,
    /^ {2}refused {4}no-overdue-fix\n {13}CVE-2026-1000 .*\n {13}why: .*\n {13}do: {2}Update the lock/m,
  )
  assert.match(page.stdout, /^ {2}undecided {2}tests-passed\n {13}tests: nobody says .* \[FACT_UNKNOWN\]$/m)
  assert.match(page.stdout, /^refused: 11 passed, 1 refused, 1 undecided, 3 not applicable$/m)
  const other = file('other.json', {
    schema: 'casemate.test-report/v1',
    manifest: `sha256:${'0'.repeat(64)}`,
    results: [],
  })
  const foreign = gate('--tests', other)
  assert.deepEqual([foreign.status, /it is of sha256:0{64}, not of sha256:/.test(foreign.stderr)], [2, true])
})

test('an image that breaks every rule is refused by each, with what breaks it', async (t) => {
  const { gate } = await openGates(
    t,
    {
      packages: {
        'base-files 13': BASE,
        'libssl3t64 3.5.1-1': [copyright('libssl3t64')],
        'zlib 1': [copyright('zlib', 'SSPL-1.0')],
        'bash 5': [program('usr/bin/bash'), { path: 'usr/bin/sh', type: 'symlink', linkPath: 'bash' }],
        'apt 3': [program('usr/bin/apt-get'), copyright('apt')],
        'su 1': [program('usr/bin/su', 0o4755), program('usr/bin/wall', 0o2755), copyright('su')],
      },
      others: [
        program('opt/blob', 0o644),
        { path: 'srv/shared', type: 'directory', mode: 0o777 },
        { path: 'srv/file', content: 'x', mode: 0o666 },
        { path: 'usr/bin/dash', type: 'symlink', linkPath: 'nowhere' },
        { path: 'usr/share/doc/zsh', content: 'no program', mode: 0o644 },
        { path: 'srv/.env', content: `TOKEN=${TOKEN}\n` },
      ],
      config: { Env: [`DEPLOY=${TOKEN}`] },
    },
    { starts: 'passed', stops: 'failed' },
  )
  const { status, wrong, stderr } = gate()
  assert.equal(status, 1, stderr)
  assert.deepEqual(wrong, {
    'non-root': ['runs as user "", which is uid 0'],
    'no-setuid': ['/usr/bin/su (4755)', '/usr/bin/wall (2755)'],
    'no-shell': ['/usr/bin/bash of bash', '/usr/bin/sh of bash'],
    'no-package-manager': ['/usr/bin/apt-get of apt'],
    'no-world-writable': ['/srv/file (0666)', '/srv/shared (0777)'],
    'no-secret': [
      'github-pat in config env DEPLOY: ghp_… (40 characters)',
      'github-pat in /srv/.env:1: ghp_… (40 characters)',
    ],
    'no-undeclared-file': ['/opt/blob', '/srv/.env', '/srv/file', '/usr/share/doc/zsh'],
    'no-overdue-fix': ['CVE-2026-1000 high in openssl 3.5.1-1, fixed in 3.5.7-1 for 20 days'],
    'no-exploited-fixable': ['CVE-2026-2000 in zlib, fixed in 2'],
    'exploited-unfixed-excepted': ['CVE-2026-2001 in zlib, open', 'CVE-2026-4000 in bash, open'],
    'licences-allowed': ['zlib: LicenseRef-debian-SSPL-1.0-ed0a699d'],
    'licences-classified': ['bash'],
    'tests-passed': ['failed: stops'],
  })
})

test('an image that breaks them in other ways is refused by each; exceptions open some, for a time', async (t) => {
  const { gate, file } = await openGates(
    t,
    {
      packages: {
        'base-files 13': [...BASE, copyright('base-files', 'BUSL-1.1')],
        'old 8': [copyright('old', 'Strange')],
        'busybox 1': [
          program('usr/bin/busybox'),
          { path: 'usr/bin/ash', type: 'hardlink', linkPath: 'usr/bin/busybox' },
        ],
        'pip 1': [program('usr/local/bin/pip3.13', 0o755)],
        'bash 6': [copyright('bash'), program('var/lib/bash', 0o622)],
      },
      others: [
        {
          ...program('usr/bin/ping'),
          xattrs: new Map([['security.capability', Buffer.from('0100000200200000', 'hex')]]),
        },
      ],
      above: [[{ path: 'root/.netrc', content: KEY }], [{ path: 'root/.wh..netrc', content: '' }]],
      config: { User: 'toor' },
    },
    {},
  )
  const before = gate()
  assert.equal(before.status, 1)
  assert.deepEqual(before.wrong, {
    'non-root': ['runs as user "toor", which is uid 0'],
    'no-setuid': ['/usr/bin/ping (0755)'],
    'no-shell': ['/usr/bin/ash of busybox', '/usr/bin/busybox of busybox'],
    'no-package-manager': ['/usr/local/bin/pip3.13 of pip'],
    'no-world-writable': ['/var/lib/bash (0622)'],
    'no-secret': ['private-key in /root/.netrc:1 of layer 3, hidden, not gone: -----BEGIN PRIVATE KEY-----…'],
    'no-undeclared-file': ['/usr/bin/ping'],
    'no-overdue-fix': ['CVE-2026-3000 high in old 8, fixed in 9'],
    'no-exploited-fixable': ['CVE-2026-3000 in old, fixed in 9'],
    'exploited-unfixed-excepted': ['CVE-2026-4000 in bash, open'],
    'licences-allowed': ['base-files: LicenseRef-debian-BUSL-1.1-ed0a699d'],
    'licences-classified': ['busybox', 'pip'],
    'tests-passed': ['no test was run'],
  })
  const except = (policy: string, expires: string) =>
    `  - { policy: ${policy}, subject: "oci:**", owner: team, reason: until the rewrite, expires: ${expires} }\n`
  const names = Object.keys(before.wrong).filter((name) => name !== 'licences-classified' && name !== 'non-root')
  const text = `exceptions:\n${names.map((name) => except(name, isoDay(-2))).join('')}${except('non-root', isoDay(0))}${except('none', isoDay(-2))}`
  const after = gate('--exceptions', file('exceptions.yaml', text))
  assert.equal(after.status, 1)
  assert.deepEqual(
    after.gates
      .filter(({ exception }) => exception !== undefined)
      .map(({ name }) => name)
      .sort(),
    names.sort(),
  )
  assert.deepEqual(after.wrong, before.wrong, 'what is excepted stays listed')
  assert.match(
    after.stderr,
    /exceptions\.yaml:13: the exception from non-root expired on .* and excepts nothing \(team\)/,
  )
  assert.match(after.stderr, /exceptions\.yaml:14: there is no policy none among those that are asked/)
  const open = gate('--exceptions', file('more.yaml', text.replace(isoDay(0), isoDay(-1))))
  assert.equal(open.status, 0, open.stderr)
})

test('what a definition asks for by name is declared; neither a label nor building on it makes a dev variant', async (t) => {
  const labels = (image: string, variant: string) => ({ 'dev.casemate.image': image, 'dev.casemate.variant': variant })
  const ours = ['casemate: base-files 13', 'casemate: effects, definition files and the package database']
  const wrong = async (image: string, variant: string, history: readonly string[] = ours) => {
    const sample: SampleImage = {
      packages: { 'base-files 13': BASE, 'bash 5': [program('usr/bin/bash')], 'dash 1': [program('usr/bin/dash')] },
      config: { User: '0', Labels: labels(image, variant) },
      history,
    }
    const found = (await openGates(t, sample)).gate().wrong
    return [found['no-shell'], found['non-root'] !== undefined]
  }
  const [bash, dash] = ['/usr/bin/bash of bash', '/usr/bin/dash of dash']
  assert.deepEqual(await wrong('bash', 'runtime'), [[dash], true])
  assert.deepEqual(await wrong('bash', 'dev'), [undefined, false])
  assert.deepEqual(await wrong('bash', 'dev', [...ours, 'COPY app /app']), [[dash], true])
  assert.deepEqual(await wrong('bash', 'anything'), [[bash, dash], true])
  assert.deepEqual(await wrong('../bash', 'dev'), [[bash, dash], true])
})

test('a secret that a Debian package ships to everybody passes, and is one as soon as the file is another', async (t) => {
  const path = 'usr/lib/app/test.key'
  const sample = (content: string): SampleImage => ({
    packages: { 'base-files 13': BASE, 'app 1': [{ path, content }, copyright('app')] },
    others: [
      { path: 'var/lib/dpkg/info/app.md5sums', content: `${createHash('md5').update(KEY).digest('hex')}  ${path}\n` },
    ],
    config: { User: '65532' },
  })
  assert.equal((await openGates(t, sample(KEY))).gate().wrong['no-secret'], undefined)
  const { gate } = await openGates(t, sample(`${KEY}# mine\n`))
  assert.match(String(gate().wrong['no-secret']), /^private-key in \/usr\/lib\/app\/test\.key:1: /)
})

test('what the release before promised is kept, or the version is raised', async (t) => {
  const sample = (config: SampleImage['config']): SampleImage => ({
    packages: { 'base-files 13': BASE },
    config: { User: '65532', ...config },
  })
  const version = (text: string) => ({ 'org.opencontainers.image.version': text })
  const before = await sampleLayout(t, sample({ ExposedPorts: ['8080/tcp'], Labels: version('1.9') }))
  const judged = async (config: SampleImage['config'], previous = before) => {
    const { gate } = await openGates(t, sample(config))
    return gate('--previous', previous).wrong['contract-kept']
  }
  const changed = ['ports: ["8080/tcp"] before, [] now']
  assert.equal(await judged({ ExposedPorts: ['8080/tcp'], Labels: version('1.9') }), undefined)
  assert.deepEqual(await judged({ Labels: version('1.9') }), changed)
  assert.deepEqual(await judged({}), changed, 'no version is no higher one')
  assert.equal(await judged({ Labels: version('1.10') }), undefined)
  assert.equal(await judged({}, 'oci:/nowhere:x'), 'FACT_UNKNOWN')
})

test('what an image was built on is on the allow-list, or the gate says why not', async (t) => {
  const built = async (labels: Readonly<Record<string, string>>) =>
    openGates(t, { packages: { 'base-files 13': BASE }, config: { User: '65532', Labels: labels } })
  const list = 'bases:\n  - { image: "registry.example.org/base/*:13*", reason: ours, until: 2999-01-01 }\n'
  const judged = async (labels: Readonly<Record<string, string>>) => {
    const { gate, file } = await built(labels)
    return gate('--allow', file('allow.yaml', list)).wrong['base-allowed']
  }
  const name = 'org.opencontainers.image.base.name'
  // It is allowed, if it is what it says: the registry of the base has to answer.
  assert.match(String(await judged({ [name]: 'registry.example.org/base/python:13-slim' })), /FACT_UNKNOWN/)
  assert.match(
    String(await judged({ [name]: 'debian:13' })),
    /^docker\.io\/library\/debian:13 is not on the allow-list$/,
  )
  assert.match(String(await judged({})), /nothing says what it was built on/)
  assert.match(String(await judged({ [name]: 'no reference' })), /is no reference: no reference/)
  const { gate, file } = await built({})
  assert.equal(gate('--allow', file('broken.yaml', 'bases: []')).status, 2)
})

test('what a VEX document of others calls harmless holds nobody up, where it counts', async (t) => {
  const sample: SampleImage = {
    packages: { 'base-files 13': BASE, 'libssl3t64 3.5.1-1': [copyright('libssl3t64')] },
    config: { User: '65532' },
  }
  const { gate, file } = await openGates(t, sample)
  assert.ok(gate().wrong['no-overdue-fix'])
  const document = {
    '@context': 'https://openvex.dev/ns/v0.2.0',
    ...{ '@id': 'https://example.org/vex/1', author: 'vendor', timestamp: '2026-11-01T00:00:00Z', version: 1 },
    statements: [
      {
        vulnerability: { name: 'CVE-2026-1000' },
        products: [{ '@id': 'pkg:deb/debian/libssl3t64@3.5.1-1?arch=amd64' }],
        ...{ status: 'not_affected', justification: 'vulnerable_code_not_present' },
      },
    ],
  }
  const vexed = gate('--vex', file('vendor.vex.json', document), '--vex-unsigned')
  assert.equal(vexed.wrong['no-overdue-fix'], undefined, JSON.stringify(vexed.wrong))
})

test('what could not be known is never a pass: a user without account, missing and stale advisories', async (t) => {
  const sample: SampleImage = {
    packages: { 'base-files 13': BASE },
    config: { User: 'ghost' },
  }
  const { gate, image, file } = await openGates(t, sample, { starts: 'passed' })
  const one = gate()
  assert.deepEqual([one.status, one.wrong], [3, { 'non-root': 'FACT_UNKNOWN' }])
  const run = casemateWith(t, { 'tracker.json': ADVISORIES['tracker.json'] })
  const missing = run('gate', image, '--json', '--policy', file('p.yaml', onlyFindings('error')))
  assert.equal(missing.status, 3)
  assert.match(missing.stdout, /dsa was never imported; dla was never imported; .*\[ADVISORY_STALE\]/)
  const told = run('gate', image, '--policy', file('w.yaml', onlyFindings('warning')))
  assert.equal(told.status, 0)
  assert.match(told.stdout, /^ {2}told {7}findings$/m)
  assert.equal(gate('--policy', file('ok.yaml', onlyFindings('error')), '--max-age', '1h').status, 3)
  assert.equal(gate('--policy', file('ok.yaml', onlyFindings('error')), '--max-age', '1h', '--stale', 'warn').status, 0)
})

function onlyFindings(severity: string): string {
  return `policies:\n  - { name: findings, severity: ${severity}, expression: "size(fixable) == 0", reason: why, remedy: how }\n`
}

test('files of policies stand in place of the default set, or beside it, and what is used wrongly is refused', async (t) => {
  const { gate, run, image, file } = await openGates(t, {
    packages: { 'base-files 13': BASE },
    config: { User: '65532' },
  })
  const team = file(
    'team.yaml',
    `policies:\n  - name: own-port\n    expression: config.ports.all(p, p in values.ports)\n    values: { ports: [8080/tcp] }\n    reason: why\n    remedy: how\n`,
  )
  assert.deepEqual(
    gate('--policy', team).gates.map(({ name }) => name),
    ['own-port'],
  )
  const both = gate('--policy', 'default', team).gates.map(({ name }) => name)
  assert.deepEqual([both.length, both.at(-1)], [17, 'own-port'])
  const wrong: [string[], RegExp][] = [
    [['--policy', file('x.yaml', 'policies: []\n')], /want a list of policies.*\[POLICY_INVALID\]/],
    [
      ['--policy', team, file('again.yaml', onlyFindings('error').replace('findings,', 'own-port,'))],
      /are both named own-port/,
    ],
    [['--policy', '/dev/zero'], /\[USAGE_INVALID\]/],
    [['--exceptions', file('e.yaml', 'exceptions: [{}]\n')], /`policy` is missing[\s\S]*\[EXCEPTIONS_INVALID\]/],
    [['--tests', file('t.json', '[]')], /want what `casemate test --json` writes.*\[USAGE_INVALID\]/],
    [['--key', file('key', 'no key')], /\[KEY_INVALID\]/],
    [['--attest', file('gate.key', 'no key')], /\[KEY_INVALID\]/],
    [
      ['--vex', file('v.json', '{}')],
      /nobody has signed it; to take it all the same: --vex-unsigned.*\[USAGE_INVALID\]/,
    ],
    [['--certificate-identity', 'a'], /want its --certificate-oidc-issuer, too.*\[USAGE_INVALID\]/],
    [['--definition', 'no-such-image'], /\[DEFINITION_NOT_FOUND\]/],
  ]
  for (const [args, message] of wrong) {
    const { status, stderr } = gate(...args)
    assert.match(stderr, message)
    assert.equal(status, 2, args.join(' '))
  }
  assert.equal(run('policy', 'list', '--json').status === 2, true, 'a policy has no platform')
  assert.match(run('gate', image, '--policy', team).stdout, /^ {2}passed {5}own-port$/m)
})
