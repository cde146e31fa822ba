import { canonicalJson, type Json } from '#core'
import { type ContractChange, contractChanges, isBreaking } from './contract-changes.ts'
import { formatJunit } from './junit.ts'
import { printable, reasonsOf, startupOf, type TestReport, type TestResult } from './test-report.ts'

/** One test's results in two images. */
export interface ComparedTest {
  readonly name: string
  /** `broken` is a regression: it passed in the old image, and fails or cannot be run in the new one. */
  readonly change: 'broken' | 'fixed' | 'still-failing' | 'same'
  readonly from: TestResult
  readonly to: TestResult
}

/** What two images of the same tests differ in. */
export interface TestComparison {
  readonly from: TestReport
  readonly to: TestReport
  /** In the order of the tests. */
  readonly tests: readonly ComparedTest[]
  /** By key. */
  readonly contract: readonly ContractChange[]
}

/** Holds the reports of the same tests in an old and a new image against each other. A test that one of them lacks has not passed there. */
export function compareReports(from: TestReport, to: TestReport): TestComparison {
  const names = [...new Set([...to.results, ...from.results].map(({ name }) => name))]
  const tests = names.map((name): ComparedTest => {
    const [left, right] = [resultOf(from, name), resultOf(to, name)]
    return { name, change: changeOf(left, right), from: left, to: right }
  })
  return { from, to, tests, contract: contractChanges(from.contract, to.contract) }
}

/** Whether nothing that worked in the old image is broken in the new one. */
export function hasNoRegression({ tests, contract }: TestComparison): boolean {
  return !tests.some(({ change }) => change === 'broken') && !contract.some(isBreaking)
}

function resultOf({ results }: TestReport, name: string): TestResult {
  return (
    results.find((result) => result.name === name) ?? {
      name,
      verdict: { kind: 'not-run', reason: 'it is not for this image' },
    }
  )
}

function changeOf(from: TestResult, to: TestResult): ComparedTest['change'] {
  const [before, now] = [from.verdict.kind === 'passed', to.verdict.kind === 'passed']
  if (before) return now ? 'same' : 'broken'
  return now ? 'fixed' : 'still-failing'
}

const MARKS = { broken: 'REGRESSION', fixed: 'fixed', 'still-failing': 'failing', same: 'same' } as const
const INDENT = ' '.repeat(12)

/** Writes a comparison for a terminal: a line for each test and each change of the contract, reasons under it, a last line that counts. */
export function formatComparison(comparison: TestComparison): string {
  const { tests, contract, to } = comparison
  const lines = [
    ...tests.flatMap((one) => [
      `${MARKS[one.change].padEnd(10)}  ${printable(one.name)}${startups(one)}`,
      ...reasonsOf(one.to.verdict).map((reason) => `${INDENT}${printable(reason)}`),
    ]),
    ...contract.flatMap((change) => [
      `${(isBreaking(change) ? MARKS.broken : 'changed').padEnd(10)}  contract: ${printable(nameOf(change))}`,
      `${INDENT}was ${quoted(change.from)}, is ${quoted(change.to)}`,
    ]),
  ]
  const count = tests.filter(({ change }) => change === 'broken').length + contract.filter(isBreaking).length
  const failing = tests.filter(({ change }) => change === 'still-failing').length
  const counts = [
    count === 0 ? 'no regression' : count === 1 ? '1 regression' : `${count} regressions`,
    ...(failing === 0 ? [] : [`${failing} failing in both`]),
  ]
  return [...lines, ...to.notes.map(printable), `${counts.join(', ')} (${to.sandbox}, ${to.platform})`, ''].join('\n')
}

/** How long a service took to start in both, where it did. */
function startups({ from, to }: ComparedTest): string {
  const [before, now] = [startupOf(from), startupOf(to)]
  if (before === undefined && now === undefined) return ''
  const text = (took: number | undefined) => (took === undefined ? 'not' : `in ${took} ms`)
  return ` (started ${text(before)} before, ${text(now)} now)`
}

function nameOf({ key, name }: ContractChange): string {
  return name === '' ? key : `${key} ${name}`
}

function quoted(value: ContractChange['from']): string {
  return printable(value === undefined ? 'not set' : JSON.stringify(value))
}

/** Which images were compared, by reference and digest of the manifest. */
export interface ComparedImages {
  readonly from: { readonly reference: string; readonly manifest: string }
  readonly to: { readonly reference: string; readonly manifest: string }
}

/** Writes a comparison as JSON for programs: `casemate.test-comparison/v1`, keys in canonical order, one line. */
export function formatComparisonJson(comparison: TestComparison, images: ComparedImages): string {
  const { tests, contract, to } = comparison
  const result = (one: TestResult): Json => {
    const [duration, startup] = [one.outcome?.duration ?? one.inherited?.duration, startupOf(one)]
    return {
      verdict: one.verdict.kind,
      reasons: [...reasonsOf(one.verdict)],
      ...(duration !== undefined && { duration }),
      ...(startup !== undefined && { startup }),
      ...(one.inherited && { inherited: one.inherited.from }),
    }
  }
  const value = (one: ContractChange['from']): Json =>
    one === undefined ? null : typeof one === 'string' ? one : [...one]
  return canonicalJson({
    schema: 'casemate.test-comparison/v1',
    from: { ...images.from },
    to: { ...images.to },
    passed: hasNoRegression(comparison),
    sandbox: to.sandbox,
    platform: to.platform,
    tests: tests.map((one) => ({ name: one.name, change: one.change, from: result(one.from), to: result(one.to) })),
    contract: contract.map((change) => ({
      key: change.key,
      ...(change.name === '' ? {} : { name: change.name }),
      from: value(change.from),
      to: value(change.to),
      breaking: isBreaking(change),
    })),
  })
}

/**
 * Writes a comparison as JUnit XML: a regression is a failure, a test that fails in both images is skipped with its reasons, and each
 * change of the contract is a test case. `suite` names the whole.
 */
export function formatComparisonJunit({ tests, contract, to }: TestComparison, suite: string): string {
  const results = [
    ...tests.map(({ name, change, to: now }): TestResult => {
      if (change !== 'broken') return { ...now, name }
      return { ...now, name, verdict: { kind: 'failed', reasons: ['passed before', ...reasonsOf(now.verdict)] } }
    }),
    ...contract.map((change): TestResult => {
      const name = `contract: ${nameOf(change)}`
      if (!isBreaking(change)) return { name, verdict: { kind: 'passed' } }
      return { name, verdict: { kind: 'failed', reasons: [`was ${quoted(change.from)}, is ${quoted(change.to)}`] } }
    }),
  ]
  const skipped = new Set(tests.flatMap(({ name, change }) => (change === 'still-failing' ? [name] : [])))
  return formatJunit({ ...to, results }, suite, skipped)
}
