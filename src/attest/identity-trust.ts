import { digestOf, hexOf } from '#core'
import { parseEnvelope } from './envelope.ts'
import { bundleOfAnnotations } from './older-form.ts'
import { parseBundle } from './sigstore-bundle.ts'
import { type Believed, type Trust, untrusted } from './trust.ts'
import type { RootQuestion, TrustedRoot } from './trusted-root.ts'

/** An identity that is believed: the name in a certificate, by the word of one issuer. */
export interface ExpectedIdentity {
  /** The name itself, or a pattern that the whole of it must match. */
  readonly name: string | RegExp
  /** Who has vouched for it, exactly: the address of an OpenID provider. */
  readonly issuer: string
}

/** Believes what one of these identities has signed, as far as the root vouches for it. */
export function identityTrust(root: TrustedRoot, expected: readonly ExpectedIdentity[]): Trust {
  const believed = (question: RootQuestion): Believed => {
    const { identity, checked, time } = root.verifyByCertificate(question)
    if (identity === undefined) throw untrusted(question.name, 'its certificate names no identity with an issuer')
    const signer = identityName(identity)
    if (!expected.some((one) => one.issuer === identity.issuer && isNamed(one.name, identity.name))) {
      const wanted = expected.map(({ name, issuer }) => `${name} of ${issuer}`).join(' or ')
      throw untrusted(question.name, `it is signed by ${signer}, want ${wanted}`)
    }
    // A certificate lives for minutes, so nobody can have the same signature stamped again when it is old.
    return {
      signers: [signer],
      checked: [{ kind: 'certificate', detail: signer }, ...checked],
      unchecked: [],
      ...(time === undefined ? {} : { signedAt: time }),
    }
  }
  return {
    signature({ payload, signature, annotations }, name) {
      const signed = { payloadDigest: Buffer.from(hexOf(digestOf(payload)), 'hex'), signature }
      return believed({ bundle: bundleOfAnnotations(signed, annotations, name), payload, name })
    },
    envelope(bytes, annotations, name) {
      const envelope = parseEnvelope(bytes, name)
      const { payload, payloadType } = envelope
      const bundle = bundleOfAnnotations({ envelope }, annotations, name)
      return { payload, payloadType, ...believed({ bundle, stamped: bytes, name }) }
    },
    bundle(bytes, name) {
      const { envelope, json } = parseBundle(bytes, name)
      const { payload, payloadType } = envelope
      return { payload, payloadType, ...believed({ bundle: json, name }) }
    },
  }
}

/** How an identity is called everywhere. */
export function identityName({ name, issuer }: { readonly name: string; readonly issuer: string }): string {
  return `${name} (${issuer})`
}

function isNamed(expected: string | RegExp, name: string): boolean {
  if (typeof expected === 'string') return expected === name
  return new RegExp(`^(?:${expected.source})$`, expected.flags).test(name)
}
