import type { Digest } from '#core'
import type { Descriptor } from './descriptor.ts'
import type { ImageDocument } from './image-source.ts'

/** A manifest or index that is stored under its digest or a tag. */
export interface PlacedManifest {
  readonly document: ImageDocument
  readonly reference: string
  /**
   * What the tag must name now, or nothing. Only registries that take contents together look; for others whoever writes has
   * read before.
   */
  readonly expected?: Digest | 'none'
}

/** Contents that one repository shall have: a value, which is sent in one request or piece by piece. */
export interface RepositoryContents {
  /** Blobs in memory. */
  readonly blobs: readonly ImageDocument[]
  /** Blobs that are there, or can be mounted from other repositories of the same registry. */
  readonly others?: readonly { readonly blob: Descriptor; readonly from?: readonly string[] }[]
  /** In stages: each refers to what is in the ones before, and a tag comes when everything under it is there. */
  readonly manifests: readonly (readonly PlacedManifest[])[]
}
