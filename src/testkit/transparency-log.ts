import { createHash, type KeyObject, sign, X509Certificate } from 'node:crypto'
import { canonicalJson, type Json } from '#core'

/** What a log is asked to take, of the kinds that signers use: `dsse` and `hashedrekord`, both 0.0.1. */
type Proposed =
  | { readonly kind: 'hashedrekord'; readonly apiVersion: string; readonly spec: Json }
  | {
      readonly kind: 'dsse'
      readonly apiVersion: string
      readonly spec: {
        readonly proposedContent: { readonly envelope: string; readonly verifiers: readonly string[] }
      }
    }

const sha256 = (...parts: readonly Uint8Array[]) => createHash('sha256').update(Buffer.concat(parts)).digest()
const leafHash = (body: Uint8Array) => sha256(Buffer.of(0), body)
const nodeHash = (left: Uint8Array, right: Uint8Array) => sha256(Buffer.of(1), left, right)

/**
 * A log as Rekor's first version is one: entries in a Merkle tree (RFC 9162, section 2.1), checkpoints as signed notes, and a
 * signed promise for each entry. It starts with entries of nobody's, so that every proof has a path.
 */
export class TransparencyLog {
  readonly #key: { readonly privateKey: KeyObject; readonly publicKey: KeyObject }
  readonly #origin: string
  readonly #bodies: Buffer[] = [Buffer.from('{"nobody":1}'), Buffer.from('{"nobody":2}'), Buffer.from('{"nobody":3}')]

  /** `origin` is the name in its checkpoints: the host and port of its address. */
  constructor(key: { readonly privateKey: KeyObject; readonly publicKey: KeyObject }, origin: string) {
    this.#key = key
    this.#origin = origin
  }

  /** The SHA-256 of its public key. */
  get id(): Buffer {
    return sha256(this.#key.publicKey.export({ type: 'spki', format: 'der' }))
  }

  /** Takes an entry at a time in seconds since the epoch, and answers as Rekor does. */
  add(proposed: Proposed, integratedTime: number): { readonly [uuid: string]: Json } {
    const body = Buffer.from(canonicalJson(canonicalEntry(proposed)))
    const logIndex = this.#bodies.push(body) - 1
    const entry = { body: body.toString('base64'), integratedTime, logID: this.id.toString('hex'), logIndex }
    const promise = sign('sha256', Buffer.from(canonicalJson(entry)), this.#key.privateKey)
    const root = this.#root(0, this.#bodies.length)
    const verification = {
      inclusionProof: {
        checkpoint: this.checkpoint(root, this.#bodies.length),
        hashes: this.#path(logIndex, 0, this.#bodies.length).map((hash) => hash.toString('hex')),
        logIndex,
        rootHash: root.toString('hex'),
        treeSize: this.#bodies.length,
      },
      signedEntryTimestamp: promise.toString('base64'),
    }
    return { [leafHash(body).toString('hex')]: { ...entry, verification } }
  }

  /** A signed note about a tree (transparency-dev, checkpoint format). */
  checkpoint(root: Uint8Array, size: number): string {
    const note = `${this.#origin} - 1\n${size}\n${Buffer.from(root).toString('base64')}\n`
    const signature = sign('sha256', Buffer.from(note), this.#key.privateKey)
    const line = Buffer.concat([this.id.subarray(0, 4), signature]).toString('base64')
    return `${note}\n\u2014 ${this.#origin} ${line}\n`
  }

  #root(start: number, end: number): Buffer {
    if (end - start === 1) return leafHash(this.#bodies[start]!)
    const middle = start + largestPowerBelow(end - start)
    return nodeHash(this.#root(start, middle), this.#root(middle, end))
  }

  #path(index: number, start: number, end: number): Buffer[] {
    if (end - start === 1) return []
    const middle = start + largestPowerBelow(end - start)
    return index < middle
      ? [...this.#path(index, start, middle), this.#root(middle, end)]
      : [...this.#path(index, middle, end), this.#root(start, middle)]
  }
}

function largestPowerBelow(count: number): number {
  return 2 ** Math.floor(Math.log2(count - 1))
}

/** The body as a log keeps it: of an envelope its digests, not its content. */
function canonicalEntry(proposed: Proposed): Json {
  if (proposed.kind !== 'dsse') return { apiVersion: proposed.apiVersion, kind: proposed.kind, spec: proposed.spec }
  const { envelope, verifiers } = proposed.spec.proposedContent
  const { payload, signatures } = JSON.parse(envelope) as { payload: string; signatures: { sig: string }[] }
  const hash = (bytes: Uint8Array) => ({ algorithm: 'sha256', value: sha256(bytes).toString('hex') })
  return {
    apiVersion: proposed.apiVersion,
    kind: proposed.kind,
    spec: {
      envelopeHash: hash(Buffer.from(envelope)),
      payloadHash: hash(Buffer.from(payload, 'base64')),
      signatures: signatures.map(({ sig }, index) => ({ signature: sig, verifier: verifierPem(verifiers[index]!) })),
    },
  }
}

/** Rekor writes keys and certificates anew, which ends their last line. */
function verifierPem(verifier: string): string {
  const pem = Buffer.from(verifier, 'base64').toString()
  if (!pem.includes('CERTIFICATE')) return verifier
  return Buffer.from(new X509Certificate(pem).toString()).toString('base64')
}
