export {
  BUNDLE_TYPE,
  keySignatory,
  SIGN_PREDICATE,
  type Signatory,
  type SignedPayload,
  type SignedStatement,
} from './bundle.ts'
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
export { type ExpectedIdentity, identityTrust } from './identity-trust.ts'
export {
  formatImageSignature,
  IMAGE_SIGNATURE_TYPE,
  type ImageSignature,
  parseImageSignature,
} from './image-signature.ts'
export { type IdentityToken, readIdentityToken } from './io/identity-token.ts'
export { openIdentitySignatory, type SigningServices, type TokenSource } from './io/open-identity.ts'
export { isServiceKey, openServiceSigner, readServiceKeys } from './io/service-key.ts'
export { keyTrust } from './key-trust.ts'
export { PREDICATES, predicateName, predicateType } from './predicate-types.ts'
export { generateKeyPair, isEncryptedKey, type KeyPair, openPrivateKey } from './private-key.ts'
export { isSignedBy, type PublicKey, parsePublicKey } from './public-key.ts'
export type { Signer } from './signer.ts'
export { type Bundle, parseBundle } from './sigstore-bundle.ts'
export {
  formatStatement,
  type NewStatement,
  parseStatement,
  STATEMENT_TYPE,
  type Statement,
  type Subject,
} from './statement.ts'
export { type Believed, type BelievedPayload, type Check, eitherTrust, type Trust } from './trust.ts'
export { parseTrustedRoot, type TrustedRoot } from './trusted-root.ts'
