import { type Digest, parseDigest } from '#core'
import type { FactoryStore, Moment } from '#factory'
import { recordSightings } from './record-sightings.ts'

/** A request to a registry, as its access log has it. */
export interface RegistryAccess {
  readonly time: string
  readonly method: string
  readonly path: string
  readonly status: number
  readonly agent?: string
}

/** Digests that are remembered as recorded, so that an image that is pulled all day is looked up once. */
const REMEMBERED = 10_000

/** Which digest somebody pulled; `undefined` for anything but a manifest that was given by digest to somebody else than us. */
export function pulledDigest({ method, path, status, agent }: RegistryAccess): Digest | undefined {
  if (method !== 'GET' || status !== 200 || agent?.startsWith('casemate') === true) return undefined
  const [, digest] = /^\/v2\/.+\/manifests\/(sha256:[0-9a-f]{64})$/.exec(path.split('?', 1)[0] ?? '') ?? []
  // Engines ask for a tag first and then, by digest, for the platform's manifest; so none is missed.
  return digest === undefined ? undefined : parseDigest(digest)
}

/** Notes what is pulled from a registry, for whoever counts how long a fix takes to be taken. */
export class PullLog {
  readonly #store: FactoryStore
  readonly #fresh = new Map<Digest, Moment>()
  readonly #known = new Set<Digest>()

  constructor(store: FactoryStore) {
    this.#store = store
  }

  /** To be called with each line of the access log: costs nothing but memory. */
  note(access: RegistryAccess): void {
    const digest = pulledDigest(access)
    if (digest === undefined || this.#known.has(digest) || this.#fresh.has(digest)) return
    if (this.#fresh.size < REMEMBERED) this.#fresh.set(digest, access.time)
  }

  /** Records what was noted since the last time; gives how many findings were pulled the fix of. Rejects as the store does, having forgotten nothing. */
  async flush(): Promise<number> {
    let marks = 0
    for (const [digest, time] of [...this.#fresh]) {
      marks += (await recordSightings(this.#store, 'pulled', [digest], time)).marks
      this.#fresh.delete(digest)
      if (this.#known.size >= REMEMBERED) this.#known.clear()
      this.#known.add(digest)
    }
    return marks
  }
}
