import { createHash } from 'node:crypto'
import { type ChangelogEntry, cvesIn } from './changelog.ts'
import { type ArchivePackage, changelogOf, type Mirrors } from './installed.ts'
import type { Line } from './lists.ts'
import { highest, isLower } from './order.ts'
import type { Triple } from './triple.ts'

/** A source package in a release: its packages of today, and its changelog as the newest of them carries it. */
export interface SourceHistory {
  readonly source: string
  readonly release: string
  readonly packages: readonly ArchivePackage[]
  readonly entries: readonly ChangelogEntry[]
  /** The package and the file in it that the changelog is from. */
  readonly from: string
}

/** What is true of an issue at a version of a source package, with the line that proves it. */
export type Fact = Pick<Triple, 'issue' | 'label' | 'fixedIn' | 'quote' | 'from' | 'traps'>

/** Reads the history of a source package in a release; `undefined` where the release has none, or no changelog of it. */
export function historyOf(
  source: string,
  release: string,
  archive: readonly ArchivePackage[],
  mirrors: Mirrors,
): SourceHistory | undefined {
  const packages = archive.filter((each) => each.source === source && each.release === release)
  const versions = new Set(packages.map(({ sourceVersion }) => sourceVersion))
  for (let newest = highest([...versions]); newest !== undefined; newest = highest([...versions])) {
    const ofVersion = packages.filter(({ sourceVersion }) => sourceVersion === newest)
    const changelog = changelogOf(ofVersion, mirrors)
    if (changelog !== undefined) return { source, release, packages, ...changelog }
    versions.delete(newest)
  }
  return undefined
}

/** The versions that the release's suites have today, lowest first; without any that the changelog at hand does not have. */
export function archivedVersions({ packages, entries }: SourceHistory): readonly string[] {
  const known = new Set(entries.map(({ version }) => version))
  const versions = [...new Set(packages.map(({ sourceVersion }) => sourceVersion))].filter((each) => known.has(each))
  return versions.sort((left, right) => (isLower(left, right) ? -1 : 1))
}

/** The first line that names a CVE in the changelog of a version, at that version or before it. */
export function lineNaming(history: SourceHistory, issue: string, version: string): Line | undefined {
  const start = history.entries.findIndex((entry) => entry.version === version)
  return history.entries
    .slice(start < 0 ? history.entries.length : start)
    .flatMap(({ lines }) => lines)
    .find(({ text }) => cvesIn(text).includes(issue))
}

/**
 * The version that the release had before a fix, by its changelog: lower than the fix, uploaded to the release itself, or
 * the version that the fix was built upon.
 */
export function versionBefore({ entries, release }: SourceHistory, fix: string): string | undefined {
  const start = entries.findIndex(({ version }) => version === fix)
  if (start < 0) return undefined
  return entries
    .slice(start + 1)
    .find(
      ({ version, suites }) =>
        (suites.some((suite) => suite.startsWith(release)) || fix.startsWith(`${version}+deb`)) &&
        isLower(version, fix),
    )?.version
}

const PER_VERSION = 2

/** Triples of a fact: it holds for each binary package of the source at the version; the hardest of them are taken. */
export function triplesOf(history: SourceHistory, version: string, fact: Fact): readonly Triple[] {
  const { source, release } = history
  return installedOf(history, version).map(({ traps, ...installed }) => {
    const { issue, label, fixedIn, quote, from } = fact
    const fix = fixedIn === undefined ? {} : { fixedIn }
    const named = { release, source, version, ...installed, issue, label, ...fix, quote: quote.trim(), from }
    return { ...named, traps: [...new Set([...fact.traps, ...traps, ...versionTraps(named)])].sort() }
  })
}

type Installed = Pick<Triple, 'binary' | 'binaryVersion' | 'installedFrom' | 'traps'>

function installedOf(history: SourceHistory, version: string): readonly Installed[] {
  const today = history.packages.filter(({ sourceVersion }) => sourceVersion === version)
  const archived = today.map((each): Installed => {
    const plain = each.version.replace(/\+b\d+$/, '')
    const traps: Triple['traps'] = [
      ...(each.version === plain ? [] : (['rebuild'] as const)),
      ...(plain === version ? [] : (['source-version'] as const)),
      ...(each.name === each.source ? [] : (['source-name'] as const)),
    ]
    return { binary: each.name, binaryVersion: each.version, installedFrom: each.suite, traps }
  })
  // What binary packages of an earlier version were called is known where they bear the version of their source.
  const earlier = history.packages
    .filter((each) => each.version === each.sourceVersion)
    .map(({ name }): Installed => {
      const traps: Triple['traps'] = name === history.source ? [] : ['source-name']
      return { binary: name, binaryVersion: version, installedFrom: history.from, traps }
    })
  const names = new Set<string>()
  return (archived.length > 0 ? archived : earlier)
    .sort((left, right) => right.traps.length - left.traps.length || rank(left.binary) - rank(right.binary))
    .filter(({ binary }) => !names.has(binary) && names.add(binary))
    .slice(0, PER_VERSION)
}

function versionTraps({ version, fixedIn = '' }: { version: string; fixedIn?: string }): Triple['traps'] {
  const either = `${version} ${fixedIn}`
  return [
    ...(/~deb\d+u/.test(either) ? (['backport-tilde'] as const) : []),
    ...(/\d:/.test(version) ? (['epoch'] as const) : []),
    ...(/dfsg|\+ds/.test(version) ? (['dfsg'] as const) : []),
    ...(/~(?:rc|beta|alpha)/.test(either) ? (['release-candidate'] as const) : []),
  ]
}

/** A number that orders texts the same way on every machine, and by nothing that they mean. */
export function rank(text: string): number {
  return createHash('sha256').update(text).digest().readUInt32BE()
}
