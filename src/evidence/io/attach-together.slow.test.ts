import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { keyTrust, parsePublicKey } from '#attest'
import { parseManifest, type RegistryClient } from '#oci'
import { proxyBefore } from '#testkit'
import { judgeEvidence } from '../judge.ts'
import { evidenceTag } from '../tag-form.ts'
import { attachSignature, attachStatements, attachTogether } from './attach.ts'
import { collectEvidence } from './collect.ts'
import {
  clientOf,
  pushSample,
  SIGNED_AT,
  subjectsOf,
  testFolder,
  testRegistry,
  testSignatory,
} from './fixtures.test.ts'
import type { Signing } from './plan-evidence.ts'

const SAID = { predicateType: 'https://example.org/said/v1', predicate: { said: true } }
const OTHER = { predicateType: 'https://example.org/other/v1', predicate: {} }

function signingBy(repository: RegistryClient, folder: string, name: string) {
  return signingAs(repository, testSignatory(folder, name), name)
}

function signingAs(repository: RegistryClient, { signatory, publicKey }: ReturnType<typeof testSignatory>, name = '') {
  const signing: Signing = { repository, signatory, signedAs: repository.name, signedAt: SIGNED_AT }
  return { signing, trust: keyTrust([parsePublicKey(readFileSync(publicKey, 'utf8'), name)]) }
}

async function layersUnder(repository: RegistryClient, tag: string): Promise<number> {
  const found = await repository.readManifest(tag)
  return found === undefined ? 0 : parseManifest(found.bytes).layers.length
}

test('everything about fresh images of several repositories is one request, and verifies', async (t) => {
  const folder = testFolder(t)
  const proxy = await proxyBefore(t, await testRegistry(t))
  const names = ['team/one', 'team/two', 'team/three']
  const key = testSignatory(folder)
  const parts = []
  for (const name of names) {
    const image = await pushSample(t, proxy.address, name)
    const repository = clientOf(t, proxy.address, name)
    await repository.takesContents()
    parts.push({ image, repository, ...signingAs(repository, key) })
  }
  proxy.requests.length = 0
  const works = parts.flatMap(({ image, signing }) =>
    subjectsOf(image).map((subject) => {
      return { subject, statements: [SAID, OTHER], isSigned: true, signing: { ...signing, isFresh: true } }
    }),
  )
  const reports = await attachTogether(works)
  const done = { signature: 'attached', statements: ['attached', 'attached'] }
  assert.deepEqual(reports, Array(9).fill(done))
  assert.deepEqual(proxy.requests, ['POST /v2/_casemate/contents'])
  for (const { image, repository, trust } of parts) {
    for (const { digest } of subjectsOf(image)) {
      const judgement = judgeEvidence(await collectEvidence(repository, digest), {
        trust,
        repositories: [repository.name],
      })
      assert.deepEqual(judgement.refused, [])
      assert.deepEqual([judgement.signatures.length, judgement.statements.length], [2, 4], 'each in both forms')
    }
  }
  const again = await attachTogether(works.map((one) => ({ ...one, signing: { ...one.signing, isFresh: false } })))
  assert.deepEqual(again, Array(9).fill({ signature: 'present', statements: ['present', 'present'] }))
  assert.equal(proxy.sent().length, 1, 'nothing is written again')
})

test('what others have attached stays, though nothing was known of it', async (t) => {
  const folder = testFolder(t)
  const registry = await testRegistry(t)
  const image = await pushSample(t, registry)
  const repository = clientOf(t, registry)
  const [subject] = subjectsOf(image)
  assert.ok(subject !== undefined)
  const { signing: first } = signingBy(repository, folder, 'first')
  const { signing: second } = signingBy(repository, folder, 'second')
  await attachSignature(subject, first)
  await attachStatements(subject, [SAID], first)
  const signing = { ...second, isFresh: true }
  const [report] = await attachTogether([{ subject, statements: [SAID], isSigned: true, signing }])
  assert.deepEqual(report, { signature: 'attached', statements: ['attached'] })
  assert.equal(await layersUnder(repository, evidenceTag(subject.digest, 'sig')), 2)
  assert.equal(await layersUnder(repository, evidenceTag(subject.digest, 'att')), 2)
})

test('of several who sign at the same moment, none is lost', async (t) => {
  const folder = testFolder(t)
  const registry = await testRegistry(t)
  const image = await pushSample(t, registry)
  const [subject] = subjectsOf(image)
  assert.ok(subject !== undefined)
  const signings = ['one', 'two', 'three'].map((name) => signingBy(clientOf(t, registry), folder, name).signing)
  await Promise.all(
    signings.map((signing) => attachTogether([{ subject, statements: [SAID], isSigned: true, signing }])),
  )
  const repository = clientOf(t, registry)
  assert.equal(await layersUnder(repository, evidenceTag(subject.digest, 'sig')), 3)
  assert.equal(await layersUnder(repository, evidenceTag(subject.digest, 'att')), 3)
  assert.ok((await repository.referrers(subject.digest)).length >= 6)
})
