import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Digest, digestOf, hasSystemCode } from '#core'
import { type BlobSource, readBlob, verified } from '../blob-source.ts'
import type { Descriptor } from '../descriptor.ts'
import { OciError } from '../errors.ts'
import type { ImageDocument } from '../image-source.ts'
import { type ImageIndex, parseIndex } from '../index-document.ts'
import { blobPath, LAYOUT_FILE, LAYOUT_INDEX, LAYOUT_MARK, layoutTag, listed } from '../layout-format.ts'
import { memoryBlobs } from '../memory-blobs.ts'
import { checkSize } from '../opened-image.ts'
import { parseManifestOrIndex, referrerDescriptor } from '../referrer.ts'
import type { BlobOutcome, Repository } from '../repository.ts'
import { removeLeftovers, writeFileAtomically } from './atomic-file.ts'
import { checkLayout } from './layout.ts'
import { type LayoutCatalogue, LayoutReader } from './layout-catalogue.ts'
import { chooseImage } from './open-layout.ts'
import { locatedBlobs } from './segment-blobs.ts'

/** What `index.json` said when it was last read, and all that it leads to. */
interface Snapshot {
  readonly digest: Digest
  readonly index: ImageIndex
  readonly catalogue: LayoutCatalogue
}

/**
 * A layout's folder as a repository (image-spec §image-layout): tags are the entries of `index.json` with a name, referrers
 * are all manifests with a subject that it lists or reaches. `index.json` changes last and at once, so that it never names
 * what is not there. Two writers of one folder at the same moment: the last one's entries stay. Every method rejects with
 * `LAYOUT_INVALID`, `DOCUMENT_INVALID`, `BLOB_UNKNOWN` and `BLOB_MISMATCH` for a folder that is not as it should be.
 */
export class LayoutRepository implements Repository {
  readonly name: string
  readonly #directory: string
  readonly #blobs: BlobSource
  readonly #reader: LayoutReader
  #snapshot: Snapshot | undefined
  #leftovers: Promise<void> | undefined
  /** The change of `index.json` that is under way. */
  #change: Promise<void> = Promise.resolve()

  private constructor(directory: string) {
    this.name = `oci:${directory}`
    this.#directory = directory
    this.#reader = new LayoutReader(directory)
    this.#blobs = locatedBlobs((digest) => [{ path: this.#path(blobPath(digest)) }])
  }

  /** Opens a folder, which need not be there yet. Rejects with `LAYOUT_INVALID` for one that holds something else. */
  static async open(directory: string): Promise<LayoutRepository> {
    await checkLayout(directory)
    return new LayoutRepository(directory)
  }

  /** Gives the entry with this tag or, without one, the only image. Rejects with `IMAGE_UNKNOWN`. */
  async findImage(tag?: string): Promise<Descriptor> {
    const snapshot = await this.#read()
    if (snapshot !== undefined) return chooseImage(snapshot.index, this.#blobs, { name: this.name, tag })
    throw new OciError('IMAGE_UNKNOWN', `cannot open ${this.name}: there is no ${this.#path(LAYOUT_INDEX)}`)
  }

  async readManifest(reference: string): Promise<{ mediaType: string; bytes: Uint8Array } | undefined> {
    const snapshot = await this.#read()
    const entries = snapshot?.index.manifests ?? []
    const found =
      entries.find((entry) => layoutTag(entry) === reference) ?? snapshot?.catalogue.manifests.get(reference)
    if (found === undefined) return undefined
    checkSize(found, this.name)
    return { mediaType: found.mediaType, bytes: await readBlob(found, this.#blobs.open(found.digest)) }
  }

  async referrers(digest: Digest): Promise<readonly Descriptor[]> {
    return (await this.#read())?.catalogue.referrers.get(digest) ?? []
  }

  async tags(): Promise<readonly string[]> {
    return ((await this.#read())?.index.manifests ?? []).flatMap((entry) => layoutTag(entry) ?? [])
  }

  blobs(): BlobSource {
    return this.#blobs
  }

  /** A blob that is there but damaged is written anew. */
  async ensureBlob(blob: Descriptor, blobs: BlobSource): Promise<BlobOutcome> {
    if (await this.#isWhole(blob)) return 'present'
    this.#leftovers ??= removeLeftovers(this.#path('blobs/sha256'))
    await this.#leftovers
    await writeFileAtomically(this.#path(blobPath(blob.digest)), verified(blob, blobs.open(blob.digest)))
    return 'uploaded'
  }

  /** Lists a manifest or index, under a tag in place of what had it, or by its digest alone. */
  async putManifest({ descriptor, bytes }: ImageDocument, reference: string): Promise<void> {
    const read = parseManifestOrIndex({ descriptor, bytes })
    await this.ensureBlob(descriptor, memoryBlobs([{ descriptor, bytes }]))
    const tag = reference === descriptor.digest ? undefined : reference
    const { mediaType, digest, size, platform } = descriptor
    const own = read.subject === undefined ? { mediaType, digest, size } : referrerDescriptor(descriptor, read)
    const entry = { ...own, ...(platform === undefined ? {} : { platform }) }
    const change = this.#change.then(() => this.#list(entry, { tag, below: 'manifests' in read ? read.manifests : [] }))
    this.#change = change.catch(() => undefined)
    await change
  }

  async close(): Promise<void> {
    await this.#change
  }

  async #list(
    entry: Descriptor,
    { tag, below }: { tag: string | undefined; below: readonly Descriptor[] },
  ): Promise<void> {
    const known = await this.#read()
    if (known === undefined) await writeFileAtomically(this.#path(LAYOUT_FILE), [LAYOUT_MARK])
    await writeFileAtomically(this.#path(LAYOUT_INDEX), [listed(known?.index, entry, { tag, below })])
  }

  /** Reads `index.json`, and what it leads to unless that is known; `undefined` where there is none yet. */
  async #read(): Promise<Snapshot | undefined> {
    const path = this.#path(LAYOUT_INDEX)
    const bytes = await readFile(path).catch((cause: unknown) => {
      if (hasSystemCode(cause, 'ENOENT')) return undefined
      throw new OciError('LAYOUT_INVALID', `cannot read ${path}`, { cause })
    })
    if (bytes === undefined) return undefined
    const digest = digestOf(bytes)
    if (this.#snapshot?.digest !== digest) {
      const index = parseIndex(bytes, path)
      this.#snapshot = { digest, index, catalogue: await this.#reader.read(index) }
    }
    return this.#snapshot
  }

  async #isWhole(blob: Descriptor): Promise<boolean> {
    try {
      for await (const _ of verified(blob, this.#blobs.open(blob.digest)));
      return true
    } catch (error) {
      if (error instanceof OciError && (error.code === 'BLOB_UNKNOWN' || error.code === 'BLOB_MISMATCH')) return false
      throw error
    }
  }

  #path(name: string): string {
    return join(this.#directory, name)
  }
}
