import type { Tree } from '../tree.ts'

/** What a derived effect is made for. */
export interface DerivedContext {
  /** The image without any derived effect. */
  readonly tree: Tree
}

/** A file that a program reads. */
export interface DerivedInput {
  /** As the program is told it, perhaps a link. */
  readonly path: string
  /** The file in the tree that it leads to. */
  readonly source: string
}

/** Where a run of a program finds what it reads and leaves what it makes. */
export interface DerivedPlaces {
  /** Stands before the path of every input; empty where the program's root is the image itself. */
  readonly inputs: string
  /** An empty directory; a file in it at `/a/b` is meant for `/a/b` of the image. */
  readonly output: string
}

/** One program of the image to be run, and all that its result may depend on. */
export interface DerivedStep {
  /** The program's path in the image, without links. */
  readonly program: string
  /** In code-unit order of paths. */
  readonly inputs: readonly DerivedInput[]
  /** Nothing else is in the environment. */
  readonly environment: Readonly<Record<string, string>>
  readonly stdin: string
  arguments(places: DerivedPlaces): readonly string[]
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
