import { mkdir, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { ContentDigest } from '../../registry/content-digest.ts'
import type { ContentsOutcome } from '../../registry/contents.ts'
import type { JournalBatch } from '../../registry/journal-format.ts'
import { compareNames } from '../../registry/paging.ts'
import { RegistryState } from '../../registry/state.ts'
import { type NewContents, storeContents } from '../../registry/store-contents.ts'
import type { MoveOutcome, RepositoryTagMove, TagMove, TagStore } from '../../registry/tag-store.ts'
import { moveTags, moveTagsTogether, type NewManifest, storeBlob, storeManifest } from '../../registry/transactions.ts'
import { CommitQueue, type Transaction } from './commit-queue.ts'
import { ContentFiles } from './content-files.ts'
import { ContentPacks } from './content-packs.ts'
import { KeyedLock, storeError, syncFolder } from './disk.ts'
import { FolderLock } from './folder-lock.ts'
import { Journal } from './journal.ts'
import { SmallContents } from './small-contents.ts'
import { readSnapshot, writeSnapshot } from './snapshot.ts'

/** The most bytes of a content that goes into the journal and becomes a file later. */
export const INLINE_LIMIT = 256 * 1024

/** A checkpoint costs about what the state has, so the journal may grow with that: it is read at the next start. */
const JOURNAL_LIMITS = { least: 32 * 1024 * 1024, most: 512 * 1024 * 1024, snapshots: 4 }
/** Bytes of small contents that are held in memory, about. */
const MEMORY_LIMIT = 32 * 1024 * 1024

/**
 * A registry's folder. What a method has resolved is durable: it outlives a killed process and a power cut.
 *
 * Big contents are files: written, synced, renamed, their folder synced. Small ones and every change of the state are
 * batches of a journal, one sync for all that come together; a checkpoint makes files or a pack and a snapshot of them.
 */
export class RegistryStore implements TagStore {
  readonly root: string
  readonly state = new RegistryState()
  readonly files: ContentFiles
  readonly packs: ContentPacks
  readonly folderLock: FolderLock
  /** Held while a content's file comes or goes. */
  readonly contentLock = new KeyedLock()
  readonly small: SmallContents
  /** How many batches were made durable, and how many records they had. */
  readonly counts = { batches: 0, records: 0, checkpoints: 0, packs: 0 }
  readonly #now: () => number
  readonly #memory: number
  readonly #pins = new Map<ContentDigest, number>()
  readonly #journalLock = new KeyedLock()
  readonly #queue: CommitQueue
  #journal: Journal | undefined
  #checkpoint: Promise<void> | undefined
  #packing: Promise<void> | undefined
  #snapshotSize = 0
  #closed: Promise<void> | undefined

  private constructor(
    root: string,
    parts: { files: ContentFiles; packs: ContentPacks; folderLock: FolderLock },
    { now, memory }: { now: () => number; memory: number },
  ) {
    this.root = root
    this.files = parts.files
    this.packs = parts.packs
    this.folderLock = parts.folderLock
    this.small = new SmallContents(this)
    this.#now = now
    this.#memory = memory
    this.#queue = new CommitQueue(
      (batch) => this.#append(batch),
      (batch) => this.#apply(batch),
    )
  }

  /**
   * Opens a folder, which is made when it is not there; everything that was acknowledged is in the state afterwards.
   * `memory` is how many bytes of small contents are held in memory, about. Rejects with `STORE_LOCKED`, `STORE_DAMAGED` or `STORE_FAILED`.
   */
  static async open(
    root: string,
    { now = Date.now, memory = MEMORY_LIMIT }: { now?: () => number; memory?: number } = {},
  ): Promise<RegistryStore> {
    let lock: FolderLock | undefined
    try {
      for (const folder of ['journal', 'uploads']) await mkdir(join(root, folder), { recursive: true, mode: 0o700 })
      lock = await FolderLock.take(root)
      const parts = { files: await ContentFiles.open(root), packs: await ContentPacks.open(root), folderLock: lock }
      const store = new RegistryStore(root, parts, { now, memory })
      await store.#load()
      await syncFolder(root)
      return store
    } catch (cause) {
      await lock?.release()
      throw storeError(cause, `open registry folder ${root}`)
    }
  }

  /** The clock that grace is measured by, in milliseconds. */
  now(): number {
    return this.#now()
  }

  /** Makes a change durable; see `CommitQueue`. */
  async commit<Result>(transaction: Transaction<Result>): Promise<Result> {
    if (this.#journal?.isBroken) await this.checkpoint()
    return await this.#queue.commit(transaction)
  }

  /** Stores a small blob whose digest has been verified. */
  async putBlob(repository: string, digest: ContentDigest, bytes: Uint8Array): Promise<void> {
    const content = { repository, digest, size: bytes.length, bytes }
    await this.pinned(digest, () => this.commit({ weight: bytes.length, decide: () => storeBlob(this.state, content) }))
  }

  /** Stores a blob whose bytes lie in a durable temporary file and whose digest has been verified. The file is used up. */
  async putBlobFile(
    content: { repository: string; digest: ContentDigest; size: number },
    temporary: string,
  ): Promise<void> {
    const { digest } = content
    await this.pinned(digest, async () => {
      await this.contentLock.run(digest, async () => {
        // What is there already and whole is kept; a damaged file is replaced.
        if (this.state.has(digest)) await rm(temporary, { force: true })
        else await this.files.publish(temporary, digest)
      })
      await this.commit({ decide: () => storeBlob(this.state, content) })
    })
  }

  async putManifest(manifest: NewManifest): Promise<void> {
    const { repository, digest, tag, bytes } = manifest
    const keys = tag === undefined ? [] : [`${repository}:${tag}`]
    await this.pinned(digest, () =>
      this.commit({ keys, weight: bytes.length, decide: () => storeManifest(this.state, manifest) }),
    )
  }

  /** Stores contents of several repositories whose digests have been verified: all in one batch, or none. */
  async putContents(contents: NewContents): Promise<ContentsOutcome> {
    const keys: string[] = []
    let weight = 0
    for (const { repository, blobs, manifests } of contents.list.repositories) {
      keys.push(...manifests.flatMap(({ tags }) => tags.map(({ tag }) => `${repository}:${tag}`)))
      const known = this.state.repositories.get(repository)
      // Who names something relies on it, as who looks for it does.
      for (const { digest } of blobs) if (known?.blobs.has(digest)) known.blobs.set(digest, this.now())
      for (const { digest } of manifests) if (known?.manifests.has(digest)) known.manifestTimes.set(digest, this.now())
    }
    for (const { size } of contents.list.contents) weight += size
    return await this.commit({ keys, weight, decide: () => storeContents(this.state, contents) })
  }

  /** Notes that a content is not what it should be: it is not served any more, and an upload heals it. */
  markDamaged(digest: ContentDigest): void {
    const content = this.state.contents.get(digest)
    if (content !== undefined) content.damaged = true
  }

  /** Does some work during which garbage collection leaves a content alone. */
  async pinned<Result>(digest: ContentDigest, work: () => Promise<Result>): Promise<Result> {
    this.#pins.set(digest, (this.#pins.get(digest) ?? 0) + 1)
    try {
      return await work()
    } finally {
      const left = (this.#pins.get(digest) ?? 1) - 1
      if (left === 0) this.#pins.delete(digest)
      else this.#pins.set(digest, left)
    }
  }

  isPinned(digest: ContentDigest): boolean {
    return this.#pins.has(digest)
  }

  get(repository: string, tag: string): ContentDigest | undefined {
    return this.state.repositories.get(repository)?.tags.get(tag)
  }

  list(repository: string): readonly string[] {
    return [...(this.state.repositories.get(repository)?.tags.keys() ?? [])].sort(compareNames)
  }

  async moveTags(repository: string, moves: readonly TagMove[]): Promise<MoveOutcome> {
    const keys = moves.map(({ tag }) => `${repository}:${tag}`)
    return await this.commit({ keys, decide: () => moveTags(this.state, repository, moves) })
  }

  async moveTagsTogether(moves: readonly RepositoryTagMove[]): Promise<boolean> {
    const keys = moves.map(({ repository, tag }) => `${repository}:${tag}`)
    return await this.commit({ keys, decide: () => moveTagsTogether(this.state, moves) })
  }

  /** Turns what stands in the journal into files and a snapshot, and begins a new journal. One at a time. */
  async checkpoint(): Promise<void> {
    this.#checkpoint ??= this.#runCheckpoint().finally(() => {
      this.#checkpoint = undefined
    })
    await this.#checkpoint
  }

  /** Ends in order, once: what was under way is finished, and the next start has no journal to read. */
  async close(): Promise<void> {
    this.#closed ??= this.#close()
    await this.#closed
  }

  async #close(): Promise<void> {
    // Whatever fails, the process must be able to end: what is open is closed.
    const steps = [
      () => this.#queue.settle(),
      () => this.checkpoint(),
      () => this.#journal?.close(),
      () => this.folderLock.release(),
    ]
    const faults: unknown[] = []
    for (const step of steps) await Promise.resolve(step()).catch((fault: unknown) => faults.push(fault))
    if (faults.length > 0) throw faults[0]
  }

  async #load(): Promise<void> {
    const uploads = join(this.root, 'uploads')
    for (const name of await readdir(uploads)) {
      if (name.startsWith('content-')) await rm(join(uploads, name), { force: true })
    }
    const now = this.#now()
    const { records, journal, size } = await readSnapshot(this.root)
    this.#snapshotSize = size
    for (const record of records) this.state.apply(record, now)
    this.#journal = await Journal.open(join(this.root, 'journal'), journal, (batch) => this.#apply(batch))
    this.small.detach()
    this.#recount()
    const files = new Set(await this.files.list())
    for (const content of this.state.contents.values()) {
      const { digest, place } = content
      const isThere = place === undefined ? files.has(digest) : this.packs.has(place, content.size)
      content.damaged = !isThere && this.small.fresh(digest) === undefined
    }
    if (this.#journal.size > this.#journalLimit()) await this.checkpoint()
  }

  /** A snapshot may have a link before the content that it leads to, so holders are counted when all is read. */
  #recount(): void {
    for (const content of this.state.contents.values()) content.holders = 0
    for (const { blobs, manifests } of this.state.repositories.values()) {
      for (const digest of [...blobs.keys(), ...manifests.keys()]) {
        const content = this.state.contents.get(digest)
        if (content !== undefined) content.holders++
      }
    }
  }

  async #append(batch: JournalBatch): Promise<void> {
    await this.#journalLock.run('journal', async () => this.#journal?.append(batch))
    this.counts.batches++
    this.counts.records += batch.records.length
  }

  #apply({ records, inline }: JournalBatch): void {
    const now = this.#now()
    for (const record of records) this.state.apply(record, now)
    this.small.apply(records, inline)
    if (this.#journal === undefined) return
    // What failed is tried again with the next batch; what it was to move is durable where it is.
    if (this.#journal.size > this.#journalLimit()) this.checkpoint().catch(() => undefined)
    else if (this.small.size > this.#memory) this.#pack().catch(() => undefined)
  }

  #journalLimit(): number {
    const { least, most, snapshots } = JOURNAL_LIMITS
    return Math.min(most, Math.max(least, snapshots * this.#snapshotSize))
  }

  /** Small contents leave the memory for a pack, while the journal goes on: its records say where each is from now on. */
  async #pack(): Promise<void> {
    this.#packing ??= this.#runPack().finally(() => {
      this.#packing = undefined
    })
    await this.#packing
  }

  async #runPack(): Promise<void> {
    await this.#checkpoint?.catch(() => undefined)
    await this.small.pack(async (records) => {
      const decide = () => ({ records: records(), inline: new Map(), result: undefined })
      await this.#queue.commit({ exclusive: true, decide })
    })
    this.counts.packs++
  }

  async #runCheckpoint(): Promise<void> {
    await this.#packing?.catch(() => undefined)
    const number = await this.#journalLock.run('journal', async () => await this.#journal?.rotate())
    if (number === undefined) return
    const release = await this.small.settle()
    this.#snapshotSize = await writeSnapshot(this.root, this.state, number)
    await this.#journal?.removeBefore(number)
    release()
    this.counts.checkpoints++
  }
}
