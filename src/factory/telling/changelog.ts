import type { Digest } from '#core'
import { compareVersions, type DebVersion } from '#debian'
import { type Contract, type ContractChange, contractChanges, isBreaking } from '#sandbox'
import type { Moment } from '../moment.ts'
import type { HeldPackage } from '../release.ts'
import type { PolicySeverity } from '../settings/severity.ts'

/** A finding that an image has when it is released. */
export type ReleasedFinding = {
  /** The advisory, e.g. `CVE-2026-1000`. */
  readonly id: string
  /** The source package, or the application's package. */
  readonly package: string
  readonly severity: PolicySeverity | 'unknown'
}

/** What an image is at a release, as far as a changelog says it. */
export interface ReleasedImage {
  readonly image: string
  readonly variant: string
  readonly digest: Digest
  readonly tags: readonly string[]
  readonly released: Moment
  readonly manifests: readonly { readonly platform: string; readonly packages: readonly HeldPackage[] }[]
  /** `undefined` where nobody has looked: that is not the same as none. */
  readonly findings: readonly ReleasedFinding[] | undefined
  /** `undefined` for an image that has none, or none that is known. */
  readonly contract: Contract | undefined
}

/** Which release is meant. */
export type ReleaseName = { readonly digest: Digest; readonly tags: readonly string[]; readonly released: Moment }

/** A package that two releases do not both have in the same version; without `from` it is new, without `to` it has gone. */
export type ReleasedPackageChange = {
  readonly package: string
  readonly source: string
  readonly from?: DebVersion
  readonly to?: DebVersion
  /** As OCI writes them, sorted; absent where it changed so on all platforms. */
  readonly platforms?: readonly string[]
}

/** A promise to who runs the image that is another one now. */
export type ReleasedContractChange = {
  /** `user`, `ports`, `environment LANG`, … */
  readonly promise: string
  readonly from?: string | readonly string[]
  readonly to?: string | readonly string[]
  /** Whether it takes away what somebody may rely on. */
  readonly breaks: boolean
}

/** In what a release differs from the one before it. */
export type Changelog = {
  readonly image: string
  readonly variant: string
  /** Absent for the first release. */
  readonly from?: ReleaseName
  readonly to: ReleaseName
  /** By name; empty for the first release. */
  readonly packages: readonly ReleasedPackageChange[]
  /**
   * Worst first; absent where nothing is known of them. Without `opened`, what it closes is what it was made for, and nobody has looked
   * what it opens.
   */
  readonly findings?: { readonly closed: readonly ReleasedFinding[]; readonly opened?: readonly ReleasedFinding[] }
  /** Absent where one of the two has none, or none that is known. */
  readonly contract?: readonly ReleasedContractChange[]
}

/**
 * Says in what a release differs from the one before it, `undefined` for the first. Packages that both have may be left out. `answered` is what the
 * release was made for: it stands for the findings where they are not known.
 */
export function changelogOf(
  before: ReleasedImage | undefined,
  after: ReleasedImage,
  answered: readonly ReleasedFinding[] = [],
): Changelog {
  const { image, variant } = after
  const findings = findingChanges(before?.findings, after.findings) ?? closedAlone(answered)
  const isKnown = before?.contract !== undefined && after.contract !== undefined
  return {
    image,
    variant,
    ...(before === undefined ? {} : { from: nameOf(before) }),
    to: nameOf(after),
    packages: before === undefined ? [] : packageChanges(before, after),
    ...(findings === undefined ? {} : { findings }),
    ...(isKnown ? { contract: contractChanges(before.contract, after.contract).map(contractChange) } : {}),
  }
}

function nameOf({ digest, tags, released }: ReleasedImage): ReleaseName {
  return { digest, tags, released }
}

function packageChanges(before: ReleasedImage, after: ReleasedImage): readonly ReleasedPackageChange[] {
  const platforms = after.manifests.map(({ platform }) => platform)
  const changes = new Map<string, { change: ReleasedPackageChange; on: string[] }>()
  for (const { platform, packages } of after.manifests) {
    const older = before.manifests.find((manifest) => manifest.platform === platform)
    // A platform that is new has no packages that changed.
    if (older === undefined) continue
    for (const change of versionChanges(older.packages, packages)) {
      const key = JSON.stringify([change.package, change.from ?? '', change.to ?? ''])
      const known = changes.get(key) ?? { change, on: [] }
      changes.set(key, known)
      known.on.push(platform)
    }
  }
  return [...changes]
    .sort(([left], [right]) => (left < right ? -1 : 1))
    .map(([, { change, on }]) => (on.length === platforms.length ? change : { ...change, platforms: on.toSorted() }))
}

/** An image may hold a package in several architectures: each is a package of its own. */
function versionChanges(before: readonly HeldPackage[], after: readonly HeldPackage[]): ReleasedPackageChange[] {
  const keyOf = ({ name, architecture }: HeldPackage) => `${name}:${architecture}`
  const older = new Map(before.map((one) => [keyOf(one), one]))
  const newer = new Map(after.map((one) => [keyOf(one), one]))
  const changed = [...newer].flatMap(([key, { name, version, source }]) => {
    const from = older.get(key)?.version
    if (from === version) return []
    return [{ package: name, source: source.name, ...(from === undefined ? {} : { from }), to: version }]
  })
  const gone = [...older].flatMap(([key, { name, version, source }]) =>
    newer.has(key) ? [] : [{ package: name, source: source.name, from: version }],
  )
  return [...changed, ...gone]
}

/** Whether a change leads to an older version. */
export function isDowngrade({ from, to }: ReleasedPackageChange): boolean {
  return from !== undefined && to !== undefined && compareVersions(to, from) < 0
}

function findingChanges(
  before: readonly ReleasedFinding[] | undefined,
  after: readonly ReleasedFinding[] | undefined,
): Changelog['findings'] {
  if (before === undefined || after === undefined) return undefined
  return { closed: without(before, after), opened: without(after, before) }
}

function closedAlone(answered: readonly ReleasedFinding[]): Changelog['findings'] {
  return answered.length === 0 ? undefined : { closed: without(answered, []) }
}

function without(some: readonly ReleasedFinding[], others: readonly ReleasedFinding[]): readonly ReleasedFinding[] {
  const keyOf = ({ id, package: name }: ReleasedFinding) => `${id} ${name}`
  const known = new Set(others.map(keyOf))
  return [...new Map(some.map((one) => [keyOf(one), one])).values()]
    .filter((one) => !known.has(keyOf(one)))
    .sort((left, right) => rankOf(left) - rankOf(right) || (keyOf(left) < keyOf(right) ? -1 : 1))
}

const RANKS = ['critical', 'high', 'medium', 'low', 'unknown']

function rankOf({ severity }: ReleasedFinding): number {
  return RANKS.indexOf(severity)
}

function contractChange(change: ContractChange): ReleasedContractChange {
  const { key, name, from, to } = change
  return {
    promise: name === '' ? key : `${key} ${name}`,
    ...(from === undefined ? {} : { from }),
    ...(to === undefined ? {} : { to }),
    breaks: isBreaking(change),
  }
}

/** The worst severity of the findings that a release closes; `undefined` where it closes none that is rated. */
export function worstClosed({ findings }: Changelog): PolicySeverity | undefined {
  const severity = findings?.closed[0]?.severity
  return severity === 'unknown' ? undefined : severity
}
