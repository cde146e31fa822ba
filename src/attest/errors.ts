import { CasemateError } from '#core'

/** Why an attestation is not believed. */
export type AttestErrorCode =
  /** A document is no Sigstore bundle with an envelope in it. */
  | 'BUNDLE_INVALID'
  /** A text is no DSSE envelope. */
  | 'ENVELOPE_INVALID'
  /** None of an envelope's signatures is by one of the keys that are trusted. */
  | 'ENVELOPE_UNTRUSTED'
  /** A key cannot be used: it is not of a kind that is (ECDSA on P-256, or Ed25519), or its name does not lead to one. */
  | 'KEY_INVALID'
  /** The password does not open an encrypted private key, or the key is damaged. */
  | 'KEY_LOCKED'
  /** A file is no trusted root as Sigstore writes it. */
  | 'ROOT_INVALID'
  /** A service that signs did not: a certificate authority, a log, a timestamp authority, or whoever keeps a key. */
  | 'SIGNING_REFUSED'
  /** There is no token that says who signs, or it is none. */
  | 'TOKEN_INVALID'
  /** A payload is no image signature as cosign and containers-signature(5) have it. */
  | 'SIGNATURE_INVALID'
  /** What an envelope holds is no in-toto statement. */
  | 'STATEMENT_INVALID'

/** Thrown by `attest`. */
export class AttestError extends CasemateError<AttestErrorCode> {}
