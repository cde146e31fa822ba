import { type ArchivePackage, compareVersions } from '#debian'
import type { HeldPackage } from '../release.ts'
import type { ArchiveChange, ChangedPackage, SuiteMark } from '../watching/suite-change.ts'

/** A suite as it is now. */
export interface ObservedMark extends Pick<SuiteMark, 'date' | 'digest'> {
  readonly archive: string
  readonly suite: string
}

/**
 * What suites have that is newer than what images hold: the changes to think about where no state before is known. `offered`
 * gives every version that archives have for a package.
 */
export function newerThanHeld(
  held: Iterable<HeldPackage>,
  offered: (held: HeldPackage) => readonly ArchivePackage[],
  observed: readonly ObservedMark[],
): readonly ArchiveChange[] {
  const changes = new Map<string, Map<string, ChangedPackage>>()
  for (const one of held) {
    for (const { archive, suite, name, architecture, version, source } of offered(one)) {
      const isSame = archive === one.archive && name === one.name && architecture === one.architecture
      if (!isSame || compareVersions(version, one.version) <= 0) continue
      const packages = changes.get(`${archive} ${suite}`) ?? new Map<string, ChangedPackage>()
      changes.set(`${archive} ${suite}`, packages)
      packages.set(`${name} ${architecture} ${version}`, { name, architectures: [architecture], to: version, source })
    }
  }
  return observed.map(({ archive, suite, date, digest }) => {
    const packages = [...(changes.get(`${archive} ${suite}`)?.values() ?? [])]
    return { archive, suite, to: { date, digest }, packages }
  })
}
