import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { type DebSpec, databaseFolder, TEST_POSTGRES_USER } from '#testkit'
import { hearing, PATIENCE, Up } from './up-process.ts'
import { openWorkplace } from './workplace.ts'

const BUSYBOX = readFileSync('/bin/busybox')

const greet = (version: string): DebSpec => ({
  name: 'greet',
  version,
  files: {
    '/usr/bin/busybox': { content: BUSYBOX, mode: 0o755 },
    '/usr/share/greet/version': version,
    '/usr/share/doc/greet/copyright': 'Licence: as you like it.\n',
  },
})
const plain: DebSpec = { name: 'plain', version: '1.0', files: { '/usr/share/plain': 'as ever\n' } }

const IMAGES = {
  'casemate.yaml': `image: greeting
archive: test-1
packages: [greet]
platforms: [linux/amd64]
entrypoint: [/usr/bin/busybox, echo, hello]
tags: ["{greet:upstream}"]
tests: [{ name: greets, command: [/usr/bin/busybox, echo, hello], stdout: { equals: "hello\\n" } }]
`,
  'over/casemate.yaml':
    'image: shouting\nfrom: ../\npaths: [{ path: /etc/shout, content: "HELLO\\n" }]\ntags: ["1.0"]\n',
  'plain.yaml':
    'image: plain\narchive: test-1\npackages: [plain]\nplatforms: [linux/amd64]\ntags: ["{plain:upstream}"]\n',
  'policies.yaml': `policies:
  - name: evidence-verified
    expression: "evidence.refusals + evidence.refused + (evidence.asked ? [] : ['nobody asks'])"
    reason: Who made it is not shown.
    remedy: Sign it.
`,
}

async function digestOf(address: string, image: string, tag: string): Promise<string | null> {
  const accept = 'application/vnd.oci.image.index.v1+json'
  const answer = await fetch(`http://${address}/v2/${image}/manifests/${tag}`, { method: 'HEAD', headers: { accept } })
  return answer.headers.get('docker-content-digest')
}

test('a factory in a folder: its first releases, a fix that reaches what holds it and nothing else, and a restart that does nothing', async (t) => {
  const place = await openWorkplace(t, { debs: [greet('1.2.0-1'), plain], label: 'Debian-Security' })
  for (const [file, text] of Object.entries(IMAGES)) place.write(file, text)
  const heard = await hearing(t)
  place.write(
    'factory.yaml',
    `images: [., ./over, ./plain.yaml]
archives: { poll: 1s }
notify: [{ webhook: "${heard.url}", allow-internal: 127.0.0.1, kinds: [release] }]
`,
  )
  const state = databaseFolder(t)
  const up = new Up(place, state, '127.0.0.1:0', ['--policy', 'policies.yaml'])
  t.after(() => up.end('SIGKILL'))
  const [, address = ''] = await up.printed(/status +http:\/\/(127\.0\.0\.1:\d+)\//)
  const [, token = ''] = await up.printed(/token +(\S+)/)
  for (const image of ['greeting', 'shouting', 'plain']) await up.printed(new RegExp(`${image} +done +released as`))
  const before = {
    greeting: await digestOf(address, 'greeting', '1.2.0'),
    shouting: await digestOf(address, 'shouting', '1.0'),
    plain: await digestOf(address, 'plain', '1.0'),
  }
  assert.ok(Object.values(before).every((digest) => digest?.startsWith('sha256:')))
  const verified = await place.run(['verify', `${address}/greeting:1.2.0`, '--key', join(state, 'keys/casemate.pub')])
  assert.equal(verified.status, 0, verified.stderr)

  const pushed = await fetch(`http://${address}/v2/greeting/blobs/uploads/`, { method: 'POST' })
  assert.equal(pushed.status, 401)
  const authorization = `Bearer ${token}`
  const listed = await fetch(`http://${address}/api/v1/images`, { headers: { authorization } })
  assert.equal(((await listed.json()) as { items: object[] }).items.length, 3)

  await place.archive.publish(greet('1.2.0-2'))
  await up.printed(/greeting +done +released as[\s\S]*greeting +done +released as/)
  await up.printed(/shouting +done +released as[\s\S]*shouting +done +released as/)
  assert.notEqual(await digestOf(address, 'greeting', '1.2.0'), before.greeting)
  assert.notEqual(await digestOf(address, 'shouting', '1.0'), before.shouting)
  assert.equal(await digestOf(address, 'plain', '1.0'), before.plain)
  for (const end = Date.now() + PATIENCE; heard.bodies.length < 5 && Date.now() < end; ) await sleep(50)
  assert.deepEqual(heard.bodies.map(({ subject }) => subject).sort(), [
    ...['greeting', 'greeting', 'plain', 'shouting', 'shouting'],
  ])

  // The same packages under a newer date are no news.
  await place.archive.republish({})
  await sleep(3000)
  const runs = async () => {
    const answer = await fetch(`http://${address}/api/v1/runs`, { headers: { authorization } })
    return ((await answer.json()) as { items: object[] }).items.length
  }
  const count = await runs()
  assert.equal(await up.end('SIGTERM'), 0, up.output)

  const again = new Up(place, state, address, ['--policy', 'policies.yaml'])
  t.after(() => again.end('SIGKILL'))
  await again.printed(/status +http/)
  await sleep(3000)
  assert.equal(await runs(), count)
  assert.doesNotMatch(again.output, /done +released|token/)
  assert.equal(await again.end('SIGTERM'), 0, again.output)
  const ledger = await place.run(['ledger', 'verify', '--state', state], {
    env: { CASEMATE_POSTGRES_USER: TEST_POSTGRES_USER },
  })
  assert.equal(ledger.status, 0, ledger.stderr)
})
