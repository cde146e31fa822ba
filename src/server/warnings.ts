import { standingAlarms } from '#integrations'
import type { OpenStore } from '#store'

/** How long what was found is said again, in milliseconds. */
const FRESH = 10_000

/** What has to be said loudly beside everything that is said: what it rests on must not be used, or is stale. */
export class Warnings {
  readonly #store: OpenStore
  readonly #more: () => Promise<readonly string[]>
  #known: { readonly at: number; readonly lines: Promise<readonly string[]> } | undefined

  /** `more` gives what whoever runs the server has to say, e.g. that its advisories are stale. */
  constructor(store: OpenStore, more: () => Promise<readonly string[]> = async () => []) {
    this.#store = store
    this.#more = more
  }

  /** The lines, those of archives first. Rejects as the store and `more` do. */
  async read(): Promise<readonly string[]> {
    const now = performance.now()
    if (this.#known === undefined || now - this.#known.at > FRESH) {
      const lines = this.#find()
      this.#known = { at: now, lines }
      // What failed is asked again.
      lines.catch(() => {
        this.#known = undefined
      })
    }
    return await this.#known.lines
  }

  async #find(): Promise<readonly string[]> {
    const [alarms, more] = await Promise.all([standingAlarms(this.#store), this.#more()])
    const ofArchives = [...alarms].map(([suite, { reason }]) => `nothing is built from ${suite} at present: ${reason}`)
    return [...ofArchives, ...more]
  }
}
