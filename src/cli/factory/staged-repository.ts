import type { Digest } from '#core'
import type { EvidenceItem } from '#evidence'
import {
  type BlobOutcome,
  type BlobSource,
  type Descriptor,
  type ImageDocument,
  type ImageSource,
  memoryBlobs,
  type PlacedManifest,
  parseManifest,
  parseManifestOrIndex,
  pushImage,
  type RegistryClient,
  type Repository,
  readBlob,
  referrerDescriptor,
} from '#oci'
import { ContentsMissing, type RegistryHome } from './registry-home.ts'

/**
 * A repository in which an image is laid out with all that is attached to it, before everything is sent together. What was put is
 * read back from memory. Its subjects are the image's own manifests: of those that the registry did not have before, nothing but what
 * was put is attached, so nobody is asked.
 */
export class StagedRepository implements Repository {
  readonly name: string
  readonly #home: RegistryHome
  readonly #manifests = new Map<string, ImageDocument>()
  readonly #referrers = new Map<Digest, Descriptor[]>()
  readonly #blobs = new Map<Digest, ImageDocument>()
  /** The image's manifests that the registry did not have. */
  readonly #fresh = new Set<string>()
  #image: { readonly source: ImageSource; readonly mountFrom: readonly string[] } | undefined
  #unsentBlobs: ImageDocument[] = []
  #others: { readonly blob: Descriptor; readonly from: readonly string[] }[] = []
  #unsent: PlacedManifest[] = []

  constructor(name: string, home: RegistryHome) {
    this.name = name
    this.#home = home
  }

  /** Asked for each time: an image may wait longer than connections are used for. */
  get #client(): RegistryClient {
    return this.#home.repository(this.name)
  }

  /** Lays out an image. Layers among `below` are looked for in the repositories `mountFrom`; the others go along. */
  async putImage(
    source: ImageSource,
    { mountFrom, below }: { readonly mountFrom: readonly string[]; readonly below: ReadonlySet<Digest> },
  ): Promise<void> {
    const documents = [...new Set([...source.images.map(({ manifest }) => manifest), source.top])]
    this.#image = { source, mountFrom }
    const known = documents.map(({ descriptor }) => this.#client.resolve(descriptor.digest, 'push'))
    for (const [at, found] of (await Promise.all(known)).entries()) {
      const document = documents[at]
      if (document === undefined) continue
      if (found === undefined) this.#fresh.add(document.descriptor.digest)
      this.#put(document, document.descriptor.digest)
    }
    for (const { config, layers } of source.images) {
      this.#keep(config)
      for (const { descriptor } of layers) await this.#putLayer(descriptor, source, { mountFrom, below })
    }
  }

  async #putLayer(
    descriptor: Descriptor,
    { blobs }: ImageSource,
    { mountFrom, below }: { readonly mountFrom: readonly string[]; readonly below: ReadonlySet<Digest> },
  ): Promise<void> {
    if (below.has(descriptor.digest) || descriptor.size > LARGEST) {
      this.#others.push({ blob: descriptor, from: mountFrom })
      return
    }
    this.#unsentBlobs.push({ descriptor, bytes: await readBlob(descriptor, blobs.open(descriptor.digest)) })
  }

  async readManifest(
    reference: string,
  ): Promise<{ readonly mediaType: string; readonly bytes: Uint8Array } | undefined> {
    const own = this.#manifests.get(reference)
    if (own !== undefined) return { mediaType: own.descriptor.mediaType, bytes: own.bytes }
    return this.#isOfFresh(reference) ? undefined : await this.#client.readManifest(reference)
  }

  async referrers(digest: Digest): Promise<readonly Descriptor[]> {
    const own = this.#referrers.get(digest) ?? []
    if (this.#fresh.has(digest)) return own
    const there = await this.#client.referrers(digest)
    return [...there.filter((one) => own.every((other) => other.digest !== one.digest)), ...own]
  }

  /** What was attached to a manifest here: one item for each statement, whatever forms it was put in. */
  bundles(subject: Digest): readonly EvidenceItem[] {
    return this.#artifacts(subject).flatMap(({ digest, annotations = {} }) => {
      const manifest = this.#manifests.get(digest)
      const [layer] = manifest === undefined ? [] : parseManifest(manifest.bytes, `${this.name}@${digest}`).layers
      const content = layer === undefined ? undefined : this.#blobs.get(layer.digest)
      return content === undefined
        ? []
        : [{ kind: 'bundle' as const, place: `${this.name}@${digest}`, bytes: content.bytes, annotations }]
    })
  }

  /** The digests of what was attached to a manifest here, by predicate type. */
  attached(subject: Digest): readonly (readonly [string, Digest])[] {
    return this.#artifacts(subject).flatMap(({ digest, annotations }) => {
      const type = annotations?.['dev.sigstore.bundle.predicateType']
      return type === undefined ? [] : [[type, digest] as const]
    })
  }

  #artifacts(subject: Digest): readonly Descriptor[] {
    return this.#referrers.get(subject) ?? []
  }

  async tags(): Promise<readonly string[]> {
    return await this.#client.tags()
  }

  blobs(): BlobSource {
    return memoryBlobs([...this.#blobs.values()], this.#client.blobs())
  }

  async ensureBlob(blob: Descriptor, blobs: BlobSource): Promise<BlobOutcome> {
    if (this.#blobs.has(blob.digest)) return 'present'
    this.#keep({ descriptor: blob, bytes: await readBlob(blob, blobs.open(blob.digest)) })
    return 'uploaded'
  }

  async putManifest(document: ImageDocument, reference: string): Promise<void> {
    this.#put(document, reference)
    const read = parseManifestOrIndex(document)
    if (read.subject === undefined) return
    const { digest } = read.subject
    this.#referrers.set(digest, [...(this.#referrers.get(digest) ?? []), referrerDescriptor(document.descriptor, read)])
  }

  /** Sends what was not sent before; resolves when all of it is durable. Rejects as `RegistryHome.store` and `pushImage`. */
  async send(): Promise<void> {
    const [blobs, others, manifests] = [this.#unsentBlobs, this.#others, this.#unsent]
    if (blobs.length + others.length + manifests.length === 0) return
    const byDigest = manifests.filter(({ reference }) => reference.includes(':'))
    const tags = manifests.filter(({ reference }) => !reference.includes(':'))
    const isImage = ({ reference }: PlacedManifest) => this.#image?.source.top.descriptor.digest !== reference
    const contents = {
      blobs,
      others,
      manifests: [byDigest.filter(isImage), byDigest.filter((one) => !isImage(one)), tags],
    }
    try {
      await this.#home.store({ repository: this.#client, contents })
    } catch (error) {
      if (!(error instanceof ContentsMissing) || this.#image === undefined) throw error
      const { source, mountFrom } = this.#image
      const { registry, repository } = this.#client
      await pushImage(source, { transport: 'docker', registry, repository }, { client: this.#client, mountFrom })
      await this.#home.store({ repository: this.#client, contents: { ...contents, others: [] } })
    }
    this.#unsentBlobs = []
    this.#others = []
    this.#unsent = []
  }

  /** Connections are everybody's. */
  async close(): Promise<void> {}

  #put(document: ImageDocument, reference: string): void {
    this.#manifests.set(reference, document)
    this.#manifests.set(document.descriptor.digest, document)
    this.#unsent = [...this.#unsent.filter((one) => one.reference !== reference), { document, reference }]
  }

  #keep(document: ImageDocument): void {
    this.#blobs.set(document.descriptor.digest, document)
    this.#unsentBlobs.push(document)
  }

  /** Whether a tag is one of the evidence of a manifest that the registry did not have. */
  #isOfFresh(reference: string): boolean {
    const [, hex] = /^sha256-([0-9a-f]{64})\.(?:sig|att)$/.exec(reference) ?? []
    return hex !== undefined && this.#fresh.has(`sha256:${hex}`)
  }
}

/** Bytes of a layer that goes along with others; what is bigger goes by itself. */
const LARGEST = 2 ** 19
