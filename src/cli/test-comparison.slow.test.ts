import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, type TestContext, test } from 'node:test'
import type { TarItem } from '#testkit'
import { casemateIn, sampleLayout } from './sample-layout.test.ts'

const folder = mkdtempSync(join(tmpdir(), 'casemate-compare-'))
after(() => rmSync(folder, { recursive: true }))
const run = (program: string, ...args: readonly string[]) =>
  execFileSync(program, args, { cwd: folder, encoding: 'utf8', stdio: 'pipe' })
const casemate = (...args: readonly string[]) => casemateIn(join(folder, 'cache'), ...args)

/** Makes a certificate authority and gives the path of its certificate and key, without their ending. */
function authority(name: string): string {
  const days = ['-days', '30', '-subj', `/CN=${name}`]
  run(
    'openssl',
    'req',
    '-x509',
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:P-256',
    '-nodes',
    '-keyout',
    `${name}.key`,
    '-out',
    `${name}.crt`,
    ...days,
  )
  return join(folder, name)
}

const [ours, other] = [authority('ours'), authority('other')]
run(
  'openssl',
  'req',
  '-newkey',
  'ec',
  '-pkeyopt',
  'ec_paramgen_curve:P-256',
  '-nodes',
  '-keyout',
  'server.key',
  '-out',
  'server.csr',
  '-subj',
  '/CN=localhost',
)
run(
  'openssl',
  'x509',
  '-req',
  '-in',
  'server.csr',
  '-CA',
  `${ours}.crt`,
  '-CAkey',
  `${ours}.key`,
  '-CAcreateserial',
  '-days',
  '30',
  '-out',
  'server.crt',
)

/** The host's own programs with what they load: perl with one module, and openssl. */
const MODULE = 'List/Util.pm'
const loaded = run('perl', '-MList::Util=sum', '-e', 'print "$_\\n" for values %INC, @DynaLoader::dl_shared_objects')
  .trim()
  .split('\n')
const binaries = ['/usr/bin/perl', '/usr/bin/openssl', ...loaded.filter((path) => path.endsWith('.so'))]
const libraries = binaries.flatMap((path) =>
  [...run('ldd', path).matchAll(/(\/\S+) \(0x/g)].map(([, library = '']) => library),
)
const programs = [...new Set([...binaries, ...loaded, ...libraries])]
const copied = (path: string): TarItem => ({ path: path.slice(1), mode: 0o755, content: readFileSync(path) })

/** How a base is damaged. */
interface Seed {
  readonly without?: string
  readonly authority?: string
  readonly user?: string
  /** Seconds before it listens. */
  readonly delay?: number
}

/** An image of a team: the base with its programs, a server that speaks TLS, and above it the team's own layer. */
function overlay(
  t: TestContext,
  { without, authority: trusted = ours, user = '65532', delay = 0 }: Seed = {},
): Promise<string> {
  const serve = `#!/bin/busybox sh
/bin/busybox sleep ${delay}
exec /usr/bin/openssl s_server -accept 4433 -cert /etc/tls/server.crt -key /etc/tls/server.key -quiet -www
`
  return sampleLayout(t, {
    packages: {},
    others: [
      copied('/bin/busybox'),
      ...programs.filter((path) => without === undefined || !path.endsWith(`/${without}`)).map(copied),
      { path: 'bin/serve', mode: 0o755, content: serve },
      { path: 'etc/tls/server.crt', content: readFileSync(join(folder, 'server.crt')) },
      { path: 'etc/tls/server.key', content: readFileSync(join(folder, 'server.key')) },
      { path: 'etc/ssl/certs/ca-certificates.crt', content: readFileSync(`${trusted}.crt`) },
    ],
    above: [[{ path: 'srv/app.txt', content: 'ours\n' }]],
    config: { User: user, Entrypoint: ['/bin/serve'], ExposedPorts: ['4433/tcp'] },
  })
}

writeFileSync(
  join(folder, 'base.yaml'),
  `image: base
tests:
  - { name: has its module, command: [/usr/bin/perl, -MList::Util=sum, -e, 'print sum(1, 2)'], stdout: { equals: "3" } }
  - name: speaks TLS that its own certificates verify
    start: true
    ready: { port: 4433 }
    timeout: 60s
    probe:
      command:
        run: [/usr/bin/openssl, s_client, -connect, "127.0.0.1:4433", -verify_return_error, -CAfile, /etc/ssl/certs/ca-certificates.crt]
        stdout: { matches: "Verify return code: 0", excludes: error }
  - { name: starts in time, start: true, ready: { port: 4433 }, within: 6s, timeout: 60s }
`,
)
writeFileSync(
  join(folder, 'team.yaml'),
  `image: team
extends: ./base.yaml
tests: [{ name: has its application, files: [{ path: /srv/app.txt, contains: ours }] }]
`,
)
const tests = ['--definition', join(folder, 'team.yaml')]

const seeds: [Seed, RegExp, string][] = [
  [
    { without: MODULE },
    /^REGRESSION {2}has its module\n +exit code 2, .*BEGIN failed--compilation aborted/m,
    'a missing module',
  ],
  [
    { authority: other },
    /^REGRESSION {2}speaks TLS that its own certificates verify.*\n +\/usr\/bin\/openssl: exit code 1/m,
    'broken TLS',
  ],
  [{ user: '1000' }, /^REGRESSION {2}contract: user\n +was "65532:65532 \(nonroot\)", is "1000:0"/m, 'a changed uid'],
  [
    { delay: 7 },
    /^REGRESSION {2}starts in time \(started in \d+ ms before, in \d+ ms now\)\n +took \d+ ms to start, want at most 6000 ms/m,
    'a slower start',
  ],
]
for (const [seed, want, because] of seeds) {
  test(`the overlay's inherited tests find what its new base has broken: ${because}`, async (t) => {
    const [sound, seeded] = [await overlay(t), await overlay(t, seed)]
    const { status, stdout, stderr } = casemate('test', '--compare', sound, seeded, ...tests)
    assert.equal(status, 1, stdout + stderr)
    assert.match(stdout, want)
    assert.match(stdout, /^same {8}has its application$/m)
    assert.match(stdout, /^1 regression \(/m)
  })
}

test('a sound base is no regression, and what it breaks alone is found by the same tests without a comparison', async (t) => {
  const [sound, slower, broken] = [
    await overlay(t),
    await overlay(t, { delay: 1 }),
    await overlay(t, { without: MODULE }),
  ]
  const report = join(folder, 'report.xml')
  const same = casemate('test', '--compare', sound, slower, ...tests, '--junit', report)
  assert.equal(same.status, 0, same.stdout)
  assert.match(same.stdout, /^same {8}starts in time \(started in \d+ ms before, in 1\d{3} ms now\)$/m)
  assert.match(same.stdout, /^no regression \(/m)
  assert.match(readFileSync(report, 'utf8'), /tests="4" failures="0" errors="0" time=/)
  const alone = casemate('test', broken, ...tests, '--json')
  assert.equal(alone.status, 1)
  const failing = JSON.parse(alone.stdout).results.flatMap(({ name, verdict }: { name: string; verdict: string }) =>
    verdict === 'failed' ? [name] : [],
  )
  assert.deepEqual(failing, ['has its module'])
})

test('images without a definition are compared by their start and their contract, and the report says so', async (t) => {
  const [sound, broken] = [await overlay(t), await overlay(t, { without: 'libssl.so.3', user: '1000' })]
  const { status, stdout, stderr } = casemate('test', '--compare', sound, broken, '--json')
  assert.equal(status, 1)
  assert.match(stderr, /no tests of .* are at hand: only its start and its contract are compared/)
  const comparison = JSON.parse(stdout)
  assert.deepEqual(
    comparison.tests.map(({ name, change }: { name: string; change: string }) => [name, change]),
    [['starts, and listens on its ports', 'broken']],
  )
  assert.deepEqual(comparison.contract, [{ key: 'user', from: '65532:65532 (nonroot)', to: '1000:0', breaking: true }])
})

test('a comparison is not signed', async () => {
  const { status, stderr } = casemate('test', '--compare', 'oci:a', 'oci:b', '--key', 'x.key')
  assert.equal(status, 2)
  assert.match(stderr, /cannot sign a comparison/)
})
