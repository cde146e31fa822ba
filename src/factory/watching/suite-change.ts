import type { Digest } from '#core'
import { compareVersions, type DebVersion, type OfferedPackage } from '#debian'

/** Which state of a suite is meant. */
export type SuiteMark = {
  /** The signed Date, ISO 8601 in UTC. */
  readonly date: string
  /** Of the InRelease file. */
  readonly digest: Digest
  /** The signed `Suite:` field, e.g. `stable`, which a release of Debian changes. */
  readonly suite?: string
  /** The signed `Version:` field, e.g. `13.3`, which a point release changes. */
  readonly version?: string
}

/**
 * The newest version of a package that a suite offers, before and after; without `from` it is new there, without `to` it has
 * gone.
 */
export type ChangedPackage = {
  readonly name: string
  /** Debian's names of the architectures in which it changed so, sorted. */
  readonly architectures: readonly string[]
  readonly from?: DebVersion
  readonly to?: DebVersion
  /** The source package of the newer state, or of the older one where it has gone. */
  readonly source: { readonly name: string; readonly version: DebVersion }
}

/** What an event of the kind `archive-changed` says. */
export type ArchiveChange = {
  readonly archive: string
  readonly suite: string
  /** Absent when the suite was seen for the first time: then every image is to be held against the whole archive. */
  readonly from?: SuiteMark
  readonly to: SuiteMark
  /** By name, then by versions; empty when the suite was seen for the first time. */
  readonly packages: readonly ChangedPackage[]
}

/** The newest version of each package and architecture. */
export type SuitePackages = ReadonlyMap<string, OfferedPackage>

/** Finds the newest version of each package in each architecture. */
export function newestOffered(offered: readonly OfferedPackage[]): SuitePackages {
  const newest = new Map<string, OfferedPackage>()
  for (const one of offered) {
    const key = `${one.name} ${one.architecture}`
    const known = newest.get(key)
    if (known === undefined || compareVersions(known.version, one.version) < 0) newest.set(key, one)
  }
  return newest
}

/**
 * Finds what changed between two states of a suite, in architectures (Debian's names) that both were read for. Which those are has to be
 * said: a suite that is empty for one has none of its packages.
 */
export function changedPackages(
  before: SuitePackages,
  after: SuitePackages,
  architectures: readonly string[],
): readonly ChangedPackage[] {
  const common = new Set([...architectures, 'all'])
  const changes = new Map<string, { change: ChangedPackage; architectures: Set<string> }>()
  const note = (from: OfferedPackage | undefined, to: OfferedPackage | undefined) => {
    const one = to ?? from
    if (one === undefined || from?.version === to?.version || !common.has(one.architecture)) return
    const change = {
      name: one.name,
      architectures: [],
      ...(from === undefined ? {} : { from: from.version }),
      ...(to === undefined ? {} : { to: to.version }),
      source: one.source,
    }
    const key = JSON.stringify([change.name, change.from ?? '', change.to ?? '', one.source.name, one.source.version])
    const known = changes.get(key) ?? { change, architectures: new Set() }
    changes.set(key, known)
    known.architectures.add(one.architecture)
  }
  for (const [key, to] of after) note(before.get(key), to)
  for (const [key, from] of before) if (!after.has(key)) note(from, undefined)
  return [...changes]
    .sort(([left], [right]) => (left < right ? -1 : 1))
    .map(([, { change, architectures }]) => ({ ...change, architectures: [...architectures].sort() }))
}

/** Writes the packages of a suite as lines, to be kept until the next state. */
export function formatSuitePackages(packages: SuitePackages): string {
  const lines: string[] = []
  for (const { name, version, architecture, source } of packages.values()) {
    const isOwn = source.name === name && source.version === version
    lines.push([name, architecture, version, ...(isOwn ? [] : [source.name, source.version])].join(' '))
  }
  return lines.sort().join('\n')
}

/** Reads what `formatSuitePackages` has written. */
export function parseSuitePackages(text: string): SuitePackages {
  const packages = new Map<string, OfferedPackage>()
  for (const line of text.split('\n')) {
    const [name = '', architecture = '', version = '', source = name, sourceVersion = version] = line.split(' ')
    if (version === '') continue
    packages.set(`${name} ${architecture}`, {
      name,
      version,
      architecture,
      source: { name: source, version: sourceVersion },
    })
  }
  return packages
}
