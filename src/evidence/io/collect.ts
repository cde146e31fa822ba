import { BUNDLE_TYPE, ENVELOPE_TYPE, IMAGE_SIGNATURE_TYPE } from '#attest'
import type { Digest } from '#core'
import { type Annotations, type Descriptor, MAX_REFERRERS, parseManifest, type Repository, readBlob } from '#oci'
import { EvidenceError } from '../errors.ts'
import type { EvidenceItem, FoundEvidence } from '../found-evidence.ts'
import { evidenceTag, SIGNATURE_ANNOTATION, type TagKind } from '../tag-form.ts'

/** The most that is read of what is attached to one manifest: bytes of one document, and of all of them. */
const LIMITS = { item: 64 * 2 ** 20, total: 512 * 2 ** 20 }

/**
 * Reads what is attached to a manifest or index, in both forms, and believes none of it. Rejects with `EVIDENCE_TOO_MUCH`,
 * `EVIDENCE_INVALID`, and as the repository does.
 */
export async function collectEvidence(repository: Repository, subject: Digest): Promise<FoundEvidence> {
  const collector = new Collector(repository, subject)
  const signatures = await collector.tagged('sig')
  const statements = await collector.tagged('att')
  const { bundles, others } = await collector.referrers()
  return { subject, items: [...signatures, ...statements, ...bundles], others }
}

class Collector {
  readonly #repository: Repository
  readonly #subject: Digest
  #read = 0

  constructor(repository: Repository, subject: Digest) {
    this.#repository = repository
    this.#subject = subject
  }

  async tagged(kind: TagKind): Promise<EvidenceItem[]> {
    const tag = evidenceTag(this.#subject, kind)
    const found = await this.#repository.readManifest(tag)
    if (found === undefined) return []
    const place = `${this.#repository.name}:${tag}`
    const { layers } = parseManifest(found.bytes, place)
    if (layers.length > MAX_REFERRERS) throw tooMuch(place, `it has ${layers.length} layers`)
    const items: EvidenceItem[] = []
    for (const [number, layer] of layers.entries()) {
      items.push(await this.#layer(layer, `${place}, layer ${number + 1}`, kind))
    }
    return items
  }

  async #layer(layer: Descriptor, place: string, kind: TagKind): Promise<EvidenceItem> {
    const wanted = kind === 'sig' ? IMAGE_SIGNATURE_TYPE : ENVELOPE_TYPE
    if (layer.mediaType !== wanted) {
      throw new EvidenceError('EVIDENCE_INVALID', `cannot read ${place}: it is ${layer.mediaType}, want ${wanted}`)
    }
    const annotations = layer.annotations ?? {}
    const bytes = await this.#blob(layer, place)
    if (kind === 'att') return { kind: 'envelope', place, bytes, annotations }
    const signature = Buffer.from(annotations[SIGNATURE_ANNOTATION] ?? '', 'base64')
    return { kind: 'image-signature', place, payload: bytes, signature, annotations }
  }

  async referrers(): Promise<{ bundles: EvidenceItem[]; others: Descriptor[] }> {
    const bundles: EvidenceItem[] = []
    const others: Descriptor[] = []
    for (const referrer of await this.#repository.referrers(this.#subject)) {
      const bundle = isBundle(referrer) ? await this.#bundle(referrer) : undefined
      if (bundle === undefined) others.push(referrer)
      else bundles.push(bundle)
    }
    return { bundles, others }
  }

  /** The bundle of a referrer; what its index says of it is a hint, so its manifest decides. */
  async #bundle({ digest, size }: Descriptor): Promise<EvidenceItem | undefined> {
    const place = `${this.#repository.name}@${digest}`
    const found = await this.#repository.readManifest(digest)
    if (found === undefined) return undefined
    const own = (async function* () {
      yield found.bytes
    })()
    const bytes = await readBlob({ mediaType: found.mediaType, digest, size }, own)
    const { layers, annotations = {} } = parseManifest(bytes, place)
    const [layer, ...more] = layers
    if (layer === undefined || more.length > 0) {
      throw new EvidenceError('EVIDENCE_INVALID', `cannot read ${place}: want one layer, it has ${layers.length}`)
    }
    return { kind: 'bundle', place, bytes: await this.#blob(layer, place), annotations }
  }

  async #blob(blob: Descriptor, place: string): Promise<Uint8Array> {
    if (blob.size > LIMITS.item) throw tooMuch(place, `it has ${blob.size} bytes`)
    this.#read += blob.size
    if (this.#read > LIMITS.total) throw tooMuch(place, `all together has more than ${LIMITS.total} bytes`)
    return readBlob(blob, this.#repository.blobs().open(blob.digest))
  }
}

/** By the type of the artifact or, where the registry does not tell, by what our and cosign's bundles say of themselves. */
function isBundle({ artifactType, annotations }: Descriptor): boolean {
  return artifactType === BUNDLE_TYPE || (artifactType === undefined && isBundleAnnotated(annotations ?? {}))
}

function isBundleAnnotated(annotations: Annotations): boolean {
  return 'dev.sigstore.bundle.content' in annotations
}

function tooMuch(place: string, reason: string): EvidenceError {
  return new EvidenceError('EVIDENCE_TOO_MUCH', `cannot read ${place}: ${reason}, more than anybody attaches`)
}
