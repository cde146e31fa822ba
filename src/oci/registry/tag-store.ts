import type { ContentDigest } from './content-digest.ts'

/** One tag to move: from what it must name now to what it shall name; `undefined` for no such tag. */
export interface TagMove {
  readonly tag: string
  readonly expected: ContentDigest | undefined
  readonly next: ContentDigest | undefined
}

/** A move in one of several repositories. */
export interface RepositoryTagMove extends TagMove {
  readonly repository: string
}

/** What became of some moves: all are done, or none, with what each tag that was not as expected names. */
export type MoveOutcome =
  | { readonly moved: true }
  | { readonly moved: false; readonly found: ReadonlyMap<string, ContentDigest | undefined> }

/** Where the tags of repositories are kept. */
export interface TagStore {
  /** What a tag names, or `undefined` when there is no such tag or repository. */
  get(repository: string, tag: string): ContentDigest | undefined
  /** The tags of a repository in the order of distribution-spec §listing-tags; none for one that is not there. */
  list(repository: string): readonly string[]
  /**
   * Moves tags all together or not at all: durable when it resolves, and never seen in part, not after a crash either.
   * No move is done when one tag does not name what is expected. Rejects with a `Refusal` of `MANIFEST_UNKNOWN` when a
   * `next` is no manifest of the repository, and with `STORE_FULL` or `STORE_FAILED` when it cannot be made durable.
   */
  moveTags(repository: string, moves: readonly TagMove[]): Promise<MoveOutcome>
  /** The same for tags of several repositories; gives whether they were moved. */
  moveTagsTogether(moves: readonly RepositoryTagMove[]): Promise<boolean>
}
