import type { Digest } from '#core'
import type { Purl } from './purl.ts'

/** What OpenVEX calls version 0.2.0 of itself. */
export const OPENVEX_CONTEXT = 'https://openvex.dev/ns/v0.2.0'

/** The status labels of OpenVEX, the most careful first. */
export const VEX_STATUSES = ['affected', 'under_investigation', 'fixed', 'not_affected'] as const

/** One of `VEX_STATUSES`. */
export type VexStatus = (typeof VEX_STATUSES)[number]

/** The status justifications of OpenVEX. */
export const VEX_JUSTIFICATIONS = [
  'component_not_present',
  'vulnerable_code_not_present',
  'vulnerable_code_not_in_execute_path',
  'vulnerable_code_cannot_be_controlled_by_adversary',
  'inline_mitigations_already_exist',
] as const

/** One of `VEX_JUSTIFICATIONS`. */
export type VexJustification = (typeof VEX_JUSTIFICATIONS)[number]

/** An OpenVEX document that was read. */
export interface VexDocument {
  /** An IRI; versions of one document share it. */
  readonly id: string
  readonly author: string
  readonly role?: string
  /** RFC 3339. */
  readonly timestamp: string
  readonly version: number
  readonly statements: readonly VexStatement[]
  /** Of the bytes that it was read from. */
  readonly digest: Digest
}

/** What a document says of one vulnerability in some products. */
export interface VexStatement {
  readonly vulnerability: string
  /** Other names of the same vulnerability; empty where none is given. */
  readonly aliases: readonly string[]
  readonly products: readonly VexProduct[]
  readonly status: VexStatus
  readonly justification?: VexJustification
  readonly impact?: string
  readonly action?: string
  readonly notes?: string
  /** RFC 3339: the statement's own time, of its last update where it has one, else the document's. */
  readonly timestamp: string
  /** The place in its document, from 0. */
  readonly position: number
}

/** A piece of software as OpenVEX names it. Without any name that we know it is no product of ours. */
export interface VexComponent {
  readonly purls: readonly Purl[]
  /** SHA-256 of the artifact, where given. */
  readonly digest?: Digest
}

/** What a statement is about: a component as a whole, or the named parts of it. */
export interface VexProduct extends VexComponent {
  readonly subcomponents: readonly VexComponent[]
}
