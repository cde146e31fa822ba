import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { isDeepStrictEqual } from 'node:util'
import type { DebSpec } from '#testkit'
import { readInventory } from '../../src/cli/image-inventory.ts'
import { noise } from './sample-packages.ts'
import { DEFINITION, openWorkplace, type Workplace } from './workplace.ts'

const FACTS = 'cache/casemate/layer-facts'
const JAR = new URL('../../src/sbom/applications/testdata/slf4j-nop-1.7.32.jar', import.meta.url)

/** Packages that hold what inventories look for, in memory and, being large, spilled to a file. */
const packages: readonly DebSpec[] = [
  {
    name: 'base-files',
    files: {
      '/usr/lib/os-release': 'ID=debian\nVERSION_ID="13"\n',
      '/usr/share/noise': noise(100_000, 1),
      '/usr/bin/su': { content: 'setuid program\n', mode: 0o4755 },
    },
  },
  {
    name: 'express',
    fields: { Depends: 'base-files, large' },
    files: {
      '/usr/share/nodejs/express/package.json': '{"name":"express","version":"4.19.2"}',
      '/usr/share/nodejs/express/again.json': { hardlink: '/usr/share/nodejs/express/package.json' },
      '/usr/lib/python3/dist-packages/six-1.17.0.dist-info/METADATA':
        'Metadata-Version: 2.1\nName: six\nVersion: 1.17.0\n',
      '/usr/lib/python3/dist-packages/six-1.17.0.dist-info/RECORD': 'six.py,,\n',
      '/usr/lib/python3/dist-packages/six.py': noise(70_000, 2),
    },
  },
  {
    name: 'large',
    files: {
      '/usr/share/large': noise(26 * 2 ** 20, 3),
      '/usr/share/java/slf4j-nop-1.7.32.jar': readFileSync(JAR),
    },
  },
]

const OWN = DEFINITION.replace('[greet]', '[express]').replace('{greet:', '{express:').replace('/bin/greet', '/bin/su')

/** Takes the inventory of the image, as a scan does. */
async function read(place: Workplace): Promise<void> {
  process.env['XDG_CACHE_HOME'] = join(place.folder, 'cache')
  const { packages: found } = await readInventory(`oci:${join(place.folder, 'out')}:greeting`, 'linux/amd64')
  assert.equal(found.length, packages.length)
}

/** What is remembered of layers, by the name of the record. */
function remembered(place: Workplace): Readonly<Record<string, string>> {
  return Object.fromEntries(place.files(FACTS).map((name) => [name, place.read(`${FACTS}/${name}`)]))
}

test('a build leaves of its layers exactly what a scan would read in them', async (t) => {
  const place = await openWorkplace(t, { debs: packages })
  for (const budget of [4, 3]) {
    place.write('casemate.yaml', OWN.replace('budget: 4', `budget: ${budget}`))
    place.remove(FACTS)
    await place.build()
    const left = remembered(place)
    for (const name of ['express', 'six', 'slf4j-nop']) {
      assert.ok(
        Object.values(left).some((record) => record.includes(name)),
        `${name} was found`,
      )
    }
    place.remove(FACTS)
    await read(place)
    assert.ok(isDeepStrictEqual(remembered(place), left), `budget ${budget}`)
  }
})

test('members of an earlier release leave nothing, and the scan reads', async (t) => {
  const place = await openWorkplace(t, { debs: packages })
  place.write('casemate.yaml', OWN)
  await place.build()
  const left = remembered(place)
  for (const name of place.files('cache/casemate/members').filter((file) => file.endsWith('.facts'))) {
    place.write(`cache/casemate/members/${name}`, 'of another release')
  }
  place.remove(FACTS)
  place.remove('out')
  await place.build()
  assert.ok(Object.keys(remembered(place)).length < Object.keys(left).length)
  await read(place)
  assert.ok(isDeepStrictEqual(remembered(place), left))
})
