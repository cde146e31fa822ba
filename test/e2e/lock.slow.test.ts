import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { parseLock } from '#image'
import { samplePackages } from './sample-packages.ts'
import { DEFINITION, openWorkplace, type Workplace } from './workplace.ts'

const versions = (place: Workplace) => {
  const lock = parseLock(place.read('casemate.lock'), 'casemate.lock')
  return Object.fromEntries((lock.platforms['linux/amd64']?.packages ?? []).map((one) => [one.name, one.version]))
}

const newer = (name: string, version: string) => {
  const [found] = samplePackages('amd64').filter((spec) => spec.name === name)
  return { name, ...found, version }
}

test('a lock is written, checked, kept while packages move on, and updated by name', async (t) => {
  const place = await openWorkplace(t)
  const missing = await place.run(['lock', '.', '--check'])
  assert.deepEqual([missing.status, missing.stdout], [1, 'greeting has no lock yet\n'])
  assert.deepEqual(
    place.files('.').filter((file) => file.endsWith('.lock')),
    [],
  )

  const wrote = await place.run(['lock', '.'])
  assert.equal(wrote.status, 0, wrote.stderr)
  assert.match(wrote.stdout, /wrote .*casemate\.lock: 4 for linux\/amd64 packages, format 1/)
  assert.deepEqual(versions(place), {
    greet: '1.2-3',
    'greet-common': '1.2-3',
    'greet-data': '1.2-3',
    libgreet1: '1.0-1',
  })
  const text = place.read('casemate.lock')
  assert.ok(!text.includes('127.0.0.1'), 'a lock names no host')
  assert.equal((await place.run(['lock', '.', '--check'])).status, 0)

  await place.archive.publish(newer('libgreet1', '1.0-2'), newer('greet-data', '1.2-4'))
  assert.equal((await place.run(['lock', '.', '--check'])).status, 0, 'newer packages are no fault of a lock')
  const check = await place.run(['lock', '.', '--check', '--update', '--json'])
  assert.equal(check.status, 1)
  assert.deepEqual(JSON.parse(check.stdout), {
    file: join(place.folder, 'casemate.lock'),
    changes: ['greet-data 1.2-3 → 1.2-4 in runtime (linux/amd64)', 'libgreet1 1.0-1 → 1.0-2 in runtime (linux/amd64)'],
  })
  assert.equal(place.read('casemate.lock'), text, 'a check writes nothing')

  const update = await place.run(['lock', '.', '--update', 'libgreet1'])
  assert.equal(update.status, 0, update.stderr)
  assert.match(update.stdout, /^libgreet1 1\.0-1 → 1\.0-2 in runtime \(linux\/amd64\)\nwrote /)
  assert.deepEqual(versions(place), {
    greet: '1.2-3',
    'greet-common': '1.2-3',
    'greet-data': '1.2-3',
    libgreet1: '1.0-2',
  })

  assert.equal((await place.run(['lock', '.', '--update'])).status, 0)
  assert.deepEqual(versions(place), {
    greet: '1.2-3',
    'greet-common': '1.2-3',
    'greet-data': '1.2-4',
    libgreet1: '1.0-2',
  })
})

test('a lock of another state of the definition is refused until it is brought up to date', async (t) => {
  const place = await openWorkplace(t)
  await place.run(['lock', '.'])
  place.write('casemate.yaml', DEFINITION.replace('[greet]', '[greet, shout]'))
  const build = await place.run(['build', '.'])
  assert.equal(build.status, 2)
  assert.match(build.stderr, /the definition of runtime has changed since; run "casemate lock".*\[LOCK_INVALID\]/)
  const check = await place.run(['lock', '.', '--check'])
  assert.equal(check.status, 1)
  assert.match(check.stdout, /definition of runtime changed\n(.*\n)*shout 0\.9 added to runtime \(linux\/amd64\)/)
  assert.equal((await place.run(['lock', '.'])).status, 0)
  assert.equal((await place.build()).platforms[0]?.packages.length, 5)
})

test('`lock --format` takes the newest format and changes nothing else', async (t) => {
  const place = await openWorkplace(t)
  await place.run(['lock', '.'])
  await place.archive.publish(newer('libgreet1', '1.0-2'))
  const run = await place.run(['lock', '.', '--format', '--json'])
  assert.deepEqual([run.status, JSON.parse(run.stdout).changes], [0, []])
  assert.equal(parseLock(place.read('casemate.lock'), 'casemate.lock').format, 1)
  assert.equal(versions(place)['libgreet1'], '1.0-1')
})

const faults: [string, (text: string) => string, readonly string[], RegExp][] = [
  [
    'a format of the future',
    (text) => text.replace('"format": 1', '"format": 2'),
    ['build', '.'],
    /its layer format is 2, this Casemate writes 1.*\[LOCK_INVALID\]/,
  ],
  [
    'a path that leaves the archive',
    (text) => text.replace('"filename":"pool/', '"filename":"pool/../'),
    ['build', '.'],
    /casemate\.lock:\d+:\d+: .*filename.*\[LOCK_INVALID\]/s,
  ],
  [
    'a package that the lock does not have',
    (text) => text,
    ['lock', '.', '--update', 'sl'],
    /cannot update sl: greeting does not have it.*\[USAGE_INVALID\]/,
  ],
]
test('a lock that cannot be meant is wrong use', async (t) => {
  const place = await openWorkplace(t)
  await place.run(['lock', '.'])
  const text = place.read('casemate.lock')
  for (const [name, edit, args, pattern] of faults) {
    await t.test(name, async () => {
      place.write('casemate.lock', edit(text))
      const run = await place.run(args)
      assert.equal(run.status, 2, run.stderr)
      assert.match(run.stderr, pattern)
    })
  }
})
