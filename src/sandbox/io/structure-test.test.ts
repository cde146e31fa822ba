import assert from 'node:assert/strict'
import fs from 'node:fs'
import { after, test } from 'node:test'
import type { Sandbox } from '../sandbox.ts'
import { parseStructureTest } from '../structure-test.ts'
import { reasonsOf, type TestResult } from '../test-report.ts'
import { sandboxes } from './pick-sandbox.ts'
import { openScratch, sampleImage } from './sample-image.test.ts'
import { testImage } from './test-image.ts'

const scratch = openScratch()
after(() => fs.rmSync(scratch, { recursive: true }))

const image = sampleImage(
  {},
  { path: 'usr/share/doc/forbidden', type: 'directory' },
  { path: 'usr/share/doc/forbidden/copyright', content: 'License: agpl-3\n' },
  { path: 'usr/share/doc/silent', type: 'directory' },
)

/** Runs a structure test and gives for each test its reasons, by its name without the file's. */
async function run(
  text: string,
  sandbox: Sandbox | undefined = sandboxes[0],
): Promise<Record<string, readonly string[]>> {
  assert.ok(sandbox !== undefined)
  const surroundings = { variable: () => undefined, text: () => '' }
  const tests = parseStructureTest({ text: `schemaVersion: 2.0.0\n${text}`, file: 's.yaml' }, surroundings)
  const { results } = await testImage({ image, tests, sandbox })
  const reasons = ({ verdict }: TestResult) =>
    verdict.kind === 'not-run' ? [`not run: ${verdict.reason}`] : reasonsOf(verdict)
  return Object.fromEntries(results.map((result) => [result.name.slice('s.yaml: '.length), reasons(result)]))
}

for (const sandbox of sandboxes) {
  test(`${sandbox.name}: setup and teardown run over one copy of the files, which the next test does not see`, async () => {
    const found = await run(
      `
commandTests:
  - name: sees its setup
    setup: [[sh, -c, 'echo one > /srv/made; echo two > /tmp/made'], [sh, -c, 'echo three >> /srv/made']]
    command: cat
    args: [/srv/made, /tmp/made]
    expectedOutput: ['(?s)^one.three.two.$']
    teardown: [[sh, -c, 'cat /srv/made > /dev/null']]
  - name: sees nothing of it
    command: cat
    args: [/srv/made]
    exitCode: 1
    expectedError: [No such file]
  - name: has a broken setup
    setup: [[sh, -c, 'echo why >&2; exit 4'], [touch, /srv/never]]
    command: 'true'
    expectedOutput: [never]
  - name: has a broken teardown
    command: 'true'
    teardown: [[cat, /none]]
`,
      sandbox,
    )
    assert.deepEqual(found, {
      'command test "sees its setup"': [],
      'command test "sees nothing of it"': [],
      'command test "has a broken setup"': [
        '"sh -c echo why >&2; exit 4": exit code 4, want exit code 0; stderr ends "why"',
      ],
      'command test "has a broken teardown"': [
        '"cat /none": exit code 1, want exit code 0; stderr ends "cat: can\'t open \'/none\': No such file or directory"',
      ],
    })
    assert.deepEqual(fs.readdirSync(scratch), [])
  })
}

test('commands are judged by code and output; variables stand for the image’s and the test’s own', async () => {
  const found = await run(`
globalEnvVars: [{ key: PATH, value: '/opt/bin:$PATH' }]
commandTests:
  - name: all is well
    command: sh
    args: [-c, 'echo $GREETING $PATH $OWN; echo trouble >&2']
    envVars: [{ key: OWN, value: '$GREETING!' }]
    expectedOutput: ['^hello /opt/bin:/bin hello!\\n$']
    excludedOutput: [goodbye]
    expectedError: [troub]
  - { name: nothing is, command: echo, args: [hello], exitCode: 2, expectedOutput: ['^h$'], excludedOutput: ['l{2}'], expectedError: [x] }
  - { name: overrides the entrypoint, command: id, args: [-u], expectedOutput: ['^65532\\n'] }
`)
  assert.deepEqual(found, {
    'command test "all is well"': [],
    'command test "nothing is"': [
      'could not start: the image has no program "echo", want exit code 2',
      'stdout does not match /^h$/; it is ""',
      'stderr does not match /x/; it is ""',
    ],
    'command test "overrides the entrypoint"': [],
  })
})

test('paths are judged as they are in the image: links themselves, owners as the layers have them', async () => {
  const found = await run(`
fileExistenceTests:
  - { name: root, path: /, permissions: drwxr-xr-x, uid: 0, gid: 0 }
  - { name: a link, path: /bin/sh, permissions: Lrwxrwxrwx }
  - { name: sticky, path: /tmp, permissions: dtrwxrwxrwx }
  - { name: by variable, path: '/srv/$NONE/index.html' }
  - { name: owned, path: /etc/owned, uid: 7, gid: 8, permissions: '-rw-r-----' }
  - { name: absent, path: /nothing, shouldExist: false }
  - { name: executable, path: /bin/busybox, isExecutableBy: other }
  - { name: is missing, path: /nothing }
  - { name: should not be, path: /etc/owned, shouldExist: false }
  - { name: is wrong, path: /etc/owned, uid: 0, gid: 9, permissions: '-rw-r--r--', isExecutableBy: any }
fileContentTests:
  - { name: content, path: /srv/index.html, expectedContents: ['<h1>.*</h1>', Welcome], excludedContents: [Goodbye] }
  - { name: wrong content, path: /srv/index.html, expectedContents: [Goodbye], excludedContents: ['(?i)WELCOME'] }
  - { name: no file, path: /srv, expectedContents: ['.'] }
`)
  const { length } = Object.values(found).filter((reasons) => reasons.length === 0)
  assert.equal(length, 8, JSON.stringify(found, null, 1))
  assert.deepEqual(found['file existence test "is missing"'], ['/nothing is not there'])
  assert.deepEqual(found['file existence test "should not be"'], ['/etc/owned is there, want it absent'])
  assert.deepEqual(found['file existence test "is wrong"'], [
    '/etc/owned is -rw-r-----, want -rw-r--r--',
    '/etc/owned is -rw-r-----, want it executable by anybody',
    '/etc/owned belongs to user 7, want 0',
    '/etc/owned belongs to group 8, want 9',
  ])
  assert.deepEqual(found['file content test "wrong content"'], [
    '/srv/index.html does not match /Goodbye/; it is "<h1>Welcome</h1>\\n"',
    '/srv/index.html matches /(?i)WELCOME/, want it not to; it is "<h1>Welcome</h1>\\n"',
  ])
  assert.deepEqual(found['file content test "no file"'], ['/srv is no regular file'])
})

test('the config is held against all that a metadata test names', async () => {
  const right = await run(`
metadataTest:
  env: [{ key: GREETING, value: hello }]
  envVars: [{ key: PATH, value: '^/b', isRegex: true }]
  unboundEnvVars: [{ key: DEBUG }]
  labels: [{ key: build, value: '^\\d{4}-\\d{2}-\\d{2}$', isRegex: true }]
  exposedPorts: [8080, 8080/tcp, 53/udp, 53]
  unexposedPorts: [22, 8080/udp, 53/tcp]
  volumes: [/data]
  unmountedVolumes: [/dat]
  entrypoint: [/bin/sh, -c]
  cmd: [echo default]
  workdir: /srv
  user: '65532:65532'
`)
  assert.deepEqual(right, { 'metadata test': [] })
  const wrong = await run(`
metadataTest:
  envVars: [{ key: GREETING, value: hell }, { key: NONE, value: '' }]
  unboundEnvVars: [{ key: GREETING }]
  labels: [{ key: build, value: '^x', isRegex: true }, { key: toString, value: x }]
  exposedPorts: [22]
  unexposedPorts: [8080, 53/udp]
  volumes: [/none]
  unmountedVolumes: [/data]
  entrypoint: [/bin/sh]
  cmd: []
  workdir: /
  user: root
`)
  assert.deepEqual(wrong['metadata test'], [
    'the environment variable GREETING is "hello", want "hell"',
    'the environment variable NONE is not set',
    'the environment variable GREETING is set to "hello", want it unset',
    'the label build is "2026-11-21", want it to match /^x/',
    'the label toString is not set',
    'port 22 is not declared; declared are: 8080/tcp, 53/udp',
    'port 8080 is declared, want it not to be',
    'port 53/udp is declared, want it not to be',
    'volume /none is not declared; declared are: /data',
    'volume /data is declared, want it not to be',
    'the entrypoint is ["/bin/sh","-c"], want ["/bin/sh"]',
    'the cmd is ["echo default"], want []',
    'the working directory is "/srv", want "/"',
    'the user is "65532:65532", want "root"',
  ])
})

test('licences are searched for those that are not wanted, and a package without one is told', async () => {
  const found = await run('licenseTests: [{ debian: true, files: [/etc/owned, /none] }, { files: [/srv/index.html] }]')
  assert.deepEqual(found, {
    'licence test': [
      '/usr/share/doc/forbidden/copyright names AGPL',
      '/usr/share/doc/silent/copyright is not there',
      '/none is not there',
    ],
    'licence test (2)': [],
  })
})
