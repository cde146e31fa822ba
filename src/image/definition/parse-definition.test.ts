import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { ImageError } from '../errors.ts'
import { firstDefinition } from './first-definition.ts'
import { parseDefinition } from './parse-definition.ts'

const example = readFileSync(new URL('testdata/example.yaml', import.meta.url), 'utf8')

function faultsIn(text: string): string {
  try {
    parseDefinition(text, 'casemate.yaml')
  } catch (error) {
    assert.ok(error instanceof ImageError && error.code === 'DEFINITION_INVALID', String(error))
    return error.message
  }
  return assert.fail('it was accepted')
}

test("the design's example is read as it stands", () => {
  const definition = parseDefinition(example, 'casemate.yaml')
  assert.equal(definition.image, 'python')
  assert.equal(definition.extends, 'base')
  assert.deepEqual(definition.archives, ['debian-13'])
  assert.deepEqual(definition.packages[2], { name: 'libssl3t64', operator: '>=', version: '3.5.7' })
  assert.deepEqual(definition.paths, [
    { type: 'symlink', path: '/usr/bin/python3', target: 'python3.13', replace: false },
  ])
  assert.equal(definition.variants['dev']?.contract.runAs, 'root')
  assert.deepEqual(definition.lifecycle, { upstreamEnd: '2029-10-31', archiveEnd: '2028-08-09' })
  assert.deepEqual(definition.tests[0]?.['stdout'], { contains: 'OpenSSL 3' })
})

test('the first definition that init writes is read as it stands', () => {
  const definition = parseDefinition(firstDefinition('shop/web'), 'casemate.yaml')
  assert.equal(definition.image, 'shop/web')
  assert.deepEqual(definition.cmd, ['--help'])
})

const wantPackage = 'want a package: name, name=version, name>=version, name/suite or name:architecture'

test('all faults are told together, in the order of the text', () => {
  const text = [
    'imag: x',
    'entrypont: [a]',
    'packages: [Foo, 3]',
    'contract: { run-as: [], stop-signal: SIGTEM, ports: [70000] }',
    'paths: [{ path: usr/bin }, nonsense]',
    'variants: { dev: { package: [x] } }',
    'environment: { A: 1, "B C": x }',
  ].join('\n')
  assert.deepEqual(faultsIn(text).split('\n'), [
    'cannot read definition casemate.yaml: 13 faults',
    '  casemate.yaml:1:1: `image` is missing',
    '  casemate.yaml:1:1: unknown key `imag`: did you mean `image`?',
    '  casemate.yaml:2:1: unknown key `entrypont`: did you mean `entrypoint`?',
    `  casemate.yaml:3:12: packages[0]: found "Foo", ${wantPackage}`,
    `  casemate.yaml:3:17: packages[1]: found 3, ${wantPackage} (put it in quotes: "3")`,
    '  casemate.yaml:4:21: contract.run-as: found an empty list, want an account name, a user id or "uid:gid"',
    '  casemate.yaml:4:38: contract.stop-signal: found "SIGTEM", want a signal such as SIGTERM, or its number',
    '  casemate.yaml:4:54: contract.ports[0]: found 70000, want a port from 1 to 65535, or "53/udp"',
    '  casemate.yaml:5:17: paths[0].path: found "usr/bin", want an absolute path without "." and ".." in it',
    '  casemate.yaml:5:28: paths[1]: found "nonsense", want a path with what stands there',
    '  casemate.yaml:6:20: variants.dev: unknown key `package`: did you mean `packages`?',
    '  casemate.yaml:7:19: environment.A: found 1, want text without a zero byte, or null to take it away (put it in quotes: "1")',
    '  casemate.yaml:7:22: environment: found the key "B C", want the name of an environment variable',
  ])
})

const wrong: [string, RegExp, string][] = [
  [
    'paths: [{ path: /a, type: directory, mode: 0755 }]',
    /2:44: paths\[0\]\.mode: found 0755, want an octal/,
    'YAML reads 0755 as decimal',
  ],
  ['paths: [{ path: /a, type: directory, mode: 493 }]', /found 493, want an octal mode/, 'a decimal mode is a trap'],
  ['paths: [{ path: /a, type: directory, mode: "0999" }]', /mode: found "0999"/, '9 is no octal digit'],
  ['paths: [{ path: /a }]', /want one of `symlink`, `content`, `source`/, 'nothing says what stands there'],
  ['paths: [{ path: /a, symlink: b, mode: "0755" }]', /a path of type symlink has no `mode`/, 'links have no mode'],
  ['paths: [{ path: /a, type: directory, content: x }]', /directory has no `content`/, 'directories have no text'],
  ['paths: [{ path: /a, content: x, source: y }]', /either `content` or `source`/, 'a file has one content'],
  ['paths: [{ path: /a, type: absent }]', /want a `reason`/, 'leaving out needs a reason'],
  [
    'paths: [{ path: /a, source: ../x }]',
    /want a path below the definition's folder/,
    'files come from its own folder',
  ],
  ['paths: [{ path: /a, source: /etc/shadow }]', /want a path below the definition's folder/, 'no absolute sources'],
  ['paths: [{ path: /a/.wh.b, content: x }]', /paths\[0\]\.path: found/, 'whiteout names would delete files'],
  ['paths: [{ path: /a/../b, content: x }]', /without "\." and "\.\."/, 'no way up'],
  [
    'paths: [{ path: /bin/a, content: x }, { path: /usr/bin/a, content: y }]',
    /second time/,
    'one path under two names',
  ],
  ['packages: ["xx=1:"]', /packages\[0\]: cannot parse request "xx=1:": "1:" is no version/, 'no version'],
  ['packages: ["xx:any"]', /packages\[0\]: .*is no architecture/, 'any is a qualifier of dependencies'],
  ['contract: { ports: ["99999/udp"] }', /found the port 99999/, 'ports end at 65535'],
  ['variants: { runtime: {} }', /2:13: variants: the definition itself is the runtime variant/, 'a reserved name'],
  ['variants: { Dev: {} }', /found the key "Dev", want a variant name/, 'it ends up in tags'],
  ['lifecycle: { upstream-end: 2027-02-30 }', /not a day of the calendar/, 'February is short'],
  ['tags: ["{date}"]', /a date is not reproducible/, 'tags come from versions'],
  ['without: { perl: "" }', /without\.perl: found "", want a reason/, 'leaving out needs a reason'],
  ['without: { perl: " " }', /want a reason/, 'blanks are no reason'],
  ['acknowledge: { perl: }', /found nothing, want a reason/, 'so does acknowledging'],
  ['platforms: []', /found an empty list, want at least one platform/, 'an image for nothing'],
  ['platforms: [linux/amd46]', /did you mean `linux\/amd64`/, 'a misspelt platform'],
  ['keep: [documentaton]', /did you mean `documentation`/, 'a misspelt path rule'],
  ['certificates: ["-----BEGIN PRIVATE KEY-----"]', /certificates\[0\]/, 'a key is no certificate'],
  ['tests: [{ name: a }, { name: a }]', /tests\[1\]\.name: "a" stands here for the second time/, 'tests have names'],
  ['tests: [{ command: [x] }]', /`name` is missing/, 'tests have names'],
  ['accounts: { users: [{ name: web, uid: 1 }, { name: web, uid: 2 }] }', /second time/, 'users have one uid'],
  ['labels: { a: true }', /put it in quotes: "true"/, 'labels are texts'],
  ['layers: { budget: 200 }', /from 3 to 100/, 'runtimes end at 127 layers'],
  ['packages:', /2:10: packages: found nothing, want a list of packages/, 'an empty key'],
]
for (const [line, message, because] of wrong) {
  test(`${line} is refused: ${because}`, () => assert.match(faultsIn(`image: x\n${line}\n`), message))
}

test('a longer text than 1 MiB is refused unread', () => {
  assert.match(faultsIn(`image: x\n${'#'.repeat(1024 * 1024)}`), /longer than 1 MiB/)
})

test('a fault never copies a hostile text in full, nor its control characters', () => {
  const message = faultsIn(`image: "\\e[31m${'x'.repeat(5000)}"`)
  assert.ok(message.length < 400, message)
  assert.ok(!message.includes('\u001b'))
})

test('what is said in two ways is one value', () => {
  const one = parseDefinition(
    'image: x\narchive: a\ncontract: { run-as: 7, ports: [80] }\npaths: [{ path: /bin/s, symlink: t }, { path: /e, type: directory, mode: 0o750 }]',
    'a',
  )
  const other = parseDefinition(
    'image: x\narchive: [a]\ncontract: { run-as: "7", ports: ["80/tcp"] }\npaths: [{ path: /usr/bin/s, type: symlink, symlink: t }, { path: /e, type: directory, mode: "0750" }]',
    'b',
  )
  assert.deepEqual(one, other)
})
