import {
  isEnvelope,
  type PublicKey,
  parseEnvelope,
  parsePublicKey,
  parseStatement,
  STATEMENT_TYPE,
  type VerifiedPayload,
  verifyEnvelope,
} from '#attest'
import { type Digest, readStrictJson } from '#core'
import { parseVexDocument, type VexSource } from '#vex'
import { UsageError } from './errors.ts'
import { readUpTo } from './read-up-to.ts'

/** What a document of others must be to count. */
export interface VexTrust {
  readonly keys: readonly PublicKey[]
  /** Whether documents that nobody has signed count. */
  readonly takesUnsigned: boolean
}

/** A document, and the digests that its attestation is about; without an attestation it speaks for itself. */
export interface ReadVex {
  readonly source: VexSource
  readonly subjects?: readonly Digest[]
}

const MAX_FILE = 64 * 2 ** 20
/** With the version in it, and as signers write it that leave the version to the document. */
const PREDICATES = ['https://openvex.dev/ns/v0.2.0', 'https://openvex.dev/ns']
/** An OpenVEX document that is signed as it is. */
const PLAIN_TYPES = ['application/openvex+json', 'application/vnd.openvex+json']

/** Reads public keys from PEM files. Throws `KEY_INVALID`, and `USAGE_INVALID` for a file that cannot be read. */
export async function readPublicKeys(paths: readonly string[]): Promise<PublicKey[]> {
  return Promise.all(paths.map(async (path) => parsePublicKey((await readUpTo(path, MAX_FILE)).toString('utf8'), path)))
}

/**
 * Reads an OpenVEX document, or a DSSE envelope around one or around an in-toto statement with one. An envelope is always
 * verified; a bare document counts only where that is asked for. Throws `USAGE_INVALID` where trust is missing,
 * `ENVELOPE_UNTRUSTED`, and as the parsers of `attest` and `vex` do.
 */
export async function readVexFile(path: string, { keys, takesUnsigned }: VexTrust): Promise<ReadVex> {
  const bytes = await readUpTo(path, MAX_FILE)
  const json = readStrictJson(bytes, { maxBytes: MAX_FILE, maxDepth: 64 })
  if ('value' in json && isEnvelope(json.value)) {
    const envelope = parseEnvelope(bytes, path)
    if (keys.length === 0) throw untrusted(path, 'it is signed, and no key was given: --vex-key FILE')
    return readSigned(path, verifyEnvelope(envelope, keys, path))
  }
  if (!takesUnsigned) throw untrusted(path, 'nobody has signed it; to take it all the same: --vex-unsigned')
  return { source: { document: parseVexDocument(bytes, { name: path }), name: path, signers: [] } }
}

function readSigned(path: string, { payloadType, payload, signers }: VerifiedPayload): ReadVex {
  if (PLAIN_TYPES.includes(payloadType)) {
    return { source: { document: parseVexDocument(payload, { name: path }), name: path, signers } }
  }
  if (payloadType !== STATEMENT_TYPE) {
    throw untrusted(path, `what is signed is ${payloadType}, want ${[STATEMENT_TYPE, ...PLAIN_TYPES].join(' or ')}`)
  }
  const { predicateType, predicate, subjects } = parseStatement(payload, path)
  if (!PREDICATES.includes(predicateType)) {
    throw untrusted(path, `its statement is of type ${predicateType}, want ${PREDICATES.join(' or ')}`)
  }
  const digests = subjects.flatMap(({ digest }) => (digest === undefined ? [] : [digest]))
  const document = parseVexDocument(Buffer.from(JSON.stringify(predicate)), { name: path, subjects: digests })
  return { source: { document, name: path, signers }, subjects: digests }
}

function untrusted(path: string, reason: string): UsageError {
  return new UsageError('USAGE_INVALID', `cannot use ${path}: ${reason}`)
}
