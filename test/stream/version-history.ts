import { type ChangelogEntry, compareVersions, type DebVersion } from '#debian'

/** A version that a source package came to in a release, and when. */
export interface VersionStep {
  readonly version: DebVersion
  /** Milliseconds since 1970. */
  readonly at: number
  /** The announcement that tells it; absent for an update by a point release. */
  readonly announcement?: string
}

/** Which versions of a source package a release had in a span of time, or why that is not known. */
export type VersionHistory =
  | { readonly kind: 'known'; readonly first: DebVersion; readonly steps: readonly VersionStep[] }
  | { readonly kind: 'unknown'; readonly reason: string }

/** What is known of a source package. */
export interface HistorySources {
  /** The version that the release has today. */
  readonly today: DebVersion
  /** The changelog of that version; `undefined` where no package has it. */
  readonly entries: readonly ChangelogEntry[] | undefined
  /** Versions that announcements have told of. */
  readonly announced: readonly VersionStep[]
}

/** The release, by its codename and the end of its updates' versions, and the span: from its first day to the end of what is announced. */
export interface HistorySpan {
  readonly codename: string
  readonly number: string
  readonly start: number
  readonly end: number
}

/**
 * Works out which versions a release had. A changelog that was started anew from a later one does not tell what there was before; then the
 * announcements may, because `X+deb13u1` is an update of `X`. Where neither does, the history is unknown, and nothing is made up.
 */
export function versionHistory(
  { today, entries, announced }: HistorySources,
  { codename, number, start, end }: HistorySpan,
): VersionHistory {
  if (entries === undefined) return { kind: 'unknown', reason: 'no package of it has its changelog' }
  const isOfRelease = ({ distributions }: ChangelogEntry) =>
    distributions.some((name) => name.startsWith(codename) || name.startsWith('stable'))
  const steps = new Map<DebVersion, VersionStep>()
  for (const { version, date, ...entry } of entries) {
    if (!isOfRelease({ version, ...entry })) continue
    if (date === undefined) return { kind: 'unknown', reason: `its changelog has no date for ${version}` }
    if (compareVersions(version, today) <= 0) steps.set(version, { version, at: date })
  }
  for (const step of announced) steps.set(step.version, step)
  const known = inOrder([...steps.values()])
  const before = known.filter(({ at }) => at < start).at(-1)
  const first = before?.version ?? firstVersion(known, entries, { number, start })
  if (first === undefined) return { kind: 'unknown', reason: 'nothing tells which version it had at first' }
  const within = known.filter(({ at, version }) => at >= start && at < end && compareVersions(version, first) > 0)
  return { kind: 'known', first, steps: within }
}

/** By version. A version that follows on another was not there before it, whatever its changelog says. */
function inOrder(steps: readonly VersionStep[]): readonly VersionStep[] {
  let last = 0
  return steps
    .toSorted((left, right) => compareVersions(left.version, right.version))
    .map((step) => {
      last = Math.max(last, step.at)
      return { ...step, at: last }
    })
}

function firstVersion(
  known: readonly VersionStep[],
  entries: readonly ChangelogEntry[],
  { number, start }: { readonly number: string; readonly start: number },
): DebVersion | undefined {
  const [lowest] = known
  const [newest] = entries
  if (lowest === undefined) return (newest?.date ?? start) < start ? newest?.version : undefined
  const updated = new RegExp(`^(.+)\\+deb${number}u[0-9]+$`).exec(lowest.version)?.[1]
  const below = entries[entries.findIndex(({ version }) => version === lowest.version) + 1]
  const isThere = entries.some(({ version }) => version === lowest.version)
  const told = isThere && below?.date !== undefined && below.date < start ? below.version : undefined
  return updated ?? told
}
