import type { FindingWay } from '#factory'
import type { ImageTotals, VisibleImages } from '#store'
import type { Serving } from '../serving.ts'

/** How many different views of the images are remembered. */
const VIEWS = 50
/** Findings with a fix that are looked at. */
const LOOKED_AT = 500

/** What is counted over all findings of all images. */
export interface Standing {
  readonly totals: ImageTotals
  readonly fixable: readonly FindingWay[]
}

/**
 * Counts over all findings, which take long in a large fleet, once for each state of the ledger: whatever changes them is noted
 * there. Those who ask at the same time wait for the same answer.
 */
export class StandingMemory {
  readonly #store: Serving['store']
  readonly #known = new Map<string, { readonly sequence: number; readonly standing: Promise<Standing> }>()

  constructor(store: Serving['store']) {
    this.#store = store
  }

  /** How these images stand. Rejects as the store does. */
  async read(visible: VisibleImages): Promise<Standing> {
    const { sequence } = await this.#store.ledger.tip()
    const view = JSON.stringify([...visible].sort())
    const known = this.#known.get(view)
    if (known?.sequence === sequence) return await known.standing
    const standing = this.#count(visible)
    this.#known.delete(view)
    this.#known.set(view, { sequence, standing })
    for (const oldest of this.#known.keys()) {
      if (this.#known.size <= VIEWS) break
      this.#known.delete(oldest)
    }
    // What failed is asked again.
    standing.catch(() => this.#known.delete(view))
    return await standing
  }

  async #count(visible: VisibleImages): Promise<Standing> {
    const { images } = this.#store
    const [totals, fixable] = await Promise.all([images.totals(visible), images.fixable(visible, LOOKED_AT)])
    return { totals, fixable }
  }
}
