import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { promisify } from 'node:util'
import { generateKeyPair, keySignatory, openPrivateKey } from '#attest'
import { attachSignature } from '#evidence'
import { openImage, parseReference, RegistryClient, type RegistryReference } from '#oci'
import { RegistryServer } from '#oci/registry'
import { dockerRegistry, proxyBefore } from '#testkit'
import { sampleLayout } from './sample-layout.test.ts'

const CLI = join(import.meta.dirname, 'main.ts')

interface Ended {
  readonly status: number
  readonly stdout: string
  readonly stderr: string
}

/** The command line in a home of its own. */
function commandLine(t: TestContext) {
  const home = mkdtempSync(join(tmpdir(), 'casemate-copy-'))
  t.after(() => rmSync(home, { recursive: true, force: true }))
  const environment = { PATH: process.env['PATH'] ?? '', HOME: home, NO_COLOR: '1' }
  const start = (args: readonly string[], more: Record<string, string> = {}) =>
    spawn(process.execPath, ['--conditions=source', CLI, ...args], { env: { ...environment, ...more } })
  const run = async (args: readonly string[], { input = '', more = {} } = {}): Promise<Ended> => {
    const child = start(args, more)
    child.stdin.end(input)
    const [stdout, stderr] = await Promise.all([child.stdout, child.stderr].map((stream) => stream.toArray()))
    if (child.exitCode === null) await once(child, 'exit')
    return { status: child.exitCode ?? -1, stdout: `${stdout?.join('')}`, stderr: `${stderr?.join('')}` }
  }
  return { home, start, run }
}

async function ownRegistry(t: TestContext, tls?: { cert: Buffer; key: Buffer }): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'casemate-reg-'))
  const server = await RegistryServer.start(folder, {
    host: '127.0.0.1',
    port: 0,
    ...(tls ? { tls } : {}),
    onError: (error) => assert.fail(String(error)),
  })
  t.after(async () => {
    await server.close(100)
    rmSync(folder, { recursive: true, force: true })
  })
  return server.address
}

/** An image in a registry with a signature of its index. Gives its reference and its digest. */
async function signedImage(t: TestContext): Promise<{ reference: string; digest: string }> {
  const layout = await sampleLayout(t, { packages: { 'bash 5.2': [] } })
  const registry = await ownRegistry(t)
  const { run } = commandLine(t)
  assert.equal((await run(['copy', layout, `docker://${registry}/team/app:1.0`])).status, 0)
  const repository = new RegistryClient({ registry, repository: 'team/app' }, { credentials: null })
  const found = await openImage(parseReference(`docker://${registry}/team/app:1.0`))
  await found.close()
  const { privatePem } = generateKeyPair('secret')
  const signatory = keySignatory(openPrivateKey(privatePem, 'secret', 'key'))
  const signing = { repository, signatory, signedAs: `${registry}/team/app`, signedAt: 1_790_000_000 }
  await attachSignature(found.top.descriptor, signing)
  await repository.close()
  return { reference: `docker://${registry}/team/app:1.0`, digest: found.top.descriptor.digest }
}

test('copy carries an image with its evidence into a folder and out of it, and says what', async (t) => {
  const { reference, digest } = await signedImage(t)
  const { home, run } = commandLine(t)
  const carry = `oci:${home}/carry`
  const out = await run(['copy', reference, carry])
  assert.equal(out.status, 0, out.stderr)
  assert.match(out.stdout, /^copied +oci:.*\/carry:1\.0$/m, 'a folder takes the tag of the source')
  assert.match(out.stdout, new RegExp(`^digest +${digest}$`, 'm'))
  assert.match(out.stdout, /^signatures +1 {2}under tags, 1 as bundles$/m)
  assert.equal(out.stderr, '')

  const registry = await dockerRegistry(t)
  const back = await run(['copy', carry, `docker://${registry}/other:2`, '--json'])
  assert.equal(back.status, 0, back.stderr)
  const report = JSON.parse(back.stdout)
  assert.equal(report.digest, digest)
  assert.deepEqual(report.signatures, { tagged: 1, bundled: 1 })
  assert.equal(report.destination, `docker://${registry}/other:2`)
  const again = JSON.parse((await run(['copy', carry, `docker://${registry}/other:2`, '--json'])).stdout)
  assert.deepEqual([again.manifests, again.uploadedBytes], [0, 0])
})

test('copy warns of an image that nobody has signed, and refuses what holds no evidence or is not there', async (t) => {
  const layout = await sampleLayout(t, { packages: { 'bash 5.2': [] } })
  const { home, run } = commandLine(t)
  const copied = await run(['copy', layout, `oci:${home}/out`])
  assert.equal(copied.status, 0)
  assert.match(copied.stderr, /no signature was found/)
  const cases: [string[], number, RegExp][] = [
    [[layout, `oci-archive:${home}/a.tar`], 2, /USAGE_INVALID/],
    [[`docker-archive:${home}/a.tar`, layout], 2, /an archive has no place for what refers to an image/],
    [[`oci:${home}/nowhere`, layout], 3, /IMAGE_UNKNOWN/],
    [[`oci:${home}/out:none`, layout], 3, /IMAGE_UNKNOWN/],
    [['bash', layout], 2, /REFERENCE_INVALID/],
    [[layout, `oci:${home}/out`, '--ca', `${home}/nowhere.pem`], 2, /AUTHORITY_INVALID/],
    [[layout, `docker://127.0.0.1:1/app@sha256:${'0'.repeat(64)}`], 3, /the image's digest is/],
  ]
  for (const [args, status, message] of cases) {
    const ended = await run(['copy', ...args])
    assert.equal(ended.status, status, `${args.join(' ')}: ${ended.stderr}`)
    assert.match(ended.stderr, message)
  }
  writeFileSync(join(home, 'letter'), 'dear')
  assert.match((await run(['copy', layout, `oci:${home}`])).stderr, /LAYOUT_INVALID/)
})

test('a copy that is killed half-way shows no tag, leaves no blob in part, and goes on', async (t) => {
  const { reference, digest } = await signedImage(t)
  const source = parseReference(reference) as RegistryReference
  const { home, start, run } = commandLine(t)
  for (const stop of ['blobs/', 'manifests/', 'referrers/']) {
    let reached: () => void = () => undefined
    const stopped = new Promise<void>((resolve) => {
      reached = resolve
    })
    let seen = 0
    const proxy = await proxyBefore(t, source.registry, (request) => {
      // The reply to the second request of this kind never comes.
      if (!request.url?.includes(stop) || ++seen < 2) return undefined
      reached()
      return 'handled'
    })
    const child = start(['copy', `docker://${proxy.address}/team/app:1.0`, `oci:${home}/out`])
    await stopped
    child.kill('SIGKILL')
    await once(child, 'exit')
    if (existsSync(join(home, 'out/index.json'))) {
      assert.doesNotMatch(readFileSync(join(home, 'out/index.json'), 'utf8'), /1\.0/)
    }
  }
  const ended = await run(['copy', reference, `oci:${home}/out`, '--json'])
  assert.equal(ended.status, 0, ended.stderr)
  assert.equal(JSON.parse(ended.stdout).digest, digest)
  const opened = await openImage(parseReference(`oci:${home}/out`))
  for (const layer of opened.layers) await Array.fromAsync(layer.open())
  assert.ok(readdirSync(join(home, 'out/blobs/sha256')).length > 5)
})

test('login checks a password before it keeps it, and copy then uses it; logout forgets it', async (t) => {
  const registry = await dockerRegistry(t, { locked: true })
  const layout = await sampleLayout(t, { packages: { 'bash 5.2': [] } })
  const { home, run } = commandLine(t)
  const target = `docker://${registry}/app:1`
  const refused = await run(['copy', layout, target])
  assert.match(refused.stderr, /REGISTRY_REFUSED/)
  const login = (input: string, ...more: string[]) => run(['login', registry, '-u', 'tester', ...more], { input })
  const wrong = await login('wrong\n')
  assert.equal(wrong.status, 3)
  assert.match(wrong.stderr, /REGISTRY_REFUSED/)
  assert.ok(!existsSync(join(home, '.docker')), 'a wrong password is not kept')
  const right = await login('secret\n', '--password-stdin')
  assert.equal(right.status, 0, right.stderr)
  assert.match(right.stdout, /kept in .*\.docker\/config\.json/)
  assert.doesNotMatch(right.stdout + right.stderr, /secret/)
  assert.equal((await run(['copy', layout, target])).status, 0)
  const skopeo = ['inspect', '--tls-verify=false', target]
  await promisify(execFile)('skopeo', skopeo, { env: { HOME: home, PATH: process.env['PATH'] ?? '' } })
  assert.match((await run(['logout', registry])).stdout, /removed from .*config\.json/)
  assert.match((await run(['logout', registry])).stdout, /no credentials/)
  assert.match((await run(['copy', layout, target])).stderr, /REGISTRY_REFUSED/)
  const bad: [string[], string][] = [
    [['https://x.test/', '-u', 'a'], 'p'],
    [[registry, '-u', 'a:b'], 'p'],
    [[registry, '-u', 'a'], ''],
  ]
  for (const [args, input] of bad) {
    const ended = await run(['login', ...args], { input })
    assert.equal(ended.status, 2, ended.stderr)
    assert.match(ended.stderr, /USAGE_INVALID/)
  }
})

test('a private authority is trusted by --ca and by NODE_EXTRA_CA_CERTS', async (t) => {
  const { home, run } = commandLine(t)
  const ca = join(home, 'ca.pem')
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-noenc', '-keyout', join(home, 'key.pem')]
  const name = ['-subj', '/CN=private', '-addext', 'subjectAltName=IP:127.0.0.1', '-days', '2']
  await promisify(execFile)('openssl', ['req', '-x509', ...key, '-out', ca, ...name])
  const registry = await ownRegistry(t, { cert: readFileSync(ca), key: readFileSync(join(home, 'key.pem')) })
  const layout = await sampleLayout(t, { packages: { 'bash 5.2': [] } })
  const copy = ['copy', layout, `docker://${registry}/app:1`]
  const refused = await run(copy)
  assert.equal(refused.status, 3)
  assert.match(refused.stderr, /self-signed certificate; if a private authority has signed it, .*certs\.d/)
  assert.equal((await run(copy, { more: { NODE_EXTRA_CA_CERTS: ca } })).status, 0)
  const named = await run([...copy, '--ca', ca])
  assert.equal(named.status, 0, named.stderr)
})

test('what a source calls its image cannot steer the terminal', async (t) => {
  const layout = await sampleLayout(t, { packages: { 'bash 5.2': [] } })
  const [, folder = ''] = layout.split(':')
  const path = join(folder, 'index.json')
  writeFileSync(path, readFileSync(path, 'utf8').replace('"sample"', '"\\u001b[2Jevil"'))
  const { home, run } = commandLine(t)
  const ended = await run(['copy', `oci:${folder}`, `oci:${home}/out`])
  assert.ok(!(ended.stdout + ended.stderr).includes('\u001b'), JSON.stringify(ended))
})
