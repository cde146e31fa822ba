import type { Digest } from '#core'

/** What is looked for in a set of images. */
export interface Question {
  /** The key under which the JSON says what was asked. */
  readonly kind: 'package' | 'issue' | 'digest'
  /** What was asked, as it was understood. */
  readonly what: string
  /** Titles of the columns that `Answer.rows` has. */
  readonly head: readonly string[]
  /** What an image has that was not looked at, for machines. */
  readonly nothing: Readonly<Record<string, readonly never[]>>
  /** Looks at one image. Rejects with a `CasemateError` when it cannot be read or held against what is known. */
  ask(reference: string): Promise<Answer>
  close(): void
}

/** What one image answers. */
export interface Answer {
  /** The manifest's. */
  readonly digest: Digest
  /** Whether the image has what is looked for. */
  readonly has: boolean
  /** What people are told: of images that have it, and of those known not to. */
  readonly rows: readonly (readonly string[])[]
  /** The same for machines, under the keys of `Question.nothing`. */
  readonly found: Readonly<Record<string, readonly unknown[]>>
  /** What could not be read, a line each. */
  readonly faults: readonly string[]
}
