import { baseFolder, imageFrom, namesImage, type OpenedDefinition, type StackedImage } from '#image'

/** The image of others at the bottom of what a definition stacks on, with the folder that keeps its recipe; `undefined` where all is defined here. */
export function foreignBaseOf({ base, sources }: OpenedDefinition): StackedImage | undefined {
  if (base === undefined) return undefined
  if (!namesImage(base.from)) return foreignBaseOf(base.opened)
  // What it extends comes first: `from:` stands there.
  const root = sources[base.opened.sources.length]
  if (root === undefined) return undefined
  return { from: base.from, image: imageFrom(base.from, root.file), folder: baseFolder(root.file, root.member) }
}

/** The image of the fleet that a definition stacks on: an image of others may have the same name. */
export function parentOf({ base }: OpenedDefinition): string | undefined {
  return base === undefined || namesImage(base.from) ? undefined : base.opened.definition.image
}
