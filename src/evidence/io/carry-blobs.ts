import { type Digest, inParallel } from '#core'
import {
  type BlobOutcome,
  type BlobSource,
  CONTENTS_LIMITS,
  type Descriptor,
  type ImageDocument,
  RegistryClient,
  type Repository,
  readBlob,
  storeContents,
} from '#oci'

/** How far a copy is; blobs that are there already count as done. */
export interface CopyProgress {
  readonly blobs: { readonly done: number; readonly all: number }
  readonly bytes: { readonly done: number; readonly all: number }
}

/** Which way blobs took, and how many bytes had to be sent. */
export interface CarriedBlobs {
  readonly blobs: Readonly<Record<BlobOutcome, number>>
  readonly uploadedBytes: number
}

/** From where to where. */
interface Sides {
  readonly from: Repository
  readonly to: Repository
}

const TRANSFERS = 4
/** Blobs that are looked for in one request, and bytes of small ones that are sent in one, about. */
const TOGETHER = { count: 4000, bytes: 8 * 1024 * 1024 }

/**
 * Sees to it that a repository has blobs of another one. One of our registries says in one answer what it lacks, and gets small
 * blobs many at a time. Rejects as the repositories do; what is sent is verified.
 */
export async function carryBlobs(
  blobs: readonly Descriptor[],
  sides: Sides,
  onProgress: ((progress: CopyProgress) => void) | undefined,
): Promise<CarriedBlobs> {
  const { from, to } = sides
  const counts = new Counts(blobs, onProgress)
  const source = counts.watch(from.blobs())
  const isTogether = to instanceof RegistryClient && (await to.takesContents())
  const known = isTogether ? await lookTogether(blobs, sides) : new Map<Digest, BlobOutcome>()
  for (const blob of blobs) {
    const outcome = known.get(blob.digest)
    if (outcome !== undefined) counts.add(blob, outcome)
  }
  const rest = blobs.filter(({ digest }) => !known.has(digest))
  const isSmall = ({ size }: Descriptor) => isTogether && size <= CONTENTS_LIMITS.content
  const mountFrom = mountsBetween(sides)
  await inParallel(
    TRANSFERS,
    rest.filter((blob) => !isSmall(blob)),
    async (blob) => {
      const isMounting = to instanceof RegistryClient && mountFrom.length > 0
      const outcome = isMounting ? to.ensureBlob(blob, source, mountFrom) : to.ensureBlob(blob, source)
      counts.add(blob, await outcome)
    },
  )
  for (const chunk of chunksOf(rest.filter(isSmall))) {
    const documents: ImageDocument[] = []
    await inParallel(TRANSFERS, chunk, async (descriptor) => {
      documents.push({ descriptor, bytes: await readBlob(descriptor, source.open(descriptor.digest)) })
    })
    await storeContents([{ repository: to, contents: { blobs: documents, manifests: [] } }])
    for (const blob of chunk) counts.add(blob, 'uploaded')
  }
  return counts
}

/** Within one registry it takes blobs over itself. */
function mountsBetween({ from, to }: Sides): readonly string[] {
  const isOneRegistry = from instanceof RegistryClient && to instanceof RegistryClient && from.registry === to.registry
  return isOneRegistry ? [from.repository] : []
}

/** What became of blobs that the destination has, or took over from the source's repository; the others are not in the map. */
async function lookTogether(blobs: readonly Descriptor[], sides: Sides): Promise<Map<Digest, BlobOutcome>> {
  const from = mountsBetween(sides)
  const found = new Map<Digest, BlobOutcome>()
  const look = async (wanted: readonly Descriptor[]): Promise<void> => {
    const others = wanted.map((blob) => ({ blob, from }))
    const report = await storeContents([{ repository: sides.to, contents: { blobs: [], others, manifests: [] } }])
    const missing = new Set(report.missing.map(({ digest }) => digest))
    const left = wanted.filter(({ digest }) => !missing.has(digest))
    // Where one is missing nothing was mounted; without it, all are.
    if (left.length < wanted.length) return left.length > 0 ? look(left) : undefined
    const mounted = new Set(report.mounted.map(({ digest }) => digest))
    for (const { digest } of left) found.set(digest, mounted.has(digest) ? 'mounted' : 'present')
  }
  for (let start = 0; start < blobs.length; start += TOGETHER.count) {
    await look(blobs.slice(start, start + TOGETHER.count))
  }
  return found
}

function chunksOf(blobs: readonly Descriptor[]): Descriptor[][] {
  const chunks: Descriptor[][] = []
  let bytes = Number.POSITIVE_INFINITY
  for (const blob of blobs) {
    bytes += blob.size
    if (bytes > TOGETHER.bytes || (chunks.at(-1)?.length ?? 0) >= TOGETHER.count) {
      chunks.push([])
      bytes = blob.size
    }
    chunks.at(-1)?.push(blob)
  }
  return chunks
}

/** Counts blobs, and tells how far they are. */
class Counts implements CarriedBlobs {
  readonly blobs = { present: 0, mounted: 0, uploaded: 0 }
  uploadedBytes = 0
  readonly #onProgress: ((progress: CopyProgress) => void) | undefined
  readonly #all: { readonly blobs: number; readonly bytes: number }
  /** Bytes of blobs that are under way. */
  readonly #moving = new Map<Digest, number>()
  #done = 0

  constructor(blobs: readonly Descriptor[], onProgress: ((progress: CopyProgress) => void) | undefined) {
    this.#all = { blobs: blobs.length, bytes: blobs.reduce((sum, { size }) => sum + size, 0) }
    this.#onProgress = onProgress
  }

  add(blob: Descriptor, outcome: BlobOutcome): void {
    this.blobs[outcome]++
    this.#moving.delete(blob.digest)
    this.#done += blob.size
    if (outcome === 'uploaded') this.uploadedBytes += blob.size
    this.#tell()
  }

  /** The same blobs, of which every byte that is read counts. */
  watch(blobs: BlobSource): BlobSource {
    const moved = (digest: Digest, position: number) => {
      this.#moving.set(digest, position)
      this.#tell()
    }
    return {
      async *open(digest, start = 0) {
        let position = start
        for await (const chunk of blobs.open(digest, start)) {
          position += chunk.length
          moved(digest, position)
          yield chunk
        }
      },
    }
  }

  #tell(): void {
    const { present, mounted, uploaded } = this.blobs
    const bytes = [...this.#moving.values()].reduce((sum, one) => sum + one, this.#done)
    this.#onProgress?.({
      blobs: { done: present + mounted + uploaded, all: this.#all.blobs },
      bytes: { done: bytes, all: this.#all.bytes },
    })
  }
}
