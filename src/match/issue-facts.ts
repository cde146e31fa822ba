import type { AdvisoryStore, OsvRecord } from '#advisory'
import type { DebianFinding } from './finding.ts'
import { compareRatings, osvRatings, urgencyRating } from './rating.ts'

/** What is known of an issue, whatever package has it. */
export function issueFacts(
  cve: string,
  urgency: string | undefined,
  advisories: Pick<AdvisoryStore, 'exploited' | 'prediction' | 'osvAbout'>,
): Pick<DebianFinding, 'aliases' | 'isExploited' | 'epss' | 'ratings'> {
  const epss = advisories.prediction(cve)?.probability
  const documents = advisories.osvAbout(cve)
  return {
    aliases: aliasesOf(cve, documents),
    isExploited: advisories.exploited(cve) !== undefined,
    ...(epss === undefined ? {} : { epss }),
    ratings: [...osvRatings(documents), ...urgencyRating(urgency)].sort(compareRatings),
  }
}

/** Other names of an issue. A document about another package may name several issues: only its own CVE makes it the same. */
function aliasesOf(cve: string, documents: readonly OsvRecord[]): string[] {
  const same = documents.filter(
    ({ id, aliases }) => [id, ...aliases].filter((name) => name.startsWith('CVE-')).join() === cve,
  )
  const names = new Set(same.flatMap(({ id, aliases }) => [id, ...aliases]))
  names.delete(cve)
  return [...names].sort()
}
