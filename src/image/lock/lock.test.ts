import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Digest, digestOf } from '#core'
import { parseDefinition } from '../definition/parse-definition.ts'
import { definitionDigest, resolveDefinition } from '../definition/resolve-definition.ts'
import { compareLock } from './compare-lock.ts'
import { formatLock } from './format-lock.ts'
import { imageInputs, lockMismatches } from './image-inputs.ts'
import { type Lock, type LockedPackage, layersOf, packagesOf } from './lock.ts'
import { parseLock } from './parse-lock.ts'

const definition = resolveDefinition([
  {
    file: 'casemate.yaml',
    definition: parseDefinition(
      'image: web\npackages: [curl]\nvariants: { dev: { packages: [apt] } }',
      'casemate.yaml',
    ),
    files: new Map(),
  },
])

function locked(
  name: string,
  version: string,
  layers: Readonly<Record<string, number>>,
  more: Partial<LockedPackage> = {},
): LockedPackage {
  return {
    name,
    version,
    architecture: 'amd64',
    archive: 'debian-13',
    suite: 'trixie',
    filename: `pool/main/${name.slice(0, 1)}/${name}/${name}_${version.replace(/^\d+:/, '')}_amd64.deb`,
    size: 1000,
    digest: digestOf(`${name} ${version}`),
    source: { name, version },
    layers,
    ...more,
  }
}

const curl = locked('curl', '8.14.1-2+deb13u1', { runtime: 1, dev: 1 })
const libc = locked(
  'libc6',
  '2.41-12+deb13u4',
  { runtime: 0, dev: 0 },
  { source: { name: 'glibc', version: '2.41-12+deb13u4' } },
)
const apt = locked('apt', '3.0.3', { dev: 2 })

function lockWith(packages: readonly LockedPackage[], more: Partial<Lock> = {}): Lock {
  const definitions = Object.fromEntries([...definition.variants].map(([name, one]) => [name, definitionDigest(one)]))
  const arm = packages.map((one) => ({ ...one, architecture: 'arm64', digest: digestOf(`arm ${one.digest}`) }))
  return {
    image: 'web',
    format: 1,
    definitions,
    platforms: {
      'linux/amd64': {
        packages,
        derived: [{ effect: 'python-bytecode', variant: 'dev', digest: digestOf('x'), size: 1 }],
      },
      'linux/arm64': { packages: arm, derived: [] },
    },
    observed: [
      {
        archive: 'debian-13',
        suite: 'trixie-security',
        codename: 'trixie-security',
        suiteField: 'stable-security',
        date: '2026-11-20T08:00:00Z',
        validUntil: '2026-11-27T08:00:00Z',
        inRelease: digestOf('InRelease'),
        signers: ['A'.repeat(40)],
        expired: false,
        stale: false,
      },
    ],
    ...more,
  }
}
const lock = lockWith([apt, curl, libc])
const text = formatLock(lock)

test('what is written is read back as it was, with and without its line breaks', () => {
  assert.deepEqual(parseLock(text, 'casemate.lock'), lock)
  assert.deepEqual(parseLock(JSON.stringify(JSON.parse(text), undefined, '\t'), 'casemate.lock'), lock)
  assert.deepEqual(parseLock(text.replaceAll('\n', '\r\n'), 'casemate.lock'), lock)
  const empty = lockWith([], { observed: [], platforms: {} })
  assert.deepEqual(parseLock(formatLock(empty), 'casemate.lock'), empty)
})

test('the order a lock is put together in leaves its text alone', () => {
  const turned = <Value>(record: Readonly<Record<string, Value>>) =>
    Object.fromEntries(Object.entries(record).reverse())
  const { 'linux/amd64': amd64, 'linux/arm64': arm64 } = lock.platforms
  assert.ok(amd64 !== undefined && arm64 !== undefined)
  const packages = [...amd64.packages]
    .reverse()
    .map((one) => ({ ...turned({ ...one }), ...one, layers: turned(one.layers) }))
  const platforms = { 'linux/arm64': arm64, 'linux/amd64': { ...amd64, packages } }
  assert.equal(formatLock({ ...lock, definitions: turned(lock.definitions), platforms }), text)
})

test('a patched package is one changed line a platform, and no line names a host', () => {
  const patched = formatLock(lockWith([apt, { ...curl, version: '8.14.1-2+deb13u2' }, libc])).split('\n')
  const before = text.split('\n')
  assert.equal(patched.length, before.length)
  assert.equal(patched.filter((line, index) => line !== before[index]).length, 2)
  assert.doesNotMatch(text, /https?:|\/\/|debian\.org/)
})

const faults: [string, (text: string) => string, RegExp, string][] = [
  ['no JSON', (t) => t.slice(0, -10), /casemate\.lock:\d+:\d+: it is no JSON/, 'it was cut off'],
  ['git', (t) => `<<<<<<< ours\n${t}`, /conflict marks of git/, 'a merge was left half done'],
  [
    'format',
    (t) => t.replace('"format": 1', '"format": 7'),
    /its layer format is 7, this Casemate writes 1/,
    'it is from the future',
  ],
  [
    'version',
    (t) => t.replace('"version": 1', '"version": 2, "new": []'),
    /its version is 2, this Casemate reads version 1/,
    'so is its grammar',
  ],
  ['key', (t) => t.replace('"image"', '"imag"'), /:4:3: unknown key `imag`: did you mean `image`/, 'a misspelt key'],
  [
    'twice',
    (t) => t.replace('"image": "web"', '"image": "web", "image": "x"'),
    /:4:19: the key "image" stands here for the second time/,
    'JSON.parse would take the last',
  ],
  [
    'digest',
    (t) => t.replace(curl.digest, 'sha256:12'),
    /:\d+:\d+: platforms\.linux\/amd64\.packages\[1\]\.digest: found "sha256:12", want a digest/,
    'a digest cut short',
  ],
  [
    'traversal',
    (t) => t.replace('pool/main/c', '../../c'),
    /filename: found .*want a path below the archive's root/,
    'a path that leads out',
  ],
  ['absolute', (t) => t.replace('pool/main/c', '/pool/main/c'), /filename: found/, 'an absolute path'],
  ['URL', (t) => t.replace('pool/main/c', 'https://mirror/pool/main/c'), /filename: found/, 'a host'],
  ['size', (t) => t.replace('"size":1000', '"size":-1'), /size: found -1, want a number of bytes/, 'no size'],
  [
    'same',
    (t) => t.replace('"name":"apt"', '"name":"curl"'),
    /curl:amd64 stands here for the second time/,
    'a package twice',
  ],
  [
    'superset',
    (t) => t.replace('{"dev":1,"runtime":1}', '{"runtime":1}'),
    /curl:amd64 is in the runtime, so it must be in dev too/,
    'a variant that is no superset',
  ],
  ['variant', (t) => t.replace('{"dev":2}', '{"debug":2}'), /there is no variant "debug"/, 'a variant nobody defined'],
  ['nowhere', (t) => t.replace('{"dev":2}', '{}'), /apt:amd64 is in no variant/, 'a package for nothing'],
  [
    'runtime',
    (t) => t.replace(/ {4}"runtime": .*\n/, '').replace(/"dev": ("sha256:\w+"),/, '"dev": $1'),
    /definitions: `runtime` is missing/,
    'no runtime',
  ],
  ['list', () => '[]', /found an empty list, want the keys of a lock/, 'something else'],
]
for (const [name, spoil, message, because] of faults) {
  test(`a lock with a fault (${name}) is refused: ${because}`, () => {
    const spoilt = spoil(text)
    assert.notEqual(spoilt, text)
    assert.throws(() => parseLock(spoilt, 'casemate.lock'), { code: 'LOCK_INVALID', message })
  })
}

test('keys that every object inherits are no variants', () => {
  const hostile = text.replace('{"dev":2}', '{"__proto__":2}')
  assert.throws(() => parseLock(hostile, 'casemate.lock'), { code: 'LOCK_INVALID' })
})

test('layers come in the order of their numbers, the shared one last', () => {
  const names = (variant: string) =>
    layersOf(lock, 'linux/amd64', variant).map((layer) => layer.map(({ name }) => name))
  assert.deepEqual(names('dev'), [['curl'], ['apt'], ['libc6']])
  assert.deepEqual(names('runtime'), [['curl'], ['libc6']])
  assert.deepEqual(names('debug'), [])
  assert.deepEqual(packagesOf(lock, 'linux/s390x', 'dev'), [])
})

const newCurl = { ...curl, version: '8.14.1-2+deb13u2', digest: digestOf('new') }
const comparisons: [string, Lock, readonly string[]][] = [
  ['the same lock', lock, []],
  ['later observations only', { ...lock, observed: [] }, []],
  [
    'a patched package',
    lockWith([apt, newCurl, libc]),
    ['curl 8.14.1-2+deb13u1 → 8.14.1-2+deb13u2 in dev, runtime (linux/amd64, linux/arm64)'],
  ],
  ['a package gone', lockWith([curl, libc]), ['apt 3.0.3 removed from dev (linux/amd64, linux/arm64)']],
  [
    'a package more',
    lockWith([apt, curl, libc, locked('jq', '1.7', { dev: 0 })]),
    ['jq 1.7 added to dev (linux/amd64, linux/arm64)'],
  ],
  [
    'a package in more variants',
    lockWith([{ ...apt, layers: { dev: 2, runtime: 2 } }, curl, libc]),
    ['apt 3.0.3 in dev → in dev, runtime (linux/amd64, linux/arm64)'],
  ],
  [
    'another layer',
    lockWith([{ ...apt, layers: { dev: 0 } }, curl, libc]),
    ['apt 3.0.3 is in another layer of dev (linux/amd64, linux/arm64)'],
  ],
  ['a new format', { ...lock, format: 2 }, ['format 1 → 2: every layer is made anew']],
  [
    'a platform less',
    { ...lock, platforms: { 'linux/amd64': lock.platforms['linux/amd64'] ?? assert.fail() } },
    ['platform linux/arm64 removed'],
  ],
  [
    'a changed definition',
    { ...lock, definitions: { ...lock.definitions, dev: digestOf('other') } },
    ['definition of dev changed'],
  ],
]
for (const [name, now, want] of comparisons) {
  test(`a comparison with ${name} says ${want.length === 0 ? 'nothing' : want.join('; ')}`, () => {
    assert.deepEqual(compareLock(lock, now), want)
  })
}

test('other bytes under the same version are told apart from an update', () => {
  const [line] = compareLock(lock, lockWith([apt, { ...curl, digest: digestOf('rebuilt') }, libc]))
  assert.match(line ?? '', /^curl 8\.14\.1-2\+deb13u1 has other bytes: sha256:\w+ → sha256:\w+ \(linux\/amd64\)$/)
})

test('a lock says why it does not fit its definition', () => {
  assert.deepEqual(lockMismatches(lock, definition), [])
  assert.deepEqual(lockMismatches(lock, definition, ['linux/riscv64']), ['platform linux/riscv64 is not in it'])
  const other = { ...lock, image: 'db', definitions: { runtime: digestOf('old'), debug: digestOf('d') } }
  assert.deepEqual(lockMismatches(other, definition), [
    'it is the lock of image db',
    'the definition of runtime has changed since',
    'variant dev is new',
    'variant debug is gone',
  ])
})

test('the inputs of an image change with what decides its bytes, and with nothing else', () => {
  const effective = definition.variants.get('runtime') ?? assert.fail()
  const inputs = (one: Lock): Digest => digestOf(JSON.stringify(imageInputs(effective, one, 'linux/amd64')))
  const want = inputs(lock)
  const moved = { ...curl, suite: 'trixie-security', filename: 'pool/x/curl.deb', archive: 'mirror' }
  const same = [{ ...lock, observed: [] }, lockWith([curl, libc]), lockWith([apt, moved, libc])]
  for (const one of same) assert.equal(inputs(one), want)
  const others = [
    { ...lock, format: 2 },
    lockWith([apt, newCurl, libc]),
    lockWith([apt, { ...curl, layers: { runtime: 2, dev: 1 } }, libc]),
  ]
  for (const one of others) assert.notEqual(inputs(one), want)
})
