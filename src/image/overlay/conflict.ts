import { ImageError } from '../errors.ts'

/** In what an overlay and its base can contradict each other. */
export type ConflictKind =
  | 'account'
  | 'alternative'
  | 'archive'
  | 'certificate'
  | 'entrypoint'
  | 'group'
  | 'keep'
  | 'layers'
  | 'link'
  | 'locale'
  | 'name'
  | 'package'
  | 'parent'
  | 'path'
  | 'platform'
  | 'port'
  | 'remove'
  | 'user'
  | 'variant'
  | 'work-dir'

/** One contradiction: what both sides say, and what can be done about it. */
export interface Conflict {
  readonly kind: ConflictKind
  /** Names both sides. */
  readonly sides: string
  /** In the imperative. */
  readonly waysOut: string
}

/** Puts conflicts into one error, all at once, so that nobody has to run into them one by one. */
export function conflictError(overlay: string, base: string, conflicts: readonly Conflict[]): ImageError {
  const lines = conflicts.map(({ kind, sides, waysOut }) => `${kind}: ${sides}; ${waysOut}`)
  const [only = ''] = lines
  const told = lines.length === 1 ? only : [`${lines.length} conflicts`, ...lines].join('\n  ')
  return new ImageError('OVERLAY_CONFLICT', `cannot stack ${overlay} on ${base}: ${told}`)
}
