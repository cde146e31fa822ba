import assert from 'node:assert/strict'
import { test } from 'node:test'
import { digestOf } from '#core'
import {
  compareFiles,
  comparePackages,
  compareSettings,
  type DebComponent,
  type ImageSettings,
  type StateFile,
} from '#sbom'

function deb(name: string, version: string, options: { source?: string; architecture?: string } = {}): DebComponent {
  const { source = name, architecture = 'amd64' } = options
  const rest = { maintainer: '', homepage: '', description: '', layer: undefined, files: [] }
  return { name, version, architecture, source: { name: source, version }, ...rest }
}

function file(path: string, options: Partial<StateFile> = {}): StateFile {
  const plain = { type: 'file', mode: 0o644, uid: 0, gid: 0, size: 1, target: '', attributes: {} } as const
  return { path, ...plain, digest: digestOf('x'), owner: undefined, ...options }
}

const settings: ImageSettings = {
  user: '65532',
  entrypoint: ['/bin/a'],
  cmd: [],
  environment: { A: '1', B: '2' },
  ports: ['80/tcp', '443/tcp'],
  volumes: [],
  'stop-signal': '',
  'work-dir': '/',
  labels: {},
}

/** Any order will do that is not the texts' own: here the longer one is the newer. */
const byLength = (left: string, right: string) => left.length - right.length

function packageLines(from: readonly DebComponent[], to: readonly DebComponent[]): readonly string[] {
  return comparePackages(from, to, byLength).map((change) => {
    const names = change.packages.map(({ name, architecture }) => `${name}:${architecture}`).join(' ')
    return `${change.kind} ${change.source} ${change.from?.version} ${change.to?.version} ${names}`
  })
}

const packages: [string, DebComponent[], DebComponent[], string[]][] = [
  [
    'packages of one source that changed alike are one change',
    [deb('libssl', '9', { source: 'openssl' }), deb('openssl', '9'), deb('bash', '5')],
    [deb('libssl', '10', { source: 'openssl' }), deb('openssl', '10'), deb('bash', '5')],
    ['upgraded openssl 9 10 libssl:amd64 openssl:amd64'],
  ],
  [
    'the order that is handed in decides what is older',
    [deb('a', '10')],
    [deb('a', '9')],
    ['downgraded a 10 9 a:amd64'],
  ],
  [
    'a package that no longer has an architecture of its own is the same package',
    [deb('tz', '1', { architecture: 'amd64' })],
    [deb('tz', '11', { architecture: 'all' })],
    ['upgraded tz 1 11 tz:all'],
  ],
  [
    'the same version for another architecture, or spelled otherwise, has changed',
    [deb('a', '1'), deb('b', '10')],
    [deb('a', '1', { architecture: 'arm64' }), deb('b', '01')],
    ['changed a 1 1 a:arm64', 'changed b 10 01 b:amd64'],
  ],
  [
    'two architectures of a name are two packages',
    [deb('libc6', '1'), deb('libc6', '1', { architecture: 'i386' })],
    [deb('libc6', '1')],
    ['removed libc6 1 undefined libc6:i386'],
  ],
  [
    'changes come before additions and those before removals, sources by name',
    [deb('z', '1'), deb('gone', '1')],
    [deb('z', '22'), deb('new', '1'), deb('extra', '1')],
    [
      'upgraded z 1 22 z:amd64',
      'added extra undefined 1 extra:amd64',
      'added new undefined 1 new:amd64',
      'removed gone 1 undefined gone:amd64',
    ],
  ],
  ['equal sets have no changes', [deb('a', '1')], [deb('a', '1')], []],
]
for (const [because, from, to, want] of packages) {
  test(because, () => assert.deepEqual(packageLines(from, to), want))
}

test('files are told apart by who has them, and by whether that package changed', () => {
  const from = [
    file('/etc/own', { digest: digestOf('1') }),
    file('/etc/conf', { owner: 'same' }),
    file('/bin/p', { owner: 'moved' }),
    file('/bin/old', { owner: 'moved' }),
    file('/bin/quiet', { owner: 'same' }),
  ]
  const to = [
    file('/etc/own', { digest: digestOf('2') }),
    file('/etc/conf', { owner: 'same', digest: digestOf('edited') }),
    file('/bin/p', { owner: 'moved', digest: digestOf('2') }),
    file('/bin/quiet', { owner: 'same' }),
    file('/srv/app'),
  ]
  const found = compareFiles(from, to, new Set(['moved']))
  assert.deepEqual(
    found.outside.map(({ path, kind, aspects }) => [path, kind, aspects]),
    [
      ['/etc/own', 'changed', ['content']],
      ['/srv/app', 'added', []],
    ],
  )
  assert.deepEqual(
    found.unexpected.map(({ path }) => path),
    ['/etc/conf'],
  )
  assert.deepEqual(found.packages, [{ package: 'moved', added: 0, removed: 1, changed: 1 }])
})

test('a right that a file gains is seen, whether the file is new or not, and of which package', () => {
  const capability = { 'security.capability': '01000002' }
  const from = [
    file('/bin/su', { mode: 0o755 }),
    file('/bin/ping', { mode: 0o4755 }),
    file('/bin/same', { mode: 0o4755 }),
  ]
  const to = [
    file('/bin/su', { mode: 0o4755 }),
    file('/bin/ping', { mode: 0o755, attributes: capability }),
    file('/bin/same', { mode: 0o4755, owner: 'p', digest: digestOf('new') }),
    file('/bin/wall', { mode: 0o2755, gid: 5, owner: 'p' }),
    file('/var/local', { type: 'directory', mode: 0o2775, digest: undefined }),
  ]
  const found = compareFiles(from, to, new Set(['p']))
  assert.deepEqual(
    found.privilegesGained.map(({ path }) => path),
    ['/bin/ping', '/bin/su', '/bin/wall'],
  )
  assert.deepEqual(
    found.privilegesLost.map(({ path }) => path),
    ['/bin/ping'],
  )
  assert.deepEqual(
    found.permissions.map(({ path, from: before, to: after }) => [path, before?.mode, after?.mode]),
    [
      ['/bin/ping', 0o4755, 0o755],
      ['/bin/su', 0o755, 0o4755],
    ],
  )
})

test('a folder that is new goes without saying where something lies in it; the bits of a link mean nothing', () => {
  const folder = { type: 'directory', digest: undefined, mode: 0o755 } as const
  const link = { type: 'symlink', digest: undefined, target: 'a' } as const
  const found = compareFiles(
    [file('/l', { ...link, mode: 0o777 }), file('/m', link), file('/n', link)],
    [
      file('/l', { ...link, mode: 0o755 }),
      file('/m', { ...link, target: 'b' }),
      file('/n', folder),
      file('/srv', folder),
      file('/srv/a'),
      file('/empty', folder),
    ],
    new Set(),
  )
  assert.deepEqual(
    found.outside.map(({ path, aspects }) => `${path} ${aspects}`),
    ['/empty ', '/m target', '/n type', '/srv/a '],
  )
})

test('settings are compared one by one; ports and volumes are sets', () => {
  const other: ImageSettings = {
    ...settings,
    user: '',
    cmd: ['-v'],
    environment: { B: '3', C: '' },
    ports: ['443/tcp', '80/tcp'],
    labels: { toString: 'x' },
  }
  assert.deepEqual(
    compareSettings(settings, other).map(({ setting, name, from, to }) => [setting, name, from, to]),
    [
      ['user', '', '65532', ''],
      ['cmd', '', [], ['-v']],
      ['environment', 'A', '1', undefined],
      ['environment', 'B', '2', '3'],
      ['environment', 'C', undefined, ''],
      ['labels', 'toString', undefined, 'x'],
    ],
  )
  assert.deepEqual(compareSettings(settings, { ...settings, ports: [...other.ports] }), [])
})
