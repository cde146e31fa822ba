import type { ArchivePackage } from '#debian'
import type { Request } from './request.ts'

/** A package name that was left out, why, and which selected packages depend on it. */
export interface LeftOutPackage {
  readonly name: string
  readonly reason: string
  /** Names of the selected packages that need it, in code-unit order; empty when nothing would have brought it. */
  readonly neededBy: readonly string[]
}

/** The packages that together meet some requests. */
export interface Selection {
  /** The native architecture. */
  readonly architecture: string
  /** What was asked for, in the order of its text. */
  readonly requests: readonly Request[]
  /** In the order of name, then of architecture. */
  readonly packages: readonly ArchivePackage[]
  /** In the order of name. */
  readonly leftOut: readonly LeftOutPackage[]
}

/** The answer to some requests: a selection, or why there is none. */
export type Solution =
  | { readonly kind: 'selected'; readonly selection: Selection }
  | { readonly kind: 'impossible'; readonly reasons: readonly string[] }
