import type { Judgement } from './judge.ts'

/** What must be there for an image to be taken. */
export interface Requirement {
  /** Predicate types of statements that must be there. */
  readonly predicateTypes: readonly string[]
  /** Signatures that are older do not count: seconds since the epoch. */
  readonly notBefore?: number
}

/** Why an image is refused. */
export interface RefusalReason {
  /** In plain words. */
  readonly message: string
  /** The predicate type of a statement that is missing, where that is why. */
  readonly missing?: string
}

/**
 * Tells why an image is refused; nothing when it is taken. It is taken when somebody who is
 * trusted has signed it itself, whatever others have signed as well, and every statement that is required is there.
 */
export function refusals(judgement: Judgement, { predicateTypes, notBefore }: Requirement): RefusalReason[] {
  const { subject, signatures, statements, refused, others } = judgement
  const reasons: RefusalReason[] = []
  const isNothing = signatures.length + statements.length + refused.length + others.length === 0
  if (isNothing) {
    const how =
      'if it was copied from another registry, what refers to it stayed there: copy it with `casemate copy` or `oras cp -r`'
    reasons.push({ message: `nothing is attached to ${subject}; ${how}` })
  } else if (signatures.length === 0) {
    const has = statements.length > 0 ? `it has ${statements.length} statements, but ` : ''
    reasons.push({ message: `${has}nobody who is trusted has signed ${subject}` })
  } else if (
    notBefore !== undefined &&
    !signatures.some(({ signedAt }) => signedAt !== undefined && signedAt >= notBefore)
  ) {
    reasons.push({ message: `no signature of ${subject} is of ${new Date(notBefore * 1000).toISOString()} or later` })
  }
  for (const type of predicateTypes) {
    if (isNothing || statements.some(({ statement }) => statement.predicateType === type)) continue
    reasons.push({ message: `no trusted statement of type ${type} is attached to ${subject}`, missing: type })
  }
  return reasons
}

/** Whether the bundles are missing of an image that was signed in both forms: a copy has left them behind. */
export function lostReferrers({ signatures, statements }: Judgement): boolean {
  const accepted = [...signatures, ...statements]
  return accepted.some(({ form }) => form !== 'bundle') && !accepted.some(({ form }) => form === 'bundle')
}
