import assert from 'node:assert/strict'
import { cpSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { parseLock } from '#image'
import { requestsFor, testMirror } from '#testkit'
import { openWorkplace, type Workplace } from './workplace.ts'

const SNAPSHOT = 'http://127.0.0.1:1/snapshot'

/** A place with a lock, an image of it, and a mirror that since lacks three of its packages. */
async function movedOn(t: TestContext) {
  const place = await openWorkplace(t, { snapshot: SNAPSHOT })
  assert.equal((await place.run(['lock', '.'])).status, 0)
  const digest = await place.digest()
  const lock = parseLock(place.read('casemate.lock'), 'casemate.lock')
  const gone = (lock.platforms['linux/amd64']?.packages ?? []).filter(({ name }) => name !== 'greet')
  assert.equal(gone.length, 3)
  cpSync(join(place.archive.folder, 'pool'), join(place.folder, 'kept', 'pool'), { recursive: true })
  for (const { filename } of gone) rmSync(join(place.archive.folder, filename))
  await place.archive.publish({ name: 'libgreet1', version: '9' })
  const date = lock.observed[0]?.date ?? ''
  return { place, digest, gone, date }
}

const buildInto = (place: Workplace, output: string) =>
  place.run(['build', '.', '--json', '-o', `oci:${output}:greeting`])

test('a mirror that has moved on: a locked build takes the rest from the cache', async (t) => {
  const { place, digest } = await movedOn(t)
  place.archive.mirror.requests.length = 0
  const run = await buildInto(place, 'again')
  assert.equal(JSON.parse(run.stdout).digest, digest)
  assert.equal(place.archive.mirror.requests.length, 0)
})

test('without a cache it takes them from the snapshot service at the date of the lock, and without that names them', async (t) => {
  const { place, digest, gone, date } = await movedOn(t)
  place.remove('cache')
  place.remove('out')
  const neither = await buildInto(place, 'out')
  assert.equal(neither.status, 3, neither.stderr)
  assert.match(neither.stderr, /\[FETCH_MISSING\]|\[FETCH_FAILED\]/)
  for (const { filename } of gone) {
    assert.ok(neither.stderr.includes(`${filename} (last seen in trixie of ${date})`), neither.stderr)
  }
  assert.ok(!neither.stderr.includes('/greet_1.2-3'), 'what the mirror has is not missing')
  assert.deepEqual(place.files('out'), [])

  const stamp = date.replace(/[-:]/g, '')
  cpSync(join(place.folder, 'kept'), join(place.folder, 'snapshot', stamp), { recursive: true })
  const snapshot = await testMirror(t, place.folder)
  const archiveFile = 'archives/test-1.yaml'
  place.write(archiveFile, place.read(archiveFile).replace(SNAPSHOT, `${snapshot.url}/snapshot`))
  const found = await buildInto(place, 'out')
  assert.equal(found.status, 0, found.stderr)
  assert.equal(JSON.parse(found.stdout).digest, digest)
  assert.equal(requestsFor(snapshot, `/snapshot/${stamp}/pool/`), 3)
})
