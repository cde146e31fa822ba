import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { generateKeyPair, keySignatory, openPrivateKey } from '#attest'
import { attachSignature, copyWithEvidence } from '#evidence'
import {
  describe,
  formatIndex,
  formatManifest,
  LayoutRepository,
  MEDIA_TYPES,
  openImage,
  parseIndex,
  parseReference,
  RegistryClient,
  readImageFiles,
} from '#oci'
import { RegistryServer } from '#oci/registry'
import type { TarItem } from '#testkit'
import { runRebase } from './rebase.ts'
import { casemate, sampleLayout } from './sample-layout.test.ts'
import type { Terminal } from './terminal.ts'

const OWN: readonly TarItem[] = [
  { path: 'app/', type: 'directory' },
  { path: 'app/main.py', content: 'print(1)\n' },
]
const OLD = { packages: { 'bash 5.2': [{ path: 'bin/bash', content: 'old' }] } }
const NEW = { packages: { 'bash 5.3': [{ path: 'bin/bash', content: 'new' }] } }

async function images(t: TestContext, own: readonly TarItem[] = OWN) {
  const old = await sampleLayout(t, OLD)
  const app = await sampleLayout(t, { ...OLD, above: [own] })
  const next = await sampleLayout(t, NEW)
  const folder = mkdtempSync(join(tmpdir(), 'casemate-rebase-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  return { old, app, next, folder, result: `oci:${folder}/out:rebased` }
}

/** What two images show, as text. */
async function treeOf(reference: string): Promise<string[]> {
  const image = await openImage(parseReference(reference))
  const files = await readImageFiles(image.layers, { wants: () => false, hashes: true })
  await image.close()
  return [...files.entries()].map(({ path, mode, digest }) => `${path} ${mode} ${digest}`).sort()
}

/** `casemate` names a platform, which a rebase takes as well. */
const rebase = (...args: readonly string[]) => casemate('rebase', ...args)

test('an application comes onto a newer base, and is what building anew gives', async (t) => {
  const { old, app, next, result } = await images(t)
  const { status, stdout, stderr } = rebase(app, '--base', old, '--onto', next, '--allow-unsigned', '-o', result)
  assert.equal(status, 0, stderr)
  assert.match(stdout, /^linux\/amd64 {2}can be rebased$/m)
  assert.match(stdout, /packages +1 changed: bash 5\.2 → 5\.3$/m)
  assert.match(stdout, /^rebased {2}oci:.*:rebased$/m)
  const rebuilt = await sampleLayout(t, { ...NEW, above: [OWN] })
  assert.deepEqual(await treeOf(result), await treeOf(rebuilt))
})

test('a refusal tells every reason with both sides and the way out, writes nothing, and ends with 1', async (t) => {
  const { old, app, next, result } = await images(t, [
    { path: 'bin/bash', content: 'own' },
    { path: 'bin/.wh.bash', content: '' },
  ])
  const { status, stdout } = rebase(app, '--base', old, '--onto', next, '-o', result)
  assert.equal(status, 1)
  assert.match(stdout, /^linux\/amd64 {2}not rebased, for 3 reasons$/m)
  assert.match(
    stdout,
    /^ {2}base-unsigned\n.*\n.*\n {6}base +nobody is named whose signature would count\n {4}way out: .*--key/m,
  )
  assert.match(
    stdout,
    /^ {2}path-both-sides\n {4}\/bin\/bash\n {6}application +has file 0644.*\n {6}base +content changed/m,
  )
  assert.match(stdout, /^ {2}whiteout-changed$/m)
  assert.notEqual(rebase(result, '--onto', next, '--check').status, 0, 'there is no such image')
})

test('a check writes nothing, and says the same as JSON', async (t) => {
  const { old, app, next } = await images(t)
  const checked = rebase(app, '--base', old, '--onto', next, '--allow-unsigned', '--check', '--json')
  const document = JSON.parse(checked.stdout)
  assert.deepEqual(
    [checked.status, document.schema, document.possible, document.written],
    [0, 'casemate.rebase/v1', true, false],
  )
  assert.deepEqual(document.platforms[0].layers, { old: 2, next: 2, own: 1 })
  const backwards = rebase(next, '--base', old, '--onto', next, '--allow-unsigned', '--check', '--json')
  assert.equal(backwards.status, 1)
  assert.deepEqual(JSON.parse(backwards.stdout).platforms[0].refusals[0].code, 'not-on-base')
})

test('what is on that base already stays as it is', async (t) => {
  const { old, app, result } = await images(t)
  const { status, stdout } = rebase(app, '--base', old, '--onto', old, '--allow-unsigned', '-o', result)
  assert.deepEqual([status, stdout], [0, 'linux/amd64  is on that base already\n'])
})

test('an image that says its base is somewhere else sends nobody there', async (t) => {
  const { next } = await images(t)
  const key = 'org.opencontainers.image.base'
  const Labels = { [`${key}.name`]: 'registry.example.org/python:3', [`${key}.digest`]: `sha256:${'0'.repeat(64)}` }
  const app = await sampleLayout(t, { ...OLD, config: { Labels } })
  const { status, stderr } = rebase(app, '--onto', next, '--check')
  assert.equal(status, 2)
  assert.match(
    stderr,
    /it says docker:\/\/registry\.example\.org\/python@sha256:0+, in a registry that you have not named/,
  )
})

test('what a builder has attached to an index is about the old image: it is left out, and that is told', async (t) => {
  const { old, app, next, result } = await images(t)
  const directory = app.replace(/^oci:(.*):sample$/, '$1')
  const repository = await LayoutRepository.open(directory)
  const image = await openImage(parseReference(app))
  const { platform } = image.config
  const said = formatManifest({ mediaType: MEDIA_TYPES.manifest, config: image.manifest.config, layers: [] })
  const statement = describe(MEDIA_TYPES.manifest, said)
  await repository.putManifest({ descriptor: statement, bytes: said }, statement.digest)
  const bytes = formatIndex({
    mediaType: MEDIA_TYPES.index,
    manifests: [
      { ...image.manifestDocument.descriptor, platform },
      { ...statement, platform: { os: 'unknown', architecture: 'unknown' } },
    ],
    annotations: { team: 'web' },
  })
  await repository.putManifest({ descriptor: describe(MEDIA_TYPES.index, bytes), bytes }, 'attested')
  await repository.close()
  const { status, stderr } = rebase(
    `oci:${directory}:attested`,
    '--base',
    old,
    '--onto',
    next,
    '--allow-unsigned',
    '-o',
    result,
  )
  assert.equal(status, 0, stderr)
  assert.match(stderr, /1 statements of its builder are about the image on the old base, and are left out/)
  const { top } = await openImage(parseReference(result))
  const { manifests, annotations } = parseIndex(top.bytes)
  assert.deepEqual([manifests.length, annotations?.['team']], [1, 'web'])
})

test('what a command line cannot mean is wrong use', async (t) => {
  const { old, app, next, result } = await images(t)
  for (const [args, says] of [
    [[app, '--base', old, '--onto', next], /say by -o where/],
    [[app, '--base', old, '--onto', next, '--check', '-o', result], /not both/],
    [[app, '--onto', next, '--check'], /say it by --base/],
  ] as const) {
    const { status, stderr } = rebase(...args)
    assert.equal(status, 2, stderr)
    assert.match(stderr, says)
  }
})

/** A registry with the three images, and what reads and writes it in this process. */
async function registryWith(t: TestContext, sources: Readonly<Record<string, string>>) {
  const folder = mkdtempSync(join(tmpdir(), 'casemate-rebase-registry-'))
  const server = await RegistryServer.start(folder, {
    host: '127.0.0.1',
    port: 0,
    onError: (error) => assert.fail(String(error)),
  })
  const cache = process.env['XDG_CACHE_HOME']
  process.env['XDG_CACHE_HOME'] = folder
  t.after(async () => {
    if (cache === undefined) delete process.env['XDG_CACHE_HOME']
    else process.env['XDG_CACHE_HOME'] = cache
    await server.close(100)
    rmSync(folder, { recursive: true, force: true })
  })
  for (const [name, layout] of Object.entries(sources)) {
    const from = await LayoutRepository.open(layout.replace(/^oci:(.*):sample$/, '$1'))
    const to = new RegistryClient({ registry: server.address, repository: name }, { credentials: null })
    await copyWithEvidence(from, to, (await from.findImage()).digest, { tag: 'latest' })
    await Promise.all([from.close(), to.close()])
  }
  return server.address
}

function recording() {
  const lines: string[] = []
  const terminal: Terminal = {
    ...{ print: (line = '') => void lines.push(line), warn: (line) => void lines.push(line) },
    ...{ progress: () => undefined, picture: () => undefined, isLive: false, width: 200, style: (_, text) => text },
  }
  return { lines, terminal }
}

test('in a registry a signed base is believed, layers are mounted, and no byte of them is sent', async (t) => {
  const { old, app, next, folder } = await images(t)
  const address = await registryWith(t, { 'base/old': old, 'base/new': next, 'team/app': app })
  const { privatePem, publicPem } = generateKeyPair('secret')
  const key = join(folder, 'casemate.pub')
  writeFileSync(key, publicPem)
  const target = `docker://${address}/team/rebased:1`
  const options = { base: `${address}/base/old`, onto: `${address}/base/new`, key: [key] }
  const run = async (more: object) => {
    const { lines, terminal } = recording()
    const status = await runRebase(`${address}/team/app`, { ...options, ...more }, terminal)
    return { status, text: lines.join('\n') }
  }
  const unsigned = await run({ output: [target] })
  assert.equal(unsigned.status, 1)
  assert.match(unsigned.text, /base-unsigned[\s\S]*nothing is attached to sha256/)
  await assert.rejects(openImage(parseReference(target)), /has no manifest/)

  const repository = new RegistryClient({ registry: address, repository: 'base/new' }, { credentials: null })
  const signatory = keySignatory(openPrivateKey(privatePem, 'secret', 'key'))
  const base = await openImage(parseReference(options.onto))
  await attachSignature(base.top.descriptor, {
    repository,
    signatory,
    signedAs: `${address}/base/new`,
    signedAt: 1_790_000_000,
  })
  await Promise.all([base.close(), repository.close()])
  const done = await run({ output: [target] })
  assert.equal(done.status, 0, done.text)
  assert.match(done.text, /, [0-9.]+ k?B sent, 3 blobs mounted/)
  const rebuilt = await sampleLayout(t, { ...NEW, above: [OWN] })
  assert.deepEqual(await treeOf(target), await treeOf(rebuilt))

  const image = await openImage(parseReference(target))
  await image.close()
  const name = `${address}/base/new:latest`
  assert.deepEqual(parseIndex(image.top.bytes).annotations, {
    'org.opencontainers.image.base.digest': base.top.descriptor.digest,
    'org.opencontainers.image.base.name': name,
  })
  assert.equal(
    image.manifest.annotations?.['org.opencontainers.image.base.digest'],
    base.manifestDocument.descriptor.digest,
  )
  const { lines, terminal } = recording()
  const back = { onto: `${address}/base/old`, check: true, allowOlder: true, allowUnsigned: true }
  assert.equal(await runRebase(target, back, terminal), 0, `what it is built on stands in it: ${lines.join('\n')}`)
})
