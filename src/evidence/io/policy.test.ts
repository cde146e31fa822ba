import assert from 'node:assert/strict'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { test } from 'node:test'
import { digestOf } from '#core'
import { debianTool } from '#testkit'
import { evidenceTag } from '../tag-form.ts'
import { attachSignature } from './attach.ts'
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

/** The code blocks of the documented section, in order: policy.json, registries.d and the identity after a copy. */
const [POLICY = '', REGISTRIES = '', IDENTITY = ''] = readFileSync(
  resolve(import.meta.dirname, '../../../docs/registry.md'),
  'utf8',
)
  .split('## podman and skopeo with a signature policy')[1]!
  .matchAll(/```\w+\n([\s\S]*?)```/g)
  .map(([, block]) => block ?? '')

/** A home whose policy is the documented one, for a registry and a key. */
function homeWithPolicy(t: Cleanup, { registry, publicKey }: { registry: string; publicKey: string }, policy = POLICY) {
  const home = testFolder(t)
  const folder = join(home, '.config/containers')
  mkdirSync(join(folder, 'registries.d'), { recursive: true })
  const own = (text: string) =>
    text.replaceAll('registry.example.org', registry).replace('/etc/containers/keys/team.pub', publicKey)
  writeFileSync(join(folder, 'policy.json'), own(policy))
  writeFileSync(join(folder, 'registries.d/team.yaml'), own(REGISTRIES))
  return home
}

/** Copies by skopeo and pulls by podman; gives for each whether it took the image, or its reason. */
async function taken(t: Cleanup, home: string, name: string): Promise<{ skopeo: string; podman: string }> {
  const end = (running: Promise<string>) =>
    running.then(
      () => 'taken',
      (error: Error & { stderr?: string }) => error.stderr ?? error.message,
    )
  const store = testFolder(t)
  const copy = [
    'copy',
    '--all',
    '--remove-signatures',
    '--src-tls-verify=false',
    `docker://${name}`,
    `oci:${store}/out:1`,
  ]
  const settings = join(home, 'containers.conf')
  const helpers = join(debianTool('podman'), '../../lib/podman')
  writeFileSync(settings, `[engine]\nhelper_binaries_dir = ["${helpers}"]\n`)
  const place = ['--root', `${store}/root`, '--runroot', `${store}/run`, '--storage-driver', 'vfs']
  const pull = [...place, 'pull', '--quiet', '--tls-verify=false', name]
  const environment = { HOME: home, XDG_RUNTIME_DIR: home, CONTAINERS_CONF: settings }
  return {
    skopeo: await end(run(debianTool('skopeo'), copy, environment)),
    podman: await end(run(debianTool('podman'), pull, environment)),
  }
}

/** An image whose index and manifests are signed with a key of its own, in a registry of its own. */
async function signedImage(t: Cleanup) {
  const registry = await testRegistry(t)
  const image = await pushSample(t, registry)
  const repository = clientOf(t, registry)
  const { signatory, publicKey } = testSignatory(testFolder(t))
  const signing = { repository, signatory, signedAs: `${registry}/team/app`, signedAt: SIGNED_AT }
  for (const subject of subjectsOf(image)) await attachSignature(subject, signing)
  return { registry, image, repository, publicKey, name: `${registry}/team/app:1` }
}

test('skopeo and podman with the documented policy take a signed image', async (t) => {
  const { registry, publicKey, name } = await signedImage(t)
  const home = homeWithPolicy(t, { registry, publicKey })
  assert.deepEqual(await taken(t, home, name), { skopeo: 'taken', podman: 'taken' })
})

test('they refuse an image that is not signed, is signed by another key, or lies outside of the policy', async (t) => {
  const { registry, publicKey, name } = await signedImage(t)
  await pushSample(t, registry, 'team/unsigned')
  await pushSample(t, registry, 'elsewhere/app')
  const other = testSignatory(testFolder(t), 'other')
  const home = homeWithPolicy(t, { registry, publicKey })
  const cases: [string, string, RegExp][] = [
    [home, `${registry}/team/unsigned:1`, /signature was required, but no signature exists/i],
    [homeWithPolicy(t, { registry, publicKey: other.publicKey }), name, /cryptographic signature verification failed/i],
    [home, `${registry}/elsewhere/app:1`, /rejected by policy/i],
  ]
  for (const [place, image, reason] of cases) {
    const { skopeo, podman } = await taken(t, place, image)
    assert.match(skopeo, reason)
    assert.match(podman, reason)
  }
})

test('they refuse signatures that are of another image, and those for another name', async (t) => {
  const { registry, image, repository, publicKey, name } = await signedImage(t)
  const home = homeWithPolicy(t, { registry, publicKey })
  const tags = subjectsOf(image).map(({ digest }) => evidenceTag(digest, 'sig'))
  const signatures = await Promise.all(tags.map(async (tag) => (await repository.readManifest(tag))!))
  /** Puts the signatures of each subject under the tag of the one that is `distance` further. */
  const shift = async (distance: number) => {
    for (const [index, tag] of tags.entries()) {
      const { mediaType, bytes } = signatures[(index + distance) % tags.length]!
      const descriptor = { mediaType, digest: digestOf(bytes), size: bytes.length }
      await repository.putManifest({ descriptor, bytes }, tag)
    }
  }
  await shift(1)
  const swapped = await taken(t, home, name)
  assert.match(swapped.skopeo, /digest/i)
  assert.match(swapped.podman, /digest/i)
  await shift(0)
  assert.deepEqual(await taken(t, home, name), { skopeo: 'taken', podman: 'taken' })

  await copyWithEvidence(repository, clientOf(t, registry, 'team/renamed'), '1', { tag: '1' })
  const renamed = await taken(t, home, `${registry}/team/renamed:1`)
  assert.match(renamed.skopeo, /identity/i)
  assert.match(renamed.podman, /identity/i)
})

test('after a copy to another registry they take the image by the documented identity, and by no other', async (t) => {
  const { registry, repository, publicKey } = await signedImage(t)
  const target = await testRegistry(t)
  await copyWithEvidence(repository, clientOf(t, target), '1', { tag: '1' })
  const name = `${target}/team/app:1`
  const strict = await taken(t, homeWithPolicy(t, { registry: target, publicKey }), name)
  assert.match(strict.skopeo, /identity/i)
  const policy = POLICY.replace('{ "type": "matchRepository" }', IDENTITY.replace('registry.example.org', registry))
  assert.notEqual(policy, POLICY)
  const home = homeWithPolicy(t, { registry: target, publicKey }, policy)
  assert.deepEqual(await taken(t, home, name), { skopeo: 'taken', podman: 'taken' })
})
