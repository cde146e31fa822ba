import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { generateKeyPair, keySignatory, keyTrust, openPrivateKey, parsePublicKey } from '#attest'
import { type Digest, digestOf } from '#core'
import { attachSignature } from '#evidence'
import { composeImage, composeIndex, type ImageSource, pushImage, RegistryClient } from '#oci'
import { signingNow } from '../signatory.ts'
import { REGISTRIES } from './fixtures.test.ts'
import { RegistryPublisher } from './publisher.ts'

const PASSWORD = 'secret'
const pair = generateKeyPair(PASSWORD, 'ecdsa-p256-sha256')
const trust = keyTrust([parsePublicKey(pair.publicPem, 'the test’s key')], undefined)
const signatory = keySignatory(openPrivateKey(pair.privatePem, PASSWORD, 'the test’s key'))

/** An image without layers, which is another one by its name. */
function imageOf(name: string): ImageSource {
  const platform = { os: 'linux', architecture: 'amd64' }
  const config = { platform, config: { Labels: { name } }, diffIds: [], history: [] }
  return composeIndex([composeImage({ config, layers: [] })], { async *open() {} })
}

/** A publisher, with images that lie in repositories of a registry by their digests. */
async function place(t: TestContext, address: string) {
  const publisher = new RegistryPublisher({ trust })
  t.after(() => publisher.close())
  const push = async (repository: string, name: string, isSigned = true): Promise<Digest> => {
    const image = imageOf(name)
    const { digest } = image.top.descriptor
    const target = { transport: 'docker', registry: address, repository, digest } as const
    await pushImage(image, target)
    const client = new RegistryClient(target)
    const signing = signingNow({ repository: client, signatory, signedAs: client.name })
    if (isSigned) await attachSignature(image.top.descriptor, signing)
    await client.close()
    return digest
  }
  return { publisher, push, at: (repository: string, tag: string) => ({ repository: `${address}/${repository}`, tag }) }
}

for (const [name, start] of Object.entries(REGISTRIES)) {
  test(`tags move when all are as expected, and what broke off is done again: ${name}`, async (t) => {
    const { publisher, push, at } = await place(t, await start(t))
    const [one, two, other] = [await push('one', '1'), await push('one', '2'), await push('two', '3')]
    const first = [
      { ...at('one', '1'), expected: undefined, next: one },
      { ...at('two', '1'), expected: undefined, next: other },
    ]
    assert.equal(await publisher.move(first), true)
    assert.deepEqual(await publisher.resolve([at('one', '1'), at('two', '1'), at('two', '2')]), [one, other, undefined])
    const contested = [
      { ...at('one', '1'), expected: one, next: two },
      { ...at('two', '1'), expected: two, next: other },
    ]
    assert.equal(await publisher.move(contested), false)
    assert.deepEqual(await publisher.resolve([at('one', '1')]), [one])
    assert.equal(await publisher.move([{ ...at('one', '1'), expected: one, next: two }]), true)
    assert.deepEqual(await publisher.resolve([at('one', '1')]), [two])
    const absent = [{ ...at('one', '2'), expected: undefined, next: digestOf('absent') }]
    await assert.rejects(publisher.move(absent), /cannot (give|move)/)
  })

  test(`what is not there, or not signed by our own key, gets no tag: ${name}`, async (t) => {
    const { publisher, push, at } = await place(t, await start(t))
    const { repository } = at('app', '1')
    const candidate = (digest: Digest) => ({ image: 'app', repository, digest, manifests: [] })
    const signed = await publisher.verify(candidate(await push('app', 'signed')))
    assert.deepEqual(Object.keys(signed), ['https://sigstore.dev/cosign/sign/v1'])
    for (const digest of [await push('app', 'unsigned', false), digestOf('absent')]) {
      await assert.rejects(publisher.verify(candidate(digest)), { code: 'CANDIDATE_UNSIGNED' })
    }
    const foreign = new RegistryPublisher({
      trust: keyTrust([parsePublicKey(generateKeyPair('', 'ecdsa-p256-sha256').publicPem, 'k')], undefined),
    })
    await assert.rejects(foreign.verify(candidate(await push('app', 'signed'))), { code: 'CANDIDATE_UNSIGNED' })
    await foreign.close()
  })
  test(`what a gate has put on record is enough where all of it is still attached, and nothing else is: ${name}`, async (t) => {
    const { publisher, push, at } = await place(t, await start(t))
    const { repository } = at('app', '1')
    const digest = await push('app', 'signed')
    const candidate = { image: 'app', repository, digest, manifests: [] }
    const attached = await publisher.verify(candidate)
    assert.deepEqual(await publisher.verify({ ...candidate, attached }), attached)
    const unsigned = { ...candidate, digest: await push('app', 'unsigned', false) }
    for (const claimed of [attached, {}, { 'https://sigstore.dev/cosign/sign/v1': digestOf('absent') }]) {
      await assert.rejects(publisher.verify({ ...unsigned, attached: claimed }), { code: 'CANDIDATE_UNSIGNED' })
    }
  })
}
