import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { DebSpec } from '#testkit'
import { DEFINITION, openWorkplace } from './workplace.ts'

const MEBIBYTE = 1024 * 1024

/** Every package is refused for what the message says; the rest of the readers' cases have tests of their own. */
const packages: [DebSpec, RegExp][] = [
  [
    {
      name: 'device',
      fields: { Depends: 'heavy' },
      dataItems: [{ path: './dev/sda', type: 'block-device', deviceMajor: 8, deviceMinor: 0 }],
    },
    /device: path "\/dev\/sda" is a block-device.*\[DEB_REFUSED\]/,
  ],
  [
    { name: 'whiteout', dataItems: [{ path: './usr/.wh.bin', content: '' }] },
    /whiteout: path "\/usr\/\.wh\.bin" would delete files.*\[DEB_REFUSED\]/,
  ],
  [{ name: 'traversal', dataItems: [{ path: './../../escaped', content: 'x' }] }, /traversal: .*\.\..*\[DEB_REFUSED\]/],
  [
    { name: 'through-link', files: { '/d': { link: '/tmp' } }, dataItems: [{ path: './d/escaped', content: 'x' }] },
    /through-link: path "\/d\/escaped" lies below "\/d", which is a symlink.*\[DEB_REFUSED\]/,
  ],
  [
    { name: 'bomb', files: { '/bomb': new Uint8Array(192 * MEBIBYTE) } },
    /cannot decode gzip data of bomb .*\[COMPRESSION_LIMIT\]/,
  ],
  [{ name: 'twice', files: { '/bin/x': 'one', '/usr/bin/x': 'two' } }, /\/bin\/x and \/usr\/bin\/x.*\[PATH_CONFLICT\]/],
]

const others: DebSpec[] = [
  { name: 'heavy', files: { '/usr/share/heavy': new Uint8Array(28 * MEBIBYTE) } },
  { name: 'outward', files: { '/srv/d': { link: '/outside' } } },
  { name: 'inward', fields: { Depends: 'outward' }, dataItems: [{ path: './srv/d/escaped', content: 'x' }] },
]

test('a hostile package is refused by name and rule, and nothing of it is written', async (t) => {
  const place = await openWorkplace(t, { debs: [...packages.map(([spec]) => spec), ...others] })
  const rows: [string, RegExp][] = [
    ...packages.map(([{ name }, pattern]): [string, RegExp] => [name, pattern]),
    [
      'inward',
      /\/srv\/d of outward 1\.0 with inward 1\.0: \/srv\/d is a symlink, and the other ships \/srv\/d\/escaped below it.*\[PATH_CONFLICT\]/,
    ],
  ]
  for (const [name, pattern] of rows) {
    await t.test(name, async () => {
      place.write('casemate.yaml', DEFINITION.replace('[greet]', `[${name}]`).replace('{greet:upstream}', 'x'))
      const run = await place.run(['build', '.'])
      assert.ok(run.status === 2 || run.status === 3, `${run.status}: ${run.stderr}`)
      assert.match(run.stderr, pattern)
      assert.equal(run.stdout, '')
      assert.deepEqual(place.files('out'), [])
      const unfinished = place.files('cache').filter((path) => /\.tmp|\.spill|\.partial/.test(path))
      assert.deepEqual(unfinished, [])
      assert.deepEqual(
        place.files('.').filter((path) => path.includes('escaped')),
        [],
      )
    })
  }
})
