import { digestOf, hexOf, type Json } from '#core'
import type { FileHolder } from './files/placed-file.ts'
import type { ApplicationComponent, BaseImage, DebComponent, FileGroup } from './inventory.ts'

/** The image's own element. */
export const IMAGE_ID = 'SPDXRef-Image'

/** The identifier of the element of an image that this one is built on. */
export function baseId({ digest }: BaseImage): string {
  return `SPDXRef-Base-${hexOf(digest).slice(0, 24)}`
}

/** The identifier of a component's element, the same in every document that has it. */
export function elementId(one: FileHolder): string {
  if ('kind' in one) return groupId(one)
  return 'ecosystem' in one ? applicationId(one) : debId(one)
}

/** Letters, digits, dots and dashes only (SPDX 2.3, clause 7.2); what a name has beside them is spelt out. */
function debId({ name, architecture }: DebComponent): string {
  return `SPDXRef-deb-${name.replaceAll('+', '.plus.')}-${architecture}`
}

/** A purl and a path have more than an id may; both are in the digest. */
function applicationId({ ecosystem, purl, path }: ApplicationComponent): string {
  return `SPDXRef-${ecosystem}-${hexOf(digestOf(`${purl}\0${path}`)).slice(0, 24)}`
}

function groupId({ kind, name }: FileGroup): string {
  if (name.startsWith('/')) return `SPDXRef-${kind}-${hexOf(digestOf(name)).slice(0, 24)}`
  return `SPDXRef-${kind}-${name}`
}

/** The identifier of a file's element. */
export function fileId(path: string): string {
  return `SPDXRef-File-${hexOf(digestOf(path)).slice(0, 32)}`
}

/** A relationship between two elements (SPDX 2.3, clause 11). */
export function relationship(from: string, type: string, to: string): Json {
  return { spdxElementId: from, relationshipType: type, relatedSpdxElement: to }
}
