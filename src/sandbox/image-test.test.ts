import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type ImageTest, parseImageTest, parseImageTests } from './image-test.ts'
import type { Outcome } from './outcome.ts'
import { judge, type Verdict } from './verdict.ts'

test("the design's example is read, with its defaults", () => {
  const command = ['/usr/bin/python3.13', '-c', 'import ssl; print(ssl.OPENSSL_VERSION)']
  const written = { name: 'speaks TLS', command, stdout: { contains: 'OpenSSL 3' }, network: 'none', timeout: '10s' }
  assert.deepEqual(parseImageTest(written, 'tests[0]'), {
    name: 'speaks TLS',
    program: { kind: 'command', argv: command },
    environment: {},
    stdin: '',
    network: 'none',
    timeout: 10_000,
    exitCode: 0,
    stdout: { contains: 'OpenSSL 3', matches: [], excludes: [] },
    files: [],
  })
})

test('a test of files alone runs no program; with anything else it runs the entrypoint', () => {
  const files = [{ path: '/etc/passwd' }]
  const programOf = (more: object) => parseImageTest({ name: 'has files', files, ...more }, 'tests[0]').program
  assert.deepEqual(programOf({ variants: ['dev'], platforms: ['linux/arm64'] }), { kind: 'none' })
  assert.deepEqual(programOf({ 'exit-code': 0 }), { kind: 'entrypoint' })
  assert.deepEqual(programOf({ command: ['true'] }), { kind: 'command', argv: ['true'] })
})

test('a service is read: the probe takes the port that says it is ready', () => {
  const probe = { http: { path: '/', status: 200 } }
  const stop = { 'exit-code': 0, within: '500ms' }
  const { service } = parseImageTest({ name: 'serves', start: true, ready: { port: 8080 }, probe, stop }, 'tests[0]')
  assert.deepEqual(service, {
    ports: [],
    ready: { port: 8080 },
    probe: { kind: 'http', path: '/', status: 200, port: 8080 },
    stop: { exitCode: 0, within: 500 },
  })
})

const refused: [object, RegExp, string][] = [
  [{ command: ['x'] }, /tests\[0\].*name/, 'a test has a name'],
  [{ name: 'x', comand: ['x'] }, /additional|comand/, 'an unknown key is an error'],
  [{ name: 'x', timeout: 10 }, /timeout/, 'a time has a unit'],
  [{ name: 'x', command: ['x'], args: ['y'] }, /"x".*both command and args/, 'command and args exclude each other'],
  [{ name: 'x', probe: { http: { path: '/' } } }, /probe needs start/, 'only a service is probed'],
  [{ name: 'x', start: true }, /ready or ports/, 'a service says when it is ready'],
  [{ name: 'x', start: true, ports: [1], 'exit-code': 1 }, /belongs to stop/, 'a service ends by its stop'],
  [{ name: 'x', start: true, ready: { stdout: 'up' }, probe: { tcp: {} } }, /no port/, 'a probe has a port'],
  [
    { name: 'x', stdout: { matches: '(' } },
    /"\("? is no pattern: missing closing \)/,
    'a pattern is checked when it is read',
  ],
  [{ name: 'x', stderr: { excludes: ['a', '(?!b)'] } }, /no lookaround/, 'each pattern of a list is'],
  [{ name: 'x', 'structure-test': 'x.yaml' }, /was not read/, 'a structure test is more than its path'],
  [{ name: 'x', stdout: {} }, /stdout/, 'an expectation says something'],
  [{ name: 'x', files: [{ path: '/x', absent: true, mode: '0644' }] }, /absent and/, 'an absent file has no mode'],
]
for (const [written, reason, because] of refused) {
  test(`refused: ${because}`, () => {
    assert.throws(() => parseImageTests([written]), { code: 'IMAGE_TEST_INVALID', message: reason })
  })
}

test('two tests of one name are refused, since a report could not tell them apart', () => {
  assert.throws(() => parseImageTests([{ name: 'x' }, { name: 'x' }]), /same name/)
})

function seen(parts: Partial<Outcome>): Outcome {
  const nothing = { text: '', truncated: false }
  const ending = { kind: 'exited', code: 0 } as const
  const limits = { memory: 'none' } as const
  return { ending, stdout: nothing, stderr: nothing, files: new Map(), duration: 1, limits, ...parts }
}

function reasons(written: object, outcome: Partial<Outcome>): readonly string[] {
  const wanted: ImageTest = parseImageTest({ name: 'x', ...written }, 'tests[0]')
  const verdict: Verdict = judge(wanted, seen(outcome))
  return verdict.kind === 'passed' ? [] : verdict.reasons
}

const said = (text: string) => ({ stdout: { text, truncated: false } })
const file = (mode: number, content: string) =>
  new Map([['/f', { type: 'file', mode, content: { text: content, truncated: false } } as const]])
const verdicts: [object, Partial<Outcome>, readonly string[], string][] = [
  [{ stdout: { equals: 'a' } }, said('a\n'), [], 'one newline at the end does not count'],
  [{ stdout: { equals: 'a' } }, said('a\n\n'), ['stdout is not "a"; it is "a\\n\\n"'], 'two do'],
  [{ stdout: { matches: '^b$' } }, said('a\nb\nc'), [], 'a pattern matches by line'],
  [
    { stdout: { matches: ['a', 'd', 'e'], excludes: ['^c', 'f'] } },
    said('a\nb\nc'),
    [
      'stdout does not match /d/; it is "a\\nb\\nc"',
      'stdout does not match /e/; it is "a\\nb\\nc"',
      'stdout matches /^c/, want it not to; it is "a\\nb\\nc"',
    ],
    'each pattern of a list is looked for, and each that is excluded',
  ],
  [
    { stdout: { excludes: 'b' } },
    { stdout: { text: 'a', truncated: true } },
    ['stdout is longer than what is kept of it: it may match /b/'],
    'what was not kept cannot be told to be absent',
  ],
  [
    { files: [{ path: '/f', uid: 0, gid: 4, excludes: 'x' }] },
    {
      files: new Map([
        ['/f', { type: 'file', mode: 0o644, owner: { uid: 1, gid: 4 }, content: { text: 'ax', truncated: false } }],
      ]),
    },
    ['/f belongs to user 1, want 0', '/f matches /x/, want it not to; it is "ax"'],
    'owner and content of a file are judged',
  ],
  [{ stdout: { contains: 'b' } }, said('a'), ['stdout does not contain "b"; it is "a"'], 'the reason shows the output'],
  [
    { memory: '64MiB' },
    { ending: { kind: 'exited', code: 137 } },
    ['exit code 137 (killed by SIGKILL; the kernel does so at the memory limit, here 65536 KiB), want exit code 0'],
    'a kill under a memory limit is explained',
  ],
  [{ 'exit-code': 139 }, { ending: { kind: 'exited', code: 139 } }, [], 'a crash may be what is wanted'],
  [{ files: [{ path: '/f' }] }, {}, ['/f is not there'], 'a file that is named exists'],
  [
    { files: [{ path: '/f', absent: true }] },
    { files: file(0o644, '') },
    ['/f is there, want it absent'],
    'or does not',
  ],
  [
    { files: [{ path: '/f', mode: '0644', contains: 'y' }] },
    { files: file(0o600, 'x') },
    ['/f has mode 0600, want 0644', '/f does not contain "y"; it is "x"'],
    'every part of an expectation is judged',
  ],
]
for (const [written, outcome, want, because] of verdicts) {
  test(`verdict: ${because}`, () => assert.deepEqual(reasons(written, outcome), want))
}
