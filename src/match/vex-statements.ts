import type { DebComponent } from '#sbom'
import { debProduct, imageProduct, type NewProduct, type NewStatement, type VexJustification } from '#vex'
import type { DebianFinding, FindingStatus, SettledIssue } from './finding.ts'
import type { Matches } from './match.ts'

/** What a statement says of a binary package. */
export type DebPackage = Pick<DebComponent, 'name' | 'version' | 'architecture' | 'source'>

/** What of an image's evidence becomes a statement beyond what Debian's own words mean. */
export interface VexPolicy {
  /** Set: Debian's `unimportant` is stated as `not_affected`, naming its record. Otherwise nothing is stated of it. */
  readonly unimportant?: 'not-affected'
  /**
   * What is known of a package in this one image that makes its issues harmless there, with the words that say why; `undefined`
   * where nothing is. What it says is stated of the image only, never of the package.
   */
  readonly harmless?: (
    one: DebPackage,
  ) => { readonly justification: VexJustification; readonly impact: string } | undefined
}

interface ImageName {
  readonly name: string
  readonly digest: string
}

/** The image that statements are about. */
interface StatedImage {
  /** By every name and digest that it goes by, its own name and its manifest's digest first. */
  readonly images: readonly [ImageName, ...ImageName[]]
  readonly packages: readonly DebPackage[]
  readonly policy?: VexPolicy
  /**
   * State everything of the image with its packages as subcomponents, in place of the packages themselves. They bear their
   * architecture, so that what is said by the name of an index is true of each of its images.
   */
  readonly imageLevel?: boolean
}

/** What to do about an issue, by how Debian stands to it. */
const ACTIONS: Readonly<Record<Exclude<FindingStatus, 'fixed' | 'undetermined' | 'unimportant'>, string>> = {
  open: 'Debian has no fix in this release yet. Watch its security tracker, and rebuild when a fixed version is out.',
  'no-dsa':
    'Debian issues no advisory of its own for this (no-dsa). A fix may come with a point release: rebuild then.',
  postponed: 'Debian has postponed the fix to a later update. Rebuild when it is out.',
  ignored: 'Debian will not fix this in this release. Weigh it, mitigate it, or move to a newer release.',
  'end-of-life': 'Debian no longer supports this package in this release. Remove it, or move to a newer release.',
}

/**
 * Makes OpenVEX statements of what Debian says about an image's packages. Debian's "not affected" is `not_affected`; an installed
 * fix is `fixed`; what is fixed elsewhere, open, no-dsa, postponed, ignored or past its support is `affected`, with what to do;
 * undetermined is `under_investigation`. `unimportant` has no word in OpenVEX: nothing is stated of it without a policy.
 */
export function vexStatements(
  { findings, settled }: Pick<Matches, 'findings' | 'settled'>,
  stated: StatedImage,
): NewStatement[] {
  return [
    ...settled.flatMap((issue) => settledStatement(issue, stated)),
    ...findings.flatMap((finding) => findingStatements(finding, stated)),
  ]
}

function settledStatement(issue: SettledIssue, stated: StatedImage): NewStatement[] {
  const says =
    issue.reason === 'has-fix'
      ? ({ status: 'fixed' } as const)
      : ({ status: 'not_affected', justification: 'vulnerable_code_not_present' } as const)
  return statement({ vulnerability: issue.cve, ...says, notes: notesOf(issue) }, packagesOf(issue, stated), stated)
}

function findingStatements(finding: DebianFinding, stated: StatedImage): NewStatement[] {
  const { policy } = stated
  const [{ digest: manifest }] = stated.images
  const here = packagesOf(finding, stated)
  const harmless = here.filter((one) => policy?.harmless?.(one) !== undefined)
  const others = here.filter((one) => policy?.harmless?.(one) === undefined)
  const common = { vulnerability: finding.cve, notes: notesOf(finding) }
  return [
    ...harmless.flatMap((one) => {
      const why = policy?.harmless?.(one)
      if (why === undefined) return []
      return statement({ ...common, status: 'not_affected', ...why }, [one], {
        // An index has other images, too, of which nothing is known.
        images: stated.images.filter(({ digest }) => digest === manifest),
        imageLevel: true,
      })
    }),
    ...ownWords(finding, policy).flatMap((says) => statement({ ...common, ...says }, others, stated)),
  ]
}

/** What Debian's word for a finding is in OpenVEX; nothing where it has none. */
function ownWords(
  finding: DebianFinding,
  policy: VexPolicy | undefined,
): Pick<NewStatement, 'status' | 'action' | 'impact'>[] {
  const { status, source, fixedIn } = finding
  if (status === 'undetermined') return [{ status: 'under_investigation' }]
  if (status === 'unimportant') {
    return policy?.unimportant === undefined ? [] : [{ status: 'not_affected', impact: unimportantImpact(finding) }]
  }
  const action =
    status === 'fixed' ? `Update source package ${source} to ${fixedIn} or later, and rebuild.` : ACTIONS[status]
  return [{ status: 'affected', action }]
}

/** A policy's statement stands on the tracker's word, and says so with the tracker's own note and the record. */
function unimportantImpact({ note, evidence }: DebianFinding): string {
  const said = note === undefined ? 'without a note' : `and notes: ${note}`
  return `By policy: Debian's security tracker rates this issue unimportant in this release, ${said} (${evidence.place}).`
}

function notesOf(issue: DebianFinding | SettledIssue): string {
  const { evidence, source, note } = issue
  const word = 'status' in issue ? issue.status : issue.reason
  const comparison = evidence.comparison === undefined ? '' : `; ${evidence.comparison}`
  const noted = note === undefined ? '' : `: ${note}`
  return `Debian on source package ${source}: ${word}${noted} (${evidence.origin}, ${evidence.place}${comparison})`
}

function packagesOf({ source, sourceVersion }: DebianFinding | SettledIssue, { packages }: StatedImage): DebPackage[] {
  return packages.filter((one) => one.source.name === source && one.source.version === sourceVersion)
}

function statement(
  says: Omit<NewStatement, 'products'>,
  packages: readonly DebPackage[],
  { images, imageLevel = false }: { readonly images: readonly ImageName[]; readonly imageLevel?: boolean },
): NewStatement[] {
  if (packages.length === 0) return []
  const purls = packages.map(debProduct)
  const products: NewProduct[] = imageLevel
    ? images.map((image) => ({ purl: imageProduct(image), subcomponents: purls }))
    : purls.map((purl) => ({ purl }))
  return [{ ...says, products }]
}
