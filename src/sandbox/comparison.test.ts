import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'
import {
  compareReports,
  formatComparison,
  formatComparisonJson,
  formatComparisonJunit,
  hasNoRegression,
} from './comparison.ts'
import type { Contract } from './contract.ts'
import type { TestReport, TestResult } from './test-report.ts'

const contract: Contract = {
  schema: 'casemate.contract/v1',
  user: { name: 'nonroot', uid: 65532, gid: 65532 },
  entrypoint: ['/bin/a'],
  cmd: [],
  ports: ['8080/tcp'],
  writable: ['/tmp'],
  'stop-signal': 'SIGTERM',
  environment: { A: '1' },
  'work-dir': '/',
}
const report = (results: readonly TestResult[], promises: Partial<Contract> = {}): TestReport => ({
  sandbox: 'bwrap',
  platform: 'linux/amd64',
  contract: { ...contract, ...promises },
  notes: [],
  results,
})
const passed = (name: string, startup?: number): TestResult => ({
  name,
  verdict: { kind: 'passed' },
  inherited: { from: '2026-11-01T00:00:00Z', duration: 5, ...(startup !== undefined && { startup }) },
})
const failed = (name: string, reason: string): TestResult => ({ name, verdict: { kind: 'failed', reasons: [reason] } })
const notRun = (name: string): TestResult => ({ name, verdict: { kind: 'not-run', reason: 'cannot start runc: no' } })

const comparison = compareReports(
  report([
    passed('works'),
    passed('breaks'),
    passed('ends'),
    failed('heals', 'x'),
    failed('fails', 'x'),
    passed('serves', 100),
  ]),
  report(
    [
      passed('works'),
      failed('breaks', 'it is \u001b[2J'),
      notRun('ends'),
      passed('heals'),
      failed('fails', 'y'),
      passed('serves', 300),
    ],
    { user: { uid: 0, gid: 0 }, ports: ['8080/tcp', '9090/tcp'], environment: { A: '1', B: '2' } },
  ),
)

test('what passed and does not any more is a regression, and so is a promise that is taken back', () => {
  assert.equal(
    formatComparison(comparison),
    [
      'same        works',
      'REGRESSION  breaks',
      '            it is \\u001b[2J',
      'REGRESSION  ends',
      '            cannot start runc: no',
      'fixed       heals',
      'failing     fails',
      '            y',
      'same        serves (started in 100 ms before, in 300 ms now)',
      'changed     contract: environment B',
      '            was not set, is "2"',
      'changed     contract: ports',
      '            was ["8080/tcp"], is ["8080/tcp","9090/tcp"]',
      'REGRESSION  contract: user',
      '            was "65532:65532 (nonroot)", is "0:0"',
      '3 regressions, 1 failing in both (bwrap, linux/amd64)',
      '',
    ].join('\n'),
  )
  assert.equal(hasNoRegression(comparison), false)
})

const promises: [Partial<Contract>, boolean, string][] = [
  [{}, true, 'nothing has changed'],
  [{ ports: ['8080/tcp', '9090/tcp'] }, true, 'one more port'],
  [{ ports: ['9090/tcp'] }, false, 'another port'],
  [{ writable: ['/data', '/tmp'] }, true, 'one more writable path'],
  [{ writable: [] }, false, 'a writable path less'],
  [{ environment: { A: '1', B: '2' } }, true, 'one more variable'],
  [{ environment: {} }, false, 'a variable less'],
  [{ environment: { A: '2' } }, false, 'a variable with another value'],
  [{ user: { uid: 1000, gid: 65532 } }, false, 'another user'],
  [{ entrypoint: ['/bin/b'] }, false, 'another entrypoint'],
  [{ 'stop-signal': 'SIGQUIT' }, false, 'another signal'],
]
for (const [change, want, because] of promises) {
  test(`a contract ${want ? 'is kept' : 'is broken'}: ${because}`, () => {
    assert.equal(hasNoRegression(compareReports(report([passed('a')]), report([passed('a')], change))), want)
  })
}

test('a test that the new image no longer has is a regression', () => {
  const lost = compareReports(report([passed('a'), passed('b')]), report([passed('a')]))
  assert.equal(hasNoRegression(lost), false)
  assert.match(formatComparison(lost), /REGRESSION {2}b\n +it is not for this image\n1 regression \(/)
})

test('as JSON a comparison names both images and both results, as JUnit what fails in both is skipped', () => {
  const images = { from: { reference: 'a', manifest: 'sha256:1' }, to: { reference: 'b', manifest: 'sha256:2' } }
  const { schema, passed: isSound, from, tests } = JSON.parse(formatComparisonJson(comparison, images))
  assert.deepEqual([schema, isSound, from], ['casemate.test-comparison/v1', false, images.from])
  assert.deepEqual(tests.at(-1), {
    name: 'serves',
    change: 'same',
    from: { verdict: 'passed', reasons: [], duration: 5, startup: 100, inherited: '2026-11-01T00:00:00Z' },
    to: { verdict: 'passed', reasons: [], duration: 5, startup: 300, inherited: '2026-11-01T00:00:00Z' },
  })
  const xml = formatComparisonJunit(comparison, 'a → b')
  const xpath =
    'concat(/testsuites/@tests,"/",/testsuites/@failures,"/",/testsuites/@errors,"/",/testsuites/@skipped,"/",count(//failure),"/",count(//skipped),"/",//failure[1]/@message)'
  const lint = spawnSync('xmllint', ['--nonet', '--xpath', xpath, '-'], { input: xml })
  assert.equal(lint.stdout.toString().trim(), '9/3/0/1/3/1/passed before', lint.stderr.toString())
})
