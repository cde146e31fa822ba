import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { keySignatory, openPrivateKey, PREDICATES } from '#attest'
import { attachStatements } from '#evidence'
import { openImage, parseReference, RegistryClient } from '#oci'
import { RegistryServer } from '#oci/registry'
import { type CleansUp, openWorkplace } from './workplace.ts'

const PASSWORD = { COSIGN_PASSWORD: 'secret' }

/** A workplace with a key pair, a registry, and what gates a reference there by a key. */
async function openPublisher(t: CleansUp) {
  const place = await openWorkplace(t)
  const folder = mkdtempSync(join(tmpdir(), 'casemate-reg-'))
  const server = await RegistryServer.start(folder, { host: '127.0.0.1', port: 0 })
  t.after(async () => {
    await server.close(100)
    rmSync(folder, { recursive: true, force: true })
  })
  assert.equal((await place.run(['keygen'], { env: PASSWORD })).status, 0)
  const reference = `${server.address}/team/greeting:1`
  const gate = async (...args: readonly string[]) => {
    const options = ['--platform', 'linux/amd64', '--evidence', 'advisories', '--json', ...args]
    const { status, stdout, stderr } = await place.run(['gate', reference, ...options], { env: PASSWORD })
    assert.notEqual(stdout, '', stderr)
    const gates: readonly { name: string; verdict: string; violations?: string[]; undecided?: string }[] =
      JSON.parse(stdout).gates
    return { status, named: (name: string) => gates.find((one) => one.name === name) }
  }
  return { place, registry: server.address, reference, gate }
}

test('evidence is complete and verified, or the gate says what is missing and why something is not believed', async (t) => {
  const { place, reference, gate } = await openPublisher(t)
  await place.build(['-o', `docker://${reference}`])
  const bare = await gate('--key', 'casemate.pub')
  assert.match(bare.named('evidence-verified')?.violations?.join('\n') ?? '', /^nothing is attached to sha256:/)
  assert.match(
    bare.named('evidence-verified')?.violations?.join('\n') ?? '',
    /^no believed statement of type provenance$/m,
  )

  await place.build(['-o', `docker://${reference}`, '--key', 'casemate.key'], { env: PASSWORD })
  const signed = await gate('--key', 'casemate.pub')
  assert.equal(signed.named('evidence-verified')?.verdict, 'passed', JSON.stringify(signed.named('evidence-verified')))
  assert.match(signed.named('tests-passed')?.undecided ?? '', /no believed test result is attached/)
  assert.equal((await gate()).named('evidence-verified')?.verdict, 'not-applicable')

  assert.equal((await place.run(['keygen', 'other'], { env: PASSWORD })).status, 0)
  const stranger = await gate('--key', 'other.pub')
  assert.match(
    stranger.named('evidence-verified')?.violations?.join('\n') ?? '',
    /^nobody who is trusted has signed sha256:/m,
  )
  assert.equal(stranger.status, 1)
})

test('attached results of tests count where they are believed, and a summary of the gates is signed and attached', async (t) => {
  const { place, registry, reference, gate } = await openPublisher(t)
  await place.build(['-o', `docker://${reference}`, '--key', 'casemate.key'], { env: PASSWORD })
  const opened = await openImage(parseReference(`docker://${reference}`))
  await opened.close()
  const repository = new RegistryClient({ registry, repository: 'team/greeting' })
  t.after(() => repository.close())
  const attach = (keyFile: string, passedTests: string[], failedTests: string[]) => {
    const signatory = keySignatory(openPrivateKey(place.read(keyFile), 'secret', keyFile))
    const signing = { repository, signatory, signedAs: `${registry}/team/greeting`, signedAt: 1 }
    const predicate = { result: failedTests.length === 0 ? 'PASSED' : 'FAILED', passedTests, failedTests }
    return attachStatements(
      opened.manifestDocument.descriptor,
      [{ predicateType: PREDICATES.test, predicate }],
      signing,
    )
  }
  assert.equal((await place.run(['keygen', 'other'], { env: PASSWORD })).status, 0)
  await attach('other.key', ['says a stranger'], [])
  assert.equal((await gate('--key', 'casemate.pub')).named('tests-passed')?.verdict, 'undecided')
  await attach('casemate.key', ['greets'], [])
  assert.equal((await gate('--key', 'casemate.pub')).named('tests-passed')?.verdict, 'passed')
  await attach('casemate.key', ['greets'], ['stops'])
  assert.deepEqual((await gate('--key', 'casemate.pub')).named('tests-passed')?.violations, ['failed: stops'])

  const policies = (name: string, expression: string) =>
    `policies:\n  - { name: ${name}, expression: '${expression}', reason: why, remedy: how }\n`
  place.write('signed.yaml', policies('signed', 'evidence.asked && size(evidence.refusals) == 0'))
  place.write('root.yaml', policies('root', 'config.uid == 0'))
  const summary = async (...args: readonly string[]) => {
    const { status } = await gate('--key', 'casemate.pub', 'other.pub', '--attest', 'other.key', '--policy', ...args)
    const printed = await place.run(['evidence', reference, '--key', 'other.pub', '--type', 'vsa'])
    assert.equal(printed.status, 0, printed.stderr)
    return { status, predicate: JSON.parse(printed.stdout) }
  }
  const passed = await summary('signed.yaml')
  const { verificationResult, verifiedLevels, policy, resourceUri, verifier } = passed.predicate
  assert.deepEqual(
    [passed.status, verificationResult, verifiedLevels],
    [0, 'PASSED', ['SLSA_BUILD_LEVEL_UNEVALUATED', 'CASEMATE_GATE_SIGNED']],
  )
  const sha256 = createHash('sha256').update(place.read('signed.yaml')).digest('hex')
  assert.deepEqual(policy, { uri: 'signed.yaml', digest: { sha256 } })
  assert.ok(decodeURIComponent(resourceUri).includes(opened.manifestDocument.descriptor.digest), resourceUri)
  assert.equal(typeof verifier.id, 'string')
})

test('an image in a folder is gated by evidence that lies there, and gets its summary there', async (t) => {
  const { place } = await openPublisher(t)
  await place.build(['-o', 'oci:./out:greeting'])
  const name = 'registry.example.org/team/greeting'
  const run = async (...args: readonly string[]) => place.run(args, { env: PASSWORD })
  const signed = await run('sign', 'oci:./out:greeting', '--key', 'casemate.key', '--signed-as', name)
  assert.equal(signed.status, 0, signed.stderr)
  place.write(
    'signed.yaml',
    "policies:\n  - { name: signed, expression: 'evidence.asked && size(evidence.refusals) == 0', reason: why, remedy: how }\n",
  )
  const gate = (...args: readonly string[]) =>
    run('gate', 'oci:./out:greeting', '--platform', 'linux/amd64', '--policy', 'signed.yaml', ...args)
  const passed = await gate('--key', 'casemate.pub', '--signed-as', name, '--attest', 'casemate.key')
  assert.equal(passed.status, 0, passed.stdout + passed.stderr)
  const summary = await run(
    'evidence',
    'oci:./out:greeting',
    '--key',
    'casemate.pub',
    '--signed-as',
    name,
    '--type',
    'vsa',
  )
  assert.match(summary.stdout, /"verificationResult": "PASSED"/)
  assert.ok(decodeURIComponent(summary.stdout).includes(`repository_url=${name}`), summary.stdout)
  assert.equal((await gate('--key', 'casemate.pub', '--signed-as', 'registry.example.org/other')).status, 1)
  const nameless = await gate('--key', 'casemate.pub')
  assert.equal(nameless.status, 2)
  assert.match(nameless.stderr, /say the repository that it was signed as by --signed-as/)
})
