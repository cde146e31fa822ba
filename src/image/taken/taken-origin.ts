import type { Digest } from '#core'
import { parseReference } from '#oci'
import type { DefinedPath, TakenDeclaration } from '../definition/definition.ts'

/** What a definition takes in from elsewhere on one platform, as far as the definition itself tells. */
export interface TakenOrigin {
  /** Where it stands in the image. */
  readonly path: string
  /** A URL, or an image reference without its digest. */
  readonly at: string
  /** Of what is found there. */
  readonly digest: Digest
  readonly kind: TakenDeclaration['content']['kind']
  /** What is taken of it; empty for a file that is taken as it is. */
  readonly from: string
  /** Of an image in a registry, its package URL. */
  readonly purl?: string
}

/** Gives what a definition's paths take in, in their order; of what the platform has nothing for, nothing. */
export function takenOrigins(paths: readonly DefinedPath[], platform: string): readonly TakenOrigin[] {
  return paths
    .filter((entry) => entry.type === 'taken')
    .flatMap(({ path, content, place }) => {
      const at = typeof place.at === 'string' ? place.at : place.at[platform]
      const digest = typeof content.digest === 'string' ? content.digest : content.digest[platform]
      if (at === undefined || digest === undefined) return []
      const purl = content.kind === 'image' ? imagePurl(at, digest) : undefined
      const from = content.kind === 'file' ? '' : content.from
      return [{ path, at, digest, kind: content.kind, from, ...(purl === undefined ? {} : { purl }) }]
    })
}

/** The package URL of an image in a registry; a folder or file of one machine has no name elsewhere. */
export function imagePurl(at: string, digest: Digest): string | undefined {
  const reference = parseReference(at)
  if (reference.transport !== 'docker') return undefined
  const { registry, repository } = reference
  const name = repository.slice(repository.lastIndexOf('/') + 1)
  const place = encodeURIComponent(`${registry}/${repository}`)
  return `pkg:oci/${name}@${encodeURIComponent(digest)}?repository_url=${place}`
}
