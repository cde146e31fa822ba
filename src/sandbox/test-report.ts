import { canonicalJson } from '#core'
import type { Contract } from './contract.ts'
import type { Outcome } from './outcome.ts'
import type { Verdict } from './verdict.ts'

/** One test's verdict, with all it was made from. A test that could not be run has not passed. */
export interface TestResult {
  readonly name: string
  readonly verdict: Verdict | { readonly kind: 'not-run'; readonly reason: string }
  readonly outcome?: Outcome
}

/** What came of an image's tests, in the definition's order. */
export interface TestReport {
  readonly sandbox: string
  /** `os/architecture`. */
  readonly platform: string
  /** The contract that the tests ran under. */
  readonly contract: Contract
  /** What the sandbox could not show faithfully. */
  readonly notes: readonly string[]
  readonly results: readonly TestResult[]
}

/** Whether every test was run and passed. A report without a test has shown nothing, and has not passed. */
export function hasPassed({ results }: TestReport): boolean {
  return results.length > 0 && results.every(({ verdict }) => verdict.kind === 'passed')
}

/** Writes a report for a terminal: a line for each test, under it the reasons; a last line that counts. */
export function formatTestTable(report: TestReport): string {
  const lines = report.results.flatMap(({ name, verdict, outcome }) => [
    `${MARKS[verdict.kind].padEnd(7)}  ${(outcome ? `${outcome.duration} ms` : '').padStart(8)}  ${printable(name)}${startup(outcome)}`,
    ...reasonsOf(verdict).map((reason) => `${' '.repeat(19)}${printable(reason)}`),
  ])
  const counts = (['passed', 'failed', 'not-run'] as const)
    .map((kind) => [kind, report.results.filter(({ verdict }) => verdict.kind === kind).length] as const)
    .filter(([kind, count]) => count > 0 || kind === 'passed')
    .map(([kind, count]) => `${count} ${MARKS[kind]}`)
  const how = [report.sandbox, report.platform, ...limitNotes(report)].join(', ')
  return [...lines, ...report.notes.map(printable), `${counts.join(', ')} (${how})`, ''].join('\n')
}

/**
 * Writes a report as JSON for programs: `casemate.test-report/v1`, keys in canonical order, one line. `manifest` is the digest
 * of the manifest that was tested.
 */
export function formatTestJson(report: TestReport, manifest?: string): string {
  const { sandbox, platform, contract, notes, results } = report
  return canonicalJson({
    schema: 'casemate.test-report/v1',
    ...(manifest === undefined ? {} : { manifest }),
    passed: hasPassed(report),
    sandbox,
    platform,
    contract,
    notes,
    results: results.map(({ name, verdict, outcome }) => ({
      name,
      verdict: verdict.kind,
      reasons: reasonsOf(verdict),
      ...(outcome && {
        duration: outcome.duration,
        ...(outcome.service?.startup !== undefined && { startup: outcome.service.startup }),
        limits: { ...outcome.limits },
        stdout: { ...outcome.stdout },
        stderr: { ...outcome.stderr },
      }),
    })),
  })
}

/** Reasons of a verdict; none when it passed. */
export function reasonsOf(verdict: TestResult['verdict']): readonly string[] {
  if (verdict.kind === 'passed') return []
  return verdict.kind === 'failed' ? verdict.reasons : [verdict.reason]
}

const MARKS = { passed: 'passed', failed: 'FAILED', 'not-run': 'NOT RUN' } as const

function startup(outcome: Outcome | undefined): string {
  const took = outcome?.service?.startup
  return took === undefined ? '' : ` (started in ${took} ms)`
}

/** What was enforced otherwise than a reader would expect. */
function limitNotes({ results }: TestReport): string[] {
  const limits = results.flatMap(({ outcome }) => (outcome ? [outcome.limits] : []))
  const emulators = new Set(limits.flatMap(({ emulator }) => (emulator ? [`emulated by ${emulator}`] : [])))
  const perProcess = limits.some(({ memory }) => memory === 'process')
  return [...emulators, ...(perProcess ? ['memory limited per process only'] : [])]
}

/** A program's output must not steer the terminal it is shown in. */
function printable(text: string): string {
  return text.replace(/\p{Cc}/gu, (character) => JSON.stringify(character).slice(1, -1).replace('\u007f', '\\u007f'))
}
