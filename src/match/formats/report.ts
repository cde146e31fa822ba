import { digestOf, hexOf } from '#core'
import type { Inventory } from '#sbom'
import { type Finding, subjectOf } from '../finding.ts'
import { leadingRating, type Rating } from '../rating.ts'

/** A scan as the formats of other tools report it. */
export interface ScanReport {
  readonly tool: { readonly name: string; readonly version: string }
  /** The image as the user named it. */
  readonly reference: string
  readonly inventory: Inventory
  /** The codename that the image's advisories are about. */
  readonly release: string
  /** Suppressed ones included. */
  readonly findings: readonly Finding[]
  /** What the reader must know of the scan itself: stale or missing advisories, faults of the image. */
  readonly notices: readonly string[]
  /** ISO 8601, UTC. */
  readonly startedAt: string
  readonly endedAt: string
}

/** Digits and letters that are the same for the same words: 32 of SHA-256's hexadecimal ones. */
export function fingerprint(...words: readonly string[]): string {
  return hexOf(digestOf(JSON.stringify(words))).slice(0, 32)
}

/** A UUID of version 8 (RFC 9562, clause 5.8) that is the same for the same words. */
export function uuidOf(...words: readonly string[]): string {
  const hex = fingerprint(...words)
  const variant = ((Number.parseInt(hex[16] ?? '0', 16) & 3) | 8).toString(16)
  const bits = `${hex.slice(0, 12)}8${hex.slice(13, 16)}${variant}${hex.slice(17)}`
  return bits.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}

/** Where people read about an issue; absent for ids that no public page is known for. */
export function pageOf(id: string): string | undefined {
  if (/^(?:CVE-|TEMP-|DSA-|DLA-)/.test(id)) return `https://security-tracker.debian.org/tracker/${id}`
  if (id.startsWith('GHSA-')) return `https://github.com/advisories/${id}`
  return /^(?:PYSEC|GO|OSV|MAL)-/.test(id) ? `https://osv.dev/vulnerability/${id}` : undefined
}

/** `openssl`, or `npm:lodash`: the subject with its ecosystem where that is not Debian. */
export function subjectLabel(finding: Finding): string {
  return finding.kind === 'debian' ? finding.source : `${finding.ecosystem}:${finding.name}`
}

/** One sentence: what is there, and what can be done. */
export function statementOf(finding: Finding): string {
  const { name, version } = subjectOf(finding)
  const what = `${finding.cve} in ${name} ${version}`
  const reason = finding.note === undefined ? '' : ` (${finding.note})`
  if (finding.fixedIn !== undefined) return `${what}: fixed in ${finding.fixedIn}`
  return `${what}: ${finding.status}${reason}, no fixed version`
}

/** What to do, where something can be done. */
export function solutionOf(finding: Finding): string | undefined {
  if (finding.fixedIn === undefined) return undefined
  if (finding.kind === 'application') return `Upgrade ${finding.name} to ${finding.fixedIn} or later.`
  return `Rebuild the image with ${finding.source} ${finding.fixedIn} or later (${finding.packages.join(', ')}).`
}

/** Facts of a finding, each with who says it: name and value. */
export function factsOf(finding: Finding): readonly (readonly [name: string, value: string])[] {
  const { evidence, ratings, epss, isExploited } = finding
  const leading = leadingRating(ratings)
  return [
    ['Status', finding.note === undefined ? finding.status : `${finding.status}: ${finding.note}`],
    ...(finding.fixedIn === undefined ? [] : [['Fixed in', finding.fixedIn] as const]),
    ...(finding.kind === 'debian' ? [['Packages', finding.packages.join(', ')] as const] : []),
    ...(finding.kind === 'application' ? [['Found at', finding.paths.join(', ')] as const] : []),
    ...(leading === undefined ? [] : [['Severity', ratingText(leading)] as const]),
    ...ratings.filter((rating) => rating !== leading).map((rating) => ['Also rated', ratingText(rating)] as const),
    ...(epss === undefined ? [] : [['EPSS (FIRST)', `${(epss * 100).toFixed(2)} % within 30 days`] as const]),
    ...(isExploited ? [['Exploited', 'listed by CISA (KEV)'] as const] : []),
    [
      'Evidence',
      [evidence.origin, evidence.place, evidence.comparison].filter((part) => part !== undefined).join(' · '),
    ],
  ]
}

/** `high 7.5, CVSSv31 by GHSA-… (CVSS:3.1/…)`. */
function ratingText({ severity, score, method, source, basis }: Rating): string {
  return `${severity}${score === undefined ? '' : ` ${score}`}, ${method === 'other' ? '' : `${method} `}by ${source} (${basis})`
}
