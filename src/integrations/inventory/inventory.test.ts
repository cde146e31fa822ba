import assert from 'node:assert/strict'
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { type Digest, digestOf } from '#core'
import type { FactoryStore, NewRelease } from '#factory'
import { testServers } from '#testkit'
import { parseClusterPods, readClusterPods, recordRunning } from './cluster.ts'
import { readManifests, recordDeclared } from './manifests.ts'
import { PullLog, pulledDigest } from './pulls.ts'

const servers = testServers()
const monday = '2026-11-16T12:00:00.000Z'
const tuesday = '2026-11-17T12:00:00.000Z'
const now = '2026-11-22T12:00:00.000Z'

function folderOf(t: TestContext, files: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(join(tmpdir(), 'cm-inventory-'))
  t.after(() => rmSync(folder, { recursive: true }))
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    writeFileSync(join(folder, path), text)
  }
  return folder
}

function release(name: string, released: string): NewRelease {
  const packages = [
    {
      archive: 'debian-13',
      name: 'jq',
      version: released,
      architecture: 'amd64',
      source: { name: 'jq', version: '1' },
    },
  ]
  return {
    image: 'app',
    variant: 'runtime',
    digest: digestOf(`${name} index`),
    lock: digestOf('lock'),
    tags: ['1'],
    manifests: [{ platform: 'linux/amd64', digest: digestOf(`${name} amd64`), packages }],
    evidence: {},
    released,
  }
}

/** A factory with two releases of an image, each of which patched a finding. */
async function factory(t: TestContext): Promise<FactoryStore> {
  const store = await servers.store(t, 'embedded')
  await store.releases.record([release('old', monday)])
  await store.releases.record([release('new', tuesday)])
  const finding = { image: 'app', mark: 'published' } as const
  await store.clocks.record([
    { ...finding, finding: 'CVE-1 jq', at: monday },
    { ...finding, finding: 'CVE-2 jq', at: tuesday },
  ])
  return store
}

const pods = (...images: readonly string[]) =>
  Buffer.from(
    JSON.stringify({
      kind: 'List',
      apiVersion: 'v1',
      items: images.map((image, index) => ({
        metadata: { namespace: 'shop', name: `pod-${index}` },
        status: {
          containerStatuses: [
            { name: 'app', image, imageID: image, state: { running: { startedAt: '2026-11-18T00:00:00Z' } } },
          ],
        },
      })),
    }),
  )

async function running(store: FactoryStore): Promise<readonly string[]> {
  return (await store.clocks.ofImage('app'))
    .filter(({ mark }) => mark === 'running')
    .map(({ finding }) => finding)
    .sort()
}

const at = (digest: Digest) => `registry.example.org/app@${digest}`

test('a cluster that runs an old release beside the new one has not patched what the new one patches', async (t) => {
  const store = await factory(t)
  const look = (...images: readonly string[]) => recordRunning(store, parseClusterPods(pods(...images), 'a test'), now)
  const both = await look(at(digestOf('old amd64')), at(digestOf('new amd64')), at(digestOf('not ours')), 'loaded:1')
  assert.deepEqual(both.images, ['app'])
  assert.deepEqual(both.foreign, [digestOf('not ours')])
  assert.deepEqual([both.containers, both.unknown], [4, ['shop/pod-3/app']])
  assert.deepEqual(await running(store), ['CVE-1 jq'])
  const later = await look(at(digestOf('new index')))
  assert.equal(later.marks, 1)
  assert.deepEqual(await running(store), ['CVE-1 jq', 'CVE-2 jq'])
  assert.equal((await look(at(digestOf('new index')))).marks, 0)
})

test('kubectl is asked for all pods, and what it cannot do is said', async (t) => {
  const folder = folderOf(t, {
    kubectl: `#!/bin/sh\necho "$@" > "$(dirname "$0")/asked"\ncat <<'END'\n${pods('a:1').toString()}\nEND\n`,
    'broken/kubectl': '#!/bin/sh\necho "error: You must be logged in to the server" >&2\nexit 1\n',
  })
  for (const name of ['kubectl', 'broken/kubectl']) chmodSync(join(folder, name), 0o755)
  const never = new AbortController().signal
  const path = (place: string) => ({ PATH: `${place}:/usr/bin:/bin` })
  const bytes = await readClusterPods(path(folder), never, { context: 'shop' })
  assert.equal(parseClusterPods(bytes, 'a test').length, 1)
  await assert.rejects(readClusterPods(path(join(folder, 'broken')), never), {
    code: 'INVENTORY_INVALID',
    message: /cannot ask the cluster for its pods: error: You must be logged in/,
  })
  for (const text of ['', '{"kind":"Pod"}', '[]', '{"kind":"List","kind":"List","items":[]}']) {
    assert.throws(() => parseClusterPods(Buffer.from(text), 'a file'), {
      code: 'INVENTORY_INVALID',
      message: /of a file/,
    })
  }
})

test('manifests in a folder say what runs by digest, and what is named by a tag only is not known', async (t) => {
  const store = await factory(t)
  const folder = folderOf(t, {
    'web/deployment.yaml': `kind: Deployment\nspec:\n  template:\n    spec:\n      containers:\n        - image: ${at(digestOf('new index'))}\n---\nkind: Pod\nspec:\n  containers:\n    - { name: x, image: "registry.example.org/app:1" }\n`,
    'kustomization.yml': `images:\n  - { name: other, newTag: "2" }\n`,
    'chart/templates/web.yaml': 'kind: Pod\nspec: {{ include "x" . }}\n',
    '.git/config.yaml': `image: ${at(digestOf('old index'))}\n`,
    'README.md': `image: ${at(digestOf('old index'))}\n`,
  })
  const { images, skipped } = await readManifests(folder)
  assert.deepEqual(
    skipped.map((line) => line.split(':')[0]),
    ['chart/templates/web.yaml'],
  )
  const look = await recordDeclared(store, images, now)
  assert.deepEqual(look.undetermined, ['other:2', 'registry.example.org/app:1'])
  assert.deepEqual(await running(store), ['CVE-1 jq', 'CVE-2 jq'])
  await assert.rejects(readManifests(join(folder, 'nowhere')), { code: 'INVENTORY_INVALID' })
})

const access = { time: now, method: 'GET', status: 200, path: `/v2/team/app/manifests/${digestOf('new amd64')}` }
const accesses: [Parameters<typeof pulledDigest>[0], boolean, string][] = [
  [access, true, 'a manifest by digest'],
  [{ ...access, agent: 'containers/5.31 (github.com/containers/image)' }, true, 'by podman'],
  [{ ...access, agent: 'casemate' }, false, 'by ourselves'],
  [{ ...access, method: 'HEAD' }, false, 'only whether it is there'],
  [{ ...access, status: 304 }, false, 'nothing was given'],
  [{ ...access, path: '/v2/team/app/manifests/1.27' }, false, 'a tag says nothing of the digest'],
  [{ ...access, path: `/v2/team/app/blobs/${digestOf('x')}` }, false, 'a layer'],
]
for (const [one, isPull, because] of accesses) {
  test(`a request for ${because} is ${isPull ? 'a pull' : 'none'}`, () =>
    assert.equal(pulledDigest(one), isPull ? digestOf('new amd64') : undefined))
}

test('the first pull of a release is when its fixes were pulled, and a store that fails forgets none', async (t) => {
  const store = await factory(t)
  let fails = true
  const failing: FactoryStore = {
    ...store,
    clocks: {
      ...store.clocks,
      ofImage: (image) => store.clocks.ofImage(image),
      record: (marks) => (fails ? Promise.reject(new Error('down')) : store.clocks.record(marks)),
    },
  }
  const pulls = new PullLog(failing)
  pulls.note(access)
  pulls.note({ ...access, time: '2026-11-23T00:00:00.000Z' })
  await assert.rejects(pulls.flush(), /down/)
  fails = false
  assert.equal(await pulls.flush(), 2)
  pulls.note({ ...access, time: '2026-11-24T00:00:00.000Z' })
  assert.equal(await pulls.flush(), 0)
  const marks = (await store.clocks.ofImage('app')).filter(({ mark }) => mark === 'pulled')
  assert.deepEqual(new Set(marks.map((mark) => mark.at)), new Set([now]))
})
