import { join } from 'node:path'
import type { Digest } from '#core'
import { readBlob } from '../blob-source.ts'
import type { Descriptor } from '../descriptor.ts'
import { OciError } from '../errors.ts'
import type { ImageIndex } from '../index-document.ts'
import { blobPath } from '../layout-format.ts'
import { isDocumentType } from '../media-types.ts'
import { checkSize } from '../opened-image.ts'
import { parseManifestOrIndex, referrerDescriptor } from '../referrer.ts'
import { checkReferrers } from '../repository.ts'
import { locatedBlobs } from './segment-blobs.ts'

/** More manifests than this in one layout are nothing that anybody carries. */
const MAX_MANIFESTS = 100_000

/** What is known of one manifest or index; it never changes. */
interface KnownDocument {
  readonly descriptor: Descriptor
  readonly below: readonly Descriptor[]
  readonly subject?: Digest
}

/** The manifests and indexes that a layout's `index.json` leads to, and what refers to which of them. */
export interface LayoutCatalogue {
  readonly manifests: ReadonlyMap<string, Descriptor>
  readonly referrers: ReadonlyMap<Digest, readonly Descriptor[]>
}

/** Reads what a layout leads to: every manifest and index once, verified, and never again. */
export class LayoutReader {
  readonly #directory: string
  readonly #known = new Map<Digest, KnownDocument>()

  constructor(directory: string) {
    this.#directory = directory
  }

  /**
   * Gives what `index.json` lists and reaches. Rejects with `BLOB_UNKNOWN` for what is listed and not there,
   * `BLOB_MISMATCH`, `DOCUMENT_INVALID`, `LAYOUT_INVALID` for more than 100,000 manifests, `REFERRERS_TOO_MANY`.
   */
  async read(index: ImageIndex): Promise<LayoutCatalogue> {
    const manifests = new Map<string, Descriptor>()
    const referrers = new Map<Digest, Descriptor[]>()
    const waiting = index.manifests.filter(({ mediaType }) => isDocumentType(mediaType))
    for (let entry = waiting.pop(); entry !== undefined; entry = waiting.pop()) {
      if (manifests.has(entry.digest)) continue
      if (manifests.size === MAX_MANIFESTS) throw this.#tooMany()
      const { descriptor, below, subject } = await this.#document(entry)
      manifests.set(entry.digest, descriptor)
      waiting.push(...below)
      if (subject === undefined) continue
      const found = referrers.get(subject) ?? []
      found.push(descriptor)
      referrers.set(subject, found)
      checkReferrers(found.length, `${this.#directory}@${subject}`)
    }
    return { manifests, referrers }
  }

  async #document(entry: Descriptor): Promise<KnownDocument> {
    const { mediaType, digest, size } = entry
    const known = this.#known.get(digest)
    if (known !== undefined) return known
    checkSize(entry, this.#directory)
    const path = join(this.#directory, blobPath(digest))
    const bytes = await readBlob(entry, locatedBlobs(() => [{ path }]).open(digest))
    const read = parseManifestOrIndex({ descriptor: entry, bytes }, path)
    const document: KnownDocument = {
      descriptor: read.subject === undefined ? { mediaType, digest, size } : referrerDescriptor(entry, read),
      below: 'manifests' in read ? read.manifests.filter(({ mediaType }) => isDocumentType(mediaType)) : [],
      ...(read.subject === undefined ? {} : { subject: read.subject.digest }),
    }
    this.#known.set(digest, document)
    return document
  }

  #tooMany(): OciError {
    return new OciError('LAYOUT_INVALID', `cannot read ${this.#directory}: it has more than ${MAX_MANIFESTS} manifests`)
  }
}
