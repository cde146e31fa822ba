import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PREDICATES } from '#attest'
import { type DebianTool, debianTool } from '#testkit'
import { attachSignature, attachStatement } from './attach.ts'
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
      assert.equal(await attachStatement(subject, statement, signing), 'attached')
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
  for (const [name, predicateType] of Object.entries(PREDICATES)) {
    await attachStatement(subject, { predicateType, predicate: { name } }, signing)
  }
  const common = ['--key', publicKey, '--allow-http-registry', '--insecure-ignore-tlog=true']
  for (const [name, type] of Object.entries(TYPES)) {
    for (const { tool, options } of [forms[0], forms[1]] as const) {
      const args = ['verify-attestation', ...common, ...options.slice(1), '--type', type]
      const said = JSON.parse(await run(debianTool(tool), [...args, `${registry}/team/app@${subject.digest}`]))
      const { predicate } = JSON.parse(Buffer.from(said.payload, 'base64').toString())
      assert.deepEqual(predicate, { name }, `${tool} ${name}`)
    }
  }
})
