/** A layer as its blob stands: gzip, zstd or plain tar by its media type. */
export interface RunnableLayer {
  readonly mediaType: string
  open(): AsyncIterable<Uint8Array>
}

/** A program with the files that it runs in. */
export interface DerivedRun {
  /** OCI platform of the program. */
  readonly platform: string
  /** Lowest first. */
  readonly layers: readonly RunnableLayer[]
  /** Begins with the program's absolute path. */
  readonly argv: readonly [string, ...string[]]
  readonly environment: Readonly<Record<string, string>>
  readonly stdin: string
  /** The directory whose files are the result. */
  readonly output: string
}

/** What came of a run. */
export type DerivedRunResult =
  /** By path below the output directory, e.g. `/usr/lib/x`. */
  | { readonly kind: 'made'; readonly files: ReadonlyMap<string, Uint8Array> }
  | { readonly kind: 'failed'; readonly reason: string }
  /** Nothing here can run it, with what to install. */
  | { readonly kind: 'unavailable'; readonly reason: string }

/**
 * Runs programs of images cut off from everything: over files that they cannot write to, without network, as nobody, with
 * no environment but the one given.
 */
export interface DerivedRunner {
  /** The OCI platform whose programs run here without emulation. */
  readonly platform: string
  /** Runs a program some times, each apart from the others. One answer that it is unavailable stands for all. */
  run(run: DerivedRun, times: number): Promise<readonly DerivedRunResult[]>
}
