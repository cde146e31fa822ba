/** A layer as its blob stands: gzip, zstd or plain tar by its media type. */
export interface RunnableLayer {
  readonly mediaType: string
  open(): AsyncIterable<Uint8Array>
}

/** A program with all that it is given. */
export interface DerivedProgram {
  /** Begins with the program's absolute path. */
  readonly argv: readonly [string, ...string[]]
  readonly environment: Readonly<Record<string, string>>
  readonly stdin: string
}

/** Programs with the files that they run in. */
export interface DerivedRun {
  readonly programs: readonly DerivedProgram[]
  /** OCI platform of the programs. */
  readonly platform: string
  /** Lowest first. */
  readonly layers: readonly RunnableLayer[]
  /** The directory whose files are a program's result; empty before each. */
  readonly output: string
}

/** What came of one run of one program. */
export type DerivedOutcome =
  /** By path below the output directory, e.g. `/usr/lib/x`. */
  | { readonly kind: 'made'; readonly files: ReadonlyMap<string, Uint8Array> }
  | { readonly kind: 'failed'; readonly reason: string }

/** The outcomes by program, each of as many runs as were asked for; or why nothing here runs them, with what to install. */
export type DerivedRunResult =
  | { readonly kind: 'ran'; readonly outcomes: readonly (readonly DerivedOutcome[])[] }
  | { readonly kind: 'unavailable'; readonly reason: string }

/**
 * Runs programs of images cut off from everything: over files that they cannot write to, without network, as nobody, with
 * no environment but the one given, and apart from each other.
 */
export interface DerivedRunner {
  /** The OCI platform whose programs run here without emulation. */
  readonly platform: string
  run(run: DerivedRun, times: number): Promise<DerivedRunResult>
}
