import type { Bundle as SigstoreBundle } from '@sigstore/bundle'
import { PolicyError, type SignedEntity, toSignedEntity, VerificationError, Verifier } from '@sigstore/verify'
import { messageOf } from '#core'
import { verifierOfEntry } from './log-entry.ts'
import type { PublicKey } from './public-key.ts'
import { type Check, untrusted } from './trust.ts'
import type { TrustedRoot } from './trusted-root.ts'

/** What is verified with a root: a bundle, or an older form made into one. */
export interface RootQuestion {
  readonly bundle: SigstoreBundle
  /** The bytes that were signed, where the bundle does not hold them. */
  readonly payload?: Uint8Array
  /** What timestamps are over, where that is not the signature: in the older form of statements, the whole envelope. */
  readonly stamped?: Uint8Array
  /** What messages call it. */
  readonly name: string
}

/** What a root vouches for. */
export interface RootAnswer {
  readonly checked: readonly Check[]
  /** Whom a certificate was issued to, and by whose word. */
  readonly identity: { readonly name: string; readonly issuer: string } | undefined
  /** Seconds since the epoch: the earliest time that a log or timestamp authority vouches for. */
  readonly time?: number
}

/**
 * Verifies log entries and timestamps of something that a key has signed; there need not be any. Throws `ENVELOPE_UNTRUSTED` where
 * one does not hold.
 */
export function verifyBesideKey(root: TrustedRoot, key: PublicKey, question: RootQuestion): RootAnswer {
  const { bundle, name } = question
  const entity = entityOf(question)
  const spki = key.key.export({ type: 'spki', format: 'der' })
  const material = { ...root.material, publicKey: () => ({ publicKey: key.key, validFor: () => true }) }
  const verifier = new Verifier(material, { tlogThreshold: 0, ctlogThreshold: 0, timestampThreshold: 0 })
  // That the key has signed it is known; the library has another idea of how Ed25519 signs.
  const signature = { ...methodsOf(entity.signature), verifySignature: () => true }
  return answerOf(() => verifier.verify({ ...entity, signature, key: { $case: 'public-key', hint: '' } }), {
    bundle,
    entity,
    verifiedBy: spki,
    name,
  })
}

/**
 * Verifies something signed by an identity: its certificate up to the root, at the time of signing, which a log entry or timestamp
 * proves; the certificate's own log; the log entries; the signature. What the root has, a log of signatures and a log of
 * certificates, must vouch. Throws `ENVELOPE_UNTRUSTED`.
 */
export function verifyByCertificate(root: TrustedRoot, question: RootQuestion): RootAnswer {
  const { bundle, name } = question
  const { content } = bundle.verificationMaterial
  if (content.$case === 'publicKey') throw untrusted(name, 'it is signed by a key, and has no certificate')
  const leaf = content.$case === 'certificate' ? content.certificate : content.x509CertificateChain.certificates[0]
  const entity = entityOf(question)
  const { tlogs, ctlogs } = root.material
  const verifier = new Verifier(root.material, {
    tlogThreshold: Math.min(1, tlogs.length),
    ctlogThreshold: Math.min(1, ctlogs.length),
    timestampThreshold: 1,
  })
  return answerOf(() => verifier.verify(entity), { bundle, entity, verifiedBy: leaf?.rawBytes ?? Buffer.of(), name })
}

function entityOf({ bundle, payload, stamped, name }: RootQuestion): SignedEntity {
  let entity: SignedEntity
  try {
    entity = toSignedEntity(bundle, payload === undefined ? undefined : Buffer.from(payload))
  } catch (cause) {
    throw untrusted(name, `its certificate or timestamp cannot be read (${messageOf(cause)})`, cause)
  }
  if (stamped === undefined) return entity
  // Of a signature the library asks timestamps alone for its bytes, and compares by methods.
  return { ...entity, signature: { ...methodsOf(entity.signature), signature: Buffer.from(stamped) } }
}

function methodsOf(content: SignedEntity['signature']): SignedEntity['signature'] {
  return {
    signature: content.signature,
    compareSignature: (signature) => content.compareSignature(signature),
    compareDigest: (digest) => content.compareDigest(digest),
    verifySignature: (key) => content.verifySignature(key),
  }
}

interface Verified {
  readonly bundle: SigstoreBundle
  readonly entity: SignedEntity
  /** Key or certificate, in DER, by which log entries must have been verified. */
  readonly verifiedBy: Uint8Array
  readonly name: string
}

function answerOf(
  verify: () => ReturnType<Verifier['verify']>,
  { bundle, entity, verifiedBy, name }: Verified,
): RootAnswer {
  let signer: ReturnType<Verifier['verify']>
  try {
    signer = verify()
  } catch (cause) {
    throw untrusted(name, reasonOf(cause), cause)
  }
  const checked: Check[] = []
  const times: number[] = []
  for (const { canonicalizedBody, logIndex, inclusionPromise, integratedTime } of bundle.verificationMaterial
    .tlogEntries) {
    // A log entry of another key's or certificate's is of another signature, even where the bytes of both are the same.
    const named = verifierOfEntry(canonicalizedBody)
    if (named === undefined || !Buffer.from(named).equals(verifiedBy)) {
      throw untrusted(name, 'its log entry names another key or certificate')
    }
    const time = inclusionPromise === undefined ? undefined : Number(integratedTime)
    if (time !== undefined) times.push(time)
    checked.push({ kind: 'log entry', detail: time === undefined ? logIndex : `${logIndex}, of ${formatTime(time)}` })
  }
  for (const timestamp of entity.timestamps) {
    if (timestamp.$case !== 'timestamp-authority') continue
    const time = Math.floor(timestamp.timestamp.signingTime.getTime() / 1000)
    times.push(time)
    checked.push({ kind: 'timestamp', detail: formatTime(time) })
  }
  const { subjectAlternativeName, extensions } = signer.identity ?? {}
  const identity =
    subjectAlternativeName === undefined || extensions?.issuer === undefined
      ? undefined
      : { name: subjectAlternativeName, issuer: extensions.issuer }
  return { checked, identity, ...(times.length === 0 ? {} : { time: Math.min(...times) }) }
}

/** What the library's codes mean. */
const MEANINGS: Readonly<Record<VerificationError['code'], string>> = {
  NOT_IMPLEMENTED_ERROR: 'it has something that is not known here',
  TLOG_ERROR: 'it stands in no transparency log',
  TLOG_INCLUSION_PROOF_ERROR: 'the proof that it stands in a transparency log does not hold',
  TLOG_INCLUSION_PROMISE_ERROR: 'the promise of a transparency log to take it does not hold',
  TLOG_MISSING_INCLUSION_ERROR: 'nothing proves that it stands in a transparency log',
  TLOG_BODY_ERROR: 'its log entry is of something else',
  CERTIFICATE_ERROR: 'its certificate is not to be believed',
  PUBLIC_KEY_ERROR: 'its key is not known',
  SIGNATURE_ERROR: 'its signature does not hold',
  TIMESTAMP_ERROR: 'the time of its signature is not proven',
}

function reasonOf(error: unknown): string {
  if (error instanceof VerificationError) return `${MEANINGS[error.code]} (${error.message})`
  if (error instanceof PolicyError) return error.message
  return `it could not be verified (${messageOf(error)})`
}

function formatTime(seconds: number): string {
  return new Date(seconds * 1000).toISOString().replace('.000Z', 'Z')
}
