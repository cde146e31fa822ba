import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import type { EffectiveDefinition } from './definition.ts'
import { parseDefinition } from './parse-definition.ts'
import { definitionDigest, resolveDefinition } from './resolve-definition.ts'

/** Resolves definitions, each extending the one before; every file they refer to has its own name as content. */
function resolved(...texts: readonly string[]) {
  return resolveDefinition(
    texts.map((text, index) => {
      const file = `${index}.yaml`
      const names = [...text.matchAll(/(?:source: |certificates: \[)([^\s,}\]]+)/g)].map((match) => match[1] ?? '')
      const files = new Map(names.map((name) => [name, new TextEncoder().encode(certificateFiles[name] ?? name)]))
      return { file, definition: parseDefinition(text, file), files }
    }),
  )
}
const pem = (body: string) => `-----BEGIN CERTIFICATE-----\n${body}\n-----END CERTIFICATE-----`
const certificateFiles: Readonly<Record<string, string>> = { 'ca.crt': `# two\n${pem('AAAA')}\r\n\n${pem('BBBB')}` }

function variant(name: string, ...texts: readonly string[]): EffectiveDefinition {
  return resolved(...texts).variants.get(name) ?? assert.fail(`there is no variant ${name}`)
}
const runtime = (...texts: readonly string[]) => variant('runtime', ...texts)

test('what a definition does not say has a default', () => {
  const { platforms, variants } = resolved('image: x')
  assert.deepEqual(platforms, ['linux/amd64', 'linux/arm64'])
  assert.deepEqual([...variants.keys()], ['runtime'])
  const { archives, contract, timeZone, layerBudget, title, without } = runtime('image: x')
  assert.deepEqual(
    { archives, timeZone, layerBudget, title, without },
    {
      archives: ['debian-13'],
      timeZone: 'Etc/UTC',
      layerBudget: 30,
      title: 'x',
      without: {},
    },
  )
  assert.deepEqual(contract, {
    runAs: 'nonroot',
    workDir: '/',
    ports: [],
    writable: [],
    volumes: [],
    stopSignal: 'SIGTERM',
  })
})

test('lists append and collapse, maps merge by key, scalars replace', () => {
  const { packages, environment, contract, timeZone } = runtime(
    'image: base\npackages: [tzdata, ca-certificates]\nenvironment: { A: "1", B: "1" }\ncontract: { work-dir: /a, ports: [80] }\ntime-zone: Etc/UTC',
    'image: x\npackages: [curl, tzdata]\nenvironment: { B: "2", C: "2" }\ncontract: { ports: ["80/tcp", "53/udp"] }\ntime-zone: Europe/Paris',
  )
  assert.deepEqual(
    packages.map(({ name }) => name),
    ['ca-certificates', 'curl', 'tzdata'],
  )
  assert.deepEqual(environment, { A: '1', B: '2', C: '2' })
  assert.deepEqual(contract.ports, ['53/udp', '80/tcp'])
  assert.equal(contract.workDir, '/a')
  assert.equal(timeZone, 'Europe/Paris')
})

test('commands and choices replace as a whole, and what names an image is not inherited', () => {
  const base =
    'image: base\ntitle: B\ndescription: b\ntags: [latest]\nurl: https://b\narchive: [a1, a2]\nplatforms: [linux/386]\nentrypoint: [/a, b]\ncmd: [c]\nowner: o'
  const child = runtime(base, 'image: x\narchive: a3\nplatforms: [linux/amd64]\nentrypoint: [/d]')
  assert.deepEqual(child.archives, ['a3'])
  assert.deepEqual([child.entrypoint, child.cmd], [['/d'], ['c']])
  assert.deepEqual([child.image, child.title, child.description, child.tags, child.url], ['x', 'x', '', [], undefined])
  assert.equal(child.owner, 'o')
  assert.deepEqual(runtime(base, 'image: x\ncmd: []').cmd, [])
})

test('a variant is laid over the merged runtime, variants of one name over each other', () => {
  const base =
    'image: base\nwithout: { perl: scripts }\nvariants: { dev: { packages: [apt] }, debug: { packages: [busybox] } }'
  const { variants } = resolved(
    base,
    'image: x\npackages: [curl]\nvariants: { dev: { packages: [git], contract: { run-as: root } } }',
  )
  const names = (name: string) => variants.get(name)?.packages.map((one) => one.name)
  assert.deepEqual([...variants.keys()], ['runtime', 'debug', 'dev'])
  assert.deepEqual(
    [names('runtime'), names('debug'), names('dev')],
    [['curl'], ['busybox', 'curl'], ['apt', 'curl', 'git']],
  )
  assert.equal(variants.get('dev')?.contract.runAs, 'root')
  assert.equal(variants.get('debug')?.contract.runAs, 'nonroot')
})

test('a variant with a package manager gets back what is left out; another one does not', () => {
  const text =
    'image: x\nwithout: { perl: scripts }\nvariants: { dev: { packages: [apt] }, debug: { packages: [busybox] } }'
  assert.deepEqual(variant('dev', text).without, {})
  assert.deepEqual(variant('debug', text).without, { perl: 'scripts' })
})

test('users and groups merge by name, and the uid can be changed without saying the rest again', () => {
  const { users, groups } = runtime(
    'image: base\naccounts: { users: [{ name: web, uid: 65532, home: /home/web }], groups: [{ name: g, gid: 1, members: [a] }] }',
    'image: x\naccounts: { users: [{ name: web, uid: 1000 }], groups: [{ name: g, gid: 2, members: [b] }] }',
  )
  assert.deepEqual(users, [
    { name: 'web', uid: 1000, gid: 1000, home: '/home/web', shell: '/usr/sbin/nologin', comment: '' },
  ])
  assert.deepEqual(groups, [{ name: 'g', gid: 2, members: ['a', 'b'] }])
})

test('null takes a setting away, in a variant too, and nothing that is not there', () => {
  const base = 'image: base\nenvironment: { A: "1", B: "2" }\nlabels: { org.example.a: x }'
  const app =
    'image: app\nenvironment: { A: null }\nlabels: { org.example.a: null }\nvariants: { dev: { environment: { B: null } } }'
  assert.deepEqual([runtime(base, app).environment, runtime(base, app).labels], [{ B: '2' }, {}])
  assert.deepEqual(variant('dev', base, app).environment, {})
  assert.deepEqual(runtime(base, app, 'image: x\nenvironment: { A: again }').environment, { A: 'again', B: '2' })
  assert.throws(() => resolved(base, 'image: x\nenvironment: { AA: null }'), {
    code: 'DEFINITION_INVALID',
    message: /cannot take AA away from the environment by 1\.yaml: nothing .* has it: did you mean A\?/,
  })
})

test('the same entry at a path merges, another is an error with both sides named, and replace settles it', () => {
  const base = 'image: base\npaths: [{ path: /etc/a, content: one }]'
  const same = 'image: x\npaths: [{ path: /etc/a, content: one, mode: "0644" }]'
  assert.equal(runtime(base, same).paths.length, 1)
  assert.throws(() => resolved(base, 'image: x\npaths: [{ path: /etc/a, content: two }]'), {
    code: 'DEFINITION_INVALID',
    message:
      /cannot merge \/etc\/a of base with x: one has a file 0644 0:0 sha256:\w+, the other a file .*`replace: true`/,
  })
  const [replaced] = runtime(base, 'image: x\npaths: [{ path: /etc/a, symlink: b, replace: true }]').paths
  assert.deepEqual(replaced, { type: 'symlink', path: '/etc/a', target: 'b', replace: true })
  const [absent] = runtime(base, 'image: x\npaths: [{ path: /etc/a, type: absent, reason: none }]').paths
  assert.equal(absent?.type, 'absent')
})

test('nothing can stand below what the definition makes a link or a file', () => {
  assert.throws(() => resolved('image: x\npaths: [{ path: /a, symlink: /etc }, { path: /a/b/c, content: x }]'), {
    code: 'DEFINITION_INVALID',
    message: /cannot put \/a\/b\/c into image x: the definition has \/a as symlink/,
  })
})

test('files become digests, their bytes are kept, and where they were written makes no difference', () => {
  const inline = resolved('image: x\npaths: [{ path: /a, content: hello }]')
  const [entry] = inline.variants.get('runtime')?.paths ?? []
  assert.ok(entry?.type === 'file')
  assert.equal(new TextDecoder().decode(inline.contents.get(entry.digest)), 'hello')
  assert.deepEqual(runtime('image: x\npaths: [{ path: /a, source: hello }]').paths, [entry])
})

test('a file of several certificates gives each a name of its own', () => {
  const { certificates } = runtime('image: x\ncertificates: [ca.crt]')
  assert.deepEqual(certificates.map(({ pem }) => pem).sort(), [`${pem('AAAA')}\n`, `${pem('BBBB')}\n`])
  assert.ok(certificates.every(({ name }) => /^ca-[0-9a-f]{8}$/.test(name)))
  assert.throws(() => resolved('image: x\ncertificates: [notes.txt]'), {
    message: /notes\.txt holds no whole PEM block/,
  })
})

test('an effective definition is frozen through and through', () => {
  const definition = runtime('image: x\naccounts: { users: [{ name: web, uid: 1 }] }\ntests: [{ name: t, a: [b] }]')
  assert.throws(() => Object.assign(definition, { image: 'y' }), TypeError)
  assert.throws(() => Object.assign(definition.users[0] ?? {}, { uid: 0 }), TypeError)
  assert.throws(() => Object.assign(definition.tests[0] ?? {}, { name: 'x' }), TypeError)
})

const text = `${readFileSync(new URL('testdata/example.yaml', import.meta.url), 'utf8')}\n`
const changes: [string, string, string, boolean][] = [
  ['owner: platform-team', 'owner: another', 'the owner is in no byte of it', false],
  ['contains: OpenSSL 3', 'contains: OpenSSL', 'tests come afterwards', false],
  ['upstream-end: 2029', 'upstream-end: 2030', 'support ends outside the image', false],
  ['its bundle and links', 'their bundle and links', 'reasons are for people', false],
  ['"{minor}-debian13"', '"{minor}-trixie"', 'tags are in the registry', false],
  [
    '[python3.13-minimal, libpython3.13-stdlib',
    '[libpython3.13-stdlib, python3.13-minimal',
    'order says nothing',
    false,
  ],
  ['openssl: ', 'perl: ', 'another package is left out', true],
  ['CPython 3.13 w', 'CPython w', 'the description is an annotation', true],
  ['LANG: C.UTF-8', 'LANG: C', 'the environment is in the config', true],
  ['symlink: python3.13 }', 'symlink: python3.12 }', 'a path has other content', true],
  ['["{python3.13:upstream}"', '["{python3.13:full}"', 'the first tag is the version label', true],
  ['>=3.5.7', '>=3.5.8', 'a lock made for the old request may not fit', true],
  ['work-dir: /app', 'work-dir: /srv', 'the contract is in the config', true],
]
for (const [from, to, because, isOther] of changes) {
  test(`${from} → ${to} ${isOther ? 'changes' : 'leaves'} the digest: ${because}`, () => {
    assert.ok(text.includes(from))
    const digests = [text, text.replace(from, to)].map((one) => definitionDigest(runtime(one)))
    assert.equal(digests[0] !== digests[1], isOther)
  })
}

test('a variant that the image shall not have is not inherited, and may be declared anew', () => {
  const base = 'image: base\nvariants: { dev: { packages: [apt] }, debug: { packages: [busybox] } }'
  const over =
    'image: x\nwithout-variants: { debug: has a shell, dev: has its own }\nvariants: { dev: { packages: [git] } }'
  const { variants } = resolved(base, over)
  assert.deepEqual([...variants.keys()], ['runtime', 'dev'])
  assert.deepEqual(
    variants.get('dev')?.packages.map((one) => one.name),
    ['git'],
  )
})

test('a package that is asked for by name further down is no longer left out', () => {
  const base = 'image: base\nwithout: { openssl: links, perl: scripts }\nvariants: { debug: { packages: [perl] } }'
  const { variants } = resolved(base, 'image: x\npackages: [openssl]')
  assert.deepEqual(Object.keys(variants.get('runtime')?.without ?? {}), ['perl'])
  assert.deepEqual(Object.keys(variants.get('debug')?.without ?? {}), [])
})
