import { AttestError } from './errors.ts'
import type { Annotations } from './older-form.ts'

/** One thing that stands beside a signature and holds. */
export interface Check {
  readonly kind: 'certificate' | 'log entry' | 'timestamp'
  /** Which: an identity, a place in a log, a time. */
  readonly detail: string
}

/** What is believed of something signed, and how far it was checked. */
export interface Believed {
  /** Who signed it: fingerprints of keys, or identities. */
  readonly signers: readonly string[]
  /** What was verified beside the signature. */
  readonly checked: readonly Check[]
  /** What it claims besides and nobody has checked, in words, e.g. that it stands in a log whose root is not known. */
  readonly unchecked: readonly string[]
  /** Seconds since the epoch: when it was signed, where that is proven and cannot be said anew by others. */
  readonly signedAt?: number
}

/** An envelope's payload that is believed. */
export interface BelievedPayload extends Believed {
  readonly payloadType: string
  readonly payload: Uint8Array
}

/** A signature over bytes, with what stands beside it. */
export interface BareSignature {
  readonly payload: Uint8Array
  readonly signature: Uint8Array
  readonly annotations: Annotations
}

/** Whom to believe. Every method throws `ENVELOPE_UNTRUSTED` where nobody who is trusted has signed, `name` is what messages call it. */
export interface Trust {
  /** Judges a signature over bytes, with what stands beside it. */
  signature(signed: BareSignature, name: string): Believed
  /** Judges an envelope, with what stands beside it. Throws `ENVELOPE_INVALID` for anything else, too. */
  envelope(bytes: Uint8Array, annotations: Annotations, name: string): BelievedPayload
  /** Judges a Sigstore bundle that holds an envelope. Throws `BUNDLE_INVALID` for anything else, too. */
  bundle(bytes: Uint8Array, name: string): BelievedPayload
}

/** Believes what one of several trusts believes, the first that does. What none believes is refused with every one's reason. */
export function eitherTrust(trusts: readonly Trust[]): Trust {
  const first = <Answer>(name: string, judge: (trust: Trust) => Answer): Answer => {
    const errors: AttestError[] = []
    for (const trust of trusts) {
      try {
        return judge(trust)
      } catch (error) {
        if (!(error instanceof AttestError)) throw error
        // What cannot be read is no question of whom to believe.
        if (error.code !== 'ENVELOPE_UNTRUSTED') throw error
        errors.push(error)
      }
    }
    const reasons = errors.map(({ message }) => message.replace(`cannot trust ${name}: `, ''))
    throw untrusted(name, reasons.join('; '))
  }
  return {
    signature: (signed, name) => first(name, (trust) => trust.signature(signed, name)),
    envelope: (bytes, annotations, name) => first(name, (trust) => trust.envelope(bytes, annotations, name)),
    bundle: (bytes, name) => first(name, (trust) => trust.bundle(bytes, name)),
  }
}

/** Why something is not believed. */
export function untrusted(name: string, reason: string, cause?: unknown): AttestError {
  return new AttestError('ENVELOPE_UNTRUSTED', `cannot trust ${name}: ${reason}`, { cause })
}
