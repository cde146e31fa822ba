import { type Digest, digestOf, faultsOf, formatFault, parseDigest, readStrictJson } from '#core'
import type { VexComponent, VexDocument, VexProduct, VexStatement } from './document.ts'
import { VexError } from './errors.ts'
import { parseMoment } from './moment.ts'
import { type ComponentJson, type DocumentJson, openVexShape, type StatementJson } from './openvex-shape.ts'
import { parsePurl } from './purl.ts'

const LIMITS = { maxBytes: 32 * 2 ** 20, maxDepth: 16 }
const MAX_PAIRS = 1_000_000
const MAX_NAMED = 5

/** What a document is read with. */
export interface ReadVexOptions {
  /** What messages call it: a file's name. */
  readonly name: string
  /** Digests of what an encapsulating statement is about: the products of statements that name none (OpenVEX, inheritance). */
  readonly subjects?: readonly Digest[]
}

/**
 * Reads an OpenVEX 0.2.0 document. It must be as the schema says and, beyond that, complete: each statement has products, its
 * own or inherited; `not_affected` has a justification or an impact statement, `affected` an action statement; times are RFC 3339.
 * A component that is named by no purl and no SHA-256 is kept, and matches nothing. Throws `VEX_INVALID`, naming the place, also
 * for more than 32 MiB or a million products.
 */
export function parseVexDocument(bytes: Uint8Array, { name, subjects = [] }: ReadVexOptions): VexDocument {
  const read = readStrictJson(bytes, LIMITS)
  if ('fault' in read) throw invalid(name, read.fault, read.cause)
  if (!isDocumentJson(read.value)) {
    const faults = faultsOf(openVexShape, read.value).map(formatFault)
    const more = faults.length > MAX_NAMED ? [`and ${faults.length - MAX_NAMED} more`] : []
    throw invalid(name, [...faults.slice(0, MAX_NAMED), ...more].join('; '))
  }
  const { '@id': id, author, role, timestamp, version, statements } = read.value
  requireMoment(timestamp, { name, place: '`timestamp`' })
  let room = MAX_PAIRS
  const inherited = subjects.map((digest): VexProduct => ({ purls: [], digest, subcomponents: [] }))
  const known = statements.map((statement, position) => {
    const products = statement.products?.map(productOf) ?? []
    room -= products.reduce((sum, { subcomponents }) => sum + 1 + subcomponents.length, 0)
    if (room < 0) throw invalid(name, `it names more than ${MAX_PAIRS} products`)
    return statementOf(statement, { name, position, timestamp, products: products.length > 0 ? products : inherited })
  })
  return {
    ...{ id, author, ...(role === undefined ? {} : { role }), timestamp, version },
    statements: known,
    digest: digestOf(bytes),
  }
}

interface StatementPlace {
  readonly name: string
  readonly position: number
  readonly timestamp: string
  readonly products: readonly VexProduct[]
}

function statementOf(json: StatementJson, { name, position, timestamp, products }: StatementPlace): VexStatement {
  const place = `\`statements[${position}]\``
  const { status, justification, impact_statement: impact, action_statement: action, status_notes: notes } = json
  if (products.length === 0) throw invalid(name, `${place} names no product`)
  if (status === 'not_affected' && justification === undefined && (impact ?? '').trim() === '') {
    throw invalid(name, `${place} says not_affected without justification or impact statement`)
  }
  if (status === 'affected' && action === undefined) {
    throw invalid(name, `${place} says affected without action statement`)
  }
  if (status !== 'not_affected' && justification !== undefined) {
    throw invalid(name, `${place} says ${status} and gives a justification for not_affected`)
  }
  for (const key of ['timestamp', 'last_updated'] as const) {
    const moment = json[key]
    if (moment !== undefined) requireMoment(moment, { name, place: `\`statements[${position}].${key}\`` })
  }
  return {
    vulnerability: json.vulnerability.name,
    aliases: json.vulnerability.aliases ?? [],
    products,
    status,
    ...(justification === undefined ? {} : { justification }),
    ...(impact === undefined ? {} : { impact }),
    ...(action === undefined ? {} : { action }),
    ...(notes === undefined ? {} : { notes }),
    timestamp: json.last_updated ?? json.timestamp ?? timestamp,
    position,
  }
}

function productOf(json: ComponentJson & { readonly subcomponents?: readonly ComponentJson[] }): VexProduct {
  return { ...componentOf(json), subcomponents: (json.subcomponents ?? []).map(componentOf) }
}

function componentOf({ '@id': id, identifiers, hashes }: ComponentJson): VexComponent {
  const purls = [id, identifiers?.purl].flatMap((text) => {
    const purl = text === undefined ? undefined : parsePurl(text)
    return purl === undefined ? [] : [purl]
  })
  const sha256 = hashes?.['sha-256']
  const digest = sha256 !== undefined && /^[0-9a-f]{64}$/.test(sha256) ? parseDigest(`sha256:${sha256}`) : undefined
  return { purls, ...(digest === undefined ? {} : { digest }) }
}

function requireMoment(text: string, { name, place }: { readonly name: string; readonly place: string }): void {
  if (parseMoment(text) === undefined) throw invalid(name, `${place}: "${text.slice(0, 40)}" is no time of RFC 3339`)
}

function isDocumentJson(value: unknown): value is DocumentJson {
  return faultsOf(openVexShape, value).length === 0
}

function invalid(name: string, reason: string, cause?: unknown): VexError {
  return new VexError('VEX_INVALID', `cannot read ${name} as OpenVEX: ${reason}`, { cause })
}
