import {
  canonicalJson,
  type Digest,
  faultsOf,
  formatFault,
  hexOf,
  type Json,
  parseDigest,
  readStrictJson,
  type Shape,
} from '#core'
import { AttestError } from './errors.ts'

/** The payload type of an envelope that holds an in-toto statement. */
export const STATEMENT_TYPE = 'application/vnd.in-toto+json'

/** What is said about artifacts (in-toto attestation v1, statement.md). */
export interface Statement {
  /** What the predicate is about; at least one. */
  readonly subjects: readonly Subject[]
  readonly predicateType: string
  /** As the document has it: what it means is for whoever knows its type. */
  readonly predicate: unknown
}

/** An artifact, by its digest. */
export interface Subject {
  readonly name?: string
  /** Absent where only other algorithms than SHA-256 are given: such a subject is nothing that we know. */
  readonly digest?: Digest
}

/** A statement that is to be signed. */
export interface NewStatement {
  readonly subjects: readonly { readonly name?: string; readonly digest: Digest }[]
  readonly predicateType: string
  readonly predicate: Json
}

const LIMITS = { maxBytes: 48 * 2 ** 20, maxDepth: 64 }
/** Version 1, and 0.1 as older signers still write it: the members that are read mean the same in both. */
const TYPES = ['https://in-toto.io/Statement/v1', 'https://in-toto.io/Statement/v0.1']
const statementShape: Shape = {
  type: 'object',
  title: 'a statement',
  properties: {
    _type: { type: 'string', enum: TYPES },
    predicateType: { type: 'string', minLength: 1 },
    subject: {
      type: 'array',
      minItems: 1,
      title: 'a list with at least one subject',
      items: {
        type: 'object',
        properties: {
          name: { type: 'string' },
          digest: { type: 'object', minProperties: 1, additionalProperties: { type: 'string' } },
        },
        required: ['digest'],
      },
    },
  },
  required: ['_type', 'predicateType', 'subject', 'predicate'],
}

interface StatementJson {
  readonly predicateType: string
  readonly predicate: unknown
  readonly subject: readonly { readonly name?: string; readonly digest: Readonly<Record<string, string>> }[]
}

/** Writes a statement of version 1: the same bytes for the same value. Every subject has a digest. */
export function formatStatement({ subjects, predicateType, predicate }: NewStatement): Uint8Array {
  const subject = subjects.map(({ name, digest }) => ({ name, digest: { sha256: hexOf(digest) } }))
  return new TextEncoder().encode(canonicalJson({ _type: TYPES[0] ?? '', subject, predicateType, predicate }))
}

/** Reads an in-toto statement; `name` is what messages call it. Throws `STATEMENT_INVALID`. */
export function parseStatement(bytes: Uint8Array, name: string): Statement {
  const invalid = (reason: string, cause?: unknown) =>
    new AttestError('STATEMENT_INVALID', `cannot read the statement ${name}: ${reason}`, { cause })
  const read = readStrictJson(bytes, LIMITS)
  if ('fault' in read) throw invalid(read.fault, read.cause)
  if (!isStatementJson(read.value)) throw invalid(faultsOf(statementShape, read.value).map(formatFault).join('; '))
  const { predicateType, predicate, subject } = read.value
  return {
    predicateType,
    predicate,
    subjects: subject.map(({ name: called, digest: { sha256 } }, index) => {
      if (sha256 !== undefined && !/^[0-9a-f]{64}$/.test(sha256)) {
        throw invalid(`\`subject[${index}].digest.sha256\` is no SHA-256`)
      }
      return {
        ...(called === undefined ? {} : { name: called }),
        ...(sha256 === undefined ? {} : { digest: parseDigest(`sha256:${sha256}`) }),
      }
    }),
  }
}

function isStatementJson(value: unknown): value is StatementJson {
  return faultsOf(statementShape, value).length === 0
}
