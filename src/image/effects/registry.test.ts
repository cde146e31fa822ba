import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { type TestPath, testEffectInput, testPackage } from '#testkit'
import { ImageError } from '../errors.ts'
import { applyEffects } from './apply-effects.ts'
import type { EffectInput } from './effect.ts'
import { changeMode } from './file-mode.ts'
import { effectSummaries } from './registry.ts'

function apply(
  paths: Record<string, TestPath>,
  packages: Parameters<typeof testEffectInput>[1] = [],
  more: Partial<EffectInput> = {},
) {
  const { tree, read } = applyEffects(testEffectInput(paths, packages, more))
  return {
    tree,
    text: (path: string) => Buffer.from(read(tree.resolve(path) ?? path)).toString(),
    /** A path as one word: `directory 1777 0:0`, `-> target`, `file 0644 0:4`. */
    at(path: string) {
      const entry = tree.get(path)
      if (entry === undefined) return 'nothing'
      if (entry.type === 'symlink') return `-> ${entry.target}`
      return `${entry.type} ${entry.mode.toString(8).padStart(4, '0')} ${entry.uid}:${entry.gid}`
    },
  }
}

const withScript = (postinst: string, name = 'demo') =>
  testPackage(name, { postinst: `#!/bin/sh\nset -e\n${postinst}\n` })

test('every effect has a name of its own and one sentence', () => {
  const summaries = effectSummaries()
  assert.equal(new Set(summaries.map(({ name }) => name)).size, summaries.length)
  for (const { name, summary } of summaries) {
    assert.match(name, /^[a-z]+(-[a-z]+)*$/)
    assert.match(summary, /^[A-Z].*[^.]\.$/)
  }
})

test('an image without base-files has the root that every package relies on', () => {
  const { at, tree } = apply({ '/usr/lib64/ld-linux-x86-64.so.2': { content: '', mode: 0o755 } })
  const wanted = {
    '/bin': '-> usr/bin',
    '/sbin': '-> usr/sbin',
    '/lib': '-> usr/lib',
    '/lib64': '-> usr/lib64',
    '/lib32': 'nothing',
    '/tmp': 'directory 1777 0:0',
    '/var/tmp': 'directory 1777 0:0',
    '/root': 'directory 0700 0:0',
    '/var/run': '-> /run',
    '/var/lock': '-> /run/lock',
    '/usr/local/bin': 'directory 0755 0:0',
    '/etc/opt': 'directory 0755 0:0',
    '/proc': 'directory 0755 0:0',
  }
  assert.deepEqual(Object.fromEntries(Object.keys(wanted).map((path) => [path, at(path)])), wanted)
  assert.equal(tree.resolve('/lib64/ld-linux-x86-64.so.2'), '/usr/lib64/ld-linux-x86-64.so.2')
})

test("bookworm's real directories give way to the links", () => {
  const { at } = apply({
    '/bin': { directory: true },
    '/lib': { directory: true },
    '/usr/bin/sh': '',
    '/var/run/postgresql': { directory: true, mode: 0o2775, uid: 70, gid: 70 },
  })
  assert.deepEqual([at('/bin'), at('/lib'), at('/var/run')], ['-> usr/bin', '-> usr/lib', '-> /run'])
  assert.equal(at('/run/postgresql'), 'directory 2775 70:70')
})

test('a file below /var/run is refused, not lost', () => {
  assert.throws(
    () => apply({ '/var/run/x': '' }),
    (error) =>
      error instanceof ImageError &&
      error.code === 'EFFECT_CONFLICT' &&
      /\/var\/run: .* still holds x/.test(error.message),
  )
})

test('name service, time zone and first files come from the packages that carry them', () => {
  const { at, text } = apply(
    {
      '/usr/share/libc-bin/nsswitch.conf': 'hosts: files dns\n',
      '/usr/share/zoneinfo/Europe/Berlin': 'TZif',
      '/usr/share/base-files/profile': 'PS1=x\n',
      '/etc/dpkg/origins/debian': '',
    },
    ['tzdata'],
    { timeZone: 'Europe/Berlin' },
  )
  assert.equal(text('/etc/nsswitch.conf'), 'hosts: files dns\n')
  assert.equal(at('/etc/localtime'), '-> /usr/share/zoneinfo/Europe/Berlin')
  assert.equal(at('/etc/timezone'), 'nothing')
  assert.equal(text('/etc/profile'), 'PS1=x\n')
  assert.equal(at('/etc/dpkg/origins/default'), '-> debian')
  assert.match(apply({}).text('/etc/nsswitch.conf'), /^hosts: +files dns$/m)
})

test('Debian 12 keeps the name of the time zone beside it', () => {
  const zone = { '/usr/share/zoneinfo/Etc/UTC': 'TZif' }
  const { text } = apply(zone, ['tzdata'], { release: { version: '12', codename: 'bookworm' } })
  assert.equal(text('/etc/timezone'), 'Etc/UTC\n')
})

for (const [packages, reason] of [
  [['tzdata'], /tzdata has no \/usr\/share\/zoneinfo\/Mars\/Base/],
  [[], /the image has no package tzdata/],
] as const) {
  test(`a time zone that is not there is an error: ${reason.source}`, () => {
    assert.throws(
      () => apply({}, packages, { timeZone: 'Mars/Base' }),
      (error) => error instanceof ImageError && error.code === 'EFFECT_INVALID' && reason.test(error.message),
    )
  })
}

test("OpenSSL's links stand in for the left-out package, and only then", () => {
  assert.equal(apply({}, ['libssl3t64']).at('/usr/lib/ssl/cert.pem'), '-> /etc/ssl/certs/ca-certificates.crt')
  assert.equal(apply({}, []).at('/usr/lib/ssl'), 'nothing')
  const own = apply({ '/usr/lib/ssl/openssl.cnf': { link: '/etc/ssl/other.cnf' } }, ['libssl3t64', 'openssl'])
  assert.equal(own.at('/usr/lib/ssl/openssl.cnf'), '-> /etc/ssl/other.cnf')
})

test('shells are listed as they are declared and as they resolve', () => {
  const { text } = apply({
    '/bin': { link: 'usr/bin' },
    '/usr/share/debianutils/shells': '# head\n/bin/sh\n',
    '/usr/share/debianutils/shells.d/bash': '/bin/bash # comes with bash\n',
    '/usr/bin/bash': '',
  })
  assert.equal(text('/etc/shells'), '# head\n/bin/sh\n/usr/bin/sh\n/bin/bash\n/usr/bin/bash\n')
})

test('paths that scripts make have the owners and modes that the scripts give them', () => {
  const script = withScript(`install -d -o www-data -g adm -m 0750 /var/log/demo
    touch /var/log/demo/log && chown www-data:adm /var/log/demo/log && chmod 640 /var/log/demo/log
    [ -e /etc/demo/on ] || ln -s ../avail /etc/demo/on
    cp -p /usr/share/demo/x /etc/demo/x; chmod u+s,g=rx,o= /usr/bin/demo; rm -f /etc/demo/old`)
  const { at, tree, text } = apply(
    { '/usr/bin/demo': { content: '', mode: 0o755 }, '/usr/share/demo/x': 'default\n', '/etc/demo/old': '' },
    [script],
  )
  assert.equal(at('/var/log/demo'), 'directory 0750 33:4')
  assert.equal(at('/var/log/demo/log'), 'file 0640 33:4')
  assert.equal(at('/etc/demo/on'), '-> ../avail')
  assert.equal(text('/etc/demo/x'), 'default\n')
  assert.equal(at('/usr/bin/demo'), 'file 0750 0:0')
  assert.equal(tree.get('/etc/demo/old'), undefined)
})

test('modes are changed as chmod changes them, set-id bits of files aside', () => {
  const rows: [number, string, boolean][] = [
    [0o644, 'a+x', false], [0o755, 'go-rx', false], [0o700, 'g=u', true], [0o600, '0640', false],
    [0o755, 'g+s', true], [0o777, '+t', true], [0o640, 'u=rwX,g+w,o=', false], [0o750, 'o+X', true],
  ] // biome-ignore format: a table
  for (const [mode, change, isDirectory] of rows.filter(([, text]) => text !== 'g=u')) {
    const folder = mkdtempSync(join(tmpdir(), 'mode-'))
    const path = join(folder, 'x')
    if (isDirectory) mkdirSync(path)
    else writeFileSync(path, '')
    execFileSync('chmod', [mode.toString(8), path])
    execFileSync('chmod', [change, path])
    const real = Number.parseInt(execFileSync('stat', ['-c', '%a', path], { encoding: 'utf8' }), 8)
    rmSync(folder, { recursive: true })
    assert.equal(changeMode(mode, change, isDirectory).toString(8), real.toString(8), `${mode.toString(8)} ${change}`)
  }
  assert.equal(changeMode(0o755, 'u+s', false), 0o755)
  assert.equal(changeMode(0o755, '4755', false), 0o755)
})

test('configuration files that ucf puts in place are copied, with its records where it is installed', () => {
  const script = withScript('ucf --three-way /usr/share/demo/demo.ini /etc/demo.ini\nucfr demo /etc/demo.ini')
  const { text, at } = apply({ '/usr/share/demo/demo.ini': 'a=1\n' }, [script, 'ucf'])
  assert.equal(text('/etc/demo.ini'), 'a=1\n')
  const md5 = execFileSync('md5sum', { input: 'a=1\n', encoding: 'utf8' }).split(' ')[0]
  assert.equal(text('/var/lib/ucf/hashfile'), `${md5}  /etc/demo.ini\n`)
  assert.equal(apply({}, [script]).at('/etc/demo.ini'), 'nothing')
  assert.equal(at('/var/lib/ucf/registry'), 'file 0644 0:0')
})

test('PHP modules are enabled for every interface, by their priority', () => {
  const script = withScript(`for m in pdo ctype; do
      ucf /usr/share/php8.4-common/common/$m.ini /etc/php/8.4/mods-available/$m.ini
      php_invoke enmod 8.4 ALL $m
    done`)
  const { at, tree } = apply(
    {
      '/usr/lib/php/8.4/sapi/cli': '',
      '/usr/lib/php/8.4/sapi/fpm': '',
      '/usr/share/php8.4-common/common/pdo.ini': '; configuration\n; priority=10\nextension=pdo.so\n',
      '/usr/share/php8.4-common/common/ctype.ini': 'extension=ctype.so\n',
    },
    [script],
  )
  assert.deepEqual(tree.list('/etc/php/8.4/cli/conf.d'), ['10-pdo.ini', '20-ctype.ini'])
  assert.equal(at('/etc/php/8.4/fpm/conf.d/10-pdo.ini'), '-> /etc/php/8.4/mods-available/pdo.ini')
})

test('tmpfiles.d is done at build, below /run too', () => {
  const { at } = apply({
    '/usr/lib/tmpfiles.d/demo.conf': `# comment
d /run/demo 2775 www-data adm - -
D /var/run/other - - -
d! /run/at-boot 0755 root root
f /var/lib/demo/state 0600 - - - content
L /etc/link - - - - ../usr/share/x
C /etc/demo.conf - - - - /usr/share/demo/demo.conf
z /etc/kept 0640 root adm
R /var/tmp/junk
d /run/user-%u 0755
d /tmp/x 1777 root root`,
    '/usr/lib/tmpfiles.d/systemd.conf': 'd /run/systemd 0755 root root -',
    '/usr/share/demo/demo.conf': 'x',
    '/etc/kept': '',
    '/usr/share/base-passwd/passwd.master': 'root:*:0:0::/root:/bin/sh\nwww-data:*:33:33::/var/www:/bin/sh\n',
    '/usr/share/base-passwd/group.master': 'root:*:0:\nadm:*:4:\n',
  })
  const wanted = {
    '/run/demo': 'directory 2775 33:4',
    '/run/other': 'directory 0755 0:0',
    '/run/at-boot': 'nothing',
    '/var/lib/demo/state': 'file 0600 0:0',
    '/etc/link': '-> ../usr/share/x',
    '/etc/demo.conf': 'file 0644 0:0',
    '/etc/kept': 'file 0640 0:4',
    '/run/user-%u': 'nothing',
    '/run/systemd': 'nothing',
    '/tmp/x': 'nothing',
  }
  assert.deepEqual(Object.fromEntries(Object.keys(wanted).map((path) => [path, at(path)])), wanted)
})

test("PAM's common files name the modules of the default profiles", () => {
  const template =
    '# here are the per-package modules\n$auth_primary\nauth\trequisite\tpam_deny.so\n$auth_additional\n# end\n'
  const { text } = apply({
    '/usr/share/pam/common-auth': template,
    '/usr/share/pam-configs/unix':
      'Name: Unix\nDefault: yes\nPriority: 256\nAuth-Type: Primary\nAuth:\n\t[success=end default=ignore]\tpam_unix.so try_first_pass\nAuth-Initial:\n\t[success=end default=ignore]\tpam_unix.so\n',
    '/usr/share/pam-configs/krb5':
      'Name: K\nDefault: yes\nPriority: 704\nAuth-Type: Primary\nAuth:\n\t[success=end default=ignore]\tpam_krb5.so minimum_uid=1000\n',
    '/usr/share/pam-configs/off':
      'Name: Off\nDefault: no\nPriority: 900\nAuth-Type: Primary\nAuth:\n\trequired\tpam_off.so\n',
  })
  assert.equal(
    text('/etc/pam.d/common-auth'),
    '# here are the per-package modules\nauth\t[success=2 default=ignore]\tpam_krb5.so minimum_uid=1000\nauth\t[success=1 default=ignore]\tpam_unix.so try_first_pass\nauth\trequisite\tpam_deny.so\n# end\n',
  )
})

test("dpkg's own tools read the diversions, overrides and triggers", (t) => {
  const packages = [
    testPackage('dpkg'),
    testPackage('demo', {
      preinst: '#!/bin/sh\ndpkg-divert --package demo --no-rename --divert /usr/bin/x.distrib --add /usr/bin/x\n',
      postinst:
        '#!/bin/sh\ndpkg-statoverride --update --add root mail 2755 /var/spool/demo\ndpkg-statoverride --list /a >/dev/null || dpkg-statoverride --add root root 640 /etc/secret\n',
      triggers: '# what it listens to\ninterest-noawait ldconfig\ninterest /usr/lib/demo\nactivate other\n',
    }),
  ]
  const { text, at } = apply({ '/var/spool/demo': { directory: true }, '/etc/secret': '' }, packages)
  assert.deepEqual([at('/var/spool/demo'), at('/etc/secret')], ['directory 2755 0:8', 'file 0640 0:0'])
  assert.equal(text('/var/lib/dpkg/triggers/ldconfig'), 'demo/noawait\n')
  assert.equal(text('/var/lib/dpkg/triggers/File'), '/usr/lib/demo demo\n')
  assert.equal(text('/var/lib/dpkg/info/format'), '1\n')
  const admin = mkdtempSync(join(tmpdir(), 'dpkg-'))
  t.after(() => rmSync(admin, { recursive: true }))
  for (const name of ['diversions', 'statoverride']) writeFileSync(join(admin, name), text(`/var/lib/dpkg/${name}`))
  const ask = (tool: string) => execFileSync(tool, ['--admindir', admin, '--list'], { encoding: 'utf8' })
  assert.equal(ask('dpkg-divert'), 'diversion of /usr/bin/x to /usr/bin/x.distrib by demo\n')
  assert.deepEqual(ask('dpkg-statoverride').trim().split('\n').sort(), [
    'root mail 2755 /var/spool/demo',
    'root root 640 /etc/secret',
  ])
})

test('the same input gives the same changes, in the same order', () => {
  const packages = [
    'dpkg',
    'tzdata',
    withScript('adduser --system one\nadduser --system two\ntouch /var/lib/b /var/lib/a'),
  ]
  const run = () => applyEffects(testEffectInput({ '/usr/share/zoneinfo/Etc/UTC': '' }, packages)).changes
  assert.deepEqual(run(), run())
  const paths = run().map(({ path }) => path)
  assert.deepEqual(paths, [...paths].sort())
})
