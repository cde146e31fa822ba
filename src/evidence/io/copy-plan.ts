import { BUNDLE_TYPE, SIGN_PREDICATE } from '#attest'
import { type Digest, digestOf, inParallel } from '#core'
import {
  type Descriptor,
  type ImageDocument,
  OciError,
  parseManifestOrIndex,
  type Repository,
  referrerDescriptor,
} from '#oci'
import { EvidenceError } from '../errors.ts'
import { evidenceTag, type TagKind } from '../tag-form.ts'

/** A manifest that refers to another. */
export interface Referrer {
  readonly subject: Digest
  readonly document: ImageDocument
}

/** What stands under a tag made of its subject's digest. */
export interface TaggedEvidence {
  readonly tag: string
  readonly kind: TagKind | 'sbom'
  readonly document: ImageDocument
}

/** An image with all that is said about it: every document is verified, no blob has been opened. */
export interface CopyPlan {
  readonly top: ImageDocument
  /** The documents of the image, those that others list first; the last one is `top`. */
  readonly documents: readonly ImageDocument[]
  /** What refers to the image first, then what refers to that. */
  readonly referrers: readonly Referrer[]
  readonly tagged: readonly TaggedEvidence[]
  /** Every config and layer once, in order of first use. */
  readonly blobs: readonly Descriptor[]
}

/** How much is carried with one image at most, its own documents included. */
const LIMITS = { documents: 10_000, bytes: 64 * 1024 * 1024, depth: 8 }
const READERS = 8
const KINDS: readonly TaggedEvidence['kind'][] = ['sig', 'att', 'sbom']

/**
 * Finds an image and all evidence about it: what refers to its index, to any of its manifests, or to such evidence, and what
 * stands under tags of their digests. Rejects with `IMAGE_UNKNOWN`, `EVIDENCE_TOO_MUCH` for more than 10,000 documents, 64 MiB
 * of them or a chain of more than 8; `EVIDENCE_INVALID` for a list of referrers that names what refers to something else;
 * `BLOB_UNKNOWN` for a manifest that is listed and not there; `BLOB_MISMATCH`, `DOCUMENT_INVALID`, and as the repository does.
 */
export async function planCopy(from: Repository, reference: string): Promise<CopyPlan> {
  return new CopyPlanner(from).plan(reference)
}

class CopyPlanner {
  readonly #from: Repository
  readonly #documents: ImageDocument[] = []
  readonly #referrers: Referrer[] = []
  readonly #tagged: TaggedEvidence[] = []
  readonly #blobs = new Map<Digest, Descriptor>()
  readonly #seen = new Set<Digest>()
  #bytes = 0

  constructor(from: Repository) {
    this.#from = from
  }

  async plan(reference: string): Promise<CopyPlan> {
    const found = await this.#from.readManifest(reference)
    if (found === undefined) {
      throw new OciError('IMAGE_UNKNOWN', `cannot copy ${this.#from.name}: it has no manifest ${reference}`)
    }
    const { mediaType, bytes } = found
    const digest = digestOf(bytes)
    if (reference.startsWith('sha256:') && reference !== digest) {
      throw new OciError(
        'BLOB_MISMATCH',
        `cannot copy ${this.#from.name}@${reference}: what came has the digest ${digest}`,
      )
    }
    const top = { descriptor: { mediaType, digest, size: bytes.length }, bytes }
    await this.#addImage(top, 1)
    let subjects: Digest[] = this.#documents.map(({ descriptor }) => descriptor.digest)
    for (let depth = 0; subjects.length > 0; depth++) subjects = await this.#addEvidence(subjects, depth)
    return {
      top,
      documents: this.#documents,
      referrers: this.#referrers,
      tagged: this.#tagged,
      blobs: [...this.#blobs.values()],
    }
  }

  /** Adds a document of the image behind what it lists. */
  async #addImage(document: ImageDocument, depth: number): Promise<void> {
    const read = this.#add(document)
    if ('manifests' in read) {
      if (depth > LIMITS.depth) throw this.#tooMuch(`its indexes lie more than ${LIMITS.depth} deep`)
      for (const entry of read.manifests) {
        if (this.#seen.has(entry.digest)) continue
        const { digest } = document.descriptor
        await this.#addImage(await this.#read(entry, `index ${digest} lists it`), depth + 1)
      }
    }
    this.#documents.push(document)
  }

  /** Adds what is said of some manifests, and gives the digests of what was new. */
  async #addEvidence(subjects: readonly Digest[], depth: number): Promise<Digest[]> {
    const added: Digest[] = []
    const add = (document: ImageDocument) => {
      if (depth === LIMITS.depth) throw this.#tooMuch(`evidence is about evidence more than ${LIMITS.depth} deep`)
      this.#add(document)
      added.push(document.descriptor.digest)
    }
    await inParallel(READERS, subjects, async (subject) => {
      for (const entry of await this.#from.referrers(subject)) {
        if (this.#seen.has(entry.digest)) continue
        const document = await this.#readReferrer(entry, subject)
        if (this.#seen.has(entry.digest)) continue
        add(document)
        this.#referrers.push({ subject, document })
      }
      for (const kind of KINDS) {
        const tag = evidenceTag(subject, kind)
        const found = await this.#from.readManifest(tag)
        if (found === undefined) continue
        const { mediaType, bytes } = found
        const document = { descriptor: { mediaType, digest: digestOf(bytes), size: bytes.length }, bytes }
        if (!this.#seen.has(document.descriptor.digest)) add(document)
        this.#tagged.push({ tag, kind, document })
      }
    })
    return added
  }

  async #readReferrer(entry: Descriptor, subject: Digest): Promise<ImageDocument> {
    const document = await this.#read(entry, `it is listed among the referrers of ${subject}`)
    const read = parseManifestOrIndex(document)
    if (read.subject?.digest === subject) return { ...document, descriptor: referrerDescriptor(entry, read) }
    const reason = `it is listed among the referrers of ${subject}, and refers to ${read.subject?.digest ?? 'nothing'}`
    throw new EvidenceError('EVIDENCE_INVALID', `cannot copy ${this.#from.name}@${entry.digest}: ${reason}`)
  }

  /** Reads what a document names; `why` says which. */
  async #read(entry: Descriptor, why: string): Promise<ImageDocument> {
    const name = `${this.#from.name}@${entry.digest}`
    const found = await this.#from.readManifest(entry.digest)
    if (found === undefined) {
      throw new OciError('BLOB_UNKNOWN', `cannot copy ${name}: ${why}, and it is not there`)
    }
    const digest = digestOf(found.bytes)
    if (digest !== entry.digest || found.bytes.length !== entry.size) {
      const got = `${found.bytes.length} bytes with the digest ${digest}`
      throw new OciError(
        'BLOB_MISMATCH',
        `cannot copy ${name}: ${why} with ${entry.size} bytes, and what came is ${got}`,
      )
    }
    return { descriptor: entry, bytes: found.bytes }
  }

  /** Takes note of a document and of the blobs that it names. */
  #add(document: ImageDocument): ReturnType<typeof parseManifestOrIndex> {
    const { digest } = document.descriptor
    const read = parseManifestOrIndex(document, `${this.#from.name}@${digest}`)
    this.#seen.add(digest)
    this.#bytes += document.bytes.length
    if (this.#seen.size > LIMITS.documents) throw this.#tooMuch(`it is more than ${LIMITS.documents} manifests`)
    if (this.#bytes > LIMITS.bytes) throw this.#tooMuch(`its manifests have more than ${LIMITS.bytes} bytes`)
    if ('config' in read) for (const blob of [read.config, ...read.layers]) this.#blobs.set(blob.digest, blob)
    return read
  }

  #tooMuch(reason: string): EvidenceError {
    return new EvidenceError(
      'EVIDENCE_TOO_MUCH',
      `cannot copy ${this.#from.name} with what is said about it: ${reason}`,
    )
  }
}

/** Whether a manifest is a signature, a statement, or something that others attach. The annotations prove nothing. */
export function kindOf({ descriptor }: ImageDocument): 'signature' | 'statement' | 'other' {
  if (descriptor.artifactType !== BUNDLE_TYPE) return 'other'
  const predicate = descriptor.annotations?.['dev.sigstore.bundle.predicateType']
  return predicate === SIGN_PREDICATE ? 'signature' : 'statement'
}
