import { type ContentsOf, OciError, parseReference, RegistryClient, type RegistryReference, storeContents } from '#oci'

/** Milliseconds that connections are given out for: what authorities and credentials are may change meanwhile. */
const LIFETIME = 10 * 60_000

/** How many generations of connections are left for what has begun with them: an attempt at a stage ends after half an hour. */
const KEPT = 4

/** What is stored together. */
interface Waiting {
  readonly contents: ContentsOf
  resolve(): void
  reject(error: unknown): void
}

/**
 * The registry of a factory, with connections that all its repositories share. What is stored while something else is being stored
 * goes together in what follows, whichever images it is of.
 */
export class RegistryHome {
  readonly #home: string
  readonly #waiting: Waiting[] = []
  #isStoring = false
  #root: { readonly client: RegistryClient; readonly since: number } | undefined
  readonly #old: RegistryClient[] = []

  /** `home` as `FactoryTools` has it. */
  constructor(home: string) {
    this.#home = home
  }

  /** A repository by its whole name. It is not to be closed: its connections are everybody's. */
  repository(name: string): RegistryClient {
    const { registry, repository } = repositoryReference(name)
    const now = performance.now()
    if (this.#root === undefined || now - this.#root.since > LIFETIME) {
      if (this.#root !== undefined) this.#retire(this.#root.client)
      const at = repositoryReference(`${this.#home}/image`)
      this.#root = { client: new RegistryClient(at), since: now }
    }
    const { client } = this.#root
    if (registry !== client.registry) throw new OciError('REFERENCE_INVALID', `${name} is not in ${this.#home}`)
    return client.beside(repository)
  }

  #retire(client: RegistryClient): void {
    this.#old.push(client)
    // Nobody uses the oldest any more, and how it ends is nobody's concern.
    if (this.#old.length > KEPT)
      this.#old
        .shift()
        ?.close()
        .catch(() => undefined)
  }

  /** Resolves when everything is durable. Rejects with `REGISTRY_FAILED` where something is missing, and as `storeContents`. */
  async store(contents: ContentsOf): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    this.#waiting.push({ contents, resolve, reject })
    if (!this.#isStoring) void this.#storeAll()
    await promise
  }

  async #storeAll(): Promise<void> {
    this.#isStoring = true
    // Whoever is at the same step has a chance to come along.
    await new Promise((resolve) => setImmediate(resolve))
    while (this.#waiting.length > 0) {
      const waiting = this.#waiting.splice(0)
      if (!(await this.#storeTogether(waiting, waiting.length > 1))) {
        for (const one of waiting) await this.#storeTogether([one], false)
      }
    }
    this.#isStoring = false
  }

  /** Gives `false`, having told nobody, where each shall be tried by itself. */
  async #storeTogether(waiting: readonly Waiting[], mayDivide: boolean): Promise<boolean> {
    try {
      const { missing, moved } = await storeContents(waiting.map(({ contents }) => contents))
      const [lost] = [...missing.map(({ digest }) => digest), ...moved.map(({ tag }) => tag)]
      if (lost !== undefined) throw new ContentsMissing(`cannot store in ${this.#home}: the registry lacks ${lost}`)
    } catch (error) {
      if (mayDivide) return false
      for (const { reject } of waiting) reject(error)
      return true
    }
    for (const { resolve } of waiting) resolve()
    return true
  }

  async close(): Promise<void> {
    await Promise.all(
      [...this.#old, ...(this.#root === undefined ? [] : [this.#root.client])].map((one) => one.close()),
    )
  }
}

/** What a registry should have, it lacks. */
export class ContentsMissing extends OciError {
  constructor(message: string) {
    super('REGISTRY_FAILED', message)
  }
}

function repositoryReference(name: string): RegistryReference {
  const reference = parseReference(`docker://${name}`)
  if (reference.transport !== 'docker')
    throw new OciError('REFERENCE_INVALID', `${name} is no repository of a registry`)
  return reference
}
