import type { DefinitionFacts, FileGroup, Inventory } from './inventory.ts'

/** What documents call the files of an effect, of the definition or of dpkg. */
export function groupName({ kind, name }: FileGroup): string {
  if (kind === 'effect') return `effect ${name}`
  if (name.startsWith('/')) return `taken in: ${name}`
  return kind === 'package-database' ? `package database of ${name}` : `definition files: ${name}`
}

/** The version of an image, and of what it has of its own: as its label says, or its digest. */
export function versionOfImage({ image }: Inventory): string {
  return image.version === '' ? image.digest : image.version
}

/** That something in a document is from a definition, not from the image. */
export function definitionNote({ name, variant, hasLock }: DefinitionFacts): string {
  const files = hasLock ? 'and the files of packages from the lock beside it' : 'without a lock'
  return `what was left out is from the definition of ${name}, variant ${variant}, ${files}`
}
