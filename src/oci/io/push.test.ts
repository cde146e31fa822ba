import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { openImage, parseReference, pushImage, type RegistryReference } from '#oci'
import {
  dockerRegistry,
  httpServer,
  partialRegistry,
  proxyBefore,
  run,
  sampleImage,
  testFolder,
} from './fixtures.test.ts'

const NO_CREDENTIALS = { credentials: null, policy: { backOff: 10 } } as const

function registryReference(text: string): RegistryReference {
  const reference = parseReference(text)
  assert.equal(reference.transport, 'docker')
  return reference as RegistryReference
}

test('an image pushed twice sends nothing the second time', async (t) => {
  const proxy = await proxyBefore(t, await dockerRegistry(t))
  const image = sampleImage(testFolder(t), { architectures: ['amd64', 'arm64'] })
  const reference = registryReference(`${proxy.address}/team/app:1`)
  const first = await pushImage(image, reference, NO_CREDENTIALS)
  assert.deepEqual(first.blobs, { present: 0, mounted: 0, uploaded: 5 })
  assert.equal(first.manifests, 4)
  proxy.requests.length = 0
  const second = await pushImage(image, reference, NO_CREDENTIALS)
  assert.deepEqual(second, {
    digest: image.top.descriptor.digest,
    blobs: { present: 5, mounted: 0, uploaded: 0 },
    uploadedBytes: 0,
    manifests: 0,
  })
  assert.deepEqual(proxy.sent(), [])
  const seen = JSON.parse(await run('skopeo', 'inspect', '--tls-verify=false', `docker://${proxy.address}/team/app:1`))
  assert.equal(seen.Digest, image.top.descriptor.digest)
})

test('the tag is written after everything that it needs', async (t) => {
  const proxy = await proxyBefore(t, await dockerRegistry(t))
  await pushImage(sampleImage(testFolder(t)), registryReference(`${proxy.address}/app:1`), NO_CREDENTIALS)
  assert.match(proxy.sent().at(-1) ?? '', /^PUT \/v2\/app\/manifests\/1$/)
  assert.match(proxy.sent().at(-2) ?? '', /^PUT \/v2\/app\/manifests\/sha256:/)
})

test('layers of a repository that is named as a hint are mounted, not uploaded', async (t) => {
  const proxy = await proxyBefore(t, await dockerRegistry(t))
  const image = sampleImage(testFolder(t))
  await pushImage(image, registryReference(`${proxy.address}/base:1`), NO_CREDENTIALS)
  const options = { ...NO_CREDENTIALS, mountFrom: ['nowhere', 'base'] }
  const report = await pushImage(image, registryReference(`${proxy.address}/app:1`), options)
  assert.deepEqual(report.blobs, { present: 0, mounted: 2, uploaded: 1 })
})

test('an upload that breaks off goes on behind the bytes that the registry has', async (t) => {
  const registry = await partialRegistry(t)
  let cuts = 0
  const proxy = await proxyBefore(t, registry.address, (request) => {
    const large = Number(request.headers['content-length'] ?? 0) > 500_000
    return large && cuts++ < 2 ? { cutAfter: 1_000_000 } : undefined
  })
  const image = sampleImage(testFolder(t), { bulk: 4_000_000 })
  const report = await pushImage(image, registryReference(`${proxy.address}/app:1`), NO_CREDENTIALS)
  assert.equal(report.blobs.uploaded, 3)
  assert.equal(proxy.starts.length, 2, 'two requests went on in the middle')
  assert.ok(proxy.starts[0]! > 0 && proxy.starts[1]! > proxy.starts[0]!, `uploads went on at ${proxy.starts}`)
  assert.ok(registry.received() < 5_000_000, `the registry took ${registry.received()} bytes`)
})

test('an upload that the registry cannot resume begins anew', async (t) => {
  let cuts = 0
  // docker-registry 2.8 forgets an upload whose request broke off in the middle.
  const proxy = await proxyBefore(t, await dockerRegistry(t), (request) => {
    return Number(request.headers['content-length'] ?? 0) > 500_000 && cuts++ < 2 ? { cutAfter: 1_000_000 } : undefined
  })
  const image = sampleImage(testFolder(t), { bulk: 4_000_000 })
  const report = await pushImage(image, registryReference(`${proxy.address}/app:1`), NO_CREDENTIALS)
  assert.equal(report.blobs.uploaded, 3)
  await run('skopeo', 'copy', '--src-tls-verify=false', `docker://${proxy.address}/app:1`, `oci:${testFolder(t)}/out:1`)
})

test('a large blob goes in chunks, and a chunk that is refused for now is sent again alone', async (t) => {
  let chunks = 0
  const proxy = await proxyBefore(t, await dockerRegistry(t), (request, reply) => {
    if (request.method !== 'PATCH' || chunks++ !== 1) return undefined
    request.resume()
    reply.writeHead(502).end()
    return 'handled'
  })
  const image = sampleImage(testFolder(t), { bulk: 4_000_000 })
  const policy = { backOff: 10, chunk: 1_500_000 }
  await pushImage(image, registryReference(`${proxy.address}/app:1`), { credentials: null, policy })
  assert.deepEqual(proxy.starts, [0, 1_500_000, 1_500_000, 3_000_000])
  await run('skopeo', 'copy', '--src-tls-verify=false', `docker://${proxy.address}/app:1`, `oci:${testFolder(t)}/out:1`)
})

test('an upload that never gets further is given up', async (t) => {
  let patches = 0
  // The second chunk always breaks, and the registry then wants to begin anew: progress that is none.
  const proxy = await proxyBefore(t, await dockerRegistry(t), (request) => {
    if (request.method !== 'PATCH' || !request.headers['content-range']?.startsWith('1500000-')) return undefined
    patches++
    return { cutAfter: 300_000 }
  })
  const image = sampleImage(testFolder(t), { bulk: 4_000_000 })
  const options = { credentials: null, policy: { backOff: 1, chunk: 1_500_000, tries: 3 } }
  await assert.rejects(pushImage(image, registryReference(`${proxy.address}/app:1`), options), {
    code: 'REGISTRY_UNREACHABLE',
  })
  assert.equal(patches, 3)
})

test('a registry that is busy is asked again after the time that it says', async (t) => {
  const refused = new Set<string>()
  const proxy = await proxyBefore(t, await dockerRegistry(t), (request, reply) => {
    const key = `${request.method} ${request.url?.split('/')[3]}`
    if (refused.has(key)) return undefined
    refused.add(key)
    request.resume()
    reply.writeHead(request.method === 'HEAD' ? 503 : 429, { 'retry-after': '0' }).end()
    return 'handled'
  })
  const image = sampleImage(testFolder(t))
  const report = await pushImage(image, registryReference(`${proxy.address}/app:1`), NO_CREDENTIALS)
  assert.equal(report.blobs.uploaded, 3)
})

test('a registry that never recovers is given up with its own words', async (t) => {
  const address = await httpServer(t, (request, reply) => {
    request.resume()
    if (request.url === '/v2/') return void reply.end('{}')
    reply.writeHead(503).end(JSON.stringify({ errors: [{ code: 'UNAVAILABLE', message: 'disk full' }] }))
  })
  const push = pushImage(sampleImage(testFolder(t)), registryReference(`${address}/app:1`), NO_CREDENTIALS)
  await assert.rejects(push, { code: 'REGISTRY_UNREACHABLE', message: /look for blob sha256:.* status 503/ })
})

test('a push ends when its deadline passes, even while it waits', async (t) => {
  const address = await httpServer(t, (request, reply) => {
    request.resume()
    reply.writeHead(503, { 'retry-after': '3600' }).end()
  })
  const options = { credentials: null, deadline: 200 }
  const push = pushImage(sampleImage(testFolder(t)), registryReference(`${address}/app:1`), options)
  await assert.rejects(push, { code: 'REGISTRY_UNREACHABLE', message: /deadline/ })
})

test('a layer whose file was changed is not published', async (t) => {
  const folder = testFolder(t)
  const image = sampleImage(folder)
  const registry = await dockerRegistry(t)
  const path = join(folder, 'shared.1')
  const bytes = readFileSync(path)
  bytes[bytes.length - 1]! ^= 1
  writeFileSync(path, bytes)
  await assert.rejects(pushImage(image, registryReference(`${registry}/app:1`), NO_CREDENTIALS), {
    code: 'BLOB_MISMATCH',
    message: /its bytes have the digest/,
  })
  await assert.rejects(openImage(registryReference(`${registry}/app:1`), NO_CREDENTIALS), { code: 'IMAGE_UNKNOWN' })
})

test('a digest in the reference must be that of the image', async (t) => {
  const image = sampleImage(testFolder(t))
  const reference = registryReference(`127.0.0.1:9/app@sha256:${'0'.repeat(64)}`)
  await assert.rejects(pushImage(image, reference, NO_CREDENTIALS), { code: 'IMAGE_UNKNOWN' })
})
