import { canonicalJson, digestOf, type Json } from '#core'
import { OPENVEX_CONTEXT, type VexJustification, type VexStatus } from './document.ts'
import { VexError } from './errors.ts'
import { purlWithEpochApart } from './purl.ts'

/** A statement to be written. */
export interface NewStatement {
  readonly vulnerability: string
  readonly aliases?: readonly string[]
  readonly products: readonly NewProduct[]
  readonly status: VexStatus
  readonly justification?: VexJustification
  readonly impact?: string
  readonly action?: string
  readonly notes?: string
}

/** A product to be written: its purl, and the purls of the parts that are meant, all of it without. */
export interface NewProduct {
  readonly purl: string
  readonly subcomponents?: readonly string[]
}

/** A document to be written. */
export interface NewDocument {
  readonly author: string
  readonly role?: string
  /** RFC 3339: when what it says was known to be true. No clock is asked. */
  readonly timestamp: string
  /** Default: 1. */
  readonly version?: number
  readonly tooling?: string
  readonly statements: readonly NewStatement[]
}

/**
 * Writes an OpenVEX 0.2.0 document, the same bytes for the same statements in whatever order: `@id` hangs on the digest of the
 * rest. Throws `VEX_EMPTY` for one without statements, and `VEX_INVALID` for a statement that nobody may make: `not_affected`
 * without justification or impact statement, `affected` without action statement, one without products.
 */
export function formatVexDocument(document: NewDocument): string {
  const { author, role, timestamp, version = 1, tooling, statements } = document
  if (statements.length === 0) throw new VexError('VEX_EMPTY', 'cannot write OpenVEX: there is nothing to state')
  const content = {
    author,
    ...(role === undefined ? {} : { role }),
    timestamp,
    version,
    ...(tooling === undefined ? {} : { tooling }),
    statements: inOrder(statements.map(statementJson)),
  }
  const id = `urn:casemate:vex:${digestOf(Buffer.from(canonicalJson(content)))}`
  return `${JSON.stringify({ '@context': OPENVEX_CONTEXT, '@id': id, ...content }, null, 2)}\n`
}

function statementJson(statement: NewStatement) {
  const { vulnerability, aliases = [], products, status, justification, impact, action, notes } = statement
  const refuse = (reason: string) =>
    new VexError('VEX_INVALID', `cannot state ${status} of ${vulnerability}: ${reason}`)
  if (products.length === 0) throw refuse('it names no product')
  if (status === 'not_affected' && justification === undefined && (impact ?? '') === '') {
    throw refuse('it has neither justification nor impact statement')
  }
  if (status === 'affected' && (action ?? '') === '') throw refuse('it has no action statement')
  return {
    vulnerability: { name: vulnerability, ...(aliases.length === 0 ? {} : { aliases: [...aliases].sort() }) },
    products: inOrder(products.map(productJson)),
    status,
    ...(justification === undefined ? {} : { justification }),
    ...(impact === undefined ? {} : { impact_statement: impact }),
    ...(action === undefined ? {} : { action_statement: action }),
    ...(notes === undefined ? {} : { status_notes: notes }),
  }
}

function productJson({ purl, subcomponents = [] }: NewProduct) {
  if (subcomponents.length === 0) return componentJson(purl)
  return { ...componentJson(purl), subcomponents: [...new Set(subcomponents)].sort().map(componentJson) }
}

/** Names it in each way that a scanner does. */
function componentJson(purl: string) {
  const other = purlWithEpochApart(purl)
  return other === undefined ? { '@id': purl } : { '@id': purl, identifiers: { purl: other } }
}

/** In code-unit order of what they say; what is there twice stays once. */
function inOrder<Value extends Json>(values: readonly Value[]): Value[] {
  const byText = new Map(values.map((value) => [canonicalJson(value), value]))
  return [...byText].sort(([left], [right]) => (left < right ? -1 : 1)).map(([, value]) => value)
}
