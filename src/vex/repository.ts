import {
  canonicalJson,
  digestOf,
  faultsOf,
  formatFault,
  formatPurl,
  type Json,
  readStrictJson,
  type Shape,
} from '#core'
import { VexError } from './errors.ts'
import { formatVexDocument, type NewDocument, type NewStatement } from './format-document.ts'
import { parseMoment } from './moment.ts'
import { parsePurl } from './purl.ts'
import { parseVexDocument } from './read-document.ts'

/** The name of a repository's list of packages, in its root. */
export const REPOSITORY_INDEX = 'index.json'
/** The name of what tells clients where a repository is to be had. */
export const REPOSITORY_MANIFEST = 'vex-repository.json'

const INDEX_LIMITS = { maxBytes: 32 * 2 ** 20, maxDepth: 8 }

/** A package of a repository, and where its document stands, relative to the root. */
export interface RepositoryPackage {
  /** A purl without version and qualifiers. */
  readonly id: string
  readonly location: string
  readonly format?: string
}

interface RepositoryIndex {
  readonly updated_at: string
  readonly packages: readonly RepositoryPackage[]
}

const text: Shape = { type: 'string', minLength: 1, maxLength: 4096, title: 'text' }
const indexShape: Shape = {
  type: 'object',
  title: 'an index of a VEX repository',
  properties: {
    updated_at: text,
    packages: {
      type: 'array',
      title: 'a list of packages',
      items: {
        type: 'object',
        title: 'a package',
        properties: {
          id: text,
          location: text,
          format: { type: 'string', enum: ['openvex', 'csaf'], title: 'a format' },
        },
        required: ['id', 'location'],
      },
    },
  },
  required: ['updated_at', 'packages'],
}

/** Reads a repository's index (VEX Repository Specification 0.1, 3.3). Throws `VEX_INVALID`; `name` is what messages call it. */
export function parseRepositoryIndex(bytes: Uint8Array, name: string): readonly RepositoryPackage[] {
  const read = readStrictJson(bytes, INDEX_LIMITS)
  if ('fault' in read) throw new VexError('VEX_INVALID', `cannot read ${name}: ${read.fault}`, { cause: read.cause })
  if (!isIndex(read.value)) {
    const [fault] = faultsOf(indexShape, read.value).map(formatFault)
    throw new VexError('VEX_INVALID', `cannot read ${name}: ${fault ?? 'it is no index'}`)
  }
  return read.value.packages
}

function isIndex(value: unknown): value is RepositoryIndex {
  return faultsOf(indexShape, value).length === 0
}

/** Writes a repository's index; `updatedAt` is RFC 3339. */
export function formatRepositoryIndex(packages: Iterable<RepositoryPackage>, updatedAt: string): string {
  const sorted = [...packages].sort((left, right) => (left.id < right.id ? -1 : 1))
  return pretty({ updated_at: updatedAt, packages: sorted.map((one): Json => ({ ...one })) })
}

/** What is said of a repository to its clients. */
export interface RepositoryManifest {
  readonly name: string
  /** Where an archive of the repository is; behind `//` the folder in it. */
  readonly url: string
}

/** Writes the manifest of a repository with one location, in the form that clients read: versions as a list. */
export function formatRepositoryManifest({ name, url }: RepositoryManifest): string {
  const version = { spec_version: '0.1', locations: [{ url }], update_interval: '24h' }
  return pretty({ name, description: `OpenVEX by ${name}`, versions: [version] })
}

/** One document a package, as a repository has them, by the package. */
export function splitByPackage(document: NewDocument): ReadonlyMap<string, NewDocument> {
  const statements = new Map<string, NewStatement[]>()
  for (const one of document.statements) {
    for (const [id, products] of Map.groupBy(one.products, ({ purl }) => packageId(purl))) {
      statements.set(id, [...(statements.get(id) ?? []), { ...one, products }])
    }
  }
  return new Map([...statements].map(([id, own]) => [id, { ...document, statements: own }]))
}

/** Where the document of a package stands, relative to the root (3.5). Throws `VEX_INVALID` for an id that names no place. */
export function repositoryLocation(id: string): string {
  const parts = id.replace(/^pkg:/, '').split('/')
  if (parts.length < 2 || parts.some((part) => !/^(?!\.{1,2}$)[A-Za-z0-9._%+~-]+$/.test(part))) {
    throw new VexError('VEX_INVALID', `cannot keep VEX of ${JSON.stringify(id)}: that is no name for a folder`)
  }
  return ['pkg', ...parts, 'vex.json'].join('/')
}

/** A product and a statement as a document has them; of their members only those are told apart that are asked for here. */
type Product = { readonly [key: string]: Json | undefined; readonly '@id'?: string }
type Statement = {
  readonly [key: string]: Json | undefined
  readonly vulnerability: { readonly name: string }
  readonly products?: readonly Product[]
  readonly timestamp?: string
  readonly last_updated?: string
}

interface PackageDocument {
  readonly '@context': string
  readonly '@id': string
  readonly author: string
  readonly timestamp: string
  readonly version: number
  readonly tooling?: string
  /** Each with a time of its own: they come from several occasions. */
  readonly statements: readonly Statement[]
}

/**
 * Puts what is stated now into a package's document: of two statements on one vulnerability in one product the later holds, and
 * the new one of two of one time; one that says the same again changes nothing, all others stay as they are. Gives the same bytes
 * where nothing is new. `before` are the bytes of the document that there is, `name` is what messages call it. Throws
 * `VEX_INVALID` as `parseVexDocument` and `formatVexDocument` do.
 */
export function updatePackageDocument(
  id: string,
  document: NewDocument,
  before?: { readonly bytes: Uint8Array; readonly name: string },
): string {
  const fresh = readDocument(formatVexDocument(document))
  if (before === undefined) {
    const name = `urn:casemate:vex:${digestOf(canonicalJson({ author: document.author, package: id }))}`
    return pretty({ ...fresh, '@id': name, statements: latest(fresh.statements) })
  }
  parseVexDocument(before.bytes, { name: before.name })
  const text = Buffer.from(before.bytes).toString('utf8')
  const old = readDocument(text)
  const statements = latest([...old.statements, ...fresh.statements])
  if (canonicalJson(statements) === canonicalJson(latest(old.statements))) return text
  const timestamp = isLater(old.timestamp, fresh.timestamp) ? old.timestamp : fresh.timestamp
  return pretty({ ...fresh, '@id': old['@id'], timestamp, version: old.version + 1, statements })
}

/** Of what is stated of one vulnerability in one product the last in time, the last in order among equals. */
function latest(statements: readonly Statement[]): readonly Statement[] {
  const decisive = new Map<string, Statement>()
  for (const all of statements) {
    for (const product of all.products ?? []) {
      const one = { ...all, products: [product] }
      const key = canonicalJson([one.vulnerability.name, product['@id'] ?? canonicalJson(product)])
      const known = decisive.get(key)
      if (known !== undefined && (isLater(timeOf(known), timeOf(one)) || saysTheSame(known, one))) continue
      decisive.set(key, one)
    }
  }
  // What differs in its products alone is one statement.
  const alike = Map.groupBy(decisive.values(), ({ products: _, ...rest }) => canonicalJson(rest))
  const joined = [...alike.values()].flatMap(([first, ...others]): Statement[] => {
    if (first === undefined) return []
    return [{ ...first, products: inOrder([first, ...others].flatMap(({ products = [] }) => products)) }]
  })
  return inOrder(joined)
}

function saysTheSame(left: Statement, right: Statement): boolean {
  const [one, other] = [left, right].map(({ timestamp: _, last_updated: __, ...rest }) => canonicalJson(rest))
  return one === other
}

function timeOf({ last_updated, timestamp }: Statement): string {
  return last_updated ?? timestamp ?? ''
}

function isLater(left: string, right: string): boolean {
  return (parseMoment(left) ?? 0n) > (parseMoment(right) ?? 0n)
}

/** Reads what was read strictly before, or written here; every statement gets its document's time unless it has one. */
function readDocument(json: string): PackageDocument {
  const document: PackageDocument = JSON.parse(json)
  const { timestamp } = document
  return { ...document, statements: document.statements.map((one) => ({ timestamp, ...one })) }
}

function packageId(purl: string): string {
  const parsed = parsePurl(purl)
  if (parsed === undefined)
    throw new VexError('VEX_INVALID', `cannot keep VEX of ${JSON.stringify(purl)}: it is no purl`)
  const { type, namespace, name } = parsed
  return formatPurl({ type, name, ...(namespace === '' ? {} : { namespace }) })
}

function inOrder<Value extends Json>(values: readonly Value[]): Value[] {
  return values.toSorted((left, right) => (canonicalJson(left) < canonicalJson(right) ? -1 : 1))
}

function pretty(value: object): string {
  return `${JSON.stringify(value, null, 2)}\n`
}
