import { type Check, predicateName, predicateType } from '#attest'
import { collectEvidence, type Judgement, judgeEvidence, lostReferrers, type RefusalReason, refusals } from '#evidence'
import { UsageError } from './errors.ts'
import { type TrustOptions, trustOf } from './evidence-trust.ts'
import { type ExitStatus, exitStatus } from './exit-status.ts'
import { everySubject, findSubjects, namesSigned } from './image-subjects.ts'
import type { Terminal } from './terminal.ts'
import { visibleText } from './visible-text.ts'

/** The options of `casemate verify`, as the command line gives them. */
export interface VerifyOptions extends TrustOptions {
  readonly signedAs?: readonly string[]
  /** Predicate types that must be there, by short name or URI. */
  readonly require?: readonly string[]
  /** How old the signature may be, e.g. `30d`. */
  readonly maxAge?: string
  readonly json?: boolean
}

/** What was found of one manifest or index. */
interface Verified {
  readonly title: string
  readonly judgement: Judgement
  /** Why it is refused; nothing when it is taken. */
  readonly reasons: readonly RefusalReason[]
}

/**
 * Verifies an image in a registry: whether somebody trusted has signed it, and every statement that is attached to it and to
 * each platform's manifest. The status is "no" where the image, or a statement that is required, is not believed.
 */
export async function runVerify(reference: string, options: VerifyOptions, terminal: Terminal): Promise<ExitStatus> {
  const trust = await trustOf(options)
  const requirement = requirementOf(options)
  const image = await findSubjects(reference)
  try {
    const repositories = namesSigned(image, options.signedAs)
    const found: Verified[] = []
    for (const { title, subject } of everySubject(image)) {
      terminal.progress(`reading what is attached to ${title} …`)
      const evidence = await collectEvidence(image.repository, subject.digest)
      const judgement = judgeEvidence(evidence, { trust, repositories })
      found.push({ title, judgement, reasons: refusals(judgement, requirement) })
    }
    terminal.progress('')
    const [top, ...below] = found
    // The index names its manifests by digest: who has signed it has signed them. Statements are where they are made.
    const reasons = (top?.reasons ?? []).filter((reason) => !isElsewhere(reason, below))
    const required = reasons.map(({ message }) => message)
    if (options.json === true) printJson(reference, found, required, terminal)
    else printVerified(reference, found, required, terminal)
    return required.length === 0 ? exitStatus.done : exitStatus.no
  } finally {
    await image.repository.close()
  }
}

/** Whether a statement that the index lacks is attached to every one of its manifests. */
function isElsewhere({ missing }: RefusalReason, below: readonly Verified[]): boolean {
  if (missing === undefined || below.length === 0) return false
  return below.every(({ judgement }) =>
    judgement.statements.some(({ statement }) => statement.predicateType === missing),
  )
}

function requirementOf({ require = [], maxAge }: VerifyOptions) {
  const predicateTypes = require.map((name) => {
    const type = predicateType(name)
    if (type === undefined)
      throw new UsageError('USAGE_INVALID', `cannot require "${name}": it is no type of statement`)
    return type
  })
  if (maxAge === undefined) return { predicateTypes }
  const [, count = '', unit = ''] = /^([1-9][0-9]{0,4})([dh])$/.exec(maxAge) ?? []
  if (unit === '') throw new UsageError('USAGE_INVALID', `cannot take "${maxAge}" as an age: want e.g. 30d or 36h`)
  const seconds = Number(count) * (unit === 'd' ? 86_400 : 3600)
  return { predicateTypes, notBefore: Math.floor(Date.now() / 1000) - seconds }
}

function printVerified(
  reference: string,
  found: readonly Verified[],
  required: readonly string[],
  terminal: Terminal,
): void {
  for (const { title, judgement } of found) {
    const { subject, signatures, statements, refused, others } = judgement
    terminal.print(terminal.style('bold', `${title} ${subject}`))
    for (const line of acceptedLines(judgement)) terminal.print(visibleText(line))
    for (const { place, reason } of refused) terminal.print(visibleText(`  refused     ${place}: ${reason}`))
    for (const line of checkedLines(judgement)) terminal.print(visibleText(line))
    for (const { unchecked, place } of [...signatures, ...statements]) {
      for (const what of unchecked) terminal.print(visibleText(`  not checked ${what}, of ${place}`))
    }
    for (const { digest, artifactType = 'of no type' } of others) {
      terminal.print(visibleText(`  not checked ${digest}, ${artifactType}: no statement that Casemate reads`))
    }
    if (lostReferrers(judgement)) {
      terminal.warn(
        'its bundles are missing, only the older form is there: `casemate copy` and `oras cp -r` carry both',
      )
    }
  }
  for (const reason of required) terminal.print(`${terminal.style('red', 'refused')}: ${reason}`)
  if (required.length === 0) terminal.print(`${terminal.style('green', 'verified')} ${reference}`)
}

/** One line for each signer and type, with the forms in which it is there. */
function acceptedLines({ signatures, statements }: Judgement): string[] {
  const lines = new Map<string, { forms: Set<string>; when: Set<string> }>()
  const add = (title: string, form: keyof typeof WORDS, when?: string) => {
    const line = lines.get(title) ?? { forms: new Set(), when: new Set() }
    line.forms.add(WORDS[form])
    if (when !== undefined) line.when.add(when)
    lines.set(title, line)
  }
  for (const { form, signers, signedAt } of signatures) {
    add(`  signed      by ${signers.join(', ')}`, form, signedAt === undefined ? undefined : formatTime(signedAt))
  }
  for (const { form, signers, statement } of statements) {
    add(`  says        ${predicateName(statement.predicateType).padEnd(11)} by ${signers.join(', ')}`, form)
  }
  return [...lines].map(([title, { forms, when }]) => `${title} (${[...forms, ...when].join(', ')})`)
}

/** How much of each kind was verified beside the signatures themselves; no line where there was nothing. */
function checkedLines({ signatures, statements }: Judgement): string[] {
  const counts = new Map<Check['kind'], number>()
  for (const { kind } of [...signatures, ...statements].flatMap(({ checked }) => checked)) {
    counts.set(kind, (counts.get(kind) ?? 0) + 1)
  }
  const words = [...counts].map(([kind, count]) => `${count} ${count === 1 ? kind : PLURALS[kind]}`)
  return words.length === 0 ? [] : [`  checked     ${words.join(', ')}`]
}

const PLURALS = { certificate: 'certificates', 'log entry': 'log entries', timestamp: 'timestamps' } as const

function formatTime(seconds: number): string {
  return new Date(seconds * 1000).toISOString().replace('.000Z', 'Z')
}

const WORDS = { 'image-signature': 'tag', envelope: 'tag', bundle: 'bundle' } as const

function printJson(
  reference: string,
  found: readonly Verified[],
  refusedFor: readonly string[],
  terminal: Terminal,
): void {
  const manifests = found.map(({ title, judgement: { subject, signatures, statements, refused, others } }) => ({
    title,
    digest: subject,
    signatures,
    statements: statements.map(({ statement, ...rest }) => ({ ...rest, predicateType: statement.predicateType })),
    refused,
    unchecked: others.map(({ digest, artifactType }) => ({ digest, artifactType })),
  }))
  const document = { schema: 'casemate.verify/v1', reference, verified: refusedFor.length === 0, refusedFor, manifests }
  terminal.print(JSON.stringify(document, null, 2))
}
