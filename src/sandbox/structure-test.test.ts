import assert from 'node:assert/strict'
import { test } from 'node:test'
import { expandVariables } from './expand-variables.ts'
import type { ImageTest } from './image-test.ts'
import { formatFileMode } from './judge-file.ts'
import { parseStructureTest, type StructureSurroundings } from './structure-test.ts'

const surroundings: StructureSurroundings = {
  variable: (name) => ({ SECRET: 's3cret' })[name],
  text: () => '# a comment\nFROM_FILE=a=b\nSECRET\nUNKNOWN\n\n',
}
const parse = (text: string) => parseStructureTest({ text, file: 'structure.yaml' }, surroundings)
const versioned = (text: string) => parse(`schemaVersion: 2.0.0\n${text}`)

test('a command test is a command with its patterns, and every test of a file has a name of its own', () => {
  const [first, second] = versioned(`
globalEnvVars:
  - { key: VIRTUAL_ENV, value: /env }
  - { key: PATH, value: '/env/bin:$PATH' }
commandTests:
  - name: gunicorn
    setup: [[virtualenv, /env], [pip, install, gunicorn]]
    teardown: [[rm, -rf, /env]]
    command: which
    args: [gunicorn, 8]
    envVars: [{ key: DEBUG, value: 1 }]
    expectedOutput: [/env/bin/gunicorn]
    excludedError: ['.*Security.*']
    exitCode: 3
  - { name: gunicorn, command: 'true' }
`)
  assert.deepEqual(first, {
    name: 'structure.yaml: command test "gunicorn"',
    program: { kind: 'command', argv: ['which', 'gunicorn', '8'] },
    environment: { VIRTUAL_ENV: '/env', PATH: '/env/bin:$PATH', DEBUG: '1' },
    stdin: '',
    network: 'none',
    timeout: 60_000,
    exitCode: 3,
    files: [],
    expandsVariables: true,
    stdout: { matches: ['/env/bin/gunicorn'], excludes: [] },
    stderr: { matches: [], excludes: ['.*Security.*'] },
    around: {
      before: [
        ['virtualenv', '/env'],
        ['pip', 'install', 'gunicorn'],
      ],
      after: [['rm', '-rf', '/env']],
    },
  })
  assert.equal(second?.name, 'structure.yaml: command test "gunicorn" (2)')
  assert.equal(second?.around, undefined)
})

test('JSON is read as YAML is', () => {
  const text = JSON.stringify({
    schemaVersion: '2.0.0',
    fileExistenceTests: [{ name: 'Root', path: '/', uid: 0, gid: -1 }],
  })
  const files = [{ path: '/', isAbsent: false, keepsLink: true, uid: 0 }]
  assert.deepEqual(
    parse(text).map(({ name, files }) => ({ name, files })),
    [{ name: 'structure.yaml: file existence test "Root"', files }],
  )
})

test('a metadata test takes patterns where it says so, and leaves alone what it does not name', () => {
  const [only, ...others] = versioned(`
metadataTest:
  envVars: [{ key: A, value: b }, { key: C, value: '^d', isRegex: true }]
  unboundEnvVars: [{ key: E }]
  labels: [{ key: build, value: '^\\d{4}$', isRegex: true }]
  exposedPorts: [8080, "53/udp"]
  unexposedPorts: ["22"]
  entrypoint: []
  workdir: ""
  user: 65532
`)
  assert.deepEqual(others, [])
  assert.deepEqual(only?.metadata, {
    environment: [
      { name: 'A', value: { equals: 'b' } },
      { name: 'C', value: { matches: '^d' } },
    ],
    unset: ['E'],
    labels: [{ name: 'build', value: { matches: '^\\d{4}$' } }],
    ports: { present: ['8080', '53/udp'], absent: ['22'] },
    volumes: { present: [], absent: [] },
    entrypoint: [],
    user: '65532',
  })
})

test('of the run options the user and the environment are honoured, an unset variable being an error', () => {
  const [only] = versioned(`
containerRunOptions: { user: root, privileged: false, envFile: .env, envVars: [SECRET], capabilities: [], bindMounts: }
commandTests: [{ name: x, command: env }]
`)
  assert.equal(only?.user, 'root')
  assert.deepEqual(only?.environment, { FROM_FILE: 'a=b', SECRET: 's3cret' })
})

const refused: [string, RegExp, string][] = [
  ['commandTests: []', /structure\.yaml.*schemaVersion/s, 'a file says its version'],
  ['schemaVersion: 1.0.0', /schemaVersion: found "1\.0\.0", want .*2\.0\.0/, 'only this version is known'],
  ['schemaVersion: 2.0.0\ncommandTest: []', /structure\.yaml:2:1: .*commandTest/, 'a key that is misspelt is none'],
  [
    'schemaVersion: 2.0.0\ncommandTests: [{ name: x }]',
    /structure\.yaml:2:.*`command` is missing/,
    'a command is needed',
  ],
  ['schemaVersion: 2.0.0\ncommandTests: [{ name: x, command: y, setup: [[]] }]', /setup/, 'a command is not empty'],
  [
    'schemaVersion: 2.0.0\ncommandTests: [{ name: x, command: y, expectedOutput: ["("] }]',
    /command test "x": "\(" is no pattern: missing closing/,
    'a pattern is checked before anything runs',
  ],
  [
    'schemaVersion: 2.0.0\nfileExistenceTests: [{ name: x, path: etc }]',
    /path: found "etc", want an absolute path/,
    'a path is absolute',
  ],
  [
    'schemaVersion: 2.0.0\nfileExistenceTests: [{ name: x, path: /e, isExecutableBy: me }]',
    /isExecutableBy/,
    'who may run it is one of four',
  ],
  ...(
    [
      ['privileged: true', /containerRunOptions\.privileged cannot be honoured/],
      ['allocateTty: true', /containerRunOptions\.allocateTty cannot/],
      ['capabilities: [NET_ADMIN]', /containerRunOptions\.capabilities cannot/],
      ['bindMounts: ["/etc:/etc"]', /containerRunOptions\.bindMounts cannot/],
      ['network: host', /network/],
      ['envVars: [NOT_SET]', /envVars: NOT_SET is not set here/],
    ] as const
  ).map(([option, want]): [string, RegExp, string] => [
    `schemaVersion: 2.0.0\ncontainerRunOptions: { ${option} }`,
    want,
    `an option that cannot be honoured is named: ${option}`,
  ]),
]
for (const [text, message, because] of refused) {
  test(`a structure test is refused: ${because}`, () => {
    assert.throws(() => parse(text), { code: 'STRUCTURE_TEST_INVALID', message })
  })
}

const modes: [Parameters<typeof formatFileMode>[0], string][] = [
  [{ type: 'file', mode: 0o644 }, '-rw-r--r--'],
  [{ type: 'directory', mode: 0o755 }, 'drwxr-xr-x'],
  [{ type: 'directory', mode: 0o1777 }, 'dtrwxrwxrwx'],
  [{ type: 'link', mode: 0o777 }, 'Lrwxrwxrwx'],
  [{ type: 'file', mode: 0o4755 }, 'urwxr-xr-x'],
  [{ type: 'file', mode: 0o6711 }, 'ugrwx--x--x'],
]
for (const [state, want] of modes) {
  test(`a ${state.type} of mode ${state.mode.toString(8)} is written ${want}, as Go does`, () => {
    assert.equal(formatFileMode(state), want)
  })
}

const base: ImageTest = {
  name: 'x',
  program: { kind: 'none' },
  environment: {},
  stdin: '',
  network: 'none',
  timeout: 1,
  exitCode: 0,
  files: [],
  expandsVariables: true,
}
const expansions: [string, string, string][] = [
  ['$A/${A}b', 'one/oneb', 'by name, with and without braces'],
  ['$OWN', 'one!', "the test's own variables, whose values are expanded first"],
  ['a$NONE.b', 'a.b', 'what is not set is nothing'],
  ['$1$$x', 'x', "the shell's own variables are not set"],
  ['100%$', '100%$', 'a dollar sign at the end stays'],
  ['a$.b', 'a$.b', 'as does one before what is no name'],
]
for (const [word, want, because] of expansions) {
  test(`${word} becomes ${want}: ${because}`, () => {
    const written: ImageTest = { ...base, environment: { OWN: '$A!' }, program: { kind: 'command', argv: [word] } }
    assert.deepEqual(expandVariables(written, { A: 'one' }).program, { kind: 'command', argv: [want] })
  })
}

test('a test of ours expands nothing', () => {
  const { expandsVariables: _, ...plain } = base
  const written: ImageTest = { ...plain, program: { kind: 'command', argv: ['$A'] } }
  assert.deepEqual(expandVariables(written, { A: 'one' }), written)
})
