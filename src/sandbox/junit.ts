import { reasonsOf, type TestReport, type TestResult } from './test-report.ts'

/**
 * Writes a report as JUnit XML, the form that CI systems read: one suite, a `failure` for a test that failed and an
 * `error` for one that could not be run. Control characters, most of which XML cannot hold in any form, become U+FFFD.
 * `suite` names it, usually by the image's reference. A test that has not passed and whose name is among `skipped` is told, and
 * counts as skipped.
 */
export function formatJunit(report: TestReport, suite: string, skipped: ReadonlySet<string> = new Set()): string {
  const { results } = report
  const counted = results.filter(({ name }) => !skipped.has(name))
  const count = (kind: TestResult['verdict']['kind']) => counted.filter(({ verdict }) => verdict.kind === kind).length
  const time = seconds(results.reduce((sum, { outcome }) => sum + (outcome?.duration ?? 0), 0))
  const left = skipped.size === 0 ? '' : ` skipped="${results.length - counted.length}"`
  const totals = `tests="${results.length}" failures="${count('failed')}" errors="${count('not-run')}"${left} time="${time}"`
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites ${totals}>`,
    `  <testsuite name="${escapeXml(suite)}" ${totals}>`,
    '    <properties>',
    `      <property name="sandbox" value="${escapeXml(report.sandbox)}"/>`,
    `      <property name="platform" value="${escapeXml(report.platform)}"/>`,
    '    </properties>',
    ...results.map((result) => testCase(result, suite, skipped.has(result.name))),
    '  </testsuite>',
    '</testsuites>',
    '',
  ].join('\n')
}

function testCase(result: TestResult, suite: string, isSkipped: boolean): string {
  const { name, verdict, outcome, inherited } = result
  const lines = [
    `    <testcase name="${escapeXml(name)}" classname="${escapeXml(suite)}" time="${seconds(outcome?.duration ?? 0)}">`,
  ]
  if (verdict.kind !== 'passed') {
    const reasons = reasonsOf(verdict)
    const tag = isSkipped ? 'skipped' : verdict.kind === 'failed' ? 'failure' : 'error'
    lines.push(`      <${tag} message="${escapeXml(reasons[0] ?? '')}">${escapeXml(reasons.join('\n'))}</${tag}>`)
  }
  if (outcome) {
    lines.push(`      <system-out>${escapeXml(outcome.stdout.text)}</system-out>`)
    lines.push(`      <system-err>${escapeXml(outcome.stderr.text)}</system-err>`)
  }
  if (inherited) lines.push(`      <system-out>inherited from ${escapeXml(inherited.from)}</system-out>`)
  return [...lines, '    </testcase>'].join('\n')
}

function seconds(milliseconds: number): string {
  return (milliseconds / 1000).toFixed(3)
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  '\t': '&#9;',
  '\n': '&#10;',
  '\r': '&#13;',
}

/** XML 1.0 §2.2: all else below U+0020, U+FFFE and U+FFFF are no characters, not even as references. */
function escapeXml(text: string): string {
  return text
    .toWellFormed()
    .replace(/[&<>"\t\n\r]/g, (character) => ENTITIES[character] ?? '')
    .replace(/[\p{Cc}\uFFFE\uFFFF]/gu, '\uFFFD')
}
