import type { Digest } from '#core'
import { type MatchAdvisories, matchPackages } from '#match'
import { policySeverity, type ReleaseOfArchive } from '../planning/closed-findings.ts'
import type { ReleaseDifference } from '../ports.ts'
import type { HeldPackage } from '../release.ts'
import type { ReleasedFinding } from './changelog.ts'

/** Says what is wrong with a source package, by what is known now; what Debian calls unimportant is left out. */
export type FindingsOf = (held: Pick<HeldPackage, 'archive' | 'source'>) => readonly ReleasedFinding[]

/** Answers by advisories; of archives that are of no release nothing is known. Each version of a source package is looked up once. */
export function standingFindings(advisories: MatchAdvisories, releaseOf: ReleaseOfArchive): FindingsOf {
  const known = new Map<string, readonly ReleasedFinding[]>()
  return ({ archive, source }) => {
    const key = `${archive} ${source.name} ${source.version}`
    let found = known.get(key)
    if (found === undefined) {
      const release = releaseOf(archive)
      found = release === undefined ? [] : findingsIn(source, release, advisories)
      known.set(key, found)
    }
    return found
  }
}

function findingsIn(
  source: HeldPackage['source'],
  release: string,
  advisories: MatchAdvisories,
): readonly ReleasedFinding[] {
  const { findings } = matchPackages([{ name: source.name, source }], release, advisories)
  return findings
    .filter(({ status }) => status !== 'unimportant')
    .map(({ cve, isExploited, ratings }) => {
      return {
        id: cve,
        package: source.name,
        severity: isExploited ? 'critical' : (policySeverity(ratings) ?? 'unknown'),
      }
    })
}

/** The findings of two releases, as far as they may differ. */
export interface ComparedFindings {
  readonly before: readonly ReleasedFinding[]
  readonly after: readonly ReleasedFinding[]
}

/** Gives all packages that manifests with these contents hold. */
export type PackagesOf = (contents: Digest) => Promise<readonly HeldPackage[]>

/**
 * Holds a release against the one before it by the same advisories, so that what differs is of the packages and not of what became known
 * meanwhile. Of a source package that only one of them gained or lost a package of, all packages are read: others of it may
 * have been there before.
 */
export async function compareReleases(
  { release, before, manifests }: ReleaseDifference,
  findingsOf: FindingsOf,
  packagesOf: PackagesOf,
): Promise<ComparedFindings | undefined> {
  if (before === undefined) return undefined
  const found = { before: [] as ReleasedFinding[], after: [] as ReleasedFinding[] }
  for (const [platform, { gone, come }] of manifests) {
    const [left, entered] = [namesIn(gone), namesIn(come)]
    const oneSided = left.symmetricDifference(entered)
    const rest = async (side: typeof release) => {
      const contents = side.manifests.find((one) => one.platform === platform)?.contents
      if (oneSided.size === 0 || contents === undefined) return []
      return (await packagesOf(contents)).filter(({ source }) => oneSided.has(source.name))
    }
    found.before.push(...[...gone, ...(await rest(before))].flatMap(findingsOf))
    found.after.push(...[...come, ...(await rest(release))].flatMap(findingsOf))
  }
  return found
}

function namesIn(packages: readonly HeldPackage[]): ReadonlySet<string> {
  return new Set(packages.map(({ source }) => source.name))
}
