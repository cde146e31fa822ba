import { createPublicKey, type KeyObject, verify } from 'node:crypto'
import { type Digest, digestOf } from '#core'
import { AttestError } from './errors.ts'

/** A key that signatures are verified with. */
export interface PublicKey {
  readonly key: KeyObject
  readonly algorithm: 'ecdsa-p256-sha256' | 'ed25519'
  /** Of its SubjectPublicKeyInfo in DER: the key's name everywhere. */
  readonly fingerprint: Digest
}

const LABEL = /^-----BEGIN PUBLIC KEY-----\r?\n[A-Za-z0-9+/=\r\n]+-----END PUBLIC KEY-----\s*$/
const MAX_KEY = 16 * 1024

/** Reads a public key in PEM (RFC 7468, SubjectPublicKeyInfo); `name` is what messages call it. Throws `KEY_INVALID`. */
export function parsePublicKey(pem: string, name: string): PublicKey {
  if (pem.length > MAX_KEY || !LABEL.test(pem.trimStart())) {
    throw invalid(name, 'want one PEM block with the label "PUBLIC KEY"')
  }
  let key: KeyObject
  try {
    key = createPublicKey({ key: pem, format: 'pem' })
  } catch (cause) {
    throw new AttestError('KEY_INVALID', `cannot read the key ${name}: it is damaged`, { cause })
  }
  const algorithm = algorithmOf(key)
  if (algorithm === undefined) {
    const curve = key.asymmetricKeyDetails?.namedCurve
    const got = [key.asymmetricKeyType, curve].filter((word) => word !== undefined).join(' ')
    throw invalid(name, `it is ${got}, want ECDSA on P-256 or Ed25519`)
  }
  return { key, algorithm, fingerprint: digestOf(key.export({ type: 'spki', format: 'der' })) }
}

/** Whether a key has signed bytes. */
export function isSignedBy({ key, algorithm }: PublicKey, signed: Uint8Array, signature: Uint8Array): boolean {
  return algorithm === 'ed25519'
    ? verify(null, signed, key, signature)
    : verify('sha256', signed, { key, dsaEncoding: 'der' }, signature)
}

function algorithmOf(key: KeyObject): PublicKey['algorithm'] | undefined {
  if (key.asymmetricKeyType === 'ed25519') return 'ed25519'
  const isP256 = key.asymmetricKeyType === 'ec' && key.asymmetricKeyDetails?.namedCurve === 'prime256v1'
  return isP256 ? 'ecdsa-p256-sha256' : undefined
}

function invalid(name: string, reason: string): AttestError {
  return new AttestError('KEY_INVALID', `cannot read the key ${name}: ${reason}`)
}
