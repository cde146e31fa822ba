import {
  type Check,
  parseImageSignature,
  parseStatement,
  SIGN_PREDICATE,
  STATEMENT_TYPE,
  type Statement,
  type Trust,
} from '#attest'
import { CasemateError, type Digest } from '#core'
import type { Descriptor } from '#oci'
import type { EvidenceItem, FoundEvidence } from './found-evidence.ts'

/** What is expected of evidence beside its signature. */
export interface Expectation {
  readonly trust: Trust
  /** The repositories that it may name: where the image is, and where it was signed. */
  readonly repositories: readonly string[]
}

/** Something that is believed, and what it says. */
interface Accepted {
  readonly place: string
  readonly form: EvidenceItem['kind']
  readonly signers: readonly string[]
  readonly checked: readonly Check[]
  readonly unchecked: readonly string[]
}

/** A signature of the image itself. */
export interface AcceptedSignature extends Accepted {
  /** Seconds since the epoch: as it is proven, or where it is not, as the signer said it. */
  readonly signedAt?: number
}

/** A statement about the image. */
export interface AcceptedStatement extends Accepted {
  readonly statement: Statement
}

/** Something that is not believed, and why. */
export interface RefusedItem {
  readonly place: string
  readonly form: EvidenceItem['kind']
  readonly reason: string
}

/** What can be believed of what is attached to one manifest. */
export interface Judgement {
  readonly subject: Digest
  readonly signatures: readonly AcceptedSignature[]
  readonly statements: readonly AcceptedStatement[]
  readonly refused: readonly RefusedItem[]
  readonly others: readonly Descriptor[]
}

/**
 * Judges everything that is attached to a manifest: by whom it is signed, whether it is about this manifest and this
 * repository, and whether it is what it is called. What is not believed is among `refused`, with the reason; nothing throws
 * but faults of our own.
 */
export function judgeEvidence({ subject, items, others }: FoundEvidence, expected: Expectation): Judgement {
  const signatures: AcceptedSignature[] = []
  const statements: AcceptedStatement[] = []
  const refused: RefusedItem[] = []
  for (const item of items) {
    try {
      const accepted = judgeItem(item, subject, expected)
      if ('statement' in accepted && accepted.statement.predicateType !== SIGN_PREDICATE) statements.push(accepted)
      else signatures.push(accepted)
    } catch (error) {
      if (!(error instanceof CasemateError || error instanceof Refusal)) throw error
      refused.push({ place: item.place, form: item.kind, reason: error.message })
    }
  }
  return { subject, signatures, statements, refused, others }
}

/** Why an item is not believed, though it is signed. */
class Refusal extends Error {}

function judgeItem(item: EvidenceItem, subject: Digest, expected: Expectation): AcceptedSignature | AcceptedStatement {
  const { place, kind: form } = item
  if (item.kind === 'image-signature') {
    const believed = expected.trust.signature(item, place)
    const { digest, repository, signedAt } = parseImageSignature(item.payload, place)
    if (digest !== subject) throw new Refusal(`it signs ${digest}, not ${subject}`)
    checkRepository(repository, expected)
    return { place, form, ...(signedAt === undefined ? {} : { signedAt }), ...believed }
  }
  const { payloadType, payload, ...believed } =
    item.kind === 'bundle'
      ? expected.trust.bundle(item.bytes, place)
      : expected.trust.envelope(item.bytes, item.annotations, place)
  if (payloadType !== STATEMENT_TYPE) throw new Refusal(`its payload is ${payloadType}, want ${STATEMENT_TYPE}`)
  const statement = parseStatement(payload, place)
  checkStatement(statement, item, subject, expected)
  return { place, form, ...believed, statement }
}

function checkStatement(
  { subjects, predicateType }: Statement,
  { annotations }: EvidenceItem,
  subject: Digest,
  expected: Expectation,
): void {
  const own = subjects.filter(({ digest }) => digest === subject)
  if (own.length === 0) {
    const named = subjects.map(({ digest, name }) => digest ?? name ?? 'nothing that has a SHA-256').join(', ')
    throw new Refusal(`it is about ${named}, not ${subject}`)
  }
  for (const { name = '' } of own) if (name !== '') checkRepository(name, expected)
  const called = annotations['predicateType'] ?? annotations['dev.sigstore.bundle.predicateType']
  if (called !== undefined && called !== predicateType) {
    throw new Refusal(`it is called ${called}, but what is signed is ${predicateType}`)
  }
}

function checkRepository(name: string, { repositories }: Expectation): void {
  // cosign writes the reference it was given; the digest, which it may hold, is compared by itself.
  const repository = name.replace(/@sha256:[0-9a-f]{64}$/, '').replace(/:[\w][\w.-]{0,127}$/, '')
  if (repositories.includes(name) || repositories.includes(repository)) return
  throw new Refusal(`it was signed as ${name}, not as ${repositories.join(' or ')}`)
}
