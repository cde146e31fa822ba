import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PREDICATES } from '#attest'
import type { Json } from '#core'
import { parseManifest, referrersTag } from '#oci'
import { type DebianTool, debianTool, dockerRegistry, proxyBefore } from '#testkit'
import type { NewEvidence } from '../draft.ts'
import { evidenceTag } from '../tag-form.ts'
import { attachSignature, attachStatements } from './attach.ts'
import {
  clientOf,
  pushSample,
  run,
  SIGNED_AT,
  subjectsOf,
  testFolder,
  testRegistry,
  testSignatory,
} from './fixtures.test.ts'

/** What each release of cosign wants said to verify by key, without transparency log. */
const forms = [
  { tool: 'cosign-2', form: 'the older form', options: ['--insecure-ignore-tlog=true'] },
  { tool: 'cosign-3', form: 'bundles', options: ['--insecure-ignore-tlog=true', '--new-bundle-format=true'] },
  { tool: 'cosign-3', form: 'the older form', options: ['--insecure-ignore-tlog=true', '--new-bundle-format=false'] },
] as const satisfies readonly { tool: DebianTool; form: string; options: readonly string[] }[]

for (const { tool, form, options } of forms) {
  test(`${tool} verifies signatures and statements of an index and its manifests in ${form}`, async (t) => {
    const folder = testFolder(t)
    const registry = await testRegistry(t)
    const image = await pushSample(t, registry)
    const repository = clientOf(t, registry)
    const { signatory, publicKey } = testSignatory(folder)
    const signing = { repository, signatory, signedAs: `${registry}/team/app`, signedAt: SIGNED_AT }
    for (const subject of subjectsOf(image)) {
      assert.equal(await attachSignature(subject, signing), 'attached')
      const statement = { predicateType: 'https://slsa.dev/provenance/v1', predicate: { buildDefinition: {} } }
      assert.deepEqual(await attachStatements(subject, [statement], signing), ['attached'])
      const name = `${registry}/team/app@${subject.digest}`
      const common = ['--key', publicKey, '--allow-http-registry', ...options]
      const verified = JSON.parse(await run(debianTool(tool), ['verify', ...common, name]))
      assert.equal(verified[0].critical.image['docker-manifest-digest'], subject.digest)
      const said = await run(debianTool(tool), ['verify-attestation', ...common, '--type', 'slsaprovenance1', name])
      const payload = JSON.parse(Buffer.from(JSON.parse(said).payload, 'base64').toString())
      assert.deepEqual(payload.predicate, statement.predicate)
      const { publicKey: other } = testSignatory(folder, 'other')
      await assert.rejects(run(debianTool(tool), ['verify', '--key', other, ...common.slice(2), name]))
    }
  })
}

function everyStatement(more: Json = null): NewEvidence[] {
  return Object.entries(PREDICATES).map(([name, predicateType]) => ({ predicateType, predicate: { name, more } }))
}

/** The types as cosign names them, by a word of its own or as they are. */
const TYPES: Readonly<Record<keyof typeof PREDICATES, string>> = {
  provenance: 'slsaprovenance1',
  recipe: PREDICATES.recipe,
  spdx: 'spdxjson',
  cyclonedx: 'cyclonedx',
  licences: PREDICATES.licences,
  vex: 'openvex',
  vuln: 'vuln',
  test: PREDICATES.test,
  vsa: PREDICATES.vsa,
}

test('cosign 2 and 3 verify a statement of every type', async (t) => {
  const folder = testFolder(t)
  const registry = await testRegistry(t)
  const image = await pushSample(t, registry)
  const { signatory, publicKey } = testSignatory(folder)
  const signing = {
    repository: clientOf(t, registry),
    signatory,
    signedAs: `${registry}/team/app`,
    signedAt: SIGNED_AT,
  }
  const [, subject] = subjectsOf(image)
  assert.ok(subject !== undefined)
  await attachStatements(subject, everyStatement(), signing)
  const common = ['--key', publicKey, '--allow-http-registry', '--insecure-ignore-tlog=true']
  for (const [name, type] of Object.entries(TYPES)) {
    for (const { tool, options } of [forms[0], forms[1]] as const) {
      const args = ['verify-attestation', ...common, ...options.slice(1), '--type', type]
      const said = JSON.parse(await run(debianTool(tool), [...args, `${registry}/team/app@${subject.digest}`]))
      const { predicate } = JSON.parse(Buffer.from(said.payload, 'base64').toString())
      assert.deepEqual(predicate, { name, more: null }, `${tool} ${name}`)
    }
  }
})

const places = {
  // How often the tag is written by itself: our registry gets it with everything else.
  'our registry': { start: testRegistry, writes: 0 },
  'docker-registry, which has no referrers API,': { start: dockerRegistry, writes: 1 },
}
for (const [place, { start, writes }] of Object.entries(places)) {
  test(`statements of every type go to ${place} together: the tag is read and written once`, async (t) => {
    const proxy = await proxyBefore(t, await start(t))
    const image = await pushSample(t, proxy.address)
    const { signatory } = testSignatory(testFolder(t))
    const repository = clientOf(t, proxy.address)
    const signing = { repository, signatory, signedAs: `${proxy.address}/team/app`, signedAt: SIGNED_AT }
    const [subject] = subjectsOf(image)
    assert.ok(subject !== undefined)
    const tag = evidenceTag(subject.digest, 'att')
    const asked = (method: string, reference: string) =>
      proxy.requests.filter((line) => line === `${method} /v2/team/app/manifests/${reference}`).length
    const count = Object.keys(PREDICATES).length
    const layersOf = async () => {
      const found = await repository.readManifest(tag)
      return found === undefined ? [] : parseManifest(found.bytes, tag).layers
    }

    assert.deepEqual(await attachStatements(subject, everyStatement(), signing), Array(count).fill('attached'))
    assert.deepEqual([asked('GET', tag), asked('PUT', tag)], [1, writes])
    assert.ok(
      asked('PUT', referrersTag(subject.digest)) < count,
      'the index of referrers is written for several at once',
    )
    assert.deepEqual(
      (await layersOf()).map(({ annotations }) => annotations?.['predicateType']),
      Object.values(PREDICATES),
      'in the order in which they were given',
    )
    const before = proxy.sent().length
    assert.deepEqual(await attachStatements(subject, everyStatement(), signing), Array(count).fill('present'))
    assert.equal(proxy.sent().length, before, 'nothing is written again')

    const [first, ...others] = everyStatement()
    const [changed] = everyStatement('changed')
    assert.ok(first !== undefined && changed !== undefined)
    const outcomes = await attachStatements(subject, [changed, ...others], signing)
    assert.deepEqual(outcomes, ['attached', ...Array(count - 1).fill('present')])
    assert.equal((await layersOf()).length, count, 'what is new of a type takes the place of what was said before')
    assert.equal((await repository.referrers(subject.digest)).length, count + 1)
  })
}
