import {
  formatEnvelope,
  type PublicKey,
  parseEnvelope,
  preAuthenticationEncoding,
  type Signer,
  verifyEnvelope,
} from '#attest'
import { canonicalJson, faultsOf, formatFault, parseDigest, readStrictJson, type Shape } from '#core'
import { FactoryError } from './errors.ts'
import type { LedgerTip } from './ledger.ts'
import type { Moment } from './moment.ts'

/** The media type of what a checkpoint's envelope holds. */
export const CHECKPOINT_TYPE = 'application/vnd.casemate.ledger-checkpoint+json'

/** The word of a signer that the ledger had come to an entry. Whoever keeps it can tell later whether history was changed. */
export interface Checkpoint extends LedgerTip {
  readonly at: Moment
}

const shape: Shape = {
  type: 'object',
  properties: {
    sequence: { type: 'integer', minimum: 1 },
    digest: { type: 'string', pattern: '^sha256:[0-9a-f]{64}$', title: 'a SHA-256 digest' },
    at: { type: 'string', pattern: '^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{3}Z$', title: 'a moment in UTC' },
  },
  required: ['sequence', 'digest', 'at'],
  additionalProperties: false,
}

/** Signs that the ledger has come to an entry; gives a DSSE envelope as JSON. Rejects as the signer does. */
export async function signCheckpoint({ sequence, digest, at }: Checkpoint, signer: Signer): Promise<string> {
  const payload = Buffer.from(canonicalJson({ sequence, digest, at }))
  const signature = await signer.sign(preAuthenticationEncoding(CHECKPOINT_TYPE, payload))
  const { fingerprint } = signer.publicKey
  return formatEnvelope({ payloadType: CHECKPOINT_TYPE, payload, signatures: [{ keyid: fingerprint, signature }] })
}

/**
 * Reads a checkpoint that one of the keys has signed. Throws `ENVELOPE_INVALID` and `ENVELOPE_UNTRUSTED` as envelopes do, and
 * `CHECKPOINT_INVALID` for what somebody signed as something else.
 */
export function openCheckpoint(envelope: string, keys: readonly PublicKey[]): Checkpoint {
  const name = 'the checkpoint of the ledger'
  const { payloadType, payload } = verifyEnvelope(parseEnvelope(Buffer.from(envelope), name), keys, name)
  const invalid = (reason: string) => new FactoryError('CHECKPOINT_INVALID', `cannot read ${name}: ${reason}`)
  if (payloadType !== CHECKPOINT_TYPE) throw invalid(`it is ${JSON.stringify(payloadType)}`)
  const read = readStrictJson(payload, { maxBytes: 4096, maxDepth: 2 })
  if ('fault' in read) throw invalid(read.fault)
  if (!isCheckpoint(read.value)) throw invalid(faultsOf(shape, read.value).map(formatFault).join('; '))
  return { ...read.value, digest: parseDigest(read.value.digest) }
}

function isCheckpoint(value: unknown): value is Checkpoint {
  return faultsOf(shape, value).length === 0
}
