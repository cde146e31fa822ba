import type { Digest } from '#core'
import { CONTENTS_LIMITS, formatContentList, type ListedTag, type RepositoryList } from './registry/contents.ts'
import type { PlacedManifest, RepositoryContents } from './repository-contents.ts'

/** Contents of a repository by its name within a registry. */
export interface NamedContents {
  readonly repository: string
  readonly contents: RepositoryContents
}

/** One request to a registry that takes contents together. */
export interface ContentRequest {
  /** What it needs to be allowed, mounts included. */
  readonly scopes: readonly string[]
  readonly body: Uint8Array
}

/**
 * What goes together, a list for each request. Those of a wave may go at the same time: what of a repository is too much for one
 * request goes in the early wave.
 */
export interface ContentWaves {
  readonly early: readonly (readonly NamedContents[])[]
  readonly late: readonly (readonly NamedContents[])[]
}

/** Lists of so many entries stay well below the limit of a list's bytes. */
const ENTRIES = CONTENTS_LIMITS.entries / 2

/**
 * Packs contents into as few requests as the limits allow. What a repository gets is in one request with its manifests, so that
 * it is there together; where that is too much, blobs go before. Contents that several need are sent once a request. No content may
 * be bigger than the limit.
 */
export function planContentRequests(parts: readonly NamedContents[]): ContentWaves {
  const early: NamedContents[] = []
  const late: NamedContents[] = []
  for (const part of merged(parts)) {
    if (isOneRequest(part)) {
      late.push(part)
      continue
    }
    const { blobs, ...rest } = part.contents
    for (const few of chunksOf(blobs)) {
      early.push({ repository: part.repository, contents: { blobs: few, manifests: [] } })
    }
    late.push({ repository: part.repository, contents: { ...rest, blobs: [] } })
  }
  return { early: pack(early), late: pack(late) }
}

/** Makes the request that brings contents of different repositories. */
export function formatContentRequest(parts: readonly NamedContents[]): ContentRequest {
  return new Packing(parts).request()
}

/** Whether a content is small enough to go along with others. */
export function isSmall({ size }: { readonly size: number }): boolean {
  return size <= CONTENTS_LIMITS.content
}

/** Whether what a repository gets can go along with others: everything is small, and its manifests fit into one request. */
export function goesTogether({ blobs, others = [], manifests }: RepositoryContents): boolean {
  const documents = [...blobs, ...manifests.flat().map(({ document }) => document)]
  return (
    documents.every(({ descriptor }) => isSmall(descriptor)) &&
    isOneRequest({ repository: '', contents: { blobs: [], others, manifests } })
  )
}

/** A repository may stand in a request once. */
function merged(parts: readonly NamedContents[]): NamedContents[] {
  const byRepository = [...Map.groupBy(parts, ({ repository }) => repository)]
  return byRepository.map(([repository, own]) => ({
    repository,
    contents: {
      blobs: own.flatMap(({ contents }) => contents.blobs),
      others: own.flatMap(({ contents }) => contents.others ?? []),
      manifests: own.flatMap(({ contents }) => contents.manifests),
    },
  }))
}

function isOneRequest(part: NamedContents): boolean {
  const request = new Packing()
  request.add(part)
  return request.bytes <= CONTENTS_LIMITS.bytes && request.entries <= ENTRIES
}

function chunksOf(blobs: RepositoryContents['blobs']): RepositoryContents['blobs'][] {
  const chunks: (typeof blobs)[number][][] = []
  let bytes = Number.POSITIVE_INFINITY
  for (const blob of blobs) {
    bytes += blob.bytes.length
    if (bytes > CONTENTS_LIMITS.bytes || (chunks.at(-1)?.length ?? 0) * 2 >= ENTRIES) {
      chunks.push([])
      bytes = blob.bytes.length
    }
    chunks.at(-1)?.push(blob)
  }
  return chunks
}

function pack(parts: readonly NamedContents[]): NamedContents[][] {
  const groups: NamedContents[][] = []
  let packing = new Packing()
  for (const part of parts) {
    if (groups.length > 0 && packing.fits(part)) packing.add(part)
    else {
      packing = new Packing([part])
      groups.push([])
    }
    groups.at(-1)?.push(part)
  }
  return groups
}

/** A request that is being filled. */
class Packing {
  readonly #contents = new Map<Digest, Uint8Array>()
  readonly #repositories: RepositoryList[] = []
  readonly #sources = new Set<string>()
  bytes = 0
  entries = 0

  constructor(parts: readonly NamedContents[] = []) {
    for (const part of parts) this.add(part)
  }

  fits(part: NamedContents): boolean {
    if (this.#repositories.some(({ repository }) => repository === part.repository)) return false
    const alone = new Packing([part])
    const names = new Set([...this.#names(), ...alone.#names()])
    return (
      this.bytes + alone.bytes <= CONTENTS_LIMITS.bytes &&
      this.entries + alone.entries <= ENTRIES &&
      names.size <= CONTENTS_LIMITS.repositories
    )
  }

  add({ repository, contents: { blobs, others = [], manifests } }: NamedContents): void {
    for (const { descriptor, bytes } of blobs) this.#bring(descriptor.digest, bytes)
    const listed = new Map<Digest, RepositoryList['blobs'][number]>()
    for (const { blob, from = [] } of others) {
      const sources = from.filter((name) => name !== repository)
      for (const name of sources) this.#sources.add(name)
      listed.set(blob.digest, { digest: blob.digest, ...(sources.length === 0 ? {} : { from: sources }) })
    }
    for (const { descriptor } of blobs) listed.set(descriptor.digest, { digest: descriptor.digest })
    const placed = Map.groupBy(manifests.flat(), ({ document }) => document.descriptor.digest)
    for (const [digest, [first]] of placed) if (first !== undefined) this.#bring(digest, first.document.bytes)
    this.#repositories.push({
      repository,
      blobs: [...listed.values()],
      manifests: [...placed].map(([digest, same]) => ({
        digest,
        mediaType: same[0]?.document.descriptor.mediaType ?? '',
        tags: tagsOf(digest, same),
      })),
    })
    this.entries += listed.size + placed.size
  }

  request(): ContentRequest {
    const contents = [...this.#contents].map(([digest, { length: size }]) => ({ digest, size }))
    const list = formatContentList({ contents, repositories: this.#repositories })
    const repositories = this.#repositories.map(({ repository }) => repository)
    const sources = [...this.#sources].filter((name) => !repositories.includes(name))
    return {
      scopes: [
        ...repositories.map((name) => `repository:${name}:pull,push`),
        ...sources.map((name) => `repository:${name}:pull`),
      ],
      body: Buffer.concat([Buffer.from(list), ...this.#contents.values()]),
    }
  }

  #bring(digest: Digest, bytes: Uint8Array): void {
    if (this.#contents.has(digest)) return
    this.#contents.set(digest, bytes)
    this.bytes += bytes.length
    this.entries++
  }

  #names(): string[] {
    return [...this.#sources, ...this.#repositories.map(({ repository }) => repository)]
  }
}

function tagsOf(digest: Digest, manifests: readonly PlacedManifest[]): ListedTag[] {
  return manifests.flatMap(({ reference, expected }) => {
    if (reference === digest) return []
    return [{ tag: reference, ...(expected === undefined ? {} : { expected }) }]
  })
}
