import { canonicalJson } from '#core'
import type { Contract } from './contract.ts'
import type { Outcome } from './outcome.ts'
import type { Verdict } from './verdict.ts'

/** One test's verdict, with all it was made from. A test that could not be run has not passed. */
export interface TestResult {
  readonly name: string
  readonly verdict: Verdict | { readonly kind: 'not-run'; readonly reason: string }
  readonly outcome?: Outcome
  /** Set where it was not run, because everything that it can read is what it was when it passed. */
  readonly inherited?: InheritedFrom
}

/** The run that a result is inherited from; times in milliseconds. */
export interface InheritedFrom {
  /** RFC 3339. */
  readonly from: string
  readonly duration: number
  readonly startup?: number
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
  const lines = report.results.flatMap((result) => [
    `${MARKS[result.verdict.kind].padEnd(7)}  ${durationOf(result).padStart(8)}  ${printable(result.name)}${remarkOf(result)}`,
    ...reasonsOf(result.verdict).map((reason) => `${' '.repeat(19)}${printable(reason)}`),
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
    results: results.map(({ name, verdict, outcome, inherited }) => ({
      name,
      verdict: verdict.kind,
      reasons: reasonsOf(verdict),
      ...(inherited && { inherited: { ...inherited } }),
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

function durationOf({ outcome, inherited }: TestResult): string {
  const duration = outcome?.duration ?? inherited?.duration
  return duration === undefined ? '' : `${duration} ms`
}

/** Milliseconds until a service had answered, where the test was of one. */
export function startupOf({ outcome, inherited }: TestResult): number | undefined {
  return outcome?.service?.startup ?? inherited?.startup
}

function remarkOf(result: TestResult): string {
  const took = startupOf(result)
  const remarks = [
    ...(took === undefined ? [] : [`started in ${took} ms`]),
    ...(result.inherited ? [`inherited from ${result.inherited.from.slice(0, 10)}`] : []),
  ]
  return remarks.length === 0 ? '' : ` (${remarks.join(', ')})`
}

/** What was enforced otherwise than a reader would expect. */
function limitNotes({ results }: TestReport): string[] {
  const limits = results.flatMap(({ outcome }) => (outcome ? [outcome.limits] : []))
  const emulators = new Set(limits.flatMap(({ emulator }) => (emulator ? [`emulated by ${emulator}`] : [])))
  const perProcess = limits.some(({ memory }) => memory === 'process')
  return [...emulators, ...(perProcess ? ['memory limited per process only'] : [])]
}

/** A program's output must not steer the terminal it is shown in. */
export function printable(text: string): string {
  return text.replace(/\p{Cc}/gu, (character) => JSON.stringify(character).slice(1, -1).replace('\u007f', '\\u007f'))
}
