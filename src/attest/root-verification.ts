import { bundleFromJSON, type Bundle as SigstoreBundle, ValidationError } from '@sigstore/bundle'
import { TrustedRoot as RootMessage } from '@sigstore/protobuf-specs'
import {
  PolicyError,
  type SignedEntity,
  type TrustMaterial,
  toSignedEntity,
  toTrustMaterial,
  VerificationError,
  Verifier,
} from '@sigstore/verify'
import { messageOf } from '#core'
import { verifierOfEntry } from './log-entry.ts'
import type { PublicKey } from './public-key.ts'
import { type Check, untrusted } from './trust.ts'
import { invalidRoot, type RootAnswer, type RootQuestion, type TrustedRoot } from './trusted-root.ts'
import { invalidBundle } from './verification-material.ts'

/** Reads a trusted root's JSON, whose shape was checked. Throws `ROOT_INVALID`. */
export function importRoot(json: unknown, name: string): TrustedRoot {
  let material: TrustMaterial
  try {
    material = toTrustMaterial(RootMessage.fromJSON(json))
  } catch (cause) {
    throw invalidRoot(name, `a key or certificate in it is damaged (${messageOf(cause)})`, cause)
  }
  const { certificateAuthorities, timestampAuthorities, tlogs } = material
  if ([...certificateAuthorities, ...timestampAuthorities].some(({ certChain }) => certChain.length === 0)) {
    throw invalidRoot(name, 'an authority in it has no certificate')
  }
  if (tlogs.length + timestampAuthorities.length === 0) {
    throw invalidRoot(name, 'it names neither a transparency log nor a timestamp authority')
  }
  return {
    verifyBesideKey: (key, question) => verifyBesideKey(material, key, question),
    verifyByCertificate: (question) => verifyByCertificate(material, question),
  }
}

function verifyBesideKey(root: TrustMaterial, key: PublicKey, question: RootQuestion): RootAnswer {
  const { name } = question
  const bundle = importBundle(question.bundle, name)
  const entity = entityOf(bundle, question)
  const spki = key.key.export({ type: 'spki', format: 'der' })
  const material = { ...root, publicKey: () => ({ publicKey: key.key, validFor: () => true }) }
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

function verifyByCertificate(root: TrustMaterial, question: RootQuestion): RootAnswer {
  const { name } = question
  const bundle = importBundle(question.bundle, name)
  const { content } = bundle.verificationMaterial
  if (content.$case === 'publicKey') throw untrusted(name, 'it is signed by a key, and has no certificate')
  const leaf = content.$case === 'certificate' ? content.certificate : content.x509CertificateChain.certificates[0]
  const entity = entityOf(bundle, question)
  const { tlogs, ctlogs } = root
  const verifier = new Verifier(root, {
    tlogThreshold: Math.min(1, tlogs.length),
    ctlogThreshold: Math.min(1, ctlogs.length),
    timestampThreshold: 1,
  })
  return answerOf(() => verifier.verify(entity), { bundle, entity, verifiedBy: leaf?.rawBytes ?? Buffer.of(), name })
}

function entityOf(bundle: SigstoreBundle, { payload, stamped, name }: RootQuestion): SignedEntity {
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

/** Reads a bundle's JSON, whose shape was checked, as the library has it. Throws `BUNDLE_INVALID`. */
function importBundle(json: unknown, name: string): SigstoreBundle {
  let bundle: SigstoreBundle
  try {
    bundle = bundleFromJSON(json)
  } catch (cause) {
    const reason = cause instanceof ValidationError ? `wrong or missing: ${cause.fields.join(', ')}` : messageOf(cause)
    throw invalidBundle(name, reason, cause)
  }
  for (const { inclusionProof } of bundle.verificationMaterial.tlogEntries) {
    if (inclusionProof !== undefined) checkProof(inclusionProof, name)
  }
  return bundle
}

type Proof = NonNullable<SigstoreBundle['verificationMaterial']['tlogEntries'][number]['inclusionProof']>

/** What the library takes from an inclusion proof as it stands, or not at all. */
function checkProof({ checkpoint, rootHash, treeSize }: Proof, name: string): void {
  const note = checkpoint?.envelope ?? ''
  // The name before a signature is a regular expression to the library: here it can only mean itself.
  for (const [, signer = ''] of note.matchAll(/\u2014 (\S+)/g)) {
    if (!/^[\w.:/-]{1,255}$/.test(signer)) throw invalidBundle(name, 'the name in its checkpoint is no log\u2019s')
  }
  // The proof is verified against the checkpoint alone, so what it says besides must be the same.
  const [, size, root] = note.split('\n')
  if (size !== treeSize || root !== rootHash.toString('base64')) {
    throw invalidBundle(name, 'its inclusion proof is of another tree than its checkpoint')
  }
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
