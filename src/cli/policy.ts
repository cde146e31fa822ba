import { formatBuildPolicy, formatKyvernoPolicy, parseAllowList } from '#bases'
import { openEvaluator, type Policy, type PolicyTestResult, testPolicy } from '#policy'
import { type ExitStatus, exitStatus } from './exit-status.ts'
import { readPolicies } from './policy-files.ts'
import { printOutput } from './print-output.ts'
import { readUpTo } from './read-up-to.ts'
import { formatTable, type Terminal } from './terminal.ts'
import { visibleText } from './visible-text.ts'

/** The options of `casemate policy list` and `casemate policy test`. */
export interface PolicyOptions {
  readonly json?: boolean
}

/** The options of `casemate policy export`. */
export interface ExportOptions {
  readonly allow: string
  readonly for: 'kyverno' | 'buildx'
  readonly output?: string
}

/** Bytes of an allow-list. */
const LARGEST_LIST = 2 ** 21

/** Writes an allow-list as a policy for another program. Rejects with `ALLOW_LIST_INVALID`, `ALLOW_LIST_UNTRANSLATABLE` and `USAGE_INVALID`. */
export async function exportPolicy(options: ExportOptions, terminal: Terminal): Promise<ExitStatus> {
  const list = parseAllowList((await readUpTo(options.allow, LARGEST_LIST)).toString('utf8'), options.allow)
  const text =
    options.for === 'buildx' ? formatBuildPolicy(list) : `${JSON.stringify(formatKyvernoPolicy(list), null, 2)}\n`
  await printOutput(text, options.output, terminal)
  return exitStatus.done
}

/** Lists policies. Rejects as `readPolicies` does. */
export async function listPolicies(
  files: readonly string[],
  options: PolicyOptions,
  terminal: Terminal,
): Promise<ExitStatus> {
  const policies = await policiesOf(files)
  if (options.json === true) {
    const listed = policies.map(({ when, expression, tests, ...policy }) => {
      return { ...policy, when: when?.text, expression: expression.text, asks: expression.groups, tests: tests.length }
    })
    terminal.print(JSON.stringify({ schema: 'casemate.policies/v1', policies: listed }, null, 2))
    return exitStatus.done
  }
  const rows = policies.map(({ name, severity, reason }) => [name, severity, reason].map(visibleText))
  for (const line of formatTable([['policy', 'severity', 'why'], ...rows], terminal)) terminal.print(line)
  return exitStatus.done
}

/** Runs policies' own tests; a policy without any has not shown that it refuses anything. Rejects as `readPolicies` does. */
export async function testPolicies(
  files: readonly string[],
  options: PolicyOptions,
  terminal: Terminal,
): Promise<ExitStatus> {
  const policies = await policiesOf(files)
  const results: PolicyTestResult[] = []
  await using evaluator = openEvaluator()
  for (const policy of policies) results.push(...(await testPolicy(policy, evaluator.over)))
  const untested = policies.filter(({ tests }) => tests.length === 0)
  const failed = results.filter(({ failure }) => failure !== undefined)
  const status = failed.length + untested.length === 0 ? exitStatus.done : exitStatus.no
  if (options.json === true) {
    const tests = results.map(({ policy, test, verdict, failure }) => {
      return { policy: policy.name, test: test.name, passed: failure === undefined, verdict: verdict.kind, failure }
    })
    const document = { schema: 'casemate.policy-tests/v1', passed: status === exitStatus.done, tests }
    terminal.print(JSON.stringify({ ...document, untested: untested.map(({ name }) => name) }, null, 2))
    return status
  }
  for (const { policy, test, failure } of results) {
    const mark = failure === undefined ? 'passed' : terminal.style('red', 'FAILED')
    terminal.print(`${mark}  ${visibleText(`${policy.name}: ${test.name}`)}`)
    if (failure !== undefined) terminal.print(`        ${visibleText(failure)}`)
  }
  for (const { name, place } of untested)
    terminal.print(`${terminal.style('red', 'NO TEST')} ${visibleText(`${name} (${place})`)}`)
  const counts = [`${results.length - failed.length} passed`]
  if (failed.length > 0) counts.push(`${failed.length} FAILED`)
  if (untested.length > 0) counts.push(`${untested.length} policies without a test`)
  terminal.print(counts.join(', '))
  return status
}

async function policiesOf(files: readonly string[]): Promise<readonly Policy[]> {
  return (await readPolicies(files.length === 0 ? ['default'] : files)).flatMap((set) => set.policies)
}
