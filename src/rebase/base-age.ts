import { compareVersions, type InstalledPackage } from '#debian'
import type { Refusal } from './refusal.ts'

/** A package that is another one in the new base; a version is absent where the package is. */
export interface PackageStep {
  readonly name: string
  readonly architecture: string
  readonly from?: string
  readonly to?: string
}

/** The packages of two bases. */
export interface TwoBases<Value> {
  readonly old: Value
  readonly next: Value
}

/** Packages whose version is another one, by name and architecture. */
export function changedPackages({ old, next }: TwoBases<readonly InstalledPackage[]>): readonly PackageStep[] {
  const keyOf = ({ name, architecture }: InstalledPackage) => `${name}:${architecture}`
  const [before, after] = [old, next].map((list) => new Map(list.map((one) => [keyOf(one), one])))
  const keys = [...new Set([...old, ...next].map(keyOf))].sort()
  return keys.flatMap((key): readonly PackageStep[] => {
    const [from, to] = [before?.get(key), after?.get(key)]
    const one = from ?? to
    if (one === undefined || from?.version === to?.version) return []
    const versions = { ...(from ? { from: from.version } : {}), ...(to ? { to: to.version } : {}) }
    return [{ name: one.name, architecture: one.architecture, ...versions }]
  })
}

/** A new base that steps back: made before the old one, or with an older version of a package. */
export function ageRefusals(
  created: TwoBases<string | undefined>,
  packages: TwoBases<readonly InstalledPackage[]>,
): readonly Refusal[] {
  const application = 'was made on the newer one'
  const remedy = 'rebase onto a newer base, or say --allow-older'
  const code = 'base-older'
  const isEarlier = Date.parse(created.next ?? '') < Date.parse(created.old ?? '')
  const older = changedPackages(packages).filter(
    ({ from, to }) => from !== undefined && to !== undefined && compareVersions(to, from) < 0,
  )
  return [
    ...(isEarlier
      ? [{ code, subject: 'created', application, base: `${created.old} → ${created.next}`, remedy } as const]
      : []),
    ...older.map(
      ({ name, from, to }) => ({ code, subject: name, application, base: `${from} → ${to}`, remedy }) as const,
    ),
  ]
}
