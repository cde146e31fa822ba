import type { Finding } from '#match'
import type { Inventory, Origin } from '#sbom'

/** How near to its user an origin is: what any of a finding's packages has nearest, the finding has. */
const NEAREST: readonly Origin[] = ['application', 'overlay', 'base']

/** Whose each finding of an image is; `undefined` where the image's base is not known. */
export function originOfFindings({
  bases,
  packages,
  applications,
}: Inventory): ((finding: Finding) => Origin | undefined) | undefined {
  if (bases === undefined) return undefined
  const bySource = Map.groupBy(packages, ({ source }) => source.name)
  const byPurl = Map.groupBy(applications, ({ purl }) => purl)
  return (finding) => {
    const found = finding.kind === 'debian' ? bySource.get(finding.source) : byPurl.get(finding.purl)
    const origins = new Set((found ?? []).map(({ origin }) => origin))
    return NEAREST.find((origin) => origins.has(origin))
  }
}

/** What of the findings with a fix a newer base would close, and what it would not, in one line; `undefined` where that is not known. */
export function rebaseLine(inventory: Inventory, findings: readonly Finding[]): string | undefined {
  const originOf = originOfFindings(inventory)
  if (originOf === undefined) return undefined
  const fixable = findings.filter(({ status, suppression }) => status === 'fixed' && suppression === undefined)
  const counts = Map.groupBy(fixable, (finding) => originOf(finding) ?? 'application')
  const count = (origin: Origin) => counts.get(origin)?.length ?? 0
  const overlay = count('overlay') === 0 ? '' : `, ${count('overlay')} of the overlay`
  return `of the fixable, ${count('base')} are of the base, for a rebase to close${overlay}, ${count('application')} of the application`
}
