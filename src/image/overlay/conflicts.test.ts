import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type DebSpec, testImagePlace } from '#testkit'

/** A package with a program of its own. */
function program(name: string, more: Partial<DebSpec> = {}): DebSpec {
  return {
    name,
    version: '1.0',
    ...more,
    files: { [`/usr/bin/${name}`]: { content: name, mode: 0o755 }, ...more.files },
  }
}

const choice = (name: string, priority: number) =>
  `#!/bin/sh\nset -e\nupdate-alternatives --install /usr/bin/awk awk /usr/bin/${name} ${priority}\n`

const DEBS: readonly DebSpec[] = [
  program('greet', {
    fields: { Depends: 'libgreet1', Maintainer: 'Somebody <s@example.org>' },
    files: {
      '/etc/greet.conf': 'hello\n',
      '/etc/greet.d/': '',
      '/usr/share/link': { link: 'greet' },
      '/usr/share/greet/words': 'hello\n',
    },
  }),
  program('libgreet1'),
  program('greetd', {
    files: { '/usr/lib/sysusers.d/greetd.conf': 'u _greetd 77 "greeter" /run/greetd\n' },
  }),
  program('mawk', { scripts: { postinst: choice('mawk', 5) } }),
  program('gawk', { scripts: { postinst: choice('gawk', 10) } }),
  program('thief', { files: { '/etc/greet.conf': 'mine\n' } }),
  program('folder', { files: { '/usr/share/greet': 'a file\n' } }),
  program('narrow', { files: { '/usr/share/greet/': { mode: 0o700 } } }),
  program('hi-program', { files: { '/usr/bin/hi': { content: 'hi', mode: 0o755 } } }),
  program('late', { fields: { Depends: 'libgreet1 (>= 2.0)' } }),
  program('rival', { fields: { Conflicts: 'greet' } }),
  program('breaker', { fields: { Breaks: 'libgreet1 (<< 3)' } }),
  program('libgreet1', { version: '2.0', architecture: 'amd64' }),
]

const BASE = `image: greeting
archive: test-1
packages: [greet, "libgreet1=1.0", greetd, mawk]
platforms: [linux/amd64]
accounts:
  users: [{ name: web, uid: 1000 }]
  groups: [{ name: web, gid: 1000 }]
paths:
  - { path: /etc/motd, content: "hello\\n" }
  - { path: /usr/bin/hi, symlink: greet }
  - { path: /www, symlink: var }
entrypoint: [/usr/bin/greet]
contract: { ports: [8080] }
variants:
  dev: { paths: [{ path: /etc/dev.conf, content: dev }] }
layers: { budget: 6 }
`

const pem = (body: string) => `-----BEGIN CERTIFICATE-----\n${body}\n-----END CERTIFICATE-----\n`

/** What an overlay says from its third line on, and the error that it gets: both sides with the place, and the ways out. */
const conflicts: readonly [string, string, RegExp][] = [
  // What definitions say is seen before anything is solved.
  [
    'a file where the base declares another',
    'paths: [{ path: /etc/motd, content: other }]',
    /path: base greeting has a file 0644 0:0 sha256:\w+ at \/etc\/motd, overlay over \(.*over\/casemate\.yaml:3:9\) a file .*; say `replace: true`/,
  ],
  [
    'a link where the base declares a file',
    'paths: [{ path: /etc/motd, symlink: x }]',
    /path: base greeting has a file .* at \/etc\/motd, overlay over \(.*:3:9\) a link to x; say `replace: true`/,
  ],
  [
    "a file at the place of a file of the base's variant",
    'paths: [{ path: /etc/dev.conf, content: other, replace: true }]',
    /path: base greeting, variant dev has a file .* at \/etc\/dev\.conf, overlay over .*; say the path in the same variant/,
  ],
  [
    'a path below a link that the base declares',
    'paths: [{ path: /www/site, content: x }]',
    /parent: base greeting has a link to var at \/www, overlay over \(.*:3:9\) a path below it, \/www\/site; put it below/,
  ],
  [
    'a file that the base has paths below',
    'paths: [{ path: /usr/bin, content: x }]',
    /parent: overlay over \(.*:3:9\) has a file at \/usr\/bin, base greeting a path below it, \/usr\/bin\/hi; put it elsewhere/,
  ],
  [
    'an account of the same name with another uid',
    'accounts: { users: [{ name: web, uid: 2000 }] }',
    /account: base greeting has the account web with uid 1000, overlay over \(.*:3:21\) with uid 2000; take another/,
  ],
  [
    'a uid that the base gives to another account',
    'accounts: { users: [{ name: app, uid: 1000 }] }',
    /account: base greeting gives uid 1000 to the account web, overlay over \(.*:3:21\) to app; take another/,
  ],
  [
    'a group of the same name with another gid',
    'accounts: { groups: [{ name: web, gid: 7 }] }',
    /group: base greeting has the group web with gid 1000, overlay over \(.*:3:22\) with gid 7; take another/,
  ],
  [
    'a gid that the base gives to another group',
    'accounts: { groups: [{ name: app, gid: 1000 }] }',
    /group: base greeting gives gid 1000 to the group web, overlay over \(.*:3:22\) to app; take another/,
  ],
  [
    'another program where the base promises a port',
    'entrypoint: [/usr/bin/mawk]',
    /port: base greeting promises 8080\/tcp, where its \/usr\/bin\/greet listens, overlay over \(.*:3:13\) puts another program there; say where/,
  ],
  [
    'a language that the image has no locale for',
    'environment: { LANG: de_DE.UTF-8 }',
    /locale: base greeting has the locales C\.UTF-8, overlay over \(.*:3:22\) sets LANG to de_DE\.UTF-8; add `locales:/,
  ],
  [
    'an archive that is not that of the base',
    'archive: debian-13',
    /archive: base greeting is made of packages from test-1, overlay over \(.*:3:10\) takes them from debian-13; name the base's archives first: \[test-1, debian-13\]/,
  ],
  [
    'a platform that the base is not for',
    'platforms: [linux/amd64, linux/riscv64]',
    /platform: base greeting is for linux\/amd64, overlay over \(.*:3:12\) asks for linux\/riscv64; leave the platform out/,
  ],
  [
    'a path rule that the base was not made by',
    'keep: [man-pages]',
    /keep: base greeting was made without what the rule man-pages leaves out, overlay over \(.*:3:7\) keeps it; let the base/,
  ],
  [
    'a variant that the base does not have',
    'variants: { test: { packages: [gawk] } }',
    /variant: overlay over \(.*:3:19\) has a variant test, base greeting only runtime, dev; add the variant to the base/,
  ],
  [
    'a package that is asked for and removed',
    'packages: [mawk]\nremove: { mawk: not needed }',
    /remove: overlay over \(.*:3:12\) asks for mawk and removes it; keep one of both/,
  ],
  // What packages say is seen when they are solved.
  [
    'a package to remove that the base does not have',
    'remove: { greets: not needed }',
    /remove: overlay over removes greets \(not needed\), base greeting does not have it; did you mean greet\?/,
  ],
  [
    'a package to remove that another one needs',
    'remove: { libgreet1: not needed }',
    /libgreet1 of base greeting shall be removed \(not needed\), and greet 1\.0 needs it \(Depends: libgreet1\); ways out: .*remove what needs it as well/,
  ],
  [
    'a package that needs a newer one than the base has',
    'packages: [late]',
    /late selects libgreet1 2\.0, base greeting holds libgreet1 1\.0; ways out: name a package of base greeting/,
  ],
  [
    'a package that conflicts with one of the base',
    'packages: [rival]',
    /rival 1\.0 conflicts with greet, which greet 1\.0 is; ways out:/,
  ],
  [
    'a package that breaks one of the base',
    'packages: [breaker]',
    /breaker 1\.0 breaks libgreet1 \(<< 3\), which libgreet1 1\.0 is; ways out:/,
  ],
  [
    'no room for a layer above those of the base',
    'packages: [gawk]\nlayers: { budget: 6 }',
    /layers: base greeting has \d layers, overlay over may have 6 with them; raise `layers: \{ budget/,
  ],
  // What files say is seen when they are merged.
  [
    'a file at the place of a file of a package of the base',
    'paths: [{ path: /etc/greet.conf, content: mine }]',
    /path: package greet 1\.0 of base greeting has a file at \/etc\/greet\.conf, overlay over \(.*:3:9\) a file .*; say `replace: true`/,
  ],
  [
    'a file at the place of a folder of a package of the base',
    'paths: [{ path: /etc/greet.d, content: mine }]',
    /path: package greet 1\.0 of base greeting has a directory at \/etc\/greet\.d, overlay over \(.*:3:9\) a file/,
  ],
  [
    'a file that a package of the overlay ships as well',
    'packages: [gawk]\npaths: [{ path: /usr/bin/gawk, content: mine }]',
    /path: package gawk 1\.0 of overlay over has a file at \/usr\/bin\/gawk, overlay over \(.*:4:9\) a file/,
  ],
  [
    'a file that an effect writes for the base',
    'paths: [{ path: /etc/passwd, content: mine }]',
    /path: effect accounts of base greeting has a file at \/etc\/passwd, overlay over \(.*:3:9\) a file/,
  ],
  [
    'a package with a file where the base declares a link',
    'packages: [hi-program]',
    /path: package hi-program 1\.0 of overlay over has a file at \/usr\/bin\/hi, base greeting a link to greet; say the path in the overlay/,
  ],
  [
    'a path below a link of a package of the base',
    'paths: [{ path: /usr/share/link/x, content: mine }]',
    /parent: package greet 1\.0 of base greeting has a link to greet at \/usr\/share\/link, overlay over \(.*:3:9\) a path below it.*; write it as \/usr\/share\/greet\/x/,
  ],
  [
    'a path below a file of a package of the base',
    'paths: [{ path: /etc/greet.conf/x, content: mine }]',
    /parent: package greet 1\.0 of base greeting has a file at \/etc\/greet\.conf, overlay over .*; put it below a directory/,
  ],
  [
    'a path to leave out that nobody has',
    'paths: [{ path: /etc/nothing, type: absent, reason: r }]',
    /path: overlay over \(.*:3:9\) leaves \/etc\/nothing out, base greeting does not have it, nor a package of the overlay's; leave the line out/,
  ],
  [
    'a package with a file of a package of the base',
    'packages: [thief]',
    /package: cannot merge \/etc\/greet\.conf of greet 1\.0 of base greeting with thief 1\.0 of overlay over: both ship it and neither declares Replaces; leave one/,
  ],
  [
    'a package with a file where one of the base has a folder',
    'packages: [folder]',
    /package: cannot merge \/usr\/share\/greet of folder 1\.0 of overlay over with greet 1\.0 of base greeting: one ships a file, the other a directory/,
  ],
  [
    'a package that gives a folder of the base another mode',
    'packages: [narrow]',
    /package: cannot merge \/usr\/share\/greet of greet 1\.0 of base greeting with narrow 1\.0 of overlay over: .*different modes/,
  ],
  [
    'an account with the uid of one that a package of the base made',
    'accounts: { users: [{ name: app, uid: 77 }] }',
    /account: base greeting has the account _greetd with uid 77, overlay over \(.*:3:21\) app with uid 77; take another/,
  ],
  [
    'a group with the name of one that a package of the base made',
    'accounts: { groups: [{ name: _greetd, gid: 5000 }] }',
    /group: base greeting has the group _greetd with gid 77, overlay over \(.*:3:22\) _greetd with gid 5000; take another/,
  ],
  [
    'a package that takes an alternative of the base',
    'packages: [gawk]',
    /alternative: awk of base greeting is \/usr\/bin\/mawk, with the packages of overlay over it would be \/usr\/bin\/gawk; say which: `- \{ path: \/etc\/alternatives\/awk, symlink: \/usr\/bin\/mawk/,
  ],
  [
    'an entrypoint that is not there',
    'entrypoint: [/usr/bin/nothing]\ncontract: { ports: [] }',
    /entrypoint: overlay over \(.*:3:13\) starts \/usr\/bin\/nothing, which on base greeting is not in the image; add the package or file/,
  ],
  [
    'an entrypoint that no folder of PATH has',
    'entrypoint: [greet]\nenvironment: { PATH: "/opt/bin" }\ncontract: { ports: [] }',
    /entrypoint: overlay over \(.*:3:13\) starts greet \(PATH \/opt\/bin\), which on base greeting is not in the image/,
  ],
  [
    'an entrypoint that nobody may execute',
    'entrypoint: [/run-it]\npaths: [{ path: /run-it, content: x }]\ncontract: { ports: [] }',
    /entrypoint: overlay over .* starts \/run-it, which on base greeting is there and nobody may execute it/,
  ],
  [
    'the program of the base, taken away',
    'paths: [{ path: /usr/bin/greet, type: absent, reason: r }, { path: /usr/bin/hi, type: absent, reason: r }]',
    /entrypoint: base greeting starts \/usr\/bin\/greet, which with overlay over is not in the image/,
  ],
  [
    'a link of the base whose target is taken away',
    'paths: [{ path: /usr/bin/greet, type: absent, reason: r }]\nentrypoint: [/usr/bin/mawk]\ncontract: { ports: [] }',
    /link: base greeting links \/usr\/bin\/hi to greet, which overlay over takes away; leave the link out as well/,
  ],
  [
    'a user that nobody has declared',
    'contract: { run-as: someone }',
    /user: overlay over \(.*:3:21\) runs as someone, base greeting has no such account; declare it under `accounts/,
  ],
  [
    'a folder to start in that is not there',
    'contract: { work-dir: /app }',
    /work-dir: overlay over \(.*:3:23\) starts in \/app, base greeting has no such folder; add `- \{ path: \/app, type: directory \}`/,
  ],
  [
    'a folder to start in that is a file',
    'contract: { work-dir: /etc/motd }',
    /work-dir: overlay over \(.*:3:23\) starts in \/etc\/motd, base greeting has a file there/,
  ],
]

test('what an overlay and its base contradict each other in is an error that names both, and the ways out', async (t) => {
  const place = await testImagePlace(t, { debs: DEBS })
  place.write('base/casemate.yaml', BASE)
  for (const [name, says, error] of conflicts) {
    await t.test(name, async () => {
      place.write('over/casemate.yaml', `image: over\nfrom: ../base\n${says}\n`)
      await assert.rejects(place.build('./over'), error)
    })
  }
  await t.test('a certificate of the same name and other content', async () => {
    place.write('trusting/casemate.yaml', `${BASE}certificates: [corp.crt]\n`)
    place.write('trusting/corp.crt', pem('AAAA'))
    place.write('over/other/corp.crt', pem('BBBB'))
    place.write('over/casemate.yaml', 'image: over\nfrom: ../trusting\ncertificates: [other/corp.crt]\n')
    const error =
      /certificate: base greeting and overlay over \(.*:3:16\) both trust a certificate corp, and they differ; give the file/
    await assert.rejects(place.open('./over'), error)
  })
  await t.test('its own name is that of the base', async () => {
    place.write('over/casemate.yaml', 'image: greeting\nfrom: ../base\n')
    await assert.rejects(
      place.open('./over'),
      /name: base and overlay greeting \(.*:1:8\) are both called greeting; give the overlay/,
    )
  })
  await t.test('definitions that stack on each other in a circle', async () => {
    place.write('over/casemate.yaml', 'image: over\nfrom: ../round\n')
    place.write('round/casemate.yaml', 'image: round\nfrom: ../over\n')
    await assert.rejects(place.open('./over'), {
      code: 'EXTENDS_CYCLE',
      message: /stacks on itself \(.*over.* → .*round.* → .*over/,
    })
  })
  for (const from of [
    'docker://registry.example.org/a:1',
    'registry.example.org/a:1',
    'oci:out:a',
    'localhost:5000/a@sha256:0',
  ]) {
    await t.test(`a base that is an image whose recipe nobody has fetched: ${from}`, async () => {
      place.write('over/casemate.yaml', `image: over\nfrom: "${from}"\n`)
      await assert.rejects(place.open('./over'), {
        code: 'DEFINITION_NOT_FOUND',
        message: /over\/casemate\.yaml:2:7\): its recipe is not kept in .*over\/casemate\.base; `casemate lock/,
      })
    })
  }
  for (const from of ['../none', 'none', './a:1/b', '/a.b/c']) {
    await t.test(`a base that is not there: ${from}`, async () => {
      place.write('over/casemate.yaml', `image: over\nfrom: ${from}\n`)
      await assert.rejects(place.open('./over'), { code: 'DEFINITION_NOT_FOUND' })
    })
  }
  await t.test('several conflicts are told at once', async () => {
    place.write('over/casemate.yaml', 'image: over\nfrom: ../base\narchive: debian-13\nkeep: [man-pages]\n')
    await assert.rejects(place.open('./over'), {
      code: 'OVERLAY_CONFLICT',
      message: /^cannot stack over on greeting: 2 conflicts\n {2}archive: .*\n {2}keep: /,
    })
  })
})
