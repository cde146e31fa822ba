import { canonicalJson } from '#core'
import { type OpenArchive, type OpenArchiveOptions, openArchive } from '#debian'

/** Archives that are open at a time: those of a run, for each architecture. */
const OPEN = 6

interface Shared {
  readonly opening: Promise<OpenArchive>
  users: number
  isPushedOut: boolean
}

/**
 * Archives that were opened once for a run: whatever images it makes, they are made of the same state. Where an image has seen a newer
 * state before, it is refused as it would be if the archive were opened for it alone.
 */
export class SharedArchives {
  readonly #shared = new Map<string, Shared>()

  /** Opens for a run. What is given is to be closed, as if it were nobody else's. Rejects as `openArchive`. */
  async open(run: number, options: OpenArchiveOptions): Promise<OpenArchive> {
    const { floor = [], signal: _, ...same } = { signal: undefined, ...options }
    const key = canonicalJson([run, JSON.parse(JSON.stringify(same))])
    const shared = this.#shared.get(key) ?? this.#open(key, same)
    shared.users++
    try {
      const archive = await shared.opening
      const isBehind = floor.some(({ archive: name, suite, date }) => {
        return archive.observed.some((one) => one.archive === name && one.suite === suite && one.date < date)
      })
      if (isBehind) {
        this.#leave(shared)
        return await openArchive(options)
      }
      return { ...archive, close: () => this.#leave(shared) }
    } catch (error) {
      if (this.#shared.get(key) === shared) this.#shared.delete(key)
      throw error
    }
  }

  /** Closes what nobody uses any more. */
  close(): void {
    for (const shared of this.#shared.values()) this.#pushOut(shared)
    this.#shared.clear()
  }

  #open(key: string, options: OpenArchiveOptions): Shared {
    const shared: Shared = { opening: openArchive(options), users: 0, isPushedOut: false }
    this.#shared.set(key, shared)
    if (this.#shared.size > OPEN) {
      const [[oldest, one] = []] = this.#shared
      if (oldest !== undefined && one !== undefined) {
        this.#shared.delete(oldest)
        this.#pushOut(one)
      }
    }
    return shared
  }

  #pushOut(shared: Shared): void {
    shared.isPushedOut = true
    shared.users++
    this.#leave(shared)
  }

  #leave(shared: Shared): void {
    shared.users--
    if (shared.users > 0 || !shared.isPushedOut) return
    shared.opening.then(
      (archive) => archive.close(),
      () => undefined,
    )
  }
}
