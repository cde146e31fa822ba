import type { Digest } from '#core'
import type { BlobSource } from './blob-source.ts'
import type { Descriptor } from './descriptor.ts'
import { OciError } from './errors.ts'
import type { ImageDocument } from './image-source.ts'

/** What became of a blob that a repository was to have. */
export type BlobOutcome = 'present' | 'mounted' | 'uploaded'

/** Images and what refers to them, wherever they are kept: one repository of a registry, or a layout's folder. */
export interface Repository {
  /** As a user may type it, without tag or digest. */
  readonly name: string
  /** Gives a manifest or index by tag or digest with its media type, or `undefined`. Its bytes are unverified. */
  readManifest(reference: string): Promise<{ readonly mediaType: string; readonly bytes: Uint8Array } | undefined>
  /** Gives what says that it refers to a manifest: descriptors with the type of artifact, at most `MAX_REFERRERS`. */
  referrers(digest: Digest): Promise<readonly Descriptor[]>
  /** Every tag, in no particular order. */
  tags(): Promise<readonly string[]>
  /** Opens blobs; what is read is unverified. */
  blobs(): BlobSource
  /** Sees to it that a blob is there; what is sent is verified, so that bytes that are not the blob's are never stored. */
  ensureBlob(blob: Descriptor, blobs: BlobSource): Promise<BlobOutcome>
  /**
   * Stores a manifest or index under its digest or a tag; what has a subject is from then on among its referrers. What had
   * the tag before loses it; a folder then has it no longer, a registry by its digest.
   */
  putManifest(document: ImageDocument, reference: string): Promise<void>
  close(): Promise<void>
}

/** More than this many referrers of one manifest are an attack, or a mistake. */
export const MAX_REFERRERS = 1000

/** Throws `REFERRERS_TOO_MANY` for a count that is over the limit. */
export function checkReferrers(count: number, subject: string): void {
  if (count <= MAX_REFERRERS) return
  throw new OciError('REFERRERS_TOO_MANY', `cannot list what refers to ${subject}: it is more than ${MAX_REFERRERS}`)
}

/** Tells whether a tag is one that clients keep evidence under: that of `referrersTag`, or cosign's, with an ending. */
export function isEvidenceTag(tag: string): boolean {
  return /^sha256-[0-9a-f]{64}(?:\.(?:sig|att|sbom))?$/.test(tag)
}

/** The tag under which a registry without the referrers API keeps their index (distribution-spec §referrers-tag-schema). */
export function referrersTag(digest: Digest): string {
  return digest.replace(':', '-')
}
