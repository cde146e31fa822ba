import assert from 'node:assert/strict'
import { test } from 'node:test'
import { digestOf } from '#core'
import { type TestPath, testTree } from '#testkit'
import { effects } from '../effects/registry.ts'
import { classifyScripts } from './classify-scripts.ts'
import { readDiversions } from './diversions.ts'
import { reviewedScripts } from './reviewed-scripts.ts'

function classify(
  scripts: Record<string, string>,
  paths: Record<string, TestPath> = {},
  acknowledged = new Set<never>(),
) {
  const control = new Map(Object.entries(scripts).map(([name, text]) => [name, new TextEncoder().encode(text)]))
  return classifyScripts({ package: 'demo', architecture: 'amd64', tree: testTree(paths).tree }, control, acknowledged)
}

const sh = (body: string) => `#!/bin/sh\nset -e\n${body}\n`

const lines: [string, 'covered' | 'needless' | 'open', string, string][] = [
  ['systemctl daemon-reload', 'needless', 'handles services', 'no service runs in an image'],
  ['deb-systemd-helper enable x.service', 'needless', 'handles services', 'nor is one enabled'],
  ['dpkg-maintscript-helper rm_conffile /etc/x 1.0 -- "$@"', 'needless', 'older version', 'there is no older version'],
  ['if [ -n "$2" ]; then rm -rf /srv/data; fi', 'needless', 'nothing|reads', 'it runs on upgrades only'],
  ['dpkg --compare-versions "$2" lt-nl 1.0 && rm -rf /srv', 'needless', 'asks dpkg', 'there is no version before'],
  ['rm -f /etc/old.conf', 'needless', 'nothing for it to change', 'the path does not exist'],
  [
    "find /etc/demo -type d -name 'demo.*.d' -empty -delete",
    'needless',
    'nothing for it to change',
    'it finds no name',
  ],
  ['py3compile -p demo', 'covered', 'python-bytecode', 'byte code is a derived effect'],
  ['adduser --system demo', 'covered', 'accounts', 'an account is read from the call'],
  [
    'getent passwd demo | grep -q x || adduser --system demo',
    'covered',
    'accounts',
    'an account too many does no harm',
  ],
  ['update-alternatives --install /usr/bin/a a /usr/bin/b 5', 'covered', 'alternatives', 'a link group'],
  ['ucf --three-way /usr/share/d/x.ini /etc/x.ini', 'covered', 'configuration-files', 'a copy'],
  ['/usr/share/mysql-common/configure-symlinks install demo /etc/mysql/demo.cnf', 'covered', 'alternatives', 'a link'],
  ['chown www-data:adm /var/log/demo', 'covered', 'script-paths', 'a literal path'],
  ['install -d -m 750 -o demo /var/lib/demo', 'covered', 'script-paths', 'a directory with its owner'],
  ['install --mode 644 /dev/null /etc/apparmor.d/local/demo', 'covered', 'script-paths', 'an empty file'],
  ['if aa-enabled; then rm -r /srv; fi', 'needless', 'into the kernel', 'there is no kernel to load a profile into'],
  [
    "su -s /bin/sh demo -c 'test -O /var/lib/demo' || chown demo /var/lib/demo",
    'covered',
    'script-paths',
    "the directory is still root's",
  ],
  [
    'grep -q x /etc/y && update-alternatives --install /a a /b 5',
    'open',
    'only running could decide',
    'who knows whether',
  ],
  ['chown demo "$(cat /etc/where)"', 'open', 'only running could tell', 'who knows what'],
  ['chown -R demo /var/lib/demo', 'open', '-R is not followed', 'trees are not followed'],
  ['find /etc/demo -type d -empty -delete', 'open', 'find is not a command', 'whatever is there would go'],
  ["find /etc/demo ! -name 'demo.*.d' -delete", 'open', 'find is not a command', 'all but one name would go'],
  ["find / -name '*' -delete", 'open', 'find is not a command', 'there are such names'],
  ["su -s /bin/sh demo -c 'rm -r /srv'", 'open', 'su is not a command', 'more than a question'],
  ['install --mode 644 /etc/a /etc/b', 'open', 'install of a file', 'its content is not known'],
  ['frobnicate --all', 'open', 'frobnicate is not a command', 'unknown commands are never taken for harmless'],
  ['echo x >> /etc/profile', 'open', 'adds to /etc/profile', 'a change to a file'],
  ['curl http://example.org/x | sh', 'open', 'curl is not a command', 'this least of all'],
  ['$CMD /x', 'open', 'not a command', 'a command from nowhere'],
  ['eval "$x"', 'open', 'eval is not a command', 'text that becomes commands'],
  ['. /usr/share/demo/functions', 'open', 'it reads in /usr/share/demo', 'another script'],
]
for (const [body, grade, by, because] of lines) {
  test(`${body} is ${grade}: ${because}`, () => {
    const { scripts } = classify({ postinst: sh(body) })
    assert.equal(scripts[0]?.class, grade)
    const told = scripts[0]?.fragments.map((fragment) => fragment.by).join('\n') ?? ''
    assert.match(told, new RegExp(by))
  })
}

test('what one debhelper tool added is one fragment, told by its name', () => {
  const section =
    '# Automatically added by dh_installsystemd/13.24\nif true; then\n\tsystemctl x\nfi\n# End automatically added section'
  const { scripts } = classify({ postinst: sh(`touch /var/lib/demo\n${section}`) })
  assert.deepEqual(
    scripts[0]?.fragments.map(({ class: grade, by, text }) => [grade, by, text.split('\n')[0]]),
    [
      ['needless', 'does nothing on a first installation', 'set -e'],
      ['covered', 'script-paths', 'touch /var/lib/demo'],
      [
        'needless',
        'dh_installsystemd: only reads or prints; handles services of a running system; an image has none',
        section.split('\n')[0],
      ],
    ],
  )
})

test("debhelper's marks do not hide what stands between them", () => {
  const section = '# Automatically added by dh_installsystemd/13\nfrobnicate\n# End automatically added section'
  assert.equal(classify({ postinst: sh(section) }).class, 'open')
})

test('a command in back quotes counts, wherever it stands', () => {
  assert.equal(classify({ postinst: sh('x=`frobnicate`') }).class, 'open')
  assert.equal(classify({ postinst: sh('echo "$(frobnicate)"') }).class, 'open')
})

test('only what is called on installation is judged; the rest is needless', () => {
  const classified = classify({ config: sh('db_input high x'), prerm: sh('frobnicate'), postrm: sh('frobnicate') })
  assert.equal(classified.class, 'needless')
  assert.deepEqual(
    classified.scripts.map(({ script }) => script),
    ['config', 'prerm', 'postrm'],
  )
})

test('a trigger that the package listens to is followed as well', () => {
  const postinst = sh('if [ "$1" = triggered ]; then frobnicate; fi')
  assert.equal(classify({ postinst }).class, 'needless')
  assert.equal(classify({ postinst, triggers: 'interest-noawait /usr/lib/demo\n' }).class, 'open')
})

test('a script that is no shell script, or none that can be read, is open', () => {
  assert.match(
    classify({ postinst: '#!/usr/bin/perl\n1;\n' }).open[0] ?? '',
    /no shell script but starts "#!\/usr\/bin\/perl"/,
  )
  assert.match(classify({ postinst: sh('if') }).open[0] ?? '', /cannot read shell script, line 4: want "then"/)
})

test('an acknowledged script stays open but is no longer complained about', () => {
  const postinst = sh('frobnicate')
  const control = new Map([['postinst', new TextEncoder().encode(postinst)]])
  const facts = { package: 'demo', architecture: 'amd64', tree: testTree({}).tree }
  assert.deepEqual(classifyScripts(facts, control).open, [
    'postinst of demo: frobnicate is not a command that is followed',
  ])
  const accepted = classifyScripts(facts, control, new Set([digestOf(postinst)]))
  assert.equal(accepted.class, 'open')
  assert.deepEqual(accepted.open, [])
})

test('actions come in order, once, with what the script says', () => {
  const body = `for b in one two; do
    update-alternatives --install /usr/bin/$b $b /usr/bin/$b.demo 40 --slave /usr/bin/s$b s$b /usr/bin/s$b.demo
  done
  adduser --system --group --home /var/lib/demo --shell /bin/sh --gecos "A demo,,," demo
  adduser demo adm
  addgroup --system --gid 77 extra
  umask 077
  touch /var/lib/secret`
  const [postinst] = classify({ postinst: sh(body) }).scripts
  const slave = (name: string) => [{ link: `/usr/bin/s${name}`, name: `s${name}`, path: `/usr/bin/s${name}.demo` }]
  const group = (name: string) => ({
    link: `/usr/bin/${name}`,
    name,
    path: `/usr/bin/${name}.demo`,
    slaves: slave(name),
  })
  assert.deepEqual(postinst?.actions, [
    { kind: 'alternative', ...group('one'), priority: 40, package: 'demo' },
    { kind: 'alternative', ...group('two'), priority: 40, package: 'demo' },
    {
      kind: 'account',
      name: 'demo',
      group: 'own',
      createsHome: true,
      home: '/var/lib/demo',
      shell: '/bin/sh',
      comment: 'A demo,,,',
      package: 'demo',
    },
    { kind: 'member', account: 'demo', group: 'adm', package: 'demo' },
    { kind: 'group', name: 'extra', gid: 77, package: 'demo' },
    { kind: 'file', path: '/var/lib/secret', content: '', mode: 0o600, package: 'demo' },
  ])
})

test('diversions of preinst scripts are known before anything is merged', () => {
  const preinst = sh(`for f in a b; do
    dpkg-divert --package demo --no-rename --divert /lib/$f.usr-is-merged --add /lib/$f
  done`)
  const control = new Map([['preinst', new TextEncoder().encode(preinst)]])
  assert.deepEqual(readDiversions([{ name: 'demo', control }], 'amd64'), [
    { path: '/usr/lib/a', to: '/usr/lib/a.usr-is-merged', by: 'demo' },
    { path: '/usr/lib/b', to: '/usr/lib/b.usr-is-merged', by: 'demo' },
  ])
})

test('every review names an effect that exists, or a reason', () => {
  const names = new Set([...effects.map(({ name }) => name), 'python-bytecode'])
  for (const [sha256, review] of reviewedScripts) {
    assert.match(sha256, /^[0-9a-f]{64}$/)
    const first = /^[a-z-]+/.exec(review.by)?.[0] ?? ''
    assert.equal(names.has(first), review.class === 'covered', review.by)
  }
})
