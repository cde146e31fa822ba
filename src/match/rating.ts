import type * as Cvss from 'ae-cvss-calculator'
import type { OsvRecord, OsvSeverity } from '#advisory'
import { lateModule } from '#core'

/** Words for severities, worst first. `info`: held to be harmless; `unknown`: there is a rating that cannot be read. */
export const SEVERITIES = ['critical', 'high', 'medium', 'low', 'info', 'none', 'unknown'] as const

/** One of `SEVERITIES`. */
export type Severity = (typeof SEVERITIES)[number]

/** How a rating was made, in CycloneDX's words. */
export type RatingMethod = 'CVSSv4' | 'CVSSv31' | 'CVSSv3' | 'CVSSv2' | 'other'

/** How severe an issue is, by one publisher and one method. Ratings are never merged. */
export interface Rating {
  /** Who says so: the id of an OSV document, or Debian's security tracker. */
  readonly source: string
  readonly method: RatingMethod
  readonly severity: Severity
  /** From 0 to 10, with CVSS. */
  readonly score?: number
  /** A CVSS vector, or the publisher's own word. */
  readonly basis: string
}

/** The source of ratings that are Debian's urgencies. */
export const TRACKER_SOURCE = 'Debian security tracker'

/** The newest method counts most. */
const METHODS: readonly RatingMethod[] = ['CVSSv4', 'CVSSv31', 'CVSSv3', 'CVSSv2', 'other']

/** No vector with all its metrics is longer. */
const VECTOR_LENGTH = 300

const cvss = lateModule<typeof Cvss>('ae-cvss-calculator')

/** Each version of CVSS with the start of its vectors; one of version 2 has none. */
const VERSIONS = [
  { method: 'CVSSv4', start: 'CVSS:4.0/', parse: (vector: string) => new (cvss().Cvss4P0)(vector) },
  { method: 'CVSSv31', start: 'CVSS:3.1/', parse: (vector: string) => new (cvss().Cvss3P1)(vector) },
  { method: 'CVSSv3', start: 'CVSS:3.0/', parse: (vector: string) => new (cvss().Cvss3P0)(vector) },
  { method: 'CVSSv2', start: '', parse: (vector: string) => new (cvss().Cvss2)(vector) },
] as const

/** The tracker's urgencies in those words; a star or two says who gave it. What is not assigned is no rating. */
const URGENCIES: Readonly<Record<string, Severity>> = {
  high: 'high',
  medium: 'medium',
  low: 'low',
  unimportant: 'info',
}

/** Orders ratings: the newest method first, then the higher score, then by source and basis. */
export function compareRatings(left: Rating, right: Rating): number {
  return (
    METHODS.indexOf(left.method) - METHODS.indexOf(right.method) ||
    (right.score ?? -1) - (left.score ?? -1) ||
    SEVERITIES.indexOf(left.severity) - SEVERITIES.indexOf(right.severity) ||
    (left.source < right.source ? -1 : Number(left.source > right.source)) ||
    (left.basis < right.basis ? -1 : Number(left.basis > right.basis))
  )
}

/**
 * The rating that stands for an issue where a format has room for one: of those with a known severity, the first in the
 * order of `compareRatings`. It is one publisher's rating as it is, and whoever shows it names its source.
 */
export function leadingRating(ratings: readonly Rating[]): Rating | undefined {
  return ratings.find(({ severity }) => severity !== 'unknown')
}

/** Reads a CVSS vector of version 2.0 to 4.0; one that is broken or lacks base metrics is `unknown` (FIRST's specifications). */
export function cvssRating(source: string, { type, score: vector }: OsvSeverity): Rating {
  const { method, parse } = VERSIONS.find(({ start }) => vector.startsWith(start)) ?? VERSIONS[3]
  const broken: Rating = { source, method: 'other', severity: 'unknown', basis: vector.slice(0, VECTOR_LENGTH) }
  if (!type.startsWith('CVSS_') || vector.length > VECTOR_LENGTH) return broken
  try {
    const calculator = parse(vector)
    const { overall, base } = calculator.calculateScores()
    if (!calculator.isBaseFullyDefined() || base === undefined || !Number.isFinite(overall)) return broken
    return { source, method, severity: severityOf(overall, method), score: overall, basis: vector }
  } catch {
    // The library throws whatever it stumbles over; the vector stays to be seen.
    return broken
  }
}

/** The ratings of OSV documents about an issue, withdrawn ones left out, in order and each once. */
export function osvRatings(records: readonly OsvRecord[]): Rating[] {
  const ratings = new Map<string, Rating>()
  for (const { id, severity, affected, withdrawn } of records) {
    if (withdrawn !== undefined) continue
    for (const each of [...severity, ...affected.flatMap((entry) => entry.severity)]) {
      ratings.set(`${id} ${each.score}`, cvssRating(id, each))
    }
  }
  return [...ratings.values()].sort(compareRatings)
}

/** Debian's urgency as a rating; none where nobody assigned one. */
export function urgencyRating(urgency: string | undefined): Rating[] {
  const word = urgency?.replace(/\*+$/, '') ?? ''
  const severity = Object.hasOwn(URGENCIES, word) ? URGENCIES[word] : undefined
  if (urgency === undefined || severity === undefined) return []
  return [{ source: TRACKER_SOURCE, method: 'other', severity, basis: urgency }]
}

/** CVSS v3.1, clause 5, and v4.0, clause 6; NVD's bands for version 2, which has no words of its own. */
function severityOf(score: number, method: RatingMethod): Severity {
  if (score >= 9 && method !== 'CVSSv2') return 'critical'
  if (score >= 7) return 'high'
  if (score >= 4) return 'medium'
  return score > 0 || method === 'CVSSv2' ? 'low' : 'none'
}
