import { predicateName, predicateType } from '#attest'
import { collectEvidence, judgeEvidence, type RefusedItem } from '#evidence'
import { UsageError } from './errors.ts'
import { namesSomebody, type TrustOptions, trustOf } from './evidence-trust.ts'
import { type ExitStatus, exitStatus } from './exit-status.ts'
import { everySubject, findSubjects, type ImageSubjects, namesSigned } from './image-subjects.ts'
import { printOutput } from './print-output.ts'
import { cutText, type Terminal } from './terminal.ts'
import { visibleText } from './visible-text.ts'

/** The options of `casemate evidence`, as the command line gives them. */
export interface EvidenceOptions extends TrustOptions {
  readonly signedAs?: readonly string[]
  /** Prints the predicate of this type instead of the list: a short name or a URI. */
  readonly type?: string
  readonly platform?: string
  readonly output?: string
  readonly json?: boolean
}

/**
 * Lists what is attached to an image, whoever has signed it, or prints one statement's predicate: only of a statement that
 * is believed. Rejects with `USAGE_INVALID`, and as `findSubjects` and `collectEvidence` do.
 */
export async function runEvidence(
  reference: string,
  options: EvidenceOptions,
  terminal: Terminal,
): Promise<ExitStatus> {
  const image = await findSubjects(reference)
  try {
    return options.type === undefined
      ? await listEvidence(image, options, terminal)
      : await printPredicate(image, { ...options, type: options.type }, terminal)
  } finally {
    await image.repository.close()
  }
}

async function listEvidence(image: ImageSubjects, options: EvidenceOptions, terminal: Terminal): Promise<ExitStatus> {
  const trust = namesSomebody(options) ? await trustOf(options) : undefined
  const repositories = namesSigned(image, options.signedAs)
  const listed = []
  for (const { title, subject } of everySubject(image)) {
    const { items, others } = await collectEvidence(image.repository, subject.digest)
    const refused: readonly RefusedItem[] | undefined =
      trust && judgeEvidence({ subject: subject.digest, items, others }, { trust, repositories }).refused
    const rows = items.map(({ kind, place, annotations }) => ({
      form: kind,
      type: annotations['predicateType'] ?? annotations['dev.sigstore.bundle.predicateType'] ?? 'image signature',
      place,
      believed: refused === undefined ? undefined : !refused.some((one) => one.place === place),
    }))
    const more = others.map(({ digest, artifactType = 'of no type' }) => ({
      ...{ form: 'referrer', type: artifactType, place: `${image.repository.name}@${digest}` },
      believed: undefined,
    }))
    listed.push({ title, digest: subject.digest, evidence: [...rows, ...more] })
  }
  if (options.json === true) {
    terminal.print(JSON.stringify({ schema: 'casemate.evidence/v1', manifests: listed }, null, 2))
    return exitStatus.done
  }
  for (const { title, digest, evidence } of listed) {
    terminal.print(terminal.style('bold', `${title} ${digest}`))
    if (evidence.length === 0) terminal.print('  nothing')
    for (const { form, type, believed } of evidence) {
      const verdict = believed === undefined ? 'not verified' : believed ? 'verified' : 'refused'
      terminal.print(
        visibleText(cutText(`  ${verdict.padEnd(13)}${form.padEnd(16)}${predicateName(type)}`, terminal.width)),
      )
    }
  }
  if (trust === undefined) terminal.warn('nothing was verified: say whom to believe by --key or --certificate-identity')
  return exitStatus.done
}

async function printPredicate(
  image: ImageSubjects,
  options: EvidenceOptions & { readonly type: string },
  terminal: Terminal,
): Promise<ExitStatus> {
  const type = predicateType(options.type)
  if (type === undefined) {
    throw new UsageError('USAGE_INVALID', `cannot look for "${options.type}": it is no type of statement`)
  }
  const trust = await trustOf(options)
  const repositories = namesSigned(image, options.signedAs)
  for (const { title, subject } of everySubject(image)) {
    if (options.platform !== undefined && title !== options.platform) continue
    const found = await collectEvidence(image.repository, subject.digest)
    const { statements } = judgeEvidence(found, { trust, repositories })
    const [first] = statements.filter(({ statement }) => statement.predicateType === type)
    if (first === undefined) continue
    await printOutput(`${JSON.stringify(first.statement.predicate, null, 2)}\n`, options.output, terminal)
    return exitStatus.done
  }
  terminal.warn(`no trusted statement of type ${predicateName(type)} is attached`)
  return exitStatus.no
}
