import type { Shape } from '#core'
import { OPENVEX_CONTEXT, VEX_JUSTIFICATIONS, VEX_STATUSES } from './document.ts'

const text: Shape = { type: 'string', minLength: 1, maxLength: 65_536, title: 'text that is not empty' }
const iri: Shape = { type: 'string', pattern: '^[^\\s<>"{}|\\\\^`]+$', maxLength: 4096, title: 'an IRI' }
const anyText: Shape = { type: 'string', maxLength: 65_536, title: 'text of 65536 characters at most' }
const version: Shape = { type: 'integer', minimum: 1, title: 'a version from 1' }

const named = {
  '@id': iri,
  identifiers: {
    type: 'object',
    properties: { purl: text, cpe22: text, cpe23: text },
    additionalProperties: false,
    minProperties: 1,
    title: 'a purl, cpe22 or cpe23',
  },
  hashes: { type: 'object', additionalProperties: text },
} as const satisfies Record<string, Shape>

const component: Shape = {
  type: 'object',
  title: 'a component with `@id` or `identifiers`',
  properties: named,
  additionalProperties: false,
  minProperties: 1,
}

const statement: Shape = {
  type: 'object',
  title: 'a statement',
  properties: {
    '@id': iri,
    version,
    vulnerability: {
      type: 'object',
      title: 'a vulnerability with its `name`',
      properties: { '@id': iri, name: text, description: anyText, aliases: { type: 'array', items: text } },
      required: ['name'],
      additionalProperties: false,
    },
    timestamp: text,
    last_updated: text,
    products: {
      type: 'array',
      items: { ...component, properties: { ...named, subcomponents: { type: 'array', items: component } } },
    },
    status: { type: 'string', enum: VEX_STATUSES },
    supplier: anyText,
    status_notes: anyText,
    justification: { type: 'string', enum: VEX_JUSTIFICATIONS },
    impact_statement: anyText,
    action_statement: anyText,
    action_statement_timestamp: text,
  },
  required: ['vulnerability', 'status'],
  additionalProperties: false,
}

/** OpenVEX 0.2.0 as a shape: what its JSON Schema asks, the context and no member that it does not know. */
export const openVexShape: Shape = {
  type: 'object',
  title: 'an OpenVEX document',
  properties: {
    '@context': { type: 'string', enum: [OPENVEX_CONTEXT], title: OPENVEX_CONTEXT },
    '@id': iri,
    author: text,
    role: anyText,
    timestamp: text,
    last_updated: text,
    version,
    tooling: anyText,
    statements: { type: 'array', minItems: 1, items: statement, title: 'a list with at least one statement' },
  },
  required: ['@context', '@id', 'author', 'timestamp', 'version', 'statements'],
  additionalProperties: false,
}

/** A component as JSON has it. */
export interface ComponentJson {
  readonly '@id'?: string
  readonly identifiers?: { readonly purl?: string; readonly cpe22?: string; readonly cpe23?: string }
  readonly hashes?: Readonly<Record<string, string>>
}

/** A statement as JSON has it. */
export interface StatementJson {
  readonly vulnerability: { readonly name: string; readonly aliases?: readonly string[] }
  readonly timestamp?: string
  readonly last_updated?: string
  readonly products?: readonly (ComponentJson & { readonly subcomponents?: readonly ComponentJson[] })[]
  readonly status: (typeof VEX_STATUSES)[number]
  readonly status_notes?: string
  readonly justification?: (typeof VEX_JUSTIFICATIONS)[number]
  readonly impact_statement?: string
  readonly action_statement?: string
}

/** A document as JSON has it. */
export interface DocumentJson {
  readonly '@id': string
  readonly author: string
  readonly role?: string
  readonly timestamp: string
  readonly version: number
  readonly statements: readonly StatementJson[]
}
