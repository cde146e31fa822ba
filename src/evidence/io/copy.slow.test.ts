import assert from 'node:assert/strict'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { digestOf, hexOf } from '#core'
import {
  composeArtifact,
  type Descriptor,
  formatIndex,
  type ImageSource,
  LayoutRepository,
  MEDIA_TYPES,
  memoryBlobs,
  RegistryClient,
  type Repository,
  referrersTag,
} from '#oci'
import { type DebianTool, debianTool, dockerRegistry, httpServer, proxyBefore } from '#testkit'
import { attachSignature, attachStatements } from './attach.ts'
import { copyWithEvidence } from './copy.ts'
import {
  type Cleanup,
  clientOf,
  pushSample,
  run,
  SIGNED_AT,
  subjectsOf,
  testFolder,
  testRegistry,
  testSignatory,
} from './fixtures.test.ts'

const PROVENANCE = { predicateType: 'https://slsa.dev/provenance/v1', predicate: { buildDefinition: {} } }

/** An image for two platforms in our registry, signed and stated about: index and manifests, in both forms. */
async function signedImage(t: Cleanup) {
  const registry = await testRegistry(t)
  const image = await pushSample(t, registry)
  const repository = clientOf(t, registry)
  const key = testSignatory(testFolder(t))
  for (const subject of subjectsOf(image)) await attachTo(repository, subject, key.signatory)
  return { registry, image, repository, ...key }
}

async function attachTo(
  repository: Repository,
  subject: ImageSource['top']['descriptor'],
  signatory: ReturnType<typeof testSignatory>['signatory'],
) {
  const signing = { repository, signatory, signedAs: 'registry.example.org/team/app', signedAt: SIGNED_AT }
  await attachSignature(subject, signing)
  await attachStatements(subject, [PROVENANCE], signing)
}

const COMMON = ['--insecure-ignore-tlog=true', '--allow-http-registry', '--private-infrastructure=true']

/** What cosign 2 and cosign 3 verify of an image, in both forms; rejects unless they accept index and manifests. */
async function verifyAll(name: string, image: ImageSource, publicKey: string): Promise<void> {
  const forms: [DebianTool, string[]][] = [
    ['cosign-2', []],
    ['cosign-3', ['--new-bundle-format=true']],
  ]
  for (const { digest } of subjectsOf(image)) {
    for (const [tool, form] of forms) {
      const options = ['--key', publicKey, ...COMMON, ...form, `${name}@${digest}`]
      const verified = JSON.parse(await run(debianTool(tool), ['verify', ...options]))
      assert.equal(verified[0].critical.image['docker-manifest-digest'], digest)
      await run(debianTool(tool), ['verify-attestation', '--type', 'slsaprovenance1', ...options])
    }
  }
}

const REPORT = {
  images: 2,
  signatures: { tagged: 3, bundled: 3 },
  statements: { tagged: 3, bundled: 3 },
  others: 0,
}

test('evidence goes to docker-registry, a folder and back, and cosign 2 and 3 verify it after each hop', async (t) => {
  const { image, repository, publicKey } = await signedImage(t)
  const old = await dockerRegistry(t)
  const oldClient = clientOf(t, old)
  const sent = await copyWithEvidence(repository, oldClient, '1', { tag: '1' })
  assert.deepEqual({ ...sent, ...REPORT }, sent)
  assert.equal(sent.digest, image.top.descriptor.digest)
  assert.equal(sent.blobs.present, 0)
  assert.ok(await oldClient.readManifest(referrersTag(sent.digest)), 'docker-registry 2.8 has no referrers API')
  await verifyAll(`${old}/team/app`, image, publicKey)

  const folder = join(testFolder(t), 'carry')
  const layout = await LayoutRepository.open(folder)
  assert.deepEqual(
    { ...(await copyWithEvidence(oldClient, layout, '1', { tag: '1.0' })), ...REPORT, digest: sent.digest }.bytes,
    sent.bytes,
  )
  assert.equal((await layout.findImage()).digest, sent.digest)
  assert.ok(!(await layout.tags()).includes(referrersTag(sent.digest)), 'a folder lists referrers without such a tag')

  const target = await testRegistry(t)
  const client = clientOf(t, target, 'other/place')
  await copyWithEvidence(layout, client, '1.0', { tag: '2' })
  await verifyAll(`${target}/other/place`, image, publicKey)
  assert.equal(await client.readManifest(referrersTag(sent.digest)), undefined)
  for (const [registry, name] of [
    [old, 'team/app:1'],
    [target, 'other/place:2'],
  ] as const) {
    const args = ['discover', '--plain-http', '--format', 'json', `${registry}/${name}`]
    const seen = JSON.parse(await run(debianTool('oras'), args))
    assert.equal(seen.manifests.length, 2, registry)
  }
  const again = await copyWithEvidence(layout, client, '1.0', { tag: '2' })
  assert.deepEqual([again.manifests, again.uploadedBytes, again.blobs.uploaded], [0, 0, 0])
})

test('a copy within our registry is one request for its blobs and one for its manifests; from elsewhere one more', async (t) => {
  const { registry, repository } = await signedImage(t)
  const proxy = await proxyBefore(t, registry)
  const [from, to] = [clientOf(t, proxy.address), clientOf(t, proxy.address, 'team/copy')]
  const first = await copyWithEvidence(from, to, '1', { tag: '1' })
  assert.deepEqual([first.blobs.uploaded, first.blobs.present], [0, 0])
  assert.deepEqual(proxy.sent(), Array(2).fill('POST /v2/_casemate/contents'))
  const other = await proxyBefore(t, await testRegistry(t))
  const target = clientOf(t, other.address)
  const second = await copyWithEvidence(repository, target, '1', { tag: '1' })
  assert.deepEqual([second.manifests, second.blobs.uploaded], [first.manifests, first.blobs.mounted])
  assert.deepEqual(other.sent(), Array(3).fill('POST /v2/_casemate/contents'))
})

test('an SBOM under its tag is carried, and a folder goes on to a registry by oras with its bundles', async (t) => {
  const { image, repository, publicKey } = await signedImage(t)
  const { digest } = image.top.descriptor
  const [first] = image.images
  // Any manifest will do: nobody looks into it.
  await repository.putManifest(first!.manifest, `${digest.replace(':', '-')}.sbom`)
  const folder = join(testFolder(t), 'carry')
  const layout = await LayoutRepository.open(folder)
  const report = await copyWithEvidence(repository, layout, '1', { tag: '1' })
  assert.equal(report.others, first!.layers.length)
  assert.ok((await layout.tags()).includes(`${digest.replace(':', '-')}.sbom`))
  const target = await testRegistry(t)
  const name = `${target}/team/app`
  await run(debianTool('oras'), ['cp', '-r', '--from-oci-layout', `${folder}:1`, '--to-plain-http', `${name}:1`])
  const options = ['--key', publicKey, ...COMMON, '--new-bundle-format=true', `${name}@${digest}`]
  await run(debianTool('cosign-3'), ['verify', ...options])
  await run(debianTool('cosign-3'), ['verify-attestation', '--type', 'slsaprovenance1', ...options])
})

test('what oras has copied with everything still verifies, and copies on', async (t) => {
  const { registry, image, publicKey } = await signedImage(t)
  const targets = { ours: await testRegistry(t), 'docker-registry': await dockerRegistry(t) }
  for (const [kind, target] of Object.entries(targets)) {
    const names = [`${registry}/team/app:1`, `${target}/team/app:1`]
    await run(debianTool('oras'), ['cp', '-r', '--from-plain-http', '--to-plain-http', ...names])
    const name = `${target}/team/app@${image.top.descriptor.digest}`
    const options = ['--key', publicKey, ...COMMON, '--new-bundle-format=true', name]
    await run(debianTool('cosign-3'), ['verify', ...options])
    await run(debianTool('cosign-3'), ['verify-attestation', '--type', 'slsaprovenance1', ...options])
    const layout = await LayoutRepository.open(join(testFolder(t), 'out'))
    const report = await copyWithEvidence(clientOf(t, target), layout, '1', { tag: '1' })
    assert.equal(report.signatures.tagged, 0, `oras knows nothing of tags: ${kind}`)
    assert.ok(report.signatures.bundled > 0, kind)
  }
})

test('within one registry blobs are mounted, not sent', async (t) => {
  const { registry, repository } = await signedImage(t)
  const report = await copyWithEvidence(repository, clientOf(t, registry, 'prod/app'), '1', { tag: '1' })
  assert.deepEqual([report.blobs.uploaded, report.blobs.present, report.uploadedBytes], [0, 0, 0])
  assert.ok(report.blobs.mounted > 0)
})

test('signatures that the destination has of its own stay beside those that come', async (t) => {
  const { image, repository, publicKey } = await signedImage(t)
  const target = await testRegistry(t)
  const client = clientOf(t, target)
  await copyWithEvidence(repository, client, '1', { tag: '1' })
  const own = testSignatory(testFolder(t), 'own')
  await attachTo(client, image.top.descriptor, own.signatory)
  const late = testSignatory(testFolder(t), 'late')
  await attachTo(repository, image.top.descriptor, late.signatory)
  await copyWithEvidence(repository, client, '1', { tag: '1' })
  const name = `${target}/team/app@${image.top.descriptor.digest}`
  for (const key of [publicKey, own.publicKey, late.publicKey]) {
    await run(debianTool('cosign-2'), ['verify', '--key', key, ...COMMON, name])
    await run(debianTool('cosign-2'), [
      'verify-attestation',
      '--type',
      'slsaprovenance1',
      '--key',
      key,
      ...COMMON,
      name,
    ])
  }
  const again = await copyWithEvidence(repository, client, '1', { tag: '1' })
  assert.equal(again.manifests, 0)
})

test('a statement that its signatory has renewed takes the place of the older one at the destination', async (t) => {
  const { image, repository, signatory, publicKey } = await signedImage(t)
  const target = await testRegistry(t)
  const client = clientOf(t, target)
  await copyWithEvidence(repository, client, '1', { tag: '1' })
  const signing = { repository, signatory, signedAs: 'registry.example.org/team/app', signedAt: SIGNED_AT }
  await attachStatements(image.top.descriptor, [{ ...PROVENANCE, predicate: { renewed: true } }], signing)
  await copyWithEvidence(repository, client, '1', { tag: '1' })
  const options = ['--type', 'slsaprovenance1', '--key', publicKey, ...COMMON]
  const name = `${target}/team/app@${image.top.descriptor.digest}`
  const said = (await run(debianTool('cosign-2'), ['verify-attestation', ...options, name])).trim().split('\n')
  const [only, ...others] = said.map((line) => JSON.parse(Buffer.from(JSON.parse(line).payload, 'base64').toString()))
  assert.deepEqual([only.predicate, others], [{ renewed: true }, []])
})

test('a copy that breaks off at any request shows no tag, and done again it is whole', async (t) => {
  const { image, repository, publicKey } = await signedImage(t)
  const old = await dockerRegistry(t)
  let allowed = 0
  let used = 0
  const proxy = await proxyBefore(t, old, (request) => {
    if (used++ < allowed) return undefined
    request.socket.destroy()
    return 'handled'
  })
  const options = { credentials: null, policy: { tries: 1, backOff: 1 } }
  let broken = 0
  for (;;) {
    used = 0
    const client = new RegistryClient({ registry: proxy.address, repository: 'team/app' }, options)
    const end = await copyWithEvidence(repository, client, '1', { tag: '1' }).then(
      () => 'whole',
      (error: { code?: string }) => error.code,
    )
    await client.close()
    const shown = await clientOf(t, old).readManifest('1')
    if (end === 'whole') {
      assert.match(proxy.sent().at(-1) ?? '', /^PUT .*\/manifests\/1$/, 'the tag is the last thing that is written')
      break
    }
    assert.equal(end, 'REGISTRY_UNREACHABLE')
    assert.equal(shown, undefined, `after ${allowed} requests`)
    broken++
    allowed += 7
  }
  assert.ok(broken > 5, String(broken))
  await verifyAll(`${old}/team/app`, image, publicKey)
})

test('a blob or a manifest that was tampered with at the source is refused, and no tag moves', async (t) => {
  const { image, repository } = await signedImage(t)
  const folder = join(testFolder(t), 'carry')
  await copyWithEvidence(repository, await LayoutRepository.open(folder), '1', { tag: '1' })
  const target = await testRegistry(t)
  const statement = (await repository.referrers(image.top.descriptor.digest))[0]!
  const [first] = image.images
  const victims = [
    first!.layers[0]!.descriptor,
    first!.config.descriptor,
    first!.manifest.descriptor,
    statement,
    image.top.descriptor,
  ]
  let tries = 0
  for (const { digest } of victims) {
    const path = join(folder, 'blobs/sha256', hexOf(digest))
    const good = readFileSync(path)
    const bad = Buffer.from(good)
    bad[bad.length - 2]! ^= 1
    for (const bytes of [bad, Buffer.concat([good, good]), good.subarray(1)]) {
      writeFileSync(path, bytes)
      const layout = await LayoutRepository.open(folder)
      const client = clientOf(t, target, `team/app-${tries++}`)
      await assert.rejects(copyWithEvidence(layout, client, '1', { tag: '1' }), { code: 'BLOB_MISMATCH' })
      assert.equal(await client.readManifest('1'), undefined)
    }
    writeFileSync(path, good)
  }
  await copyWithEvidence(await LayoutRepository.open(folder), clientOf(t, target), '1', { tag: '1' })
})

/** A repository of which some answers are others: what a registry that means ill, or is broken, may say. */
function altered(repository: Repository, changes: Partial<Repository>): Repository {
  const { name } = repository
  return {
    name,
    readManifest: (reference) => repository.readManifest(reference),
    referrers: (digest) => repository.referrers(digest),
    tags: () => repository.tags(),
    blobs: () => repository.blobs(),
    ensureBlob: (blob, blobs) => repository.ensureBlob(blob, blobs),
    putManifest: (document, reference) => repository.putManifest(document, reference),
    close: () => repository.close(),
    ...changes,
  }
}

test('a source that lists more referrers than anybody attaches is refused before anything is sent', async (t) => {
  const { image, repository } = await signedImage(t)
  const { digest } = image.top.descriptor
  const known = (await repository.referrers(digest))[0]!
  const listed = Array.from({ length: 1001 }, () => known)
  const index = formatIndex({ mediaType: MEDIA_TYPES.index, manifests: listed })
  const source = await httpServer(t, (request, reply) => {
    if (request.url?.includes('/referrers/')) return void reply.writeHead(404).end()
    const asked = request.url?.split('/').at(-1) ?? ''
    const top = asked === '1' ? image.top.bytes : undefined
    const one = image.images.find(({ manifest }) => manifest.descriptor.digest === asked)?.manifest.bytes
    const bytes = asked === referrersTag(digest) ? index : (top ?? one)
    if (request.url === '/v2/') return void reply.end('{}')
    if (bytes === undefined) return void reply.writeHead(404).end()
    reply.writeHead(200, { 'content-type': one === undefined ? MEDIA_TYPES.index : MEDIA_TYPES.manifest }).end(bytes)
  })
  const folder = join(testFolder(t), 'out')
  const copy = copyWithEvidence(clientOf(t, source), await LayoutRepository.open(folder), '1', { tag: '1' })
  await assert.rejects(copy, { code: 'REFERRERS_TOO_MANY' })
  assert.ok(!existsSync(folder))
})

test('a list of referrers with a cycle, with what refers elsewhere or with what is not there is refused', async (t) => {
  const { image, repository } = await signedImage(t)
  const { digest } = image.top.descriptor
  const own = await repository.referrers(digest)
  const inner = await repository.referrers(image.images[0]!.manifest.descriptor.digest)
  const gone = { ...own[0]!, digest: digestOf('gone') }
  const lists: [readonly Descriptor[], RegExp][] = [
    [[image.top.descriptor, ...inner], /refers to sha256:/],
    [[gone], /it is not there/],
    [[{ ...own[0]!, size: 3 }], /with 3 bytes/],
  ]
  for (const [list, message] of lists) {
    const folder = join(testFolder(t), 'out')
    const source = altered(repository, {
      referrers: async (asked) => (asked === digest ? list : repository.referrers(asked)),
    })
    const copy = copyWithEvidence(source, await LayoutRepository.open(folder), '1', { tag: '1' })
    await assert.rejects(copy, { message })
    assert.ok(!existsSync(folder))
  }
  // What is listed among its own referrers is found once.
  const cycle = altered(repository, {
    referrers: async (asked) => [...own.filter((one) => one.digest === asked), ...(await repository.referrers(asked))],
  })
  const report = await copyWithEvidence(cycle, await LayoutRepository.open(join(testFolder(t), 'out')), '1', {})
  assert.deepEqual({ ...report, ...REPORT }, report)
})

test('evidence about evidence is carried eight deep, and no deeper', async (t) => {
  const registry = await testRegistry(t)
  const image = await pushSample(t, registry)
  const repository = clientOf(t, registry)
  let subject = image.top.descriptor
  const add = async () => {
    const content = { mediaType: 'text/plain', bytes: Buffer.from('note') }
    const { manifest, blobs } = composeArtifact({ artifactType: 'application/vnd.example.note', content, subject })
    for (const { descriptor } of blobs) await repository.ensureBlob(descriptor, memoryBlobs(blobs))
    await repository.putManifest(manifest, manifest.descriptor.digest)
    subject = manifest.descriptor
  }
  for (let depth = 0; depth < 8; depth++) await add()
  const folder = join(testFolder(t), 'out')
  assert.equal((await copyWithEvidence(repository, await LayoutRepository.open(folder), '1', {})).others, 8)
  await add()
  await assert.rejects(copyWithEvidence(repository, await LayoutRepository.open(folder), '1', {}), {
    code: 'EVIDENCE_TOO_MUCH',
  })
})

test('an image that has another digest than the destination names is not copied there', async (t) => {
  const { repository } = await signedImage(t)
  const folder = join(testFolder(t), 'out')
  const copy = copyWithEvidence(repository, await LayoutRepository.open(folder), '1', { digest: digestOf('other') })
  await assert.rejects(copy, { code: 'IMAGE_UNKNOWN' })
  assert.ok(!existsSync(folder))
})
