import type { AdvisoryStore } from '#advisory'
import type { Finding, SettledIssue } from './finding.ts'

/** What an image's findings say of one issue. */
export interface IssueStanding {
  readonly findings: readonly Finding[]
  /** Packages that are known not to have it. */
  readonly settled: readonly SettledIssue[]
}

/** An issue by everything that it is called. */
export interface NamedIssue {
  readonly names: ReadonlySet<string>
  /** Whether any advisory speaks of it: of an issue that nobody knows, no finding means nothing. */
  readonly isKnown: boolean
}

/**
 * Everything that an issue goes by: its own id, other names in OSV's documents, and the CVEs that an announcement (DSA-…,
 * DLA-…) is about.
 */
export function namesOfIssue(id: string, advisories: Pick<AdvisoryStore, 'issue'>): NamedIssue {
  const { statements, announcements, exploited, osv } = advisories.issue(id)
  const announced = announcements.filter((one) => one.id === id).flatMap(({ cves }) => cves)
  const documents = osv.filter(({ withdrawn }) => withdrawn === undefined)
  const aliases = documents.filter((one) => one.id === id).flatMap((one) => one.aliases)
  return {
    names: new Set([id, ...announced, ...aliases]),
    isKnown: [statements, announcements, documents].some(({ length }) => length > 0) || exploited !== undefined,
  }
}

/** Picks what is said of an issue out of what came of an image, in the same order. */
export function locateIssue({ findings, settled }: IssueStanding, names: ReadonlySet<string>): IssueStanding {
  return {
    findings: findings.filter(({ cve, aliases }) => [cve, ...aliases].some((name) => names.has(name))),
    settled: settled.filter(({ cve }) => names.has(cve)),
  }
}
