import type { DebComponent, Inventory } from '#sbom'
import { compareFindings, type DebianFinding, type Finding, type SettledIssue, subjectOf } from './finding.ts'

/** Findings of an image, with what they were made from. */
export interface ImageIssues {
  readonly findings: readonly Finding[]
  readonly settled: readonly SettledIssue[]
  readonly packages: readonly Pick<DebComponent, 'source'>[]
  readonly applications: readonly Pick<Inventory['applications'][number], 'ecosystem' | 'name' | 'version'>[]
}

/**
 * Why one image has a finding and the other has not: only the one has the package at all (`presence`), each has a version of
 * its own (`version`), or the same version is held against another release (`release`).
 */
export type FindingCause = 'presence' | 'version' | 'release'

/** A finding that one of two images has. */
export interface FindingChange {
  /** As the image that has it does. */
  readonly finding: Finding
  readonly cause: FindingCause
  /** The versions of the package in the image without the finding, sorted as texts; empty where it has none. */
  readonly others: readonly string[]
  /** Why the image without the finding does not have it, where somebody says so. */
  readonly settled: SettledIssue | undefined
}

/** Which findings two images do not share; each list in the order of `compareFindings`. */
export interface FindingComparison {
  /** What the second image has and the first has not. */
  readonly opened: readonly FindingChange[]
  /** What the first image has and the second has not. */
  readonly closed: readonly FindingChange[]
  /** What both have, as the second does. */
  readonly remaining: readonly Finding[]
}

/**
 * Compares the findings of two images, issue by issue and package by package: an issue that a package has in both remains,
 * whatever its versions. Both have to come from the same advisories, else differences of these would pass for the images'.
 */
export function compareIssues(from: ImageIssues, to: ImageIssues): FindingComparison {
  const [before, after] = [keysOf(from), keysOf(to)]
  const opened = once(to.findings.filter((finding) => !before.has(keyOf(finding))))
  const closed = once(from.findings.filter((finding) => !after.has(keyOf(finding))))
  return {
    opened: changesOf(opened, from),
    closed: changesOf(closed, to),
    remaining: once(to.findings.filter((finding) => before.has(keyOf(finding)))),
  }
}

function keysOf({ findings }: ImageIssues): ReadonlySet<string> {
  return new Set(findings.map(keyOf))
}

/** An issue of an application goes by the first of all its names: which of them leads can hang on the version. */
function keyOf(finding: Finding): string {
  if (finding.kind === 'debian') return keyOfDebian(finding)
  const [name] = [finding.cve, ...finding.aliases].sort()
  return JSON.stringify([name, finding.ecosystem, finding.name])
}

function keyOfDebian({ cve, source }: SettledIssue | DebianFinding): string {
  return JSON.stringify([cve, source])
}

/** A package that is there in several versions has an issue once: as it stands worst. */
function once(findings: readonly Finding[]): readonly Finding[] {
  const found = new Map<string, Finding>()
  for (const finding of findings.toSorted(compareFindings)) {
    if (!found.has(keyOf(finding))) found.set(keyOf(finding), finding)
  }
  return [...found.values()]
}

function changesOf(findings: readonly Finding[], without: ImageIssues): readonly FindingChange[] {
  const settled = new Map(without.settled.map((issue) => [keyOfDebian(issue), issue]))
  return findings.map((finding) => {
    const others = versionsOf(finding, without)
    const hasSame = others.includes(subjectOf(finding).version)
    const cause = others.length === 0 ? 'presence' : hasSame ? 'release' : 'version'
    return { finding, cause, others, settled: settled.get(keyOf(finding)) }
  })
}

function versionsOf(finding: Finding, { packages, applications }: ImageIssues): readonly string[] {
  const versions =
    finding.kind === 'debian'
      ? packages.filter(({ source }) => source.name === finding.source).map(({ source }) => source.version)
      : applications
          .filter(({ ecosystem, name }) => ecosystem === finding.ecosystem && name === finding.name)
          .map(({ version }) => version)
  return [...new Set(versions)].sort()
}
