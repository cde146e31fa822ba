import type { Annotations } from '../annotations.ts'
import type { ContentDigest } from './content-digest.ts'

/** A manifest of a repository. Its bytes are content like any other. */
export interface ManifestEntry {
  readonly digest: ContentDigest
  readonly mediaType: string
  readonly size: number
  /** What it refers to in its repository, manifests included. */
  readonly references: readonly ContentDigest[]
  readonly subject?: ContentDigest
  readonly artifactType?: string
  readonly annotations?: Annotations
}

/** Where in which pack a content begins. */
export interface ContentPlace {
  readonly pack: number
  readonly at: number
}

/** Content becomes known: its bytes come with the record (`inline`), lie in a pack, or are a file. */
export interface ContentRecord {
  readonly op: 'content'
  readonly digest: ContentDigest
  readonly size: number
  readonly inline?: true
  readonly place?: ContentPlace
}

/** One change of a registry's state. Records are absolute: applied again in the same order they give the same state. */
export type StateRecord =
  | ContentRecord
  | { readonly op: 'forget'; readonly digest: ContentDigest }
  | { readonly op: 'link' | 'unlink'; readonly repository: string; readonly digest: ContentDigest }
  | { readonly op: 'manifest'; readonly repository: string; readonly manifest: ManifestEntry }
  | { readonly op: 'unmanifest'; readonly repository: string; readonly digest: ContentDigest }
  | { readonly op: 'tag'; readonly repository: string; readonly tag: string; readonly digest: ContentDigest }
  | { readonly op: 'untag'; readonly repository: string; readonly tag: string }

/** Content that the registry has, whoever may read it. */
export interface ContentEntry {
  readonly digest: ContentDigest
  readonly size: number
  /** How many links and manifests of all repositories lead to it. */
  holders: number
  /** What was found damaged or missing is not served; an upload of the same digest heals it. */
  damaged: boolean
  /** Where it lies when it is no file of its own. */
  place: ContentPlace | undefined
}

/** One repository: what can be read through it. */
export interface RepositoryState {
  /** Blobs that were uploaded or mounted here, with the time when a client last relied on each. */
  readonly blobs: Map<ContentDigest, number>
  readonly manifests: Map<ContentDigest, ManifestEntry>
  readonly tags: Map<string, ContentDigest>
  /** Which manifests name a subject, by that subject. */
  readonly referrers: Map<ContentDigest, Set<ContentDigest>>
  /** The time when a manifest was stored or looked for, for those of this process's lifetime. */
  readonly manifestTimes: Map<ContentDigest, number>
}

/** All that a registry knows but the bytes. A value of its records: it has no effects and does not know the time. */
export class RegistryState {
  readonly contents = new Map<ContentDigest, ContentEntry>()
  readonly repositories = new Map<string, RepositoryState>()

  /** Applies one record. `time`, in milliseconds, is when: the grace of garbage collection begins there. */
  apply(record: StateRecord, time: number): void {
    switch (record.op) {
      case 'content':
        this.#addContent(record)
        return
      case 'forget':
        this.contents.delete(record.digest)
        return
      case 'link':
        this.#link(record.repository, record.digest, time)
        return
      case 'unlink':
        if (this.repositories.get(record.repository)?.blobs.delete(record.digest)) this.#hold(record.digest, -1)
        this.#dropIfEmpty(record.repository)
        return
      case 'manifest':
        this.#addManifest(record.repository, record.manifest, time)
        return
      case 'unmanifest':
        this.#removeManifest(record.repository, record.digest)
        return
      case 'tag':
        this.#repository(record.repository).tags.set(record.tag, this.#own(record.digest))
        return
      case 'untag':
        this.repositories.get(record.repository)?.tags.delete(record.tag)
        this.#dropIfEmpty(record.repository)
        return
    }
  }

  /** Whether the registry has this content and it is not known to be damaged. */
  has(digest: ContentDigest): boolean {
    return this.contents.get(digest)?.damaged === false
  }

  #addContent({ digest, size, place }: ContentRecord): void {
    const known = this.contents.get(digest)
    if (known === undefined) {
      this.contents.set(digest, { digest, size, holders: 0, damaged: false, place })
      return
    }
    known.damaged = false
    known.place = place
  }

  #link(repository: string, digest: ContentDigest, time: number): void {
    const { blobs } = this.#repository(repository)
    if (!blobs.has(digest)) this.#hold(digest, 1)
    blobs.set(this.#own(digest), time)
  }

  #addManifest(repository: string, manifest: ManifestEntry, time: number): void {
    const state = this.#repository(repository)
    const digest = this.#own(manifest.digest)
    if (!state.manifests.has(digest)) this.#hold(digest, 1)
    const references = manifest.references.map((reference) => this.#own(reference))
    state.manifests.set(digest, { ...manifest, digest, references })
    state.manifestTimes.set(digest, time)
    if (manifest.subject === undefined) return
    const referrers = state.referrers.get(manifest.subject) ?? new Set()
    state.referrers.set(manifest.subject, referrers.add(digest))
  }

  #removeManifest(repository: string, digest: ContentDigest): void {
    const state = this.repositories.get(repository)
    const manifest = state?.manifests.get(digest)
    if (state === undefined || manifest === undefined) return
    state.manifests.delete(digest)
    state.manifestTimes.delete(digest)
    this.#hold(digest, -1)
    if (manifest.subject !== undefined) {
      const referrers = state.referrers.get(manifest.subject)
      referrers?.delete(digest)
      if (referrers?.size === 0) state.referrers.delete(manifest.subject)
    }
    this.#dropIfEmpty(repository)
  }

  #repository(name: string): RepositoryState {
    const known = this.repositories.get(name)
    if (known !== undefined) return known
    const state: RepositoryState = {
      blobs: new Map(),
      manifests: new Map(),
      tags: new Map(),
      referrers: new Map(),
      manifestTimes: new Map(),
    }
    this.repositories.set(name, state)
    return state
  }

  #dropIfEmpty(name: string): void {
    const state = this.repositories.get(name)
    if (state !== undefined && state.blobs.size + state.manifests.size + state.tags.size === 0)
      this.repositories.delete(name)
  }

  #hold(digest: ContentDigest, change: number): void {
    const content = this.contents.get(digest)
    if (content !== undefined) content.holders += change
  }

  /** The one copy of a digest's text: a thousand images over one base name the same layers. */
  #own(digest: ContentDigest): ContentDigest {
    return this.contents.get(digest)?.digest ?? digest
  }
}

/** The records that lead from nothing to a state, repository by repository, contents first. */
export function* recordsOf(state: RegistryState): Generator<StateRecord> {
  for (const { digest, size, place } of state.contents.values()) {
    yield { op: 'content', digest, size, ...(place === undefined ? {} : { place }) }
  }
  for (const [repository, { blobs, manifests, tags }] of state.repositories) {
    for (const digest of blobs.keys()) yield { op: 'link', repository, digest }
    for (const manifest of manifests.values()) yield { op: 'manifest', repository, manifest }
    for (const [tag, digest] of tags) yield { op: 'tag', repository, tag, digest }
  }
}
