import assert from 'node:assert/strict'
import { randomInt } from 'node:crypto'
import { test } from 'node:test'
import type { TestDeb } from '#testkit'
import { DEFINITION, openWorkplace, type RunOptions } from './workplace.ts'

const PACKAGES = DEFINITION.replace('[greet]', '[greet, shout, libgreet1]')

const patched: TestDeb = {
  ...{ name: 'libgreet1', version: '1.0-2', fields: { Source: 'libgreet', 'Multi-Arch': 'same' } },
  files: { '/usr/lib/libgreet.so.1.0': 'patched\n', '/usr/lib/libgreet.so.1': { link: 'libgreet.so.1.0' } },
}

const surroundings: [string, readonly string[], RunOptions][] = [
  ['a warm cache', [], {}],
  [
    'one thread, packages in another order, another time zone and locale',
    ['--workers', '1'],
    { env: { TZ: 'Pacific/Apia', LC_ALL: 'tr_TR.UTF-8', XDG_CACHE_HOME: 'cold-1' } },
  ],
  [
    'two threads, a narrow umask, a random SOURCE_DATE_EPOCH',
    ['--workers', '2'],
    { umask: 0o077, env: { SOURCE_DATE_EPOCH: String(randomInt(2 ** 31)), XDG_CACHE_HOME: 'cold-2' } },
  ],
]

test('the digest does not depend on where, when and how an image is built', async (t) => {
  const place = await openWorkplace(t)
  place.write('casemate.yaml', PACKAGES)
  const digest = await place.digest()
  place.write('casemate.yaml', PACKAGES.replace('[greet, shout, libgreet1]', '[libgreet1, shout, greet]'))
  for (const [name, args, { env = {}, ...options }] of surroundings) {
    await t.test(name, async () => {
      const { XDG_CACHE_HOME: cache, ...rest } = env
      const own = cache === undefined ? rest : { ...rest, XDG_CACHE_HOME: `${place.folder}/${cache}` }
      const summary = await place.build([...args, '-o', 'oci:other:greeting'], { ...options, env: own })
      assert.equal(summary.digest, digest, JSON.stringify(env))
      assert.equal(summary.members.made, cache === undefined ? 0 : 5)
    })
  }
})

test('a new state of the archive with the same selection leaves the digest alone', async (t) => {
  const place = await openWorkplace(t)
  const digest = await place.digest()
  await place.archive.publish({ name: 'whisper', version: '1' })
  assert.equal(await place.digest(), digest)
  const other = await openWorkplace(t)
  assert.equal(await other.digest(), digest, 'an archive with other keys and dates')
})

test('a patched package changes its own layer and the last one only', async (t) => {
  const place = await openWorkplace(t)
  await place.run(['lock', '.'])
  const before = await place.build()
  await place.archive.publish(patched)
  await place.run(['lock', '.', '--update', 'libgreet1'])
  const after = await place.build()
  assert.deepEqual(after.members, { reused: 3, made: 1 })
  const changed = (after.platforms[0]?.layers ?? []).map(
    (layer, number) => layer.digest !== before.platforms[0]?.layers[number]?.digest,
  )
  assert.deepEqual(changed, [false, true, false, true])
})
