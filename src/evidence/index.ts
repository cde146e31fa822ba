export { EvidenceError, type EvidenceErrorCode } from './errors.ts'
export { type AttachOutcome, attachSignature, attachStatement, type NewEvidence, type Signing } from './io/attach.ts'
export { evidenceTag, type TagKind } from './tag-form.ts'
