import { canonicalJson, type Digest, digestOf } from '#core'
import { eventKey, type NewEvent } from '../event.ts'
import type { Moment } from '../moment.ts'

/** What an image's definition is made of: its own files and those that it extends, not those of the image that it stacks on. */
export type DefinitionFiles = {
  /** Where the definition is, from the watched folder. */
  readonly definition: string
  /** Digests by path. */
  readonly files: Readonly<Record<string, Digest>>
}

/** The definitions of a folder, by the images that they make. */
export type DefinedImages = ReadonlyMap<string, DefinitionFiles>

/** What happened to a file of a definition. */
export type FileChange = { readonly path: string; readonly change: 'added' | 'changed' | 'removed' }

/** Where a state of a folder comes from, where that is a Git repository. */
export type CommitOrigin = {
  readonly commit: string
  /** The commit before, where there was one. */
  readonly from?: string
  /** The commit before is not among its ancestors: the branch was rewritten, or set back. */
  readonly isRewritten: boolean
}

/** Who changed a definition last. */
export type ChangeAuthor = {
  readonly commit: string
  readonly author: string
  readonly at: Moment
  readonly subject: string
}

/** What an event of the kind `definition-changed` says. */
export type DefinitionChange = {
  readonly image: string
  readonly definition: string
  readonly files: readonly FileChange[]
  /** The folder has no definition of this image any more. */
  readonly gone?: true
  readonly origin?: CommitOrigin
  readonly author?: ChangeAuthor
}

/** When a change was noticed. */
export interface DefinitionSighting {
  /** The number of the step that it belongs to. */
  readonly revision: number
  readonly seen: Moment
}

/** What a look at definitions comes to. */
export interface DefinitionStep {
  /** What is kept: with what is broken as it was before. */
  readonly images: DefinedImages
  readonly changes: readonly DefinitionChange[]
}

/** Finds which images have another definition than before. Those of `broken` places cannot be read now: their images stay as they were. */
export function stepDefinitions(
  before: DefinedImages,
  now: DefinedImages,
  broken: ReadonlySet<string>,
): DefinitionStep {
  const images = new Map(now)
  const changes: DefinitionChange[] = []
  for (const [image, { definition, files }] of now) {
    const known = before.get(image)
    const changed = fileChanges(known?.files ?? {}, files)
    if (known === undefined || changed.length > 0 || known.definition !== definition) {
      changes.push({ image, definition, files: changed })
    }
  }
  for (const [image, known] of before) {
    if (now.has(image)) continue
    if (broken.has(known.definition)) images.set(image, known)
    else changes.push({ image, definition: known.definition, files: fileChanges(known.files, {}), gone: true })
  }
  return { images, changes: changes.sort((left, right) => (left.image < right.image ? -1 : 1)) }
}

/** Makes the event of a change. The number of the step is part of its key, because a definition may go back to what it was. */
export function definitionEvent(change: DefinitionChange, { revision, seen }: DefinitionSighting): NewEvent {
  const kind = 'definition-changed'
  const { image, ...said } = change
  const key = eventKey(kind, image, { revision, change: digestOf(canonicalJson(said)) })
  return { kind, subject: image, key, payload: change, seen }
}

function fileChanges(
  before: Readonly<Record<string, Digest>>,
  after: Readonly<Record<string, Digest>>,
): readonly FileChange[] {
  const paths = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort()
  return paths.flatMap((path): FileChange[] => {
    const [from, to] = [valueUnder(before, path), valueUnder(after, path)]
    if (from === to) return []
    return [{ path, change: from === undefined ? 'added' : to === undefined ? 'removed' : 'changed' }]
  })
}

function valueUnder(files: Readonly<Record<string, Digest>>, path: string): Digest | undefined {
  return Object.hasOwn(files, path) ? files[path] : undefined
}
