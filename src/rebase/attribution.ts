import { parseStanza, splitParagraphs } from '#debian'
import type { Origin } from '#sbom'

/** Says of layers and packages of an image whose they are. */
export class Attribution {
  readonly #layers: readonly number[]
  readonly #statuses: readonly ReadonlyMap<string, string>[]

  /** Proven bases lowest first, each with the text of its dpkg `status`. Throws `CONTROL_INVALID` for a status that is none. */
  constructor(bases: readonly { readonly layers: number; readonly status: string }[]) {
    this.#layers = bases.map(({ layers }) => layers)
    this.#statuses = bases.map(({ status }) => stanzasOf(status))
  }

  /** Whose a layer is, by its place, counted from 0; a file is of its topmost entry's. */
  ofLayer(place: number): Origin {
    const found = this.#layers.findIndex((layers) => place < layers)
    return found < 0 ? 'application' : found === 0 ? 'base' : 'overlay'
  }

  /** Whose a package is: the lowest base's whose `status` has the same stanza. */
  ofPackage(stanza: string): Origin {
    const key = keyOf(stanza)
    const found = this.#statuses.findIndex((status) => status.get(key) === stanza.trimEnd())
    return found < 0 ? 'application' : found === 0 ? 'base' : 'overlay'
  }
}

/** Whose each package of a `status` is, by `name:architecture`. Throws `CONTROL_INVALID`. */
export function attributePackages(status: string, attribution: Attribution): ReadonlyMap<string, Origin> {
  return new Map([...stanzasOf(status)].map(([key, stanza]) => [key, attribution.ofPackage(stanza)]))
}

function stanzasOf(status: string): ReadonlyMap<string, string> {
  return new Map(splitParagraphs(status).map((text) => [keyOf(text), text.trimEnd()]))
}

function keyOf(text: string): string {
  const stanza = parseStanza(text, "dpkg's status")
  return `${stanza.get('package') ?? ''}:${stanza.get('architecture') ?? ''}`
}
