import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { parseReference, pushImage, type RegistryReference, writeImage } from '#oci'
import { run, sampleImage, testFolder } from '../fixtures.test.ts'
import { authorityOf, ownRegistry } from './registry-fixtures.test.ts'

const ACCESS = 'repositories:\n  - { match: ["**"], push: ["user:wanda"], pull: [anonymous] }'

function reference(text: string): RegistryReference {
  return parseReference(text) as RegistryReference
}

test('skopeo copies an image for two platforms out of our registry and into it, to the same digest', async (t) => {
  const { address } = await ownRegistry(t)
  const image = sampleImage(testFolder(t), { architectures: ['amd64', 'arm64'], bulk: 3_000_000 })
  await pushImage(image, reference(`${address}/team/app:1`), { credentials: null })
  const layout = `oci:${testFolder(t)}/out:1`
  const from = ['copy', '--all', '--src-tls-verify=false', '--dest-tls-verify=false']
  await run('skopeo', ...from, `docker://${address}/team/app:1`, layout)
  await run('skopeo', ...from, layout, `docker://${address}/other:2`)
  const seen = JSON.parse(await run('skopeo', 'inspect', '--tls-verify=false', `docker://${address}/other:2`))
  assert.equal(seen.Digest, image.top.descriptor.digest)
  assert.deepEqual(seen.RepoTags, ['2'])
  await run('skopeo', 'delete', '--tls-verify=false', `docker://${address}/other:2`)
  await assert.rejects(run('skopeo', 'inspect', '--tls-verify=false', `docker://${address}/other:2`))
})

test("skopeo writes Docker's own media types, and they come back as they were", async (t) => {
  const { address, ask } = await ownRegistry(t)
  await pushImage(sampleImage(testFolder(t)), reference(`${address}/app:1`), { credentials: null })
  const copy = ['copy', '--format', 'v2s2', '--src-tls-verify=false', '--dest-tls-verify=false']
  await run('skopeo', ...copy, `docker://${address}/app:1`, `docker://${address}/docker:1`)
  const { headers } = await ask('GET /v2/docker/manifests/1')
  assert.equal(headers['content-type'], 'application/vnd.docker.distribution.manifest.v2+json')
})

test('skopeo logs in over TLS by a token, pushes what it may, and is refused with a wrong password', async (t) => {
  const folder = testFolder(t)
  const files = { cert: join(folder, 'ca.crt'), key: join(folder, 'key.pem') }
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-noenc', '-keyout', files.key, '-days', '2']
  const name = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=IP:127.0.0.1']
  await run('openssl', 'req', '-x509', ...key, '-out', files.cert, ...name)
  const tls = { cert: readFileSync(files.cert), key: readFileSync(files.key) }
  const authority = authorityOf(ACCESS, ['wanda'], { scheme: 'token', isSecure: true })
  const { address } = await ownRegistry(t, { tls, authority })
  await writeImage(sampleImage(folder), { transport: 'oci', directory: join(folder, 'layout'), tag: '1' })
  const certs = testFolder(t)
  writeFileSync(join(certs, 'ca.crt'), tls.cert)
  await run(
    'skopeo',
    'copy',
    `oci:${folder}/layout:1`,
    `docker://${address}/app:1`,
    '--dest-cert-dir',
    certs,
    '--dest-creds',
    'wanda:secret',
  )
  const inspect = ['inspect', '--cert-dir', certs, `docker://${address}/app:1`]
  assert.match(await run('skopeo', ...inspect, '--no-creds'), /"Digest"/)
  await assert.rejects(
    run('skopeo', ...inspect, '--creds', 'wanda:wrong'),
    /unauthorized|authentication required|invalid username/i,
  )
  const copy = ['copy', `oci:${folder}/layout:1`, `docker://${address}/app:2`, '--dest-cert-dir', certs]
  await assert.rejects(run('skopeo', ...copy, '--dest-no-creds'))
})
