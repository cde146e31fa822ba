import type { Gate } from '#policy'
import { isClosed } from '#policy'
import type { PolicySet } from './policy-files.ts'
import { cutText, type Terminal } from './terminal.ts'
import { visibleText } from './visible-text.ts'

/** An image's gates. */
export interface GateResult {
  readonly reference: string
  /** Of the manifest. */
  readonly digest: string
  readonly gates: readonly Gate[]
  readonly sets: readonly PolicySet[]
}

/** Violations that are shown of one gate; the JSON has more. */
const SHOWN = 10

/** Gates for people: a line each, below it what is wrong, why that matters and what to do. */
export function gateLines({ reference, digest, gates }: GateResult, terminal: Terminal): readonly string[] {
  const width = Math.max(0, ...gates.map(({ policy }) => policy.name.length))
  const closed = gates.filter(isClosed)
  const refused = closed.filter(({ verdict }) => verdict.kind === 'refused').length
  const counts = [
    `${gates.filter(({ verdict }) => verdict.kind === 'passed').length} passed`,
    ...counted(refused, 'refused'),
    ...counted(closed.length - refused, 'undecided'),
    ...counted(gates.filter(({ exception }) => exception !== undefined).length, 'excepted'),
    ...counted(gates.filter((gate) => !isClosed(gate) && isTold(gate) && gate.exception === undefined).length, 'told'),
    ...counted(gates.filter(({ verdict }) => verdict.kind === 'not-applicable').length, 'not applicable'),
  ]
  const end = closed.length === 0 ? terminal.style('green', 'passed') : terminal.style('red', 'refused')
  return [
    terminal.style('bold', visibleText(`${reference} ${digest}`)),
    ...gates.flatMap((gate) => linesOf(gate, width, terminal)),
    `${end}: ${counts.join(', ')}`,
  ]
}

function counted(count: number, word: string): readonly string[] {
  return count === 0 ? [] : [`${count} ${word}`]
}

/** Whether there is more to say of a gate than its verdict. */
function isTold({ verdict }: Gate): boolean {
  return verdict.kind === 'refused' || verdict.kind === 'undecided'
}

function linesOf(gate: Gate, width: number, terminal: Terminal): readonly string[] {
  const { policy, verdict, exception } = gate
  const line = (text: string) => cutText(visibleText(text), terminal.width)
  if (verdict.kind === 'passed') return [line(`  passed     ${policy.name}`)]
  if (verdict.kind === 'not-applicable') {
    return [
      line(`  -          ${policy.name.padEnd(width)}  applies where ${policy.when?.text ?? ''}`.replace(/\s+$/, '')),
    ]
  }
  const word = exception !== undefined ? 'excepted' : policy.severity === 'warning' ? 'told' : verdict.kind
  const title = terminal.style(isClosed(gate) ? 'red' : 'yellow', word.padEnd(9))
  const indented = (text: string) => `             ${visibleText(text)}`
  return [
    `  ${title}  ${visibleText(policy.name)}`,
    ...whatIsWrong(verdict).map(indented),
    ...(exception === undefined ? advice(gate) : [exceptedBy(exception)]).map(indented),
  ]
}

function whatIsWrong(verdict: Gate['verdict']): readonly string[] {
  if (verdict.kind === 'undecided') return [`${verdict.reason} [${verdict.code}]`]
  if (verdict.kind !== 'refused') return []
  const more = verdict.count > SHOWN ? [`and ${verdict.count - SHOWN} more`] : []
  return [...verdict.violations.slice(0, SHOWN), ...more]
}

/** What a policy advises is for images that break it; a reason why nothing could be decided says itself what is missing. */
function advice({ policy, verdict }: Gate): readonly string[] {
  const why = `why: ${policy.reason}`
  return verdict.kind === 'undecided' ? [why] : [why, `do:  ${policy.remedy}`]
}

function exceptedBy({ owner, expires, reason, place }: NonNullable<Gate['exception']>): string {
  return `excepted by ${owner} until ${expires}: ${reason} (${place})`
}

/** Gates for programs: `casemate.gate/v1`. */
export function formatGateJson({ reference, digest, gates, sets }: GateResult): string {
  const document = {
    schema: 'casemate.gate/v1',
    reference,
    digest,
    passed: !gates.some(isClosed),
    policies: sets.map(({ file }) => file),
    gates: gates.map(({ policy, verdict, exception }) => ({
      name: policy.name,
      severity: policy.severity,
      place: policy.place,
      verdict: verdict.kind,
      ...(verdict.kind === 'refused' ? { violations: verdict.violations, count: verdict.count } : {}),
      ...(verdict.kind === 'undecided' ? { code: verdict.code, undecided: verdict.reason } : {}),
      reason: policy.reason,
      remedy: policy.remedy,
      ...(exception === undefined ? {} : { exception }),
    })),
  }
  return JSON.stringify(document, null, 2)
}
