import { canonicalJson } from '#core'
import type { Envelope } from './envelope.ts'
import { preAuthenticationEncoding } from './envelope.ts'
import type { PublicKey } from './public-key.ts'
import type { Signer } from './signer.ts'
import { STATEMENT_TYPE } from './statement.ts'

/** The media type of a Sigstore bundle, version 0.3. */
export const BUNDLE_TYPE = 'application/vnd.dev.sigstore.bundle.v0.3+json'

/** The predicate type by which a bundle is the signature of an image and says nothing more (cosign 3). */
export const SIGN_PREDICATE = 'https://sigstore.dev/cosign/sign/v1'

/** A signed statement in the two forms that clients read. */
export interface SignedStatement {
  readonly envelope: Envelope
  /** The bundle as JSON. */
  readonly bundle: Uint8Array
  /** What stands beside the envelope in the older form: certificate and log entry, where there are any. */
  readonly annotations: Readonly<Record<string, string>>
}

/** A signature over bytes, for the older form of image signatures. */
export interface SignedPayload {
  readonly signature: Uint8Array
  readonly annotations: Readonly<Record<string, string>>
}

/** Who signs: a key, or an identity to which certificates are issued. */
export interface Signatory {
  /** What its signatures are recognised by, as people and annotations name it: a key's fingerprint, or an identity. */
  readonly name: string
  /** Signs an in-toto statement. */
  signStatement(payload: Uint8Array): Promise<SignedStatement>
  /** Signs bytes as they are. */
  signPayload(payload: Uint8Array): Promise<SignedPayload>
}

/** A signatory by key, without certificate, log or timestamp. */
export function keySignatory(signer: Signer): Signatory {
  return {
    name: signer.publicKey.fingerprint,
    async signStatement(payload) {
      const signature = await signer.sign(preAuthenticationEncoding(STATEMENT_TYPE, payload))
      const envelope = { payloadType: STATEMENT_TYPE, payload, signatures: [{ signature }] }
      return { envelope, bundle: keyBundle(envelope, signer.publicKey), annotations: {} }
    },
    async signPayload(payload) {
      return { signature: await signer.sign(payload), annotations: {} }
    },
  }
}

/** A bundle around an envelope that a key has signed; the key itself is not in it, only its name. */
function keyBundle({ payload, payloadType, signatures }: Envelope, { fingerprint }: PublicKey): Uint8Array {
  const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64')
  const hint = Buffer.from(fingerprint.slice('sha256:'.length), 'hex').toString('base64')
  const bundle = canonicalJson({
    mediaType: BUNDLE_TYPE,
    verificationMaterial: { publicKey: { hint }, tlogEntries: [] },
    dsseEnvelope: {
      payload: base64(payload),
      payloadType,
      signatures: signatures.map(({ signature }) => ({ sig: base64(signature) })),
    },
  })
  return new TextEncoder().encode(bundle)
}
