import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { type TestContext, test } from 'node:test'
import { eventKey, startRun } from '#factory'
import { RegistryClient } from '#oci'
import { RegistryServer } from '#oci/registry'
import { openStore } from '#store'
import { type DebSpec, testServers } from '#testkit'
import { openWorkplace, type Run } from './workplace.ts'

const servers = testServers()
const MAIN = join(import.meta.dirname, '../../src/cli/main.ts')

const BUSYBOX = readFileSync('/bin/busybox')

const busybox = (version: string): DebSpec => ({
  name: 'greet',
  version,
  files: {
    '/usr/bin/busybox': { content: BUSYBOX, mode: 0o755 },
    '/usr/share/greet/version': version,
    '/usr/share/doc/greet/copyright': 'Licence: as you like it.\n',
  },
})

const shout = (version: string): DebSpec => ({ name: 'shout', version, files: { '/usr/share/shout': `${version}\n` } })

const GREETING = `image: greeting
archive: test-1
packages: [greet]
platforms: [linux/amd64]
entrypoint: [/usr/bin/busybox, echo, hello]
tags: ["{greet:upstream}", "{greet:minor}"]
tests: [{ name: greets, command: [/usr/bin/busybox, echo, hello], stdout: { equals: "hello\\n" } }]
`
const SHOUTING = `image: shouting
from: ../
packages: [shout]
tags: ["{shout:upstream}"]
tests: [{ name: has its file, command: [/usr/bin/busybox, cat, /usr/share/shout], stdout: { contains: "1" } }]
`
/** What does not hang on Debian's own advisories. */
const POLICIES = `policies:
  - name: non-root
    expression: "config.uid == 0 ? ['it is root'] : []"
    reason: Root is root.
    remedy: Be somebody else.
  - name: tests-passed
    expression: "tests.passed ? [] : ['not passed']"
    reason: Nobody has seen it work.
    remedy: See it work.
  - name: evidence-verified
    expression: "evidence.refusals + evidence.refused + (evidence.asked ? [] : ['nobody asks'])"
    reason: Who made it is not shown.
    remedy: Sign it.
`

/** A workplace with a fleet of an image and an overlay, a database and a registry, and the verbs that make a factory of them. */
async function openFactory(t: TestContext) {
  const place = await openWorkplace(t, { debs: [busybox('1.2.0-1'), shout('1.0')] })
  place.write('casemate.yaml', GREETING)
  place.write('over/casemate.yaml', SHOUTING)
  place.write('policies.yaml', POLICIES)
  const folder = mkdtempSync(join(tmpdir(), 'casemate-reg-'))
  const registry = await RegistryServer.start(folder, { host: '127.0.0.1', port: 0, onError() {} })
  t.after(async () => {
    await registry.close(100)
    rmSync(folder, { recursive: true, force: true })
  })
  const address = await servers.database('embedded')
  const { host, port, user, password = '', database } = address
  const url = `postgres://${user}:${encodeURIComponent(password)}@localhost:${port}/${database}?host=${encodeURIComponent(host)}`
  const env = { COSIGN_PASSWORD: 'secret', CASEMATE_DATABASE: url }
  assert.equal((await place.run(['keygen', 'casemate'], { env })).status, 0)
  const fleet = ['--registry', `docker://${registry.address}/team`, '--key', 'casemate.key', '--image', '.', './over']
  const all = [...fleet, '--policy', 'policies.yaml', '--workers', '1']
  const run = (...args: readonly string[]) => place.run(args, { env })
  const client = (image: string) => new RegistryClient({ registry: registry.address, repository: `team/${image}` })
  return {
    ...{ place, run, registry, address },
    /** Starts a verb and gives its process. */
    start: (...args: readonly string[]) =>
      spawn(process.execPath, ['--conditions=source', MAIN, ...args, ...all], {
        ...{ cwd: place.folder, env: { ...place.environment, ...env } },
        stdio: ['ignore', 'pipe', 'inherit'],
      }),
    release: (...args: readonly string[]) => run('release', ...args, ...all),
    worker: (...args: readonly string[]) => run('worker', ...args, ...all),
    /** What a tag of an image names. */
    async tag(image: string, tag: string): Promise<string | undefined> {
      const opened = client(image)
      try {
        return await opened.resolve(tag, 'pull')
      } finally {
        await opened.close()
      }
    },
    verify: (image: string, tag: string) =>
      run(
        'verify',
        `${registry.address}/team/${image}:${tag}`,
        '--key',
        'casemate.pub',
        '--require',
        'provenance',
        'spdx',
        'test',
        'vsa',
      ),
  }
}

function done(run: Run): Run {
  assert.equal(run.status, 0, run.stdout + run.stderr)
  return run
}

test('images are released with all their evidence, once; a fix is released through what is built on it; and back again', async (t) => {
  const factory = await openFactory(t)
  const first = done(await factory.release('greeting', 'shouting'))
  assert.match(first.stdout, /greeting +done +released as \d+\n/)
  assert.match(first.stdout, /shouting +done +released as \d+\n/)
  for (const [image, tag] of [
    ['greeting', '1.2.0'],
    ['shouting', '1.0'],
  ] as const)
    done(await factory.verify(image, tag))
  const [greeting, shouting] = [await factory.tag('greeting', '1.2.0'), await factory.tag('shouting', '1.0')]
  assert.equal(await factory.tag('greeting', '1.2'), greeting)

  const again = done(await factory.release('greeting', 'shouting'))
  assert.equal(again.stdout.match(/nothing to publish/g)?.length, 2, again.stdout)

  await factory.place.archive.publish(busybox('1.2.0-2'))
  done(await factory.release('greeting', 'shouting', '--update', 'greet', '--reason', 'CVE-2026-1000'))
  const [fixed, above] = [await factory.tag('greeting', '1.2.0'), await factory.tag('shouting', '1.0')]
  assert.notEqual(fixed, greeting)
  assert.notEqual(above, shouting)
  done(await factory.verify('shouting', '1.0'))

  const back = done(await factory.release('shouting', '--rollback', '--reason', 'breaks logins'))
  assert.match(back.stdout, /^shouting runtime: 1\.0 name release \d+ again/)
  assert.equal(await factory.tag('shouting', '1.0'), shouting)
  assert.equal(await factory.tag('greeting', '1.2.0'), fixed)
  const held = await factory.release('shouting')
  assert.equal(held.status, 1)
  assert.match(held.stdout, /shouting: held by .*: breaks logins/)
  const list = JSON.parse(done(await factory.run('release', 'list', 'shouting', '--json')).stdout)
  assert.deepEqual(
    list.releases.map(({ digest }: { digest: string }) => digest),
    [shouting, above, shouting],
  )
  assert.equal(list.releases[0].restores, list.releases[2].id)
  assert.match(done(await factory.run('ledger', 'verify')).stdout, /each follows from the one before/)
})

test('a child whose test fails holds itself alone, and says why', async (t) => {
  const factory = await openFactory(t)
  factory.place.write('over/casemate.yaml', SHOUTING.replace('contains: "1"', 'contains: "2"'))
  const run = await factory.release('greeting', 'shouting')
  assert.equal(run.status, 1, run.stdout + run.stderr)
  assert.match(
    run.stdout,
    /shouting +failed +test: runtime for linux\/amd64: "has its file": stdout does not contain "2"/,
  )
  done(await factory.verify('greeting', '1.2.0'))
  assert.equal(await factory.tag('shouting', '1.0'), undefined)
})

test('a worker that is told to stop ends its stage and hands the rest back, and another worker goes on from there', async (t) => {
  const factory = await openFactory(t)
  const store = await openStore(factory.address)
  t.after(() => store.close())
  const at = new Date().toISOString()
  const event = { kind: 'asked', subject: 'all', key: eventKey('asked', 'all', 1), payload: {}, seen: at } as const
  const [{ id = 0 } = {}] = await store.events.record([event])
  const reasons = [{ event: id, advisories: [], changes: [] }]
  const images = [
    { image: 'greeting', after: [], reasons, held: undefined },
    { image: 'shouting', after: ['greeting'], reasons, held: undefined },
  ]
  const run = await startRun(store, await store.plans.record({ events: [id], images, made: at }), at)
  const first = factory.start('worker', '--json')
  const lines = createInterface({ input: first.stdout })
  for await (const line of lines) if (JSON.parse(line).kind === 'started') break
  first.kill('SIGTERM')
  const [status] = await once(first, 'close')
  assert.equal(status, 0)
  assert.deepEqual(await store.work.open(), [run])
  const begun = (await store.runs.records(run)).filter(({ state }) => state === 'done').length
  const second = done(await factory.worker('--until-done', '--json'))
  const news = second.stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
  assert.equal(news.filter(({ kind }) => kind === 'done').length, 8 - begun)
  assert.deepEqual(
    news.filter(({ kind }) => kind === 'ended').map(({ image, state }) => `${image} ${state}`),
    ['greeting done', 'shouting done'],
  )
  done(await factory.verify('shouting', '1.0'))
})

test('a factory that cannot be opened says what is missing', async (t) => {
  const factory = await openFactory(t)
  const unsaid = await factory.run('release', 'greeting')
  assert.equal(unsaid.status, 2)
  assert.match(unsaid.stderr, /cannot publish: say where, by --registry/)
  const unsigned = await factory.run('worker', '--registry', 'docker://localhost:1')
  assert.match(unsigned.stderr, /cannot publish: say who signs, by --key/)
  const unknown = await factory.release('greetings')
  assert.equal(unknown.status, 2)
  assert.match(unknown.stderr, /cannot make greetings: nobody defines it; did you mean greeting\?/)
})
