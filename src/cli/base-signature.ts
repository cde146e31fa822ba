import type { Digest } from '#core'
import { collectEvidence, judgeEvidence, refusals } from '#evidence'
import { parseReference } from '#oci'
import type { Refusal } from '#rebase'
import { namesSomebody, type TrustOptions, trustOf } from './evidence-trust.ts'
import { findSubjects, namesSigned } from './image-subjects.ts'

/** Whom to believe about a base, and whether nobody need be believed. */
export interface BaseTrustOptions extends TrustOptions {
  readonly signedAs?: readonly string[]
  readonly allowUnsigned?: boolean
}

/** What is said of a base before it is taken. */
export interface BaseVerdict {
  readonly refusals: readonly Refusal[]
  /** What was verified; absent where nothing had to be. */
  readonly digest?: Digest
}

const REMEDY =
  'say whom to believe by --key, or by --certificate-identity, --certificate-oidc-issuer and --trusted-root; or say --allow-unsigned'

/**
 * Why a base is not taken: nobody is named whom to believe, or nobody of those has signed what the reference names. Nothing where
 * anything is allowed. Rejects as `trustOf`, `findSubjects` and `collectEvidence` do.
 */
export async function verifyBase(reference: string, options: BaseTrustOptions): Promise<BaseVerdict> {
  if (options.allowUnsigned === true) return { refusals: [] }
  if (!namesSomebody(options)) return refused(reference, 'nobody is named whose signature would count')
  const trust = await trustOf(options)
  const { transport } = parseReference(reference)
  if (transport !== 'docker' && transport !== 'oci') return refused(reference, 'an archive has no place for signatures')
  const image = await findSubjects(reference)
  try {
    const repositories = namesSigned(image, options.signedAs)
    const evidence = await collectEvidence(image.repository, image.top.digest)
    const judgement = judgeEvidence(evidence, { trust, repositories })
    const reasons = refusals(judgement, { predicateTypes: [] }).flatMap(
      ({ message }) => refused(reference, message).refusals,
    )
    return { refusals: reasons, digest: image.top.digest }
  } finally {
    await image.repository.close()
  }
}

/** A name may have come to mean something else after it was verified. */
export function movedSince(reference: string, verdict: BaseVerdict, digest: Digest | undefined): readonly Refusal[] {
  if (verdict.digest === undefined || digest === undefined || digest === verdict.digest) return []
  return refused(reference, `it was ${verdict.digest} when it was verified, and is ${digest} now`).refusals
}

function refused(reference: string, base: string): BaseVerdict {
  const sides = { application: 'would stand on it', base }
  return { refusals: [{ code: 'base-unsigned', subject: reference, ...sides, remedy: REMEDY }] }
}
