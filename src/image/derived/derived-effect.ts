import type { Tree } from '../tree.ts'

/** What a derived effect is made for. */
export interface DerivedContext {
  /** The image without any derived effect. */
  readonly tree: Tree
  /** The OCI architecture of the image. */
  readonly architecture: string
  /** The locales that the definition names. */
  readonly locales: readonly string[]
}

/** A file that a program reads. */
export interface DerivedInput {
  /** As the program is told it, perhaps a link. */
  readonly path: string
  /** The file in the tree that it leads to. */
  readonly source: string
  /** Whether the program is given it decompressed. */
  readonly gunzip?: true
}

/** Where a run of a program finds what it reads and leaves what it makes. */
export interface DerivedPlaces {
  /** Stands before the path of every input; empty where they are read in the image itself. */
  readonly inputs: string
  /** An empty directory. */
  readonly output: string
}

/** One program of the image to be run, and all that its result may depend on. */
export interface DerivedStep {
  /** The program's path in the image, without links. */
  readonly program: string
  /** In code-unit order of paths. */
  readonly inputs: readonly DerivedInput[]
  readonly stdin: string
  /** The directory of the image that stands for the program's output; empty for the root. */
  readonly target: string
  arguments(places: DerivedPlaces): readonly string[]
  /** Nothing else is in the environment. */
  environment(places: DerivedPlaces): Readonly<Record<string, string>>
}

/** An effect that only the image's own program can work out (design, "derived effect"). */
export interface DerivedEffect {
  /** As a definition's `derived:` names it. */
  readonly name: string
  /** One sentence for `docs/effects.md`. */
  readonly summary: string
  /** Counts the changes to what is run; results of another recipe are not taken from the cache. */
  readonly recipe: number
  /** What to run, in order. Throws `EFFECT_INVALID` when the image has nothing to derive from. */
  steps(context: DerivedContext): readonly DerivedStep[]
}

/** Files that a derived effect made, by their paths in the image. */
export type DerivedFiles = ReadonlyMap<string, Uint8Array>
