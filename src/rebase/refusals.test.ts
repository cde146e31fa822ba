import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { sampleElf, type TarItem } from '#testkit'
import { planRebase } from './plan-rebase.ts'
import { REFUSALS, type RefusalCode } from './refusal.ts'
import { COMMON, listedImage, planOf, requestOf, type Scene } from './sample-images.test.ts'

const LIBRARY = { path: 'usr/lib/libx.so.1', content: sampleElf({ soname: 'libx.so.1' }) }
const PROGRAM = {
  path: 'app/run',
  mode: 0o755,
  content: sampleElf({ interpreter: '/usr/lib/ld.so', needed: ['libx.so.1'] }),
}

function status(...packages: readonly string[]): TarItem {
  const stanzas = packages.map((one) => {
    const [name = '', version = '', ...fields] = one.split(' | ')
    const more = fields.map((field) => `${field}\n`).join('')
    return `Package: ${name}\nStatus: install ok installed\nVersion: ${version}\nArchitecture: amd64\n${more}\n`
  })
  return { path: 'var/lib/dpkg/status', content: stanzas.join('') }
}

/** A scene, the rule that refuses it, what it is about, and words of both sides. */
type Row = readonly [because: string, code: RefusalCode, subject: string, sides: RegExp, scene: Scene]

const file = (path: string, content: string, more: Partial<TarItem> = {}): TarItem => ({ path, content, ...more })
const directory = (path: string, more: Partial<TarItem> = {}): TarItem => ({ path, type: 'directory', ...more })
const link = (path: string, linkPath: string): TarItem => ({ path, type: 'symlink', linkPath, mode: 0o777 })

const rows: readonly Row[] = [
  [
    'a configuration file that both sides have changed',
    'path-both-sides',
    '/etc/x.conf',
    /has file 0644.*content changed: file/,
    { old: [file('etc/x.conf', '1')], next: [file('etc/x.conf', '2')], own: [file('etc/x.conf', '3')] },
  ],
  [
    'a file that the new base ships as well, with another content',
    'path-both-sides',
    '/usr/bin/tool',
    /has file 0755.*new: file 0755/,
    { old: [], next: [file('usr/bin/tool', 'b', { mode: 0o755 })], own: [file('usr/bin/tool', 'a', { mode: 0o755 })] },
  ],
  [
    'an unchanged copy of what has changed in the base hides the change',
    'path-both-sides',
    '/etc/x.conf',
    /an unchanged copy of the old base’s/,
    { old: [file('etc/x.conf', '1')], next: [file('etc/x.conf', '2')], own: [file('etc/x.conf', '1')] },
  ],
  [
    'a path that leads to a changed file by a link of the base, as some builders write it',
    'path-both-sides',
    '/lib/x.conf',
    /which is \/usr\/lib\/x\.conf by a link of the base.*\/usr\/lib\/x\.conf: content changed/,
    {
      old: [link('lib', 'usr/lib'), file('usr/lib/x.conf', '1')],
      next: [link('lib', 'usr/lib'), file('usr/lib/x.conf', '2')],
      own: [file('lib/x.conf', '3')],
    },
  ],
  [
    'a whiteout that leads to a changed file by a link of the base',
    'whiteout-changed',
    '/lib/x.conf',
    /\/usr\/lib\/x\.conf: content changed/,
    {
      old: [link('lib', 'usr/lib'), file('usr/lib/x.conf', '1')],
      next: [link('lib', 'usr/lib'), file('usr/lib/x.conf', '2')],
      own: [file('lib/.wh.x.conf', '')],
    },
  ],
  [
    'a link put over a directory of the base that has new files',
    'directory-replaced',
    '/srv/www',
    /has symlink.*\/srv\/www\/b: new/,
    {
      old: [directory('srv/www/'), file('srv/www/a', '')],
      next: [directory('srv/www/'), file('srv/www/a', ''), file('srv/www/b', '')],
      own: [link('srv/www', '/app')],
    },
  ],
  [
    'a file that is taken away and has changed',
    'whiteout-changed',
    '/usr/share/doc/x',
    /takes \/usr\/share\/doc\/x away.*content changed/,
    {
      old: [file('usr/share/doc/x', '1')],
      next: [file('usr/share/doc/x', '2')],
      own: [file('usr/share/doc/.wh.x', '')],
    },
  ],
  [
    'a directory that is taken away and has a new file',
    'whiteout-changed',
    '/usr/share/doc',
    /takes \/usr\/share\/doc away.*\/usr\/share\/doc\/y: new/,
    {
      old: [file('usr/share/doc/x', '1')],
      next: [file('usr/share/doc/x', '1'), file('usr/share/doc/y', '')],
      own: [file('usr/share/.wh.doc', '')],
    },
  ],
  [
    'a directory whose content is hidden and has changed',
    'opaque-changed',
    '/var/cache',
    /hides what \/var\/cache held.*\/var\/cache\/a: content/,
    {
      old: [file('var/cache/a', '1')],
      next: [file('var/cache/a', '2')],
      own: [directory('var/cache/'), file('var/cache/.wh..wh..opq', '')],
    },
  ],
  [
    'a directory above the application that has another owner in the new base',
    'parent-changed',
    '/srv',
    /carry directory 0755 0:0.*owner changed/,
    { old: [directory('srv/')], next: [directory('srv/', { uid: 33 })], own: [directory('srv/'), file('srv/a', '')] },
  ],
  [
    'a directory above the application that is a link in the new base',
    'parent-type',
    '/opt',
    /carry directory.*type changed: directory 0755 0:0 → symlink/,
    { old: [directory('opt/')], next: [link('opt', 'usr/opt')], own: [directory('opt/'), file('opt/a', '')] },
  ],
  [
    'a directory that layers leave out, and that is gone',
    'parent-type',
    '/srv',
    /has paths below it.*gone/,
    { old: [directory('srv/')], next: [], own: [file('srv/a', '')] },
  ],
  [
    'a directory that only layers imply, in whose place the new base has a file',
    'parent-type',
    '/srv',
    /has paths below it.*new: file/,
    { old: [], next: [file('srv', '')], own: [file('srv/a', '')] },
  ],
  [
    'a directory that was emptied, perhaps, and has a new file',
    'sibling-new',
    '/usr/share/doc',
    /takes \/usr\/share\/doc\/x out of it.*\/usr\/share\/doc\/y: new/,
    {
      old: [directory('usr/share/doc/'), file('usr/share/doc/x', '1')],
      next: [directory('usr/share/doc/'), file('usr/share/doc/x', '1'), file('usr/share/doc/y', '')],
      own: [file('usr/share/doc/.wh.x', '')],
    },
  ],
  [
    'a directory whose files got another owner, and that has a new file',
    'sibling-new',
    '/var/lib/x',
    /changes mode or owner of \/var\/lib\/x\/a.*\/var\/lib\/x\/b: new/,
    {
      old: [file('var/lib/x/a', '1')],
      next: [file('var/lib/x/a', '1'), file('var/lib/x/b', '1')],
      own: [file('var/lib/x/a', '1', { uid: 1000 })],
    },
  ],
  [
    'another name for a file of the base that has changed',
    'hard-link-changed',
    '/app/copy',
    /another name of \/usr\/bin\/x.*content changed/,
    {
      old: [file('usr/bin/x', '1')],
      next: [file('usr/bin/x', '2')],
      own: [{ path: 'app/copy', type: 'hardlink', linkPath: 'usr/bin/x' }],
    },
  ],
  [
    'a cache of libraries that was made of others',
    'derived-file',
    '/etc/ld.so.cache',
    /as ldconfig made it.*\/usr\/lib\/libx\.so\.2: new/,
    {
      old: [LIBRARY],
      next: [LIBRARY, { path: 'usr/lib/libx.so.2', content: sampleElf({ soname: 'libx.so.2' }) }],
      own: [file('etc/ld.so.cache', 'made')],
    },
  ],
  [
    'an environment variable with two new values',
    'setting-both-sides',
    'environment variable PATH',
    /"\/app:\/bin".*"\/bin" → "\/sbin"/,
    {
      old: [],
      next: [],
      own: [],
      config: { old: { Env: ['PATH=/bin'] }, application: { Env: ['PATH=/app:/bin'] }, next: { Env: ['PATH=/sbin'] } },
    },
  ],
  [
    'a package that the application has upgraded and the new base, too',
    'package-both-sides',
    'curl:amd64',
    /8\.0-1 → 8\.0-2.*8\.0-1 → 8\.0-3/,
    { old: [status('curl | 8.0-1')], next: [status('curl | 8.0-3')], own: [status('curl | 8.0-2')] },
  ],
  [
    'a package of the application that is made for one version of what the base ships',
    'dependency-unmet',
    'libc6-dev',
    /libc6-dev 2\.41-1 depends on libc6 \(= 2\.41-1\).*does not hold/,
    {
      old: [status('libc6 | 2.41-1')],
      next: [status('libc6 | 2.41-2')],
      own: [status('libc6 | 2.41-1', 'libc6-dev | 2.41-1 | Depends: libc6 (= 2.41-1)')],
    },
  ],
  [
    'a package of the new base that breaks one of the application',
    'dependency-unmet',
    'libc6',
    /libc6 2\.41-2 cannot stand beside tool \(<< 2\)/,
    {
      old: [status('libc6 | 2.41-1')],
      next: [status('libc6 | 2.41-2 | Breaks: tool (<< 2)')],
      own: [status('libc6 | 2.41-1', 'tool | 1')],
    },
  ],
  [
    'a new minor version of Python',
    'interpreter-changed',
    'python 3.13',
    /python 3\.13 \(python3\.13-minimal 3\.13\.5-2\) → python 3\.14/,
    {
      old: [status('python3.13-minimal | 3.13.5-2')],
      next: [status('python3.14-minimal | 3.14.1-1')],
      own: [file('app/main.py', '')],
    },
  ],
  [
    'an interpreter outside of packages that has changed',
    'interpreter-unknown',
    '/usr/local/bin/node',
    /no name or package tells its version/,
    { old: [file('usr/local/bin/node', '1')], next: [file('usr/local/bin/node', '2')], own: [file('app/main.js', '')] },
  ],
  [
    'a library that the new base has no more',
    'library-missing',
    '/app/run',
    /wants libx\.so\.1.*has nothing/,
    { old: [LIBRARY], next: [], own: [PROGRAM] },
  ],
  [
    'a C library that lacks versions of symbols',
    'symbol-version-missing',
    '/app/run',
    /wants X_2 of libx\.so\.1.*without it/,
    {
      old: [{ ...LIBRARY, content: sampleElf({ soname: 'libx.so.1', versionsDefined: ['X_1', 'X_2'] }) }],
      next: [{ ...LIBRARY, content: sampleElf({ soname: 'libx.so.1', versionsDefined: ['X_1'] }) }],
      own: [
        { ...PROGRAM, content: sampleElf({ needed: ['libx.so.1'], versionsNeeded: { 'libx.so.1': ['X_1', 'X_2'] } }) },
      ],
    },
  ],
  [
    'a library of the application that lacks what programs of the new base want of it',
    'symbol-version-missing',
    '/usr/bin/tool',
    /has \/opt\/lib\/libx\.so\.1 without it.*wants X_2 of libx\.so\.1/,
    {
      old: [file('etc/ld.so.conf', '/opt/lib\n')],
      next: [
        file('etc/ld.so.conf', '/opt/lib\n'),
        { ...LIBRARY, content: sampleElf({ soname: 'libx.so.1', versionsDefined: ['X_1', 'X_2'] }) },
        {
          path: 'usr/bin/tool',
          mode: 0o755,
          content: sampleElf({ needed: ['libx.so.1'], versionsNeeded: { 'libx.so.1': ['X_2'] } }),
        },
      ],
      own: [{ path: 'opt/lib/libx.so.1', content: sampleElf({ soname: 'libx.so.1', versionsDefined: ['X_1'] }) }],
    },
  ],
  [
    'a loader that the new base has elsewhere',
    'loader-missing',
    '/app/run',
    /wants \/lib\/ld-musl\.so/,
    {
      old: [file('lib/ld-musl.so', '')],
      next: [],
      own: [{ ...PROGRAM, content: sampleElf({ interpreter: '/lib/ld-musl.so' }) }],
    },
  ],
  [
    'a program whose needs nobody can read',
    'program-unreadable',
    '/app/run',
    /wants libraries.*ends before byte/,
    { old: [], next: [], own: [file('app/run', '\u007fELF\u0002\u0001\u0001', { mode: 0o755 })] },
  ],
  [
    'a script whose interpreter is gone',
    'script-interpreter-missing',
    '/app/start',
    /wants bash/,
    {
      old: [file('usr/bin/env', '', { mode: 0o755 }), file('usr/bin/bash', '', { mode: 0o755 })],
      next: [file('usr/bin/env', '', { mode: 0o755 })],
      own: [file('app/start', '#!/usr/bin/env bash\n', { mode: 0o755 })],
    },
  ],
  [
    'a link of the application into the base that leads nowhere then',
    'link-broken',
    '/venv/bin/python',
    /wants \/usr\/bin\/python3\.13/,
    {
      old: [file('usr/bin/python3.13', '')],
      next: [file('usr/bin/python3.14', '')],
      own: [link('venv/bin/python', '/usr/bin/python3.13')],
    },
  ],
  [
    'what the image starts is gone',
    'program-missing',
    'nginx',
    /wants the program that the image starts.*has nothing/,
    { old: [file('usr/bin/nginx', '', { mode: 0o755 })], next: [], own: [], config: { old: { Cmd: ['nginx'] } } },
  ],
  [
    'the user has other numbers in the new base',
    'user-changed',
    'www',
    /ran as 33:33.*would run as 34:33/,
    {
      old: [file('etc/passwd', 'www:x:33:33::/:/x\n')],
      next: [file('etc/passwd', 'www:x:34:33::/:/x\n')],
      own: [],
      config: { old: { User: 'www' } },
    },
  ],
  [
    'a new base that has an older package',
    'base-older',
    'curl',
    /8\.0-2 → 8\.0-1/,
    { old: [status('curl | 8.0-2')], next: [status('curl | 8.0-1')], own: [] },
  ],
]

for (const [because, code, subject, sides, scene] of rows) {
  test(`refused as ${code}: ${because}`, async () => {
    const plan = await planOf(scene)
    assert.equal(plan.kind, 'refused')
    const found =
      plan.kind === 'refused' ? plan.refusals.filter((one) => one.code === code && one.subject === subject) : []
    assert.equal(found.length, 1, JSON.stringify(plan))
    const [refusal] = found
    assert.match(`${refusal?.application} | ${refusal?.base}`, sides)
    assert.ok((refusal?.remedy ?? '').length > 10, 'it says the way out')
  })
}

test('every reason is told, not the first alone', async () => {
  const scene = {
    old: [LIBRARY, file('etc/a', '1'), file('etc/b', '1')],
    next: [file('etc/a', '2'), file('etc/b', '2')],
  }
  const plan = await planOf({ ...scene, own: [file('etc/a', '3'), file('etc/.wh.b', ''), PROGRAM] })
  const codes = plan.kind === 'refused' ? plan.refusals.map(({ code }) => code).sort() : []
  assert.deepEqual(codes, ['library-missing', 'path-both-sides', 'whiteout-changed'])
})

test('refused as base-older: a base that was made before; it may be allowed', async () => {
  const request = await requestOf({ old: [], next: [file('etc/a', '')], own: [file('app', '')] })
  const back = {
    ...request,
    next: await listedImage('older', { layers: [[...COMMON, file('etc/a', '')]], created: '2025-01-01T00:00:00Z' }),
  }
  const plan = planRebase(back)
  assert.deepEqual(plan.kind === 'refused' && plan.refusals.map(({ code, base }) => [code, base]), [
    ['base-older', '2026-01-01T00:00:00Z → 2025-01-01T00:00:00Z'],
  ])
  assert.equal(planRebase({ ...back, allowOlder: true }).kind, 'possible')
})

test('refused as platform-differs: a base for another processor', async () => {
  const request = await requestOf({ old: [], next: [], own: [] })
  const plan = planRebase({
    ...request,
    next: await listedImage('arm', { layers: [[...COMMON]], platform: 'linux/arm64' }),
  })
  assert.deepEqual(plan.kind === 'refused' && plan.refusals.map(({ code, base }) => [code, base]), [
    ['platform-differs', 'is for linux/arm64'],
  ])
})

test('refused as squashed or not-on-base: layers that do not begin with those of the base', async () => {
  const request = await requestOf({ old: [], next: [file('etc/a', '')], own: [file('app', '')] })
  const digest = request.old.image.manifestDocument.descriptor.digest
  const annotations = { 'org.opencontainers.image.base.digest': digest }
  const flat = { layers: [[...COMMON, file('app', '')]] }
  for (const [sample, code] of [
    [{ ...flat, annotations }, 'squashed'],
    [flat, 'not-on-base'],
  ] as const) {
    const plan = planRebase({ ...request, application: await listedImage('flat', sample) })
    assert.deepEqual(plan.kind === 'refused' && plan.refusals.map((one) => one.code), [code])
  }
})

test('refused as too-many-layers: more than runtimes mount', async () => {
  const own = Array.from({ length: 127 }, (_, number) => [file(`app/${number}`, '')])
  const request = await requestOf({ old: [], next: [file('etc/a', '')], own: [] })
  const plan = planRebase({ ...request, application: await listedImage('deep', { layers: [[...COMMON], ...own] }) })
  assert.deepEqual(plan.kind === 'refused' && plan.refusals.map(({ code }) => code), ['too-many-layers'])
})

test('docs/rebase.md says every rule in a table', () => {
  const page = readFileSync(join(import.meta.dirname, '../../docs/rebase.md'), 'utf8')
  const table = Object.entries(REFUSALS).map(([code, meaning]) => `| \`${code}\` | ${meaning} |`)
  assert.deepEqual(page.match(/^\| `.*$/gm), table)
})

test('every rule has a test here, but for the one that signatures decide', () => {
  const tested = new Set<string>([
    ...rows.map(([, code]) => code),
    'platform-differs',
    'squashed',
    'not-on-base',
    'too-many-layers',
  ])
  assert.deepEqual(
    Object.keys(REFUSALS).filter((code) => !tested.has(code)),
    ['base-unsigned'],
  )
})
