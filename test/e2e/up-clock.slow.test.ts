import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { embeddedAddress, openStore } from '#store'
import { type DebSpec, databaseFolder, TEST_POSTGRES_USER } from '#testkit'
import { hearing, PATIENCE, Up } from './up-process.ts'
import { openWorkplace } from './workplace.ts'

const DAY = 86_400_000
/** Days by which the clock is wrong, one after the other; at its end it is right again. */
const JUMPS = [3, -3, 400, -400, 0]

const plain = (version: string): DebSpec => ({
  name: 'plain',
  version,
  files: { '/usr/share/plain': version, '/usr/share/doc/plain/copyright': 'Licence: as you like it.\n' },
})

test('a factory whose clock jumps by days, forth and back, releases each fix once, tells it, and its ledger holds', async (t) => {
  const place = await openWorkplace(t, { debs: [plain('1.0')], label: 'Debian-Security' })
  place.write(
    'casemate.yaml',
    'image: plain\narchive: test-1\npackages: [plain]\nplatforms: [linux/amd64]\ntags: ["{plain:upstream}"]\n',
  )
  place.write(
    'policies.yaml',
    'policies: [{ name: signed, expression: "evidence.refusals + evidence.refused", reason: Not shown., remedy: Sign it. }]\n',
  )
  const heard = await hearing(t)
  const webhook = `{ webhook: "${heard.url}", allow-internal: 127.0.0.1, kinds: [release] }`
  place.write('factory.yaml', `images: [.]\narchives: { poll: 1s }\nnotify: [${webhook}]\n`)
  const clock = join(place.folder, 'clock')
  const jump = (days: number) => writeFileSync(clock, String(days * DAY))
  jump(0)
  const state = databaseFolder(t)
  const preload = `--import=${join(import.meta.dirname, 'jumping-clock.ts')}`
  const environment = { ...place.environment, CLOCK_OFFSET: clock, NODE_OPTIONS: preload }
  const up = new Up({ folder: place.folder, environment }, state, '127.0.0.1:0', ['--policy', 'policies.yaml'])
  t.after(() => up.end('SIGKILL'))
  await up.printed(/plain +done +released as/)
  for (const [number, days] of JUMPS.entries()) {
    jump(days)
    await place.archive.publish(plain(`1.${number + 1}`))
    await sleep(2500)
  }
  const store = await openStore(await embeddedAddress(state))
  t.after(() => store.close())
  const last = `1.${JUMPS.length}`
  const versions = async () => {
    const releases = await store.releases.history('plain', 'runtime', 100)
    const contents = await store.fleet.contents(
      releases.flatMap(({ manifests }) => manifests.map((one) => one.contents)),
    )
    return releases.flatMap(({ manifests }) =>
      manifests.map((one) => contents.get(one.contents)?.find(({ name }) => name === 'plain')?.version),
    )
  }
  const isOver = async () => {
    const done = await versions()
    const isIdle = (await store.work.open()).length === 0 && (await store.events.open(1)).length === 0
    return isIdle && done.includes(last) && heard.bodies.length === done.length
  }
  for (const end = Date.now() + PATIENCE; Date.now() < end && !(await isOver()); ) await sleep(500)
  const released = await versions()
  assert.ok(released.includes(last), `${released} are released:\n${up.output}`)
  assert.equal(new Set(released).size, released.length, `${released} are released`)
  assert.equal(heard.bodies.length, released.length, `${heard.bodies.length} of ${released} are told`)
  assert.deepEqual(await store.work.open(), [])
  assert.equal((await store.events.open(10)).length, 0)
  assert.equal(await up.end('SIGTERM'), 0, up.output)
  const ledger = await place.run(['ledger', 'verify', '--state', state], {
    env: { CASEMATE_POSTGRES_USER: TEST_POSTGRES_USER },
  })
  assert.equal(ledger.status, 0, ledger.stderr)
})
