export type { NewEvidence } from './draft.ts'
export { EvidenceError, type EvidenceErrorCode } from './errors.ts'
export type { EvidenceItem, FoundEvidence } from './found-evidence.ts'
export { attachSignature, attachStatements, attachTogether } from './io/attach.ts'
export type { CopyProgress } from './io/carry-blobs.ts'
export { collectEvidence } from './io/collect.ts'
export { type CarriedForms, type CopyOptions, type CopyReport, copyWithEvidence } from './io/copy.ts'
export type { AttachOutcome, AttachReport, Signing, SubjectEvidence } from './io/plan-evidence.ts'
export {
  type AcceptedSignature,
  type AcceptedStatement,
  type Expectation,
  type Judgement,
  judgeEvidence,
  type RefusedItem,
} from './judge.ts'
export { evidenceTag, type TagKind } from './tag-form.ts'
export { lostReferrers, type RefusalReason, type Requirement, refusals } from './verdict.ts'
