import assert from 'node:assert/strict'
import { test } from 'node:test'
import { digestOf } from '#core'
import { parseRecipe, recipeDigests, recipeOf, recipePredicate } from '#image'
import type { Lock } from './lock/lock.ts'

const LOCK: Lock = { image: 'app', format: 1, definitions: {}, platforms: {}, observed: [] }
const bytes = (text: string) => Buffer.from(text)

const INPUT = {
  image: 'app',
  variant: 'runtime',
  codec: 'gzip',
  lock: LOCK,
  catalogue: '/opt/casemate/images',
  sources: [
    { file: '/opt/casemate/images/base/casemate.yaml', bytes: bytes('image: base\n'), files: new Map() },
    { file: '/home/me/work/common/casemate.yaml', bytes: bytes('extends: base\n'), files: new Map() },
    {
      file: '/home/me/work/app/casemate.yaml',
      bytes: bytes('extends: ../common\n'),
      files: new Map([['etc/app.bin', Uint8Array.of(0xff, 0x00)]]),
    },
  ],
  archives: new Map([['/home/me/work/app/archives/acme.yaml', bytes('archive: acme\n')]]),
} as const

test('a recipe holds every file by a path that tells nothing of the machine, and is read back as it was', () => {
  const recipe = recipeOf(INPUT)
  assert.deepEqual([...recipe.files.keys()].sort(), [
    'catalogue/base/casemate.yaml',
    'definition/app/archives/acme.yaml',
    'definition/app/casemate.yaml',
    'definition/app/etc/app.bin',
    'definition/common/casemate.yaml',
  ])
  assert.equal(recipe.definition, 'definition/app/casemate.yaml')
  const predicate = recipePredicate(recipe)
  assert.ok(!JSON.stringify(predicate).includes('/home/me'))
  const read = parseRecipe(JSON.parse(JSON.stringify(predicate)), 'it')
  assert.deepEqual(recipePredicate(read), predicate)
  assert.deepEqual(read.files.get('definition/app/etc/app.bin'), Buffer.of(0xff, 0x00))
  assert.equal(recipeDigests(read).get('definition/app/etc/app.bin'), digestOf(Uint8Array.of(0xff, 0x00)))
})

test('one definition alone stands at the root of its folder', () => {
  const [base] = INPUT.sources
  assert.equal(recipeOf({ ...INPUT, sources: [base], archives: new Map() }).definition, 'catalogue/base/casemate.yaml')
  const own = { file: '/srv/app.yaml', bytes: bytes('image: app\n'), files: new Map() }
  assert.equal(recipeOf({ ...INPUT, sources: [own], archives: new Map() }).definition, 'definition/app.yaml')
})

test('a folder keeps its links and what can be executed; of a definition on several bases the one that was chosen', () => {
  const entry = { type: 'file', isExecutable: true, target: '' } as const
  const own = {
    file: '/srv/app/casemate.yaml',
    bytes: bytes('image: "{base}"\n'),
    files: new Map([['app/run', bytes('run')]]),
    folders: new Map([
      [
        'app',
        [
          { ...entry, path: '/run' },
          { ...entry, path: '/left-out' },
          { ...entry, path: '/start', type: 'symlink', target: 'run' } as const,
        ],
      ],
    ]),
    member: 'python',
  }
  const recipe = recipeOf({ ...INPUT, sources: [own], archives: new Map() })
  const read = parseRecipe(JSON.parse(JSON.stringify(recipePredicate(recipe))), 'it')
  assert.equal(read.definition, 'definition/casemate.yaml#python')
  assert.deepEqual([...read.executables], ['definition/app/run'])
  assert.deepEqual([...read.links], [['definition/app/start', 'run']])
})

const good = recipePredicate(recipeOf(INPUT)) as Record<string, unknown>
const file = (path: string, more: object = {}) => ({ path, encoding: 'utf-8', content: '', ...more })
const bad: readonly [string, object, RegExp][] = [
  ['a path out of the folder', { files: [file('definition/../../etc/cron.d/x')] }, /is no plain path/],
  ['an absolute path', { files: [file('/etc/cron.d/x')] }, /a path below catalogue\/ or definition\//],
  ['a path elsewhere', { files: [file('other/x')] }, /a path below catalogue\/ or definition\//],
  ['a path with a dot', { files: [file('definition/./x')] }, /is no plain path/],
  ['a path with a zero byte', { files: [file('definition/a\u0000b')] }, /a path below catalogue\/ or definition\//],
  ['an unknown encoding', { files: [file('definition/x', { encoding: 'utf-7' })] }, /encoding/],
  ['a definition that is not in it', { definition: 'definition/none.yaml' }, /does not hold its own definition/],
  ['an unknown codec', { codec: 'brotli' }, /codec/],
  ['no lock', { lock: undefined }, /lock/],
  ['no files', { files: {} }, /files/],
  ['a link that leads out', { links: [{ path: 'definition/app/l', target: '../../../etc' }] }, /leads out of it/],
  ['an absolute link', { links: [{ path: 'definition/app/l', target: '/etc' }] }, /a relative path/],
  [
    'a link in the place of a file',
    { links: [{ path: 'definition/app/casemate.yaml', target: 'x' }] },
    /is no plain path of its own/,
  ],
  [
    'a link below a link',
    {
      links: [
        { path: 'definition/a', target: 'b' },
        { path: 'definition/a/c', target: 'd' },
      ],
    },
    /lies below another link/,
  ],
]

for (const [what, change, reason] of bad) {
  test(`a recipe with ${what} is refused`, () => {
    const value = JSON.parse(JSON.stringify({ ...good, ...change }))
    assert.throws(() => parseRecipe(value, 'it'), { code: 'RECIPE_INVALID', message: reason })
  })
}
