import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { openIdentitySignatory, readIdentityToken } from '#attest'
import { type DebianTool, debianTool, TEST_ISSUER, type TestSigstore, testSigstore } from '#testkit'
import { attachSignature, attachStatements } from './attach.ts'
import { clientOf, pushSample, run, SIGNED_AT, subjectsOf, testFolder, testRegistry } from './fixtures.test.ts'

const IDENTITY = 'https://ci.test/team/release'
const forms: readonly { tool: DebianTool; form: string; options: readonly string[] }[] = [
  { tool: 'cosign-3', form: 'bundles', options: ['--new-bundle-format=true'] },
  { tool: 'cosign-3', form: 'the older form', options: ['--new-bundle-format=false'] },
  // Its bundles are for blobs; of an image it reads the older form alone.
  { tool: 'cosign-2', form: 'the older form', options: ['--offline=true', '--use-signed-timestamps'] },
]

async function signSample(t: Parameters<typeof testSigstore>[0], sigstore: TestSigstore) {
  const folder = testFolder(t)
  const registry = await testRegistry(t)
  const image = await pushSample(t, registry)
  const repository = clientOf(t, registry)
  const token = join(folder, 'token')
  writeFileSync(token, sigstore.token(IDENTITY))
  const trustedRoot = join(folder, 'trusted_root.json')
  writeFileSync(trustedRoot, JSON.stringify(sigstore.trustedRoot))
  const urls = { fulcioUrl: sigstore.url, rekorUrl: sigstore.url, timestampUrl: sigstore.url }
  const signatory = await openIdentitySignatory(() => readIdentityToken(token), urls)
  const signing = { repository, signatory, signedAs: `${registry}/team/app`, signedAt: SIGNED_AT }
  return { registry, image, signing, trustedRoot }
}

/** How each release is told which root to go by: cosign 2 takes its parts, from files that the environment names. */
function rootOptions(tool: DebianTool, trustedRoot: string, folder: string) {
  if (tool !== 'cosign-2') return { options: ['--trusted-root', trustedRoot], env: {} }
  const { tlogs, ctlogs, certificateAuthorities, timestampAuthorities } = JSON.parse(readFileSync(trustedRoot, 'utf8'))
  const write = (name: string, label: string, ders: readonly { rawBytes: string }[]) => {
    const path = join(folder, name)
    const pem = ({ rawBytes }: { rawBytes: string }) =>
      `-----BEGIN ${label}-----\n${rawBytes.replace(/.{64}(?=.)/g, '$&\n')}\n-----END ${label}-----\n`
    writeFileSync(path, ders.map(pem).join(''))
    return path
  }
  const chain = write('tsa.pem', 'CERTIFICATE', timestampAuthorities[0].certChain.certificates)
  return {
    options: ['--timestamp-certificate-chain', chain],
    env: {
      SIGSTORE_REKOR_PUBLIC_KEY: write('rekor.pem', 'PUBLIC KEY', [tlogs[0].publicKey]),
      SIGSTORE_CT_LOG_PUBLIC_KEY_FILE: write('ct.pem', 'PUBLIC KEY', [ctlogs[0].publicKey]),
      SIGSTORE_ROOT_FILE: write('ca.pem', 'CERTIFICATE', certificateAuthorities[0].certChain.certificates),
    },
  }
}

for (const { tool, form, options } of forms) {
  test(`${tool} verifies what an identity has signed in ${form}, offline by a trusted root`, async (t) => {
    const sigstore = await testSigstore(t)
    const { registry, image, signing, trustedRoot } = await signSample(t, sigstore)
    const root = rootOptions(tool, trustedRoot, testFolder(t))
    for (const subject of subjectsOf(image)) {
      assert.equal(await attachSignature(subject, signing), 'attached')
      const statement = { predicateType: 'https://slsa.dev/provenance/v1', predicate: { buildDefinition: {} } }
      assert.deepEqual(await attachStatements(subject, [statement], signing), ['attached'])
      const name = `${registry}/team/app@${subject.digest}`
      const issuer = ['--certificate-oidc-issuer', TEST_ISSUER]
      const common = [...root.options, '--allow-http-registry', ...issuer, ...options]
      const own = ['--certificate-identity', IDENTITY]
      const verified = JSON.parse(await run(debianTool(tool), ['verify', ...common, ...own, name], root.env))
      assert.equal(verified[0].critical.image['docker-manifest-digest'], subject.digest)
      const attested = ['verify-attestation', ...common, ...own, '--type', 'slsaprovenance1', name]
      const payload = JSON.parse(
        Buffer.from(JSON.parse(await run(debianTool(tool), attested, root.env)).payload, 'base64').toString(),
      )
      assert.deepEqual(payload.predicate, statement.predicate)
      await assert.rejects(
        run(debianTool(tool), ['verify', ...common, '--certificate-identity', `${IDENTITY}x`, name], root.env),
      )
    }
  })
}
