import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { generateKeyPairSync, sign } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { formatEnvelope, preAuthenticationEncoding } from '#attest'
import { openImage, parseReference } from '#oci'
import { sampleLayout } from './sample-layout.test.ts'

const CLI = join(import.meta.dirname, 'main.ts')
const RELEASE = { path: 'etc/os-release', content: 'ID=debian\nVERSION_ID="13"\nVERSION_CODENAME=trixie\n' }
const STATEMENT_TYPE = 'application/vnd.in-toto+json'

const at = (state: object) => ({ releases: { trixie: { urgency: 'low', ...state } } })
const EXPORT = {
  openssl: {
    'CVE-2026-1000': at({ status: 'resolved', fixed_version: '3.5.7-1~deb13u3' }),
    'CVE-2026-1001': at({ status: 'resolved', fixed_version: '0' }),
    'CVE-2026-1002': at({ status: 'open', urgency: 'unimportant' }),
    'CVE-2026-1003': at({ status: 'resolved', fixed_version: '3.5.0-1' }),
  },
  bash: { 'CVE-2026-2000': at({ status: 'open', nodsa: 'Minor', nodsa_reason: '' }) },
}

/** A folder with a cache that has the export, and an image of bash and libssl. */
async function scene(t: TestContext) {
  const folder = mkdtempSync(join(tmpdir(), 'casemate-vex-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const run = (...args: readonly string[]) =>
    spawnSync(process.execPath, ['--conditions=source', CLI, ...args], {
      cwd: folder,
      encoding: 'utf8',
      env: { ...process.env, NO_COLOR: '1', XDG_CACHE_HOME: folder },
    })
  const write = (name: string, content: string) => writeFileSync(join(folder, name), content)
  write('export.json', JSON.stringify(EXPORT))
  assert.equal(run('advisories', 'import', 'export.json').status, 0)
  const image = await sampleLayout(t, {
    packages: {
      'libssl3t64 3.5.1-1': [],
      'bash 5.2': [{ path: 'bin/bash', content: '\x7fELF', mode: 0o755 }],
    },
    others: [RELEASE],
    config: { Entrypoint: ['/bin/bash'] },
  })
  return { folder, write, image, run: (...args: readonly string[]) => run(...args, '--platform', 'linux/amd64') }
}

test('an image’s OpenVEX says what Debian says, is the same every time, and takes from a scan what it says', async (t) => {
  const { folder, image, run } = await scene(t)
  const written = run('vex', image, '--unimportant', 'not-affected', '-o', 'ours.openvex.json')
  assert.equal(written.status, 0, written.stderr)
  const text = readFileSync(join(folder, 'ours.openvex.json'), 'utf8')
  assert.equal(run('vex', image, '--unimportant', 'not-affected').stdout, text)
  const { statements } = JSON.parse(text)
  const said = statements.map((one: { vulnerability: { name: string }; status: string; justification?: string }) =>
    [one.vulnerability.name, one.status, one.justification ?? ''].join(' ').trim(),
  )
  assert.deepEqual(said.sort(), [
    'CVE-2026-1000 affected',
    'CVE-2026-1001 not_affected vulnerable_code_not_present',
    'CVE-2026-1002 not_affected',
    'CVE-2026-1003 fixed',
    'CVE-2026-2000 affected',
  ])
  const scanned = run('scan', image, '--vex', 'ours.openvex.json', '--vex-unsigned', '--all')
  assert.equal(scanned.status, 0, scanned.stderr)
  assert.match(scanned.stdout, /CVE-2026-1000 .* 3\.5\.7-1~deb13u3$/m)
  assert.match(scanned.stdout, /^Suppressed$/m)
  assert.match(scanned.stdout, /^CVE-2026-1002 .*Casemate, unsigned +not_affected: /m)
})

test('nothing is stated of unimportant issues without a policy, in words or in a file; a policy is read strictly', async (t) => {
  const { image, run, write, folder } = await scene(t)
  const plain = run('vex', image, '--image-level')
  assert.doesNotMatch(plain.stdout, /CVE-2026-1002/)
  assert.match(plain.stdout, /"@id": "pkg:oci\/[a-z0-9-]+@sha256%3A[0-9a-f]{64}"/)
  assert.match(plain.stderr, /nothing is stated of 1 issues that Debian calls unimportant/)
  write('policy.yaml', 'unimportant: not_affected\n')
  assert.match(run('vex', image, '--policy', 'policy.yaml').stdout, /CVE-2026-1002/)
  write('policy.yaml', 'no-dsa: not_affected\n')
  const refused = run('vex', image, '--policy', 'policy.yaml', '-o', 'out.json')
  assert.equal(refused.status, 2)
  assert.match(refused.stderr, /unknown key `no-dsa`.*\[USAGE_INVALID\]/)
  assert.ok(!existsSync(join(folder, 'out.json')))
})

test('on its own level an image is named by its manifest and by the index that its tag names', async (t) => {
  const { image, run } = await scene(t)
  const opened = await openImage(parseReference(image), { platform: { os: 'linux', architecture: 'amd64' } })
  await opened.close()
  const digests = [opened.manifestDocument.descriptor.digest, opened.top.descriptor.digest]
  assert.notEqual(digests[0], digests[1])
  const { statements } = JSON.parse(run('vex', image, '--image-level').stdout)
  for (const { products } of statements) {
    const named = products.map((product: { '@id': string }) => product['@id'].replace(/^.*@sha256%3A/, 'sha256:'))
    assert.deepEqual(named.sort(), digests.sort())
  }
})

test('what is not reached is not stated where the analysis has limits, and a scan says how packages stand', async (t) => {
  const { image, run } = await scene(t)
  const policy = ['--reach-policy', 'not-reached=vulnerable_code_not_in_execute_path']
  const refused = run('vex', image, ...policy)
  assert.equal(refused.status, 2)
  assert.match(refused.stderr, /cannot state that code is not reached in .*1 files could not be read/)
  const scanned = run('scan', image, '--reach', '--json')
  assert.equal(scanned.status, 0, scanned.stderr)
  const { packages } = JSON.parse(scanned.stdout).reach
  assert.deepEqual(
    packages.map((one: { name: string; state: string }) => `${one.name}: ${one.state}`),
    ['bash: loaded', 'libssl3t64: no analysis'],
  )
  assert.match(run('scan', image, '--reach').stdout, / bash .* loaded {2,}1 no-dsa$/m)
})

test('documents count by who has signed them, and for the image that they are signed for', async (t) => {
  const { image, run, write } = await scene(t)
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' })
  write('team.pub', publicKey.export({ type: 'spki', format: 'pem' }).toString())
  const other = generateKeyPairSync('ed25519').publicKey
  write('other.pub', other.export({ type: 'spki', format: 'pem' }).toString())
  const vex = {
    ...{ '@context': 'https://openvex.dev/ns/v0.2.0', '@id': 'urn:team:1', author: 'Team\u001b[31m', version: 1 },
    timestamp: '2026-11-01T00:00:00Z',
    statements: [{ vulnerability: { name: 'CVE-2026-2000' }, status: 'not_affected', impact_statement: 'No scripts.' }],
  }
  const statementOf = (digest: string, predicateType = 'https://openvex.dev/ns/v0.2.0') => ({
    ...{ _type: 'https://in-toto.io/Statement/v1', subject: [{ digest: { sha256: digest } }] },
    ...{ predicateType, predicate: vex },
  })
  const seal = (name: string, content: object, payloadType = STATEMENT_TYPE) => {
    const payload = Buffer.from(JSON.stringify(content))
    const signature = sign('sha256', preAuthenticationEncoding(payloadType, payload), privateKey)
    write(name, formatEnvelope({ payloadType, payload, signatures: [{ signature }] }))
  }
  const { image: scanned } = JSON.parse(run('scan', image, '--json').stdout)
  seal('good.json', statementOf(scanned.digest.slice(7)))
  const good = run('scan', image, '--vex', 'good.json', '--vex-key', 'team.pub', '--json')
  const [suppressed] = JSON.parse(good.stdout).findings.filter((one: { suppression?: object }) => one.suppression)
  assert.deepEqual(
    [suppressed.cve, suppressed.suppression.vex.status, suppressed.suppression.statement],
    ['CVE-2026-2000', 'not_affected', 'not_affected: No scripts.'],
  )
  assert.match(suppressed.suppression.vex.signers[0], /^sha256:/)
  const shown = run('scan', image, '--vex', 'good.json', '--vex-key', 'team.pub').stdout
  assert.match(shown, /Team\\u001b\[31m, signed/)

  seal('elsewhere.json', statementOf('a'.repeat(64)))
  const elsewhere = run('scan', image, '--vex', 'elsewhere.json', '--vex-key', 'team.pub')
  assert.match(elsewhere.stderr, /elsewhere\.json is signed for another image/)
  assert.doesNotMatch(elsewhere.stdout, /suppressed/i)

  seal('typed.json', vex, 'text/plain')
  seal('predicate.json', statementOf(scanned.digest.slice(7), 'https://slsa.dev/provenance/v1'))
  write('bare.json', JSON.stringify(vex))
  const refusals: [args: readonly string[], status: number, fault: RegExp][] = [
    [['--vex', 'good.json'], 2, /it is signed, and no key was given/],
    [['--vex', 'good.json', '--vex-unsigned'], 2, /it is signed, and no key was given/],
    [['--vex', 'good.json', '--vex-key', 'other.pub'], 3, /ENVELOPE_UNTRUSTED/],
    [['--vex', 'typed.json', '--vex-key', 'team.pub'], 2, /what is signed is text\/plain/],
    [['--vex', 'predicate.json', '--vex-key', 'team.pub'], 2, /its statement is of type .*provenance/],
    [['--vex', 'bare.json', '--vex-key', 'team.pub'], 2, /nobody has signed it.*--vex-unsigned/],
    [['--vex', 'bare.json', '--vex-unsigned'], 2, /names no product.*VEX_INVALID/],
    [['--vex', 'gone.json', '--vex-unsigned'], 2, /cannot read gone\.json/],
    [['--vex-key', 'team.pub'], 2, /cannot use --vex-key alone/],
  ]
  for (const [args, status, fault] of refusals) {
    const refused = run('scan', image, ...args)
    assert.deepEqual([refused.status, refused.stdout], [status, ''], args.join(' '))
    assert.match(refused.stderr, fault)
  }
})

test('a repository has a document for each package, and is left alone by what it says already', async (t) => {
  const { folder, image, run } = await scene(t)
  const into = ['--repository', 'hub', '--repository-url', 'https://vex.example/main.tar.gz//main']
  const first = run('vex', image, '--unimportant', 'not-affected', ...into)
  assert.equal(first.status, 0, first.stderr)
  assert.match(first.stdout, /^wrote hub: 2 documents new or changed, 2 packages$/m)
  const read = (name: string) => readFileSync(join(folder, 'hub', name), 'utf8')
  const index = read('index.json')
  const { packages } = JSON.parse(index)
  assert.deepEqual(packages, [
    { id: 'pkg:deb/debian/bash', location: 'pkg/deb/debian/bash/vex.json' },
    { id: 'pkg:deb/debian/libssl3t64', location: 'pkg/deb/debian/libssl3t64/vex.json' },
  ])
  assert.equal(JSON.parse(read('vex-repository.json')).versions[0].locations[0].url, into[3])
  const documents = packages.map(({ location }: { location: string }) => read(location))
  const again = run('vex', image, '--unimportant', 'not-affected', ...into)
  assert.match(again.stdout, /^wrote hub: 0 documents new or changed, 2 packages$/m)
  assert.deepEqual(
    packages.map(({ location }: { location: string }) => read(location)),
    documents,
  )
  assert.equal(read('index.json'), index)
  const weighed = run('scan', image, '--vex', 'hub/pkg/deb/debian/libssl3t64/vex.json', '--vex-unsigned', '--json')
  assert.match(weighed.stdout, /"suppression"/)
})

const misuses: readonly (readonly [options: readonly string[], reason: RegExp])[] = [
  [['--repository', 'hub', '-o', 'x'], /not both/],
  [['--repository', 'hub', '--image-level'], /without --image-level/],
  [['--repository', 'hub', '--reach-policy', 'not-reached=vulnerable_code_not_in_execute_path'], /no such policy/],
  [['--repository', 'hub', '--repository-url', 'http://vex.example/x'], /no https/],
  [['--repository-url', 'https://vex.example/x'], /want --repository/],
]
for (const [options, reason] of misuses) {
  test(`no repository is written with ${options.slice(1).join(' ')}`, async (t) => {
    const { folder, image, run } = await scene(t)
    const { status, stderr } = run('vex', image, ...options)
    assert.equal(status, 2)
    assert.match(stderr, reason)
    assert.ok(!existsSync(join(folder, 'hub')))
  })
}

test('a repository that somebody has broken, or keeps otherwise, is not written over', async (t) => {
  const { folder, image, run, write } = await scene(t)
  mkdirSync(join(folder, 'hub'))
  const elsewhere = { id: 'pkg:deb/debian/bash', location: 'other/bash.json', format: 'csaf' }
  const kept = ['{"updated_at":', JSON.stringify({ updated_at: '2026-01-01T00:00:00Z', packages: [elsewhere] })]
  for (const index of kept) {
    write('hub/index.json', index)
    const { status, stderr } = run('vex', image, '--repository', 'hub')
    assert.equal(status, 2, stderr)
    assert.equal(readFileSync(join(folder, 'hub/index.json'), 'utf8'), index)
    assert.ok(!existsSync(join(folder, 'hub/pkg')))
  }
})
