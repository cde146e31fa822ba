import { digestOf, hexOf } from '#core'
import { type Envelope, parseEnvelope, preAuthenticationEncoding } from './envelope.ts'
import { type Annotations, BESIDE, bundleOfAnnotations } from './older-form.ts'
import { isSignedBy, type PublicKey } from './public-key.ts'
import { parseBundle } from './sigstore-bundle.ts'
import { type Believed, type Trust, untrusted } from './trust.ts'
import type { RootQuestion, TrustedRoot } from './trusted-root.ts'

/** What a signature claims beside its key. */
interface Claims {
  readonly logEntry: boolean
  readonly timestamp: boolean
}

/**
 * Believes what one of these keys has signed. With a root, log entries and timestamps that stand beside are verified too, and must
 * hold; without one they are named as unchecked.
 */
export function keyTrust(keys: readonly PublicKey[], root?: TrustedRoot): Trust {
  const believed = (signers: readonly PublicKey[], claims: Claims, question: () => RootQuestion): Believed => {
    const [first] = signers
    const names = signers.map(({ fingerprint }) => fingerprint)
    const isPlain = !(claims.logEntry || claims.timestamp)
    if (root === undefined || first === undefined || isPlain) {
      return { signers: names, checked: [], unchecked: root === undefined ? unchecked(claims) : [] }
    }
    return { signers: names, checked: root.verifyBesideKey(first, question()).checked, unchecked: [] }
  }
  return {
    signature({ payload, signature, annotations }, name) {
      const signers = keys.filter((key) => isSignedBy(key, payload, signature))
      if (signers.length === 0) throw noKey(keys, name)
      return believed(signers, claimsOf(annotations), () => {
        const signed = { payloadDigest: Buffer.from(hexOf(digestOf(payload)), 'hex'), signature }
        return { bundle: bundleOfAnnotations(signed, annotations, name), payload, name }
      })
    },
    envelope(bytes, annotations, name) {
      const envelope = parseEnvelope(bytes, name)
      const { payload, payloadType } = envelope
      const answer = believed(signersOf(envelope, keys, name), claimsOf(annotations), () => {
        return { bundle: bundleOfAnnotations({ envelope }, annotations, name), stamped: bytes, name }
      })
      return { payload, payloadType, ...answer }
    },
    bundle(bytes, name) {
      const { envelope, has, json } = parseBundle(bytes, name)
      const { payload, payloadType } = envelope
      const claims = { logEntry: has.logEntries, timestamp: has.timestamps }
      const question = () => ({ bundle: json, name })
      return { payload, payloadType, ...believed(signersOf(envelope, keys, name), claims, question) }
    },
  }
}

function signersOf({ payload, payloadType, signatures }: Envelope, keys: readonly PublicKey[], name: string) {
  const signed = preAuthenticationEncoding(payloadType, payload)
  const signers = keys.filter((key) => signatures.some(({ signature }) => isSignedBy(key, signed, signature)))
  if (signers.length === 0) throw noKey(keys, name)
  return signers
}

function claimsOf(annotations: Annotations): Claims {
  return { logEntry: BESIDE.log in annotations, timestamp: BESIDE.timestamp in annotations }
}

function unchecked({ logEntry, timestamp }: Claims): string[] {
  return [...(logEntry ? ['its entry in a transparency log'] : []), ...(timestamp ? ['its timestamp'] : [])]
}

function noKey(keys: readonly PublicKey[], name: string) {
  const tried = keys.map(({ fingerprint }) => fingerprint)
  const reason = tried.length === 0 ? 'no key was given' : `tried ${tried.join(', ')}`
  return untrusted(name, `no trusted key has signed it (${reason})`)
}
