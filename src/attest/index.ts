export {
  ENVELOPE_TYPE,
  type Envelope,
  type EnvelopeSignature,
  formatEnvelope,
  isEnvelope,
  parseEnvelope,
  preAuthenticationEncoding,
  type VerifiedPayload,
  verifyEnvelope,
} from './envelope.ts'
export { AttestError, type AttestErrorCode } from './errors.ts'
export { type PublicKey, parsePublicKey } from './public-key.ts'
export { parseStatement, STATEMENT_TYPE, type Statement, type Subject } from './statement.ts'
