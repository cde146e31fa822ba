import type { Digest } from '#core'
import { VEX_STATUSES, type VexComponent, type VexDocument, type VexProduct, type VexStatement } from './document.ts'
import { VexError } from './errors.ts'
import { parseMoment } from './moment.ts'
import { matchesPurl, type Purl } from './purl.ts'

/** A document with who vouches for it. */
export interface VexSource {
  readonly document: VexDocument
  /** Where it was read: a file's name. */
  readonly name: string
  /** Keys whose signatures over it hold; empty for a document that nobody has signed. */
  readonly signers: readonly Digest[]
}

/** A statement with the document that it stands in. */
export interface SourcedStatement {
  readonly statement: VexStatement
  readonly source: VexSource
}

/** What is asked about: one component of one image. */
export interface VexSubject {
  /** Names of the vulnerability: a CVE, and others of the same. */
  readonly vulnerabilities: readonly string[]
  /** The component, as scanners name it. */
  readonly component: Purl
  /** The image, by every name that it goes by; none where there is no image. */
  readonly images: readonly Purl[]
  /** The image's manifest and index. */
  readonly digests: readonly Digest[]
}

/** The statements of several documents, found by vulnerability. */
export class VexStatements {
  readonly #byName = new Map<string, SourcedStatement[]>()

  /**
   * Takes documents together. Of several versions of one document (the same `@id` by the same signers) the highest counts alone.
   * Throws `VEX_CONFLICT` when two differ and say that they are the same version.
   */
  constructor(sources: readonly VexSource[]) {
    for (const source of latestVersions(sources)) {
      for (const statement of source.document.statements) {
        for (const name of new Set([statement.vulnerability, ...statement.aliases])) {
          const known = this.#byName.get(name) ?? []
          known.push({ statement, source })
          this.#byName.set(name, known)
        }
      }
    }
  }

  /**
   * The statement that decides: one by a signer before any that is not signed, then the last in time, then the most careful
   * status. `undefined` when nobody says anything. Aliases are taken as they stand, and not followed further.
   */
  decisive(subject: VexSubject): SourcedStatement | undefined {
    const found = new Set(subject.vulnerabilities.flatMap((name) => this.#byName.get(name) ?? []))
    return [...found]
      .filter(({ statement }) => statement.products.some((product) => concerns(product, subject)))
      .sort(compareWeight)[0]
  }
}

/** A product with subcomponents speaks of those alone; an image without them speaks of everything in it. */
function concerns(product: VexProduct, { component, images, digests }: VexSubject): boolean {
  const { subcomponents } = product
  const isComponent = (one: VexComponent) => one.purls.some((said) => matchesPurl(said, component))
  if (subcomponents.length === 0 && isComponent(product)) return true
  const isImage =
    (product.digest !== undefined && digests.includes(product.digest)) ||
    product.purls.some((said) => images.some((image) => matchesPurl(said, image)))
  return isImage && (subcomponents.length === 0 || subcomponents.some(isComponent))
}

/** The weightiest first. */
function compareWeight(left: SourcedStatement, right: SourcedStatement): number {
  return (
    Number(right.source.signers.length > 0) - Number(left.source.signers.length > 0) ||
    compareMoments(right.statement.timestamp, left.statement.timestamp) ||
    VEX_STATUSES.indexOf(left.statement.status) - VEX_STATUSES.indexOf(right.statement.status)
  )
}

function compareMoments(left: string, right: string): number {
  const [one = 0n, other = 0n] = [parseMoment(left), parseMoment(right)]
  return one < other ? -1 : Number(one > other)
}

function latestVersions(sources: readonly VexSource[]): VexSource[] {
  const latest = new Map<string, VexSource>()
  for (const source of sources) {
    const { document } = source
    // Whoever can write any `@id` must not take a signed document's place.
    const key = JSON.stringify([document.id, source.signers])
    const known = latest.get(key)
    if (known?.document.version === document.version && known.document.digest !== document.digest) {
      const both = `${known.name} and ${source.name}`
      const reason = `both are version ${document.version} of ${document.id}, and they differ`
      throw new VexError('VEX_CONFLICT', `cannot use ${both} together: ${reason}`)
    }
    if (known === undefined || document.version > known.document.version) latest.set(key, source)
  }
  return [...latest.values()]
}
