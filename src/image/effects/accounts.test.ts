import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { type TestPath, testEffectInput, testPackage } from '#testkit'
import { ImageError } from '../errors.ts'
import { parseGroups, parsePasswd, systemId } from './account-database.ts'
import { applyEffects, type EffectsResult } from './apply-effects.ts'
import type { EffectInput } from './effect.ts'

function apply(
  paths: Record<string, TestPath>,
  packages: Parameters<typeof testEffectInput>[1] = [],
  more: Partial<EffectInput> = {},
) {
  const result = applyEffects(testEffectInput(paths, packages, more))
  const text = (path: string) => Buffer.from(result.read(path)).toString()
  const users = parsePasswd(text('/etc/passwd'))
  const groups = parseGroups(text('/etc/group'))
  return { result, text, users, groups, user: (name: string) => users.find((each) => each.name === name) }
}

/** Asks pwck and grpck, which refuse what the C library could not read. */
function check(t: TestContext, result: EffectsResult): void {
  const folder = mkdtempSync(join(tmpdir(), 'accounts-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const files = ['passwd', 'shadow', 'group', 'gshadow'].map((name) => {
    const file = join(folder, name)
    if (result.tree.get(`/etc/${name}`) !== undefined) writeFileSync(file, result.read(`/etc/${name}`))
    return result.tree.get(`/etc/${name}`) === undefined ? undefined : file
  })
  const [passwd = '', shadow, group = '', gshadow] = files
  const pwck = spawnSync('pwck', ['-q', '-r', passwd, ...(shadow === undefined ? [] : [shadow])], { encoding: 'utf8' })
  assert.doesNotMatch(pwck.stdout + pwck.stderr, /invalid|duplicate|no matching|no group/)
  const grpck = spawnSync('grpck', ['-r', group, ...(gshadow === undefined ? [] : [gshadow])], { encoding: 'utf8' })
  assert.doesNotMatch(grpck.stdout + grpck.stderr, /invalid|duplicate|no matching/)
}

test('a runtime image has root, nobody and nonroot, and no shell for any of them', (t) => {
  const { result, text } = apply({})
  assert.equal(
    text('/etc/passwd'),
    `root:*:0:0:root:/root:/sbin/nologin
nonroot:*:65532:65532:nonroot:/home/nonroot:/sbin/nologin
nobody:*:65534:65534:nobody:/nonexistent:/usr/sbin/nologin
`,
  )
  assert.equal(text('/etc/group'), 'root:*:0:\ntty:*:5:\nstaff:*:50:\nnonroot:*:65532:\nnogroup:*:65534:\n')
  assert.equal(result.tree.get('/etc/shadow'), undefined)
  const home = result.tree.get('/home/nonroot')
  assert.deepEqual([home?.type, home?.mode, home?.uid], ['directory', 0o755, 65532])
  check(t, result)
})

test('with base-passwd its masters are the start, with passwd there are shadows', (t) => {
  const { result, text, users } = apply(
    {
      '/usr/share/base-passwd/passwd.master':
        'root:*:0:0:root:/root:/bin/bash\n_apt:*:42:65534::/nonexistent:/usr/sbin/nologin\n',
      '/usr/share/base-passwd/group.master': 'root:*:0:\nshadow:*:42:\nnogroup:*:65534:\n',
    },
    ['base-passwd', 'passwd'],
  )
  assert.deepEqual(
    users.map(({ name }) => name),
    ['root', '_apt', 'nonroot'],
  )
  assert.match(text('/etc/passwd'), /^root:x:0:0:root:\/root:\/bin\/bash$/m)
  assert.match(text('/etc/shadow'), /^root:\*:20370:0:99999:7:::$/m)
  const shadow = result.tree.get('/etc/shadow')
  assert.deepEqual([shadow?.mode, shadow?.gid], [0o640, 42])
  check(t, result)
})

test('an account of a script has an id that only its name decides', (t) => {
  const postinst = '#!/bin/sh\nadduser --system --group --home /var/lib/redis --gecos "" redis\nadduser redis adm\n'
  const { result, user, groups } = apply({}, [testPackage('redis-server', { postinst })])
  assert.equal(systemId('redis', new Set()), 688)
  assert.deepEqual(user('redis'), {
    name: 'redis',
    uid: 688,
    gid: 688,
    comment: '',
    home: '/var/lib/redis',
    shell: '/usr/sbin/nologin',
  })
  assert.deepEqual(
    groups.find(({ name }) => name === 'adm'),
    { name: 'adm', gid: 4, members: ['redis'] },
  )
  assert.equal(result.tree.get('/var/lib/redis')?.uid, 688)
  check(t, result)
})

test('ids of system accounts stay between 100 and 999 and step aside', () => {
  const names = Array.from({ length: 500 }, (_, index) => `service-${index}`)
  const taken = new Set<number>()
  for (const name of names) taken.add(systemId(name, taken))
  assert.equal(taken.size, 500)
  assert.ok([...taken].every((id) => id >= 100 && id < 1000))
  assert.equal(systemId('redis', new Set([688, 689])), 690)
})

test('a declared account overrides what a script would make', () => {
  const postinst = '#!/bin/sh\nadduser --system --group postgres\n'
  const account = { name: 'postgres', uid: 70, gid: 70, home: '/var/lib/postgresql', shell: '/sbin/nologin' }
  const { user, groups } = apply({}, [testPackage('postgresql', { postinst })], { accounts: [account] })
  assert.equal(user('postgres')?.uid, 70)
  assert.equal(groups.find(({ name }) => name === 'postgres')?.gid, 70)
})

test('a declared account with the number of nonroot takes its place', () => {
  const account = { name: 'nginx', uid: 65532, gid: 65532, home: '/var/lib/nginx', shell: '/sbin/nologin' }
  const { users } = apply({}, [], { accounts: [account] })
  assert.deepEqual(
    users.map(({ name }) => name),
    ['root', 'nginx', 'nobody'],
  )
})

test('two declared accounts of one number are refused', () => {
  const account = (name: string) => ({ name, uid: 1000, gid: 1000, home: '/', shell: '/sbin/nologin' })
  assert.throws(
    () => apply({}, [], { accounts: [account('a'), account('b')] }),
    (error) =>
      error instanceof ImageError && /cannot make account b: account a has its name or its number/.test(error.message),
  )
})

test('sysusers.d is read as systemd-sysusers reads it', (t) => {
  const conf =
    '# x\nu! web 61234:web "A web server" /srv/web /usr/bin/sh\ng web 61234\nm web adm\nu other - - /var/other\nr - 500-900\nu paired -:tty\n'
  const { result, user, groups } = apply({ '/usr/lib/sysusers.d/web.conf': conf })
  assert.deepEqual(user('web'), {
    name: 'web',
    uid: 61234,
    gid: 61234,
    comment: 'A web server',
    home: '/srv/web',
    shell: '/usr/bin/sh',
  })
  assert.equal(user('other')?.uid, systemId('other', new Set()))
  assert.equal(user('other')?.home, '/var/other')
  assert.equal(user('paired')?.gid, 5)
  assert.deepEqual(groups.find(({ name }) => name === 'adm')?.members, ['web'])
  check(t, result)
})

test('the fixed accounts of Debian come with what they own, or with the script that names them', () => {
  const postinst = '#!/bin/sh\nchown www-data:adm /var/log/nginx\n'
  const { result, user, groups } = apply(
    { '/var/log/nginx': { directory: true }, '/usr/bin/chage': { content: '', gid: 42 } },
    [testPackage('nginx-common', { postinst })],
  )
  assert.equal(user('www-data')?.uid, 33)
  assert.deepEqual(
    groups.map(({ name }) => name),
    ['root', 'adm', 'tty', 'www-data', 'shadow', 'staff', 'nonroot', 'nogroup'],
  )
  const log = result.tree.get('/var/log/nginx')
  assert.deepEqual([log?.uid, log?.gid], [33, 4])
})
