import { parseArchivePackage } from './binary-package.ts'
import type { ArchivePackage } from './package.ts'
import type { PackagesIndex } from './packages-index.ts'
import { parseStanza } from './stanza.ts'
import type { Provider, Universe } from './universe.ts'
import { compareVersions } from './version.ts'

/** One opened index and where it stands in the archive. */
export interface UniverseSource {
  readonly archive: string
  readonly suite: string
  /** Of the suite; higher comes first. */
  readonly priority: number
  readonly index: PackagesIndex
}

/** Which architectures a universe offers. */
export interface UniverseArchitectures {
  readonly architecture: string
  readonly foreignArchitectures: readonly string[]
}

/** A universe that can be searched without reading every package in it. */
export interface SearchableUniverse extends Universe {
  /** Names of packages whose name or short description holds the text, in any case of letters; in code-unit order. */
  mentioning(text: string): readonly string[]
}

/**
 * Merges indexes, given in order of preference, into one universe. Stanzas are parsed when they are first asked for;
 * a malformed one throws then, with what `parseArchivePackage` throws and the suite named. Packages of architectures
 * that were not asked for are left out.
 */
export function mergeUniverse(sources: readonly UniverseSource[], offered: UniverseArchitectures): SearchableUniverse {
  return new MergedUniverse(sources, offered)
}

interface Candidate {
  readonly package: ArchivePackage
  /** 0 for native and `all`, then the place among the foreign architectures. */
  readonly rank: number
  readonly source: UniverseSource
}

class MergedUniverse implements SearchableUniverse {
  readonly architecture: string
  readonly foreignArchitectures: readonly string[]
  readonly #sources: readonly UniverseSource[]
  readonly #versions = new Map<string, readonly ArchivePackage[]>()
  readonly #providers = new Map<string, readonly Provider[]>()
  #names: readonly string[] | undefined

  constructor(sources: readonly UniverseSource[], { architecture, foreignArchitectures }: UniverseArchitectures) {
    this.architecture = architecture
    this.foreignArchitectures = foreignArchitectures
    this.#sources = sources
  }

  versions(name: string): readonly ArchivePackage[] {
    let versions = this.#versions.get(name)
    if (versions === undefined) {
      versions = Object.freeze(this.#read(name))
      this.#versions.set(name, versions)
    }
    return versions
  }

  providers(name: string): readonly Provider[] {
    let providers = this.#providers.get(name)
    if (providers === undefined) {
      providers = Object.freeze(this.#findProviders(name))
      this.#providers.set(name, providers)
    }
    return providers
  }

  names(): Iterable<string> {
    this.#names ??= [...new Set(this.#sources.flatMap(({ index }) => [...index.names()]))].sort()
    return this.#names
  }

  mentioning(text: string): readonly string[] {
    const stanzas = this.#sources.flatMap(({ index }) => [...index.mentioning(text)])
    return [...new Set(stanzas.map(nameOf))].sort()
  }

  #read(name: string): ArchivePackage[] {
    const candidates = new Map<string, Candidate>()
    for (const source of this.#sources) {
      for (const text of source.index.named(name)) {
        const candidate = parseArchivePackage(
          parseStanza(text, `Packages of ${source.suite}`),
          source.archive,
          source.suite,
        )
        const rank = this.#rank(candidate.architecture)
        const identity = `${candidate.version} ${candidate.architecture} ${candidate.digest}`
        const known = candidates.get(identity)
        if (rank === undefined || (known !== undefined && known.source.priority >= source.priority)) continue
        candidates.set(identity, { package: freeze(candidate), rank, source })
      }
    }
    const order = (left: Candidate, right: Candidate) =>
      left.rank - right.rank ||
      right.source.priority - left.source.priority ||
      compareVersions(right.package.version, left.package.version) ||
      this.#sources.indexOf(left.source) - this.#sources.indexOf(right.source)
    return [...candidates.values()].sort(order).map((candidate) => candidate.package)
  }

  #findProviders(name: string): Provider[] {
    const names = new Set(this.#sources.flatMap(({ index }) => index.providing(name).map(nameOf)))
    return [...names]
      .sort()
      .flatMap((provider) =>
        this.versions(provider).flatMap((candidate) =>
          candidate.provides
            .filter((provision) => provision.name === name)
            .map(({ version }) =>
              Object.freeze(version === undefined ? { package: candidate } : { package: candidate, version }),
            ),
        ),
      )
  }

  #rank(architecture: string): number | undefined {
    if (architecture === this.architecture || architecture === 'all') return 0
    const place = this.foreignArchitectures.indexOf(architecture)
    return place < 0 ? undefined : place + 1
  }
}

function nameOf(stanza: string): string {
  return parseStanza(stanza, 'Packages').get('package') ?? ''
}

function freeze(candidate: ArchivePackage): ArchivePackage {
  for (const value of Object.values(candidate)) if (typeof value === 'object') Object.freeze(value)
  return Object.freeze(candidate)
}
