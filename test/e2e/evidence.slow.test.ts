import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { keySignatory, openPrivateKey, PREDICATES } from '#attest'
import { attachSignature, attachStatements } from '#evidence'
import { openImage, parseReference, RegistryClient } from '#oci'
import { RegistryServer } from '#oci/registry'
import { debianTool } from '#testkit'
import { type CleansUp, openWorkplace, type Workplace } from './workplace.ts'

const PASSWORD = { COSIGN_PASSWORD: 'secret' }

/** A workplace with a key pair `casemate.key` and a registry of its own. */
async function openPublisher(t: CleansUp): Promise<{ place: Workplace; registry: string }> {
  const place = await openWorkplace(t)
  const folder = mkdtempSync(join(tmpdir(), 'casemate-reg-'))
  const server = await RegistryServer.start(folder, { host: '127.0.0.1', port: 0 })
  t.after(async () => {
    await server.close(100)
    rmSync(folder, { recursive: true, force: true })
  })
  const made = await place.run(['keygen'], { env: PASSWORD })
  assert.equal(made.status, 0, made.stderr)
  return { place, registry: server.address }
}

test('an image is built, signed with all that can be said of it, verified, and built again from that alone', async (t) => {
  const { place, registry } = await openPublisher(t)
  place.write('notes/motd.txt', 'from a file\n')
  place.write('casemate.yaml', place.read('casemate.yaml').replace('content: "hello\\n"', 'source: notes/motd.txt'))
  const reference = `${registry}/team/greeting:1`
  const { digest } = await place.build(['-o', `docker://${reference}`, '--key', 'casemate.key'], { env: PASSWORD })

  const verified = await place.run([
    'verify',
    reference,
    '--key',
    'casemate.pub',
    '--json',
    '--require',
    'provenance',
    'recipe',
    'spdx',
    'cyclonedx',
    'licences',
  ])
  assert.equal(verified.status, 0, verified.stdout + verified.stderr)
  const { manifests } = JSON.parse(verified.stdout)
  const said = manifests.map((one: { title: string; statements: { predicateType: string }[] }) => [
    one.title,
    [...new Set(one.statements.map(({ predicateType }) => predicateType))].sort(),
  ])
  const { provenance, recipe, spdx, cyclonedx, licences } = PREDICATES
  assert.deepEqual(said, [
    ['index', [provenance, recipe].sort()],
    ['linux/amd64', [provenance, recipe, spdx, cyclonedx, licences].sort()],
  ])

  // Nothing of the first build is left but what is in the registry, and the archive.
  for (const gone of ['cache', 'casemate.yaml', 'notes', 'out']) place.remove(gone)
  const again = await place.run(['reproduce', reference, '--key', 'casemate.pub', '--json'])
  assert.equal(again.status, 0, again.stdout + again.stderr)
  const { reproduced, compared } = JSON.parse(again.stdout)
  assert.deepEqual([reproduced, compared[0].got], [true, digest])
})

test('what a release was made of is kept, checked, and enough to build it again without any mirror', async (t) => {
  const { place, registry } = await openPublisher(t)
  const reference = `${registry}/team/greeting:1`
  await place.build(['-o', `docker://${reference}`, '--key', 'casemate.key'], { env: PASSWORD })
  const kept = await place.run(['store', 'keep', reference, '--key', 'casemate.pub', '--json'])
  assert.equal(kept.status, 0, kept.stdout + kept.stderr)
  const { objects, missingSources } = JSON.parse(kept.stdout)
  const whats = objects.map(({ what }: { what: string }) => what)
  for (const wanted of [
    /^casemate\.lock$/,
    /\/greet_1\.2-3_amd64\.deb$/,
    /^test-1\/trixie\/InRelease$/,
    /\/Packages(\.[gx]z)?$/,
  ]) {
    assert.ok(
      whats.some((what: string) => wanted.test(what)),
      `${wanted} in ${whats}`,
    )
  }
  assert.ok(missingSources.length > 0, 'the test archive has no index of sources')
  assert.equal((await place.run(['store', 'check'])).status, 0)

  place.remove('cache')
  const again = await place.run(['reproduce', reference, '--key', 'casemate.pub', '--store', 'store', '--offline'])
  assert.equal(again.status, 0, again.stdout + again.stderr)

  const [deb] = objects.filter(({ what }: { what: string }) => what.endsWith('/greet_1.2-3_amd64.deb'))
  const hex = deb.digest.slice('sha256:'.length)
  place.write(`store/objects/sha256/${hex.slice(0, 2)}/${hex}`, 'damaged')
  const checked = await place.run(['store', 'check'])
  assert.deepEqual([checked.status, checked.stdout.split('  ')[0]], [1, 'damaged'])
  place.remove('cache')
  const broken = await place.run(['reproduce', reference, '--key', 'casemate.pub', '--store', 'store', '--offline'])
  assert.deepEqual([broken.status, /greet_1\.2-3_amd64\.deb/.test(broken.stderr)], [3, true])
})

test('provenance leads from every package and its source to the layer that holds it', async (t) => {
  const { place, registry } = await openPublisher(t)
  const reference = `${registry}/team/greeting:1`
  const { platforms } = await place.build(['-o', `docker://${reference}`, '--key', 'casemate.key'], { env: PASSWORD })
  const printed = await place.run(['evidence', reference, '--key', 'casemate.pub', '--type', 'provenance'])
  assert.equal(printed.status, 0, printed.stderr)
  const { buildDefinition, runDetails } = JSON.parse(printed.stdout)
  const names = buildDefinition.resolvedDependencies.map(({ name }: { name: string }) => name)
  assert.deepEqual(names.slice(0, 4), [
    'casemate',
    'definition/archives/keys/test-1.asc',
    'definition/archives/test-1.yaml',
    'definition/casemate.yaml',
  ])
  const [only] = platforms
  for (const { name, version } of only?.packages ?? []) {
    const [found] = buildDefinition.resolvedDependencies.filter((one: { uri?: string }) =>
      one.uri?.startsWith(`pkg:deb/debian/${name}@`),
    )
    assert.match(found.digest.sha256, /^[0-9a-f]{64}$/, name)
    assert.ok(found.annotations.source.endsWith(` ${version}`), found.annotations.source)
    const layers = only?.layers.map((layer) => layer.digest) ?? []
    assert.ok(found.annotations.layers.length === 1 && layers.includes(found.annotations.layers[0]), name)
  }
  assert.deepEqual(
    runDetails.byproducts.map((one: { digest: { sha256: string } }) => `sha256:${one.digest.sha256}`),
    only?.layers.map((layer) => layer.digest),
  )
})

test('an image that is not what its recipe makes is not reproduced, and the difference is named', async (t) => {
  const { place, registry } = await openPublisher(t)
  const reference = `${registry}/team/greeting:1`
  await place.build(['-o', `docker://${reference}`, '--key', 'casemate.key'], { env: PASSWORD })
  const printed = await place.run(['evidence', reference, '--key', 'casemate.pub', '--type', 'recipe'])
  place.write('casemate.yaml', place.read('casemate.yaml').replace('hello\\n', 'hellO\\n'))
  const other = `${registry}/team/greeting:2`
  const { digest } = await place.build(['-o', `docker://${other}`])
  const repository = new RegistryClient({ registry, repository: 'team/greeting' })
  t.after(() => repository.close())
  const signatory = keySignatory(openPrivateKey(place.read('casemate.key'), 'secret', 'casemate.key'))
  const signing = { repository, signatory, signedAs: `${registry}/team/greeting`, signedAt: 1 }
  const opened = await openImage(parseReference(`docker://${other}`))
  await attachSignature(opened.top.descriptor, signing)
  const recipe = { predicateType: PREDICATES.recipe, predicate: JSON.parse(printed.stdout) }
  await attachStatements(opened.top.descriptor, [recipe], signing)
  await opened.close()

  const again = await place.run(['reproduce', other, '--key', 'casemate.pub'])
  assert.equal(again.status, 1, again.stderr)
  assert.match(again.stdout, new RegExp(`^differs   index          ${digest}, built sha256:`))
  assert.match(again.stdout, /first in layer \d+, etc\/motd: content sha256:[0-9a-f]{64}, sha256:[0-9a-f]{64}\n/)
})

test('an image with statements and no signature is refused, and one without anything says what may have happened', async (t) => {
  const { place, registry } = await openPublisher(t)
  const reference = `${registry}/team/greeting:1`
  await place.build(['-o', `docker://${reference}`])
  const bare = await place.run(['verify', reference, '--key', 'casemate.pub'])
  assert.equal(bare.status, 1)
  assert.match(
    bare.stdout,
    /refused: nothing is attached to sha256:[0-9a-f]{64}; if it was copied .* `casemate copy` or `oras cp -r`\n/,
  )
  const attested = await place.run(['attest', reference, '--key', 'casemate.key'], { env: PASSWORD })
  assert.equal(attested.status, 0, attested.stderr)
  assert.match(attested.stderr, /there are no advisories/)
  const unsigned = await place.run([
    'verify',
    `${registry}/team/greeting@${await platformDigest(reference)}`,
    '--key',
    'casemate.pub',
  ])
  assert.equal(unsigned.status, 1)
  assert.match(unsigned.stdout, /refused: it has 6 statements, but nobody who is trusted has signed sha256:/)
})

test('what was carried into a folder is verified, signed again and built again there', async (t) => {
  const { place, registry } = await openPublisher(t)
  const reference = `${registry}/team/greeting:1`
  await place.build(['-o', `docker://${reference}`, '--key', 'casemate.key'], { env: PASSWORD })
  const copied = await place.run(['copy', reference, 'oci:carried:1'])
  assert.equal(copied.status, 0, copied.stderr)
  const nameless = await place.run(['verify', 'oci:carried:1', '--key', 'casemate.pub'])
  assert.deepEqual([nameless.status, /--signed-as/.test(nameless.stderr)], [2, true])
  const name = ['--signed-as', `${registry}/team/greeting`]
  const verified = await place.run(['verify', 'oci:carried:1', '--key', 'casemate.pub', ...name, '--require', 'recipe'])
  assert.equal(verified.status, 0, verified.stdout + verified.stderr)
  const again = await place.run(['reproduce', 'oci:carried:1', '--key', 'casemate.pub', ...name])
  assert.equal(again.status, 0, again.stdout + again.stderr)
  assert.equal((await place.run(['keygen', 'other'], { env: PASSWORD })).status, 0)
  const signed = await place.run(['sign', 'oci:carried:1', '--key', 'other.key', ...name], { env: PASSWORD })
  assert.equal(signed.status, 0, signed.stderr)
  assert.equal((await place.run(['verify', 'oci:carried:1', '--key', 'other.pub', ...name])).status, 0)
})

test('a signature counts for its own repository, its own age and its own key', async (t) => {
  const { place, registry } = await openPublisher(t)
  const reference = `${registry}/team/greeting:1`
  await place.build(['-o', `docker://${reference}`])
  const signed = await place.run(
    ['sign', reference, '--key', 'casemate.key', '--signed-as', 'registry.example.org/team/app'],
    { env: PASSWORD },
  )
  assert.equal(signed.status, 0, signed.stderr)
  const verify = (...args: string[]) => place.run(['verify', reference, ...args])
  const elsewhere = await verify('--key', 'casemate.pub')
  assert.deepEqual(
    [elsewhere.status, /signed as registry\.example\.org\/team\/app, not as/.test(elsewhere.stdout)],
    [1, true],
  )
  assert.equal((await verify('--key', 'casemate.pub', '--signed-as', 'registry.example.org/team/app')).status, 0)
  assert.equal(
    (await verify('--key', 'casemate.pub', '--signed-as', 'registry.example.org/team/app', '--max-age', '1h')).status,
    0,
  )
  const again = await place.run(
    ['sign', reference, '--key', 'casemate.key', '--signed-as', 'registry.example.org/team/app'],
    { env: PASSWORD },
  )
  assert.match(again.stdout, /^was signed already/)
  const renew = ['sign', reference, '--key', 'casemate.key', '--signed-as', 'registry.example.org/team/app', '--renew']
  assert.match((await place.run(renew, { env: PASSWORD })).stdout, /^signed /)
  const other = await place.run(['keygen', 'other'], { env: PASSWORD })
  assert.equal(other.status, 0)
  const foreign = await verify('--key', 'other.pub', '--signed-as', 'registry.example.org/team/app')
  assert.deepEqual([foreign.status, /no trusted key has signed it/.test(foreign.stdout)], [1, true])
  assert.deepEqual([(await verify()).status, (await verify('--key', 'casemate.yaml')).status], [2, 2])
  const wrong = await place.run(['sign', reference, '--key', 'casemate.key'], { env: { COSIGN_PASSWORD: 'no' } })
  assert.deepEqual([wrong.status, /KEY_LOCKED/.test(wrong.stderr)], [2, true])
  const twice = await place.run(['keygen'], { env: PASSWORD })
  assert.deepEqual([twice.status, /never written over/.test(twice.stderr)], [2, true])
})

test('keys go both ways between Casemate and cosign', async (t) => {
  const { place, registry } = await openPublisher(t)
  const reference = `${registry}/team/greeting:1`
  await place.build(['-o', `docker://${reference}`])
  for (const tool of ['cosign-2', 'cosign-3'] as const) {
    const options = { cwd: place.folder, env: { ...place.environment, ...PASSWORD } }
    await promisify(execFile)(debianTool(tool), ['generate-key-pair', '--output-key-prefix', tool], options)
    const signed = await place.run(['sign', reference, '--key', `${tool}.key`], { env: PASSWORD })
    assert.equal(signed.status, 0, signed.stderr)
    assert.equal((await place.run(['verify', reference, '--key', `${tool}.pub`])).status, 0)
    const flags = ['--key', 'casemate.key', '--tlog-upload=false', '--yes', '--allow-http-registry']
    const extra = tool === 'cosign-3' ? ['--use-signing-config=false', '--new-bundle-format=true'] : []
    await promisify(execFile)(
      debianTool(tool),
      ['sign', ...flags, ...extra, `${registry}/team/greeting@${await platformDigest(reference)}`],
      options,
    )
    const theirs = await place.run([
      'verify',
      `${registry}/team/greeting@${await platformDigest(reference)}`,
      '--key',
      'casemate.pub',
    ])
    assert.equal(theirs.status, 0, `${tool}: ${theirs.stdout}`)
  }
})

async function platformDigest(reference: string): Promise<string> {
  const opened = await openImage(parseReference(`docker://${reference}`))
  await opened.close()
  return opened.manifestDocument.descriptor.digest
}
