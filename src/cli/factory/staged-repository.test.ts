import assert from 'node:assert/strict'
import { test } from 'node:test'
import { generateKeyPair, keySignatory, keyTrust, openPrivateKey, parsePublicKey } from '#attest'
import { attachSignature, attachStatements, collectEvidence, judgeEvidence } from '#evidence'
import { composeImage, composeIndex, type ImageSource, RegistryClient } from '#oci'
import { signingNow } from '../signatory.ts'
import { REGISTRIES } from './fixtures.test.ts'
import { RegistryHome } from './registry-home.ts'
import { StagedRepository } from './staged-repository.ts'

const pair = generateKeyPair('secret', 'ecdsa-p256-sha256')
const trust = keyTrust([parsePublicKey(pair.publicPem, 'the test’s key')], undefined)
const signatory = keySignatory(openPrivateKey(pair.privatePem, 'secret', 'the test’s key'))

/** An image without layers for two platforms. */
function imageOf(name: string): ImageSource {
  const images = ['amd64', 'arm64'].map((architecture) => {
    const platform = { os: 'linux', architecture }
    return composeImage({ config: { platform, config: { Labels: { name } }, history: [] }, layers: [] })
  })
  return composeIndex(images, { async *open() {} })
}

for (const [name, start] of Object.entries(REGISTRIES)) {
  test(`an image is laid out, read back, and there with its evidence when it was sent, not before: ${name}`, async (t) => {
    const address = await start(t)
    const home = new RegistryHome(address)
    t.after(() => home.close())
    const image = imageOf('one')
    const { descriptor } = image.top
    const staged = new StagedRepository(`${address}/app`, home)
    await staged.putImage(image, { mountFrom: [], below: new Set() })
    const signing = signingNow({ repository: staged, signatory, signedAs: staged.name })
    await attachSignature(descriptor, signing)
    const [first] = staged.bundles(descriptor.digest)
    const judged = judgeEvidence(
      { subject: descriptor.digest, items: first === undefined ? [] : [first], others: [] },
      { trust, repositories: [staged.name] },
    )
    assert.equal(judged.signatures.length, 1)

    const client = new RegistryClient({ registry: address, repository: 'app' })
    t.after(() => client.close())
    assert.equal(await client.resolve(descriptor.digest, 'pull'), undefined)
    await staged.send()
    assert.equal(await client.resolve(descriptor.digest, 'pull'), descriptor.digest)

    const statement = { predicateType: 'https://example.org/said', predicate: { said: 'later' } }
    assert.deepEqual(await attachStatements(descriptor, [statement], signing), ['attached'])
    await staged.send()
    const found = judgeEvidence(await collectEvidence(client, descriptor.digest), {
      trust,
      repositories: [staged.name],
    })
    assert.deepEqual(found.refused, [])
    assert.deepEqual([found.signatures.length, found.statements.length], [2, 2])
    const there = (await client.referrers(descriptor.digest)).map(({ digest }) => digest).sort()
    assert.deepEqual(
      there,
      staged
        .attached(descriptor.digest)
        .map(([, digest]) => digest)
        .sort(),
    )

    // Whoever makes the same image again finds what is attached, and signs nothing a second time.
    const again = new StagedRepository(`${address}/app`, home)
    await again.putImage(image, { mountFrom: [], below: new Set() })
    assert.equal(await attachSignature(descriptor, { ...signing, repository: again }), 'present')
  })
}
