import type { PublicKey } from './public-key.ts'

/** A private key, wherever it is kept: in a file that was opened, or in a service that signs and never gives it away. */
export interface Signer {
  /** What verifies its signatures. */
  readonly publicKey: PublicKey
  /** Signs bytes: ECDSA on P-256 over their SHA-256, as DER, or Ed25519 over the bytes themselves. */
  sign(bytes: Uint8Array): Promise<Uint8Array>
}
