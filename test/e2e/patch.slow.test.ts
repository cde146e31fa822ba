import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { DebSpec } from '#testkit'
import { openWorkplace, type Workplace } from './workplace.ts'

const NEWER: DebSpec = {
  name: 'greet',
  version: '1.2-4',
  fields: { Depends: 'libgreet1 (>= 1.0), greet-data, greet-common' },
  files: {
    '/bin/greet': { content: 'newer program\n', mode: 0o755 },
    '/usr/bin/hello': { hardlink: '/bin/greet' },
    '/etc/greet.conf': 'word = good day\n',
    '/usr/share/greet/fresh': 'fresh\n',
  },
  scripts: { conffiles: '/etc/greet.conf\n', postinst: '#!/bin/sh\ntouch /ran\n' },
}
const FROM = ['--archive', 'test-1', '--archives', 'archives', '--json']

async function patched(place: Workplace, image: string, ...args: readonly string[]) {
  const run = await place.run(['patch', image, ...FROM, ...args])
  assert.equal(run.status, 0, run.stderr)
  return JSON.parse(run.stdout)
}

test('an image gets the newer packages of its archive in one layer, which a later patch takes the place of', async (t) => {
  const place = await openWorkplace(t)
  await place.build()
  const before = JSON.parse(place.read('out/index.json'))
  const untouched = await patched(place, 'oci:out:greeting', '-o', 'oci:patched:greeting')
  assert.deepEqual([untouched.digest, untouched.outputs], [null, []], 'nothing is newer')
  assert.deepEqual(place.files('patched'), [])

  await place.archive.publish(NEWER)
  const first = await patched(place, 'oci:out:greeting', '-o', 'oci:patched:greeting')
  const [platform] = first.platforms
  assert.deepEqual(
    platform.upgrades.map(({ name, from, to }: Record<string, string>) => [name, from, to]),
    [['greet', '1.2-3', '1.2-4']],
  )
  assert.deepEqual(platform.scriptsNotRun, ['greet.postinst'])
  assert.deepEqual(JSON.parse(place.read('out/index.json')), before, 'the image itself stays')
  const sbom = await place.run(['sbom', 'oci:patched:greeting'])
  assert.match(sbom.stdout, /pkg:deb\/debian\/greet@1\.2-4\?/)
  assert.doesNotMatch(sbom.stdout, /greet@1\.2-3\?/)
  const files = await place.run(['sbom', 'oci:patched:greeting', '--files'])
  assert.match(files.stdout, /usr\/share\/greet\/fresh/)

  await place.archive.publish({ ...NEWER, version: '1.2-5' })
  const again = await patched(place, 'oci:patched:greeting', '-o', 'oci:again:greeting')
  const whole = await patched(place, 'oci:out:greeting', '-o', 'oci:whole:greeting')
  assert.equal(
    again.platforms[0].layer.digest,
    whole.platforms[0].layer.digest,
    'the earlier patch leaves nothing behind',
  )
  assert.equal(again.digest, whole.digest)
})

test('choosing a package patches it alone, and a package that is not there is an error', async (t) => {
  const place = await openWorkplace(t)
  await place.build()
  await place.archive.publish(NEWER, { name: 'greet-common', version: '9', architecture: 'all' })
  const { platforms } = await patched(place, 'oci:out:greeting', '-o', 'oci-archive:one.tar', '--only', 'greet')
  assert.deepEqual(
    platforms[0].upgrades.map(({ name }: { name: string }) => name),
    ['greet'],
  )
  const missing = await place.run(['patch', 'oci:out:greeting', ...FROM, '-o', 'oci:no', '--only', 'nowhere'])
  assert.equal(missing.status, 2)
  assert.match(missing.stderr, /cannot patch nowhere: the image does not have it {2}\[PATCH_IMPOSSIBLE\]/)
  assert.deepEqual(place.files('no'), [])
})

test('the page says what became newer, and where nothing goes to is an error', async (t) => {
  const place = await openWorkplace(t)
  await place.build()
  await place.archive.publish(NEWER)
  const run = await place.run(['patch', 'oci:out:greeting', ...FROM.slice(0, 4), '-o', 'oci:patched'])
  assert.match(run.stdout, /^package\s+from\s+to\s+suite\ngreet\s+1\.2-3\s+1\.2-4\s+trixie\n/)
  assert.match(run.stdout, /\nnot run: greet\.postinst\n/)
  assert.match(run.stdout, /\nwrote {3}oci:.*patched\n$/)
  const nowhere = await place.run(['patch', 'oci:out:greeting', ...FROM])
  assert.equal(nowhere.status, 2)
  assert.match(nowhere.stderr, /say where the patched image goes to, by -o or --load/)
})
