import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'
import { formatJunit } from './junit.ts'
import { formatTestJson, formatTestTable, hasPassed, type TestReport } from './test-report.ts'

const output = (text: string) => ({ text, truncated: false })
const report: TestReport = {
  sandbox: 'bwrap',
  platform: 'linux/amd64',
  contract: {
    schema: 'casemate.contract/v1',
    user: { uid: 65532, gid: 65532 },
    entrypoint: [],
    cmd: [],
    ports: [],
    writable: [],
    'stop-signal': 'SIGTERM',
    environment: {},
    'work-dir': '/',
  },
  notes: [],
  results: [
    {
      name: 'speaks <TLS> & "more"',
      verdict: { kind: 'passed' },
      outcome: {
        ending: { kind: 'exited', code: 0 },
        stdout: output('\u001b[31mred\u0000 ]]> \ud800 \ufffe\n'),
        stderr: output(''),
        files: new Map(),
        duration: 1234,
        limits: { memory: 'process' },
      },
    },
    { name: 'serves', verdict: { kind: 'failed', reasons: ['stdout is \u001b[2J', 'and more'] } },
    { name: 'odd', verdict: { kind: 'not-run', reason: 'cannot start runc: no' } },
  ],
}

test('the table has a line for each test, its reasons, and a last line that counts', () => {
  assert.equal(
    formatTestTable(report),
    [
      'passed    1234 ms  speaks <TLS> & "more"',
      'FAILED             serves',
      '                   stdout is \\u001b[2J',
      '                   and more',
      'NOT RUN            odd',
      '                   cannot start runc: no',
      '1 passed, 1 FAILED, 1 NOT RUN (bwrap, linux/amd64, memory limited per process only)',
      '',
    ].join('\n'),
  )
})

test('JUnit XML is well-formed whatever a program prints, and counts as the table does', () => {
  const xml = formatJunit(report, 'oci:out:python <3>')
  const xpath = 'concat(/testsuites/@tests,"/",count(//failure),"/",count(//error),"/",//testcase[1]/@name,"/",//@time)'
  const lint = spawnSync('xmllint', ['--nonet', '--xpath', xpath, '-'], { input: xml })
  assert.equal(lint.status, 0, String(lint.stderr))
  assert.equal(String(lint.stdout).trim(), '3/1/1/speaks <TLS> & "more"/1.234')
})

test('JSON says the verdicts and what they were made from', () => {
  const { passed, results } = JSON.parse(formatTestJson(report))
  assert.equal(passed, false)
  assert.deepEqual(
    results.map((result: { verdict: string }) => result.verdict),
    ['passed', 'failed', 'not-run'],
  )
})

test('a report passes only when a test was run and all passed', () => {
  assert.equal(hasPassed(report), false)
  assert.equal(hasPassed({ ...report, results: report.results.slice(0, 1) }), true)
  assert.equal(hasPassed({ ...report, results: [] }), false)
})
