import assert from 'node:assert/strict'
import { test } from 'node:test'
import { digestOf } from '#core'
import { parseLock } from '#image'
import { pollArchive } from '#integrations'
import { openState } from '#store'
import { databaseFolder, serverOptions, TEST_POSTGRES_USER } from '#testkit'
import { openWorkplace, type Workplace } from './workplace.ts'

const OVERLAY = 'image: shouting\nfrom: ../\npackages: [shout]\n'
const PLAIN = 'image: plain\narchive: test-1\npackages: [greet-data]\nplatforms: [linux/amd64]\n'

const OTHER = 'image: other\nextends: ../plain.yaml\nlifecycle: { upstream-end: 2020-01-01, archive-end: 2999-01-01 }\n'

/** A fleet of three, locked: an image, an overlay on it, and one that has nothing to do with what is fixed. */
async function lockedFleet(place: Workplace): Promise<void> {
  place.write('over/casemate.yaml', OVERLAY)
  place.write('plain.yaml', PLAIN)
  place.write('other/casemate.yaml', OTHER)
  for (const definition of ['.', './over', './other']) {
    const run = await place.run(['lock', definition])
    assert.equal(run.status, 0, run.stderr)
  }
}

const libgreet = { name: 'libgreet1', version: '1.1-2', files: { '/usr/lib/libgreet.so.1': 'fixed\n' } }
const fleet = ['plan', '--definitions', '.', '--json']

function imagesOf(stdout: string): unknown {
  const { plan, ...rest } = JSON.parse(stdout)
  const images = plan.images.map(
    ({
      image,
      after,
      held,
      reasons,
    }: {
      image: string
      after: string[]
      held?: object
      reasons: { changes: object[]; severity?: string }[]
    }) => {
      return {
        image,
        after,
        held: held ?? null,
        severity: reasons[0]?.severity,
        changes: reasons.flatMap(({ changes }) => changes),
      }
    },
  )
  return { images, unknown: rest.unknown, unchanged: rest.unchanged, basis: rest.basis }
}

test('without a database locks are held against the archive of today, and what is locked anew has nothing to do', async (t) => {
  const place = await openWorkplace(t, { label: 'Debian-Security' })
  await lockedFleet(place)
  const calm = await place.run([...fleet, '--check'])
  assert.deepEqual(
    [calm.status, imagesOf(calm.stdout)],
    [0, { images: [], unknown: [], unchanged: [], basis: 'locks' }],
  )

  const [before] = Object.values(parseLock(place.read('casemate.lock'), 'casemate.lock').platforms)
  const from = before?.packages.find(({ name }) => name === 'libgreet1')?.version
  await place.archive.publish(libgreet)
  const found = await place.run([...fleet, '--check'])
  assert.equal(found.status, 1, found.stderr)
  assert.match(found.stderr, /no advisories were imported: findings have no names/)
  const changes = [{ package: 'libgreet1', from, to: '1.1-2' }]
  assert.deepEqual(imagesOf(found.stdout), {
    images: [
      { image: 'greeting', after: [], held: null, severity: 'high', changes },
      { image: 'shouting', after: ['greeting'], held: null, severity: 'high', changes },
    ],
    ...{ unknown: [], unchanged: [], basis: 'locks' },
  })

  for (const definition of ['.', './over']) assert.equal((await place.run(['lock', definition, '--update'])).status, 0)
  assert.equal((await place.run([...fleet, '--check'])).status, 0)
})

test('a plan for people says what goes, what is held until when, and of what nothing is known', async (t) => {
  const place = await openWorkplace(t, { label: 'Debian-Security' })
  await lockedFleet(place)
  place.remove('other/casemate.lock')
  await place.archive.publish(libgreet)
  place.write(
    'factory.yaml',
    'policy: { freezes: [{ from: 2020-01-01, until: 2999-01-01, reason: audit, images: [shout*] }] }\n',
  )
  const { stdout, status, stderr } = await place.run(['plan', '--definitions', '.'])
  assert.equal(status, 0, stderr)
  const lines = stdout.split('\n')
  assert.equal(lines[0], '3 images: 1 to rebuild, 1 held, 0 as they are, 1 unknown')
  assert.match(lines[1] ?? '', /^now {6}greeting {2}libgreet1 \S+ → 1\.1-2 \(high: a security update\)$/)
  assert.match(lines[2] ?? '', /^held {5}shouting {2}frozen: audit \(until 2999-01-01 00:00 UTC\)$/)
  assert.match(lines[3] ?? '', /^ +libgreet1 \S+ → 1\.1-2 \(high: a security update\), by greeting$/)
  assert.match(lines[4] ?? '', /^unknown {2}other {5}it has no lock: casemate lock \.\/other$/)
  assert.ok(lines.includes("upstream's support of other ended on 2020-01-01"))
  assert.ok(lines.every((line) => line.length <= 100))
  const wrong = await place.run(['plan', '--settings', 'other/casemate.yaml'])
  assert.equal(wrong.status, 2)
  assert.match(
    wrong.stderr,
    /other\/casemate\.yaml: \d+ faults[\s\S]*unknown key `image`: did you mean `images`\?[\s\S]*\[SETTINGS_INVALID\]/,
  )
})

test('with a database releases say what images hold and events what is newer, and a hold is told', async (t) => {
  const place = await openWorkplace(t, { label: 'Debian-Security' })
  await lockedFleet(place)
  const folder = databaseFolder(t)
  const { store, close } = await openState({ embedded: serverOptions('embedded', folder) }, { create: true })
  const { archives: _, architecture, ...options } = place.archive.options
  const poll = () =>
    pollArchive({ ...options, archive: 'test-1', architectures: [architecture], store, now: () => new Date() })
  await poll()
  const lock = parseLock(place.read('casemate.lock'), 'casemate.lock')
  const packages = lock.platforms['linux/amd64']?.packages ?? []
  const digest = digestOf('greeting')
  await store.releases.record([
    {
      ...{ image: 'greeting', variant: 'runtime', digest, lock: digest, tags: ['1'], evidence: {} },
      manifests: [{ platform: 'linux/amd64', digest, packages }],
      released: new Date().toISOString(),
    },
  ])
  await place.archive.publish(libgreet)
  await poll()
  const until = '2999-01-01T00:00:00.000Z'
  const placed = new Date().toISOString()
  await store.decisions.hold({ image: 'greeting', reason: 'release week', by: 'ana', placed, until })
  await close()

  const run = await place.run([...fleet, '--state', folder, '--all'], {
    env: { CASEMATE_POSTGRES_USER: TEST_POSTGRES_USER },
  })
  assert.equal(run.status, 0, run.stderr)
  const from = packages.find(({ name }) => name === 'libgreet1')?.version
  const changes = [{ package: 'libgreet1', from, to: '1.1-2' }]
  assert.deepEqual(imagesOf(run.stdout), {
    images: [
      {
        image: 'greeting',
        after: [],
        held: { by: 'hold', reason: 'ana: release week', until },
        severity: 'high',
        changes,
      },
      {
        image: 'shouting',
        after: [],
        held: { by: 'parent', reason: 'greeting is held: ana: release week', until },
        severity: 'high',
        changes,
      },
    ],
    ...{ unknown: [], unchanged: [], basis: 'database' },
  })
  assert.deepEqual(JSON.parse(run.stdout).plan.events, [1, 2])
})
