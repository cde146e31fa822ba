import { type Digest, digestOf, hasMoreValues, messageOf, parseDigest, quote } from '#core'
import { SbomError } from '../errors.ts'
import type { ApplicationComponent, DebComponent, Distribution, Inventory } from '../inventory.ts'
import { readPackage } from './read-purl.ts'
import { type StatedDocument, statedByCycloneDx, statedBySpdx } from './stated-document.ts'

/** Characters of a document; SBOMs that list every file have some tens of millions. */
const LENGTH = 1 << 27
/** Values of a document, about; one that lists every file has some millions. */
const VALUES = 12_000_000
/** Packages of a document. */
const PACKAGES = 500_000
/** Faults that are named; the rest are counted. */
const NAMED = 10

/** Debian's releases by number, for documents that name no codename. */
const CODENAMES: Readonly<Record<string, string>> = {
  ...{ 9: 'stretch', 10: 'buster', 11: 'bullseye', 12: 'bookworm', 13: 'trixie', 14: 'forky', 15: 'duke' },
}

/**
 * Reads an SBOM in JSON, SPDX 2.2 and 2.3 or CycloneDX 1.2 to 1.7, whoever made it, as an inventory: its packages by their
 * purls. What names no package is told in `faults`. Where the document does not say which image it is about, the digest is
 * the document's own. Throws `SBOM_INVALID` and `SBOM_LIMIT`.
 */
export function readSbom(text: string, file: string): Inventory {
  const stated = statedBy(text, file)
  if (stated.packages.length > PACKAGES) throw limit(file, `it has more than ${PACKAGES} packages`)
  const debs = new Map<string, DebComponent>()
  const applications = new Map<string, ApplicationComponent>()
  const distributions = new Set<string>()
  const faults: string[] = []
  for (const one of stated.packages) {
    const read = readPackage(one)
    if (read.kind === 'deb') {
      debs.set(`${read.one.name} ${read.one.version} ${read.one.architecture}`, read.one)
      distributions.add(read.distribution)
    } else if (read.kind === 'application') applications.set(`${one.purl} ${one.path}`, read.one)
    else if (read.kind === 'fault') faults.push(`${file}: ${quote(one.purl)} ${read.reason}`)
  }
  return {
    image: {
      ...{ name: stated.name || file, digest: digestIn(stated.identity) ?? digestOf(text) },
      ...{ architecture: architectureOf(debs), created: stated.created, version: '', layers: [] },
    },
    distribution: distributionOf(stated, distributions, file),
    packages: [...debs.values()].sort((left, right) => (left.name < right.name ? -1 : 1)),
    applications: [...applications.values()],
    unowned: [],
    faults: [...faultLines(faults), ...unnamed(stated, file)],
  }
}

function statedBy(text: string, file: string): StatedDocument {
  if (text.length > LENGTH) throw limit(file, `it is longer than ${LENGTH} characters`)
  if (hasMoreValues(text, VALUES)) throw limit(file, `it has more than ${VALUES} values`)
  let document: unknown
  try {
    document = JSON.parse(text)
  } catch (cause) {
    throw invalid(file, `it is no JSON: ${messageOf(cause)}`, cause)
  }
  const { spdxVersion, bomFormat, specVersion } = Object(document)
  if (bomFormat === 'CycloneDX' && /^1\.[2-7]$/.test(String(specVersion)))
    return checked(statedByCycloneDx(document), file)
  if (/^SPDX-2\.[23]$/.test(String(spdxVersion))) return checked(statedBySpdx(document), file)
  const said = [spdxVersion, bomFormat, specVersion].filter((word) => typeof word === 'string').join(' ')
  const got = said === '' ? '' : `, got ${quote(said)}`
  throw invalid(file, `want SPDX 2.2 or 2.3, or CycloneDX 1.2 to 1.7, as JSON${got}`)
}

function checked(stated: StatedDocument | string, file: string): StatedDocument {
  if (typeof stated === 'string') throw invalid(file, stated)
  return stated
}

/** One distribution, or none that can be told: an image of two would be held against the advisories of one. */
function distributionOf(
  { system }: StatedDocument,
  distributions: ReadonlySet<string>,
  file: string,
): Distribution | undefined {
  const known = [...distributions].filter((name) => !name.endsWith('-'))
  const releases = new Set(known.map((name) => name.replace(/\..*$/, '')))
  if (releases.size > 1)
    throw invalid(file, `its packages are of several distributions: ${[...releases].sort().join(', ')}`)
  const [name = system] = known
  if (name === undefined) return undefined
  const [, id = '', versionId = ''] = /^([^-]*)-(.*)$/.exec(name) ?? []
  const release = versionId.split('.')[0] ?? ''
  const codename = Object.hasOwn(CODENAMES, release) ? CODENAMES[release] : undefined
  const word = codename ?? (/^[a-z]+$/.test(release) ? release : undefined)
  return { id, versionId, prettyName: `${id} ${versionId}`, ...(word === undefined ? {} : { codename: word }) }
}

function digestIn(texts: readonly string[]): Digest | undefined {
  const [found] = texts.flatMap((text) => /sha256(?::|%3A)([0-9a-f]{64})/i.exec(text)?.[1] ?? [])
  return found === undefined ? undefined : parseDigest(`sha256:${found.toLowerCase()}`)
}

function architectureOf(debs: ReadonlyMap<string, DebComponent>): string {
  return [...debs.values()].map(({ architecture }) => architecture).find((word) => word !== 'all' && word !== '') ?? ''
}

function faultLines(faults: readonly string[]): readonly string[] {
  if (faults.length <= NAMED) return faults
  return [...faults.slice(0, NAMED), `and ${faults.length - NAMED} more packages that cannot be read`]
}

function unnamed({ unnamed: count }: StatedDocument, file: string): readonly string[] {
  return count === 0 ? [] : [`${file}: ${count} packages have no purl and are held against nothing`]
}

function invalid(file: string, reason: string, cause?: unknown): SbomError {
  return new SbomError('SBOM_INVALID', `cannot read the SBOM ${file}: ${reason}`, { cause })
}

function limit(file: string, reason: string): SbomError {
  return new SbomError('SBOM_LIMIT', `cannot read the SBOM ${file}: ${reason}`)
}
