import { ADVISORY_KINDS, AdvisoryError, type AdvisoryKind, type OpenStore, type PartState } from '#advisory'
import {
  type ApplicationMatches,
  compareFindings,
  type Finding,
  type Matches,
  matchApplications,
  matchPackages,
  releaseOf,
} from '#match'
import type { Inventory } from '#sbom'
import { visibleText } from './visible-text.ts'

/** What an image was held against, and what came of it. */
export interface ImageFindings {
  readonly inventory: Inventory
  /** The codename whose advisories count. */
  readonly release: string
  readonly debian: Matches
  readonly applications: ApplicationMatches
  /** Those of both, in the order of `compareFindings`. */
  readonly findings: readonly Finding[]
  /** Source packages whose security support ended or ends early, a line each. */
  readonly ended: readonly string[]
}

/** What Debian itself says of its packages; without any of it there is nothing to hold an image against. */
export const DEBIAN_KINDS: readonly AdvisoryKind[] = ['tracker', 'dsa', 'dla']

/** What each missing part leaves unsaid. */
const WITHOUT: Readonly<Record<AdvisoryKind, string>> = {
  tracker: 'issues without an announcement are not seen, nor which ones Debian leaves open',
  dsa: 'fixes that the tracker does not know are not seen',
  dla: 'fixes of long-term support that the tracker does not know are not seen',
  kev: 'nothing is called exploited',
  epss: 'no finding has a likelihood',
  osv: 'application packages are held against nothing, and no finding has a CVSS score',
  support: 'packages whose support ended are not named',
}

/**
 * Holds what is in an image against the store, its Debian packages unless `debian` says already what came of them. Throws
 * `ADVISORY_STORE_MISSING` when that is asked for and nothing of Debian's was imported, and as `releaseOf` does.
 */
export function findInImage(inventory: Inventory, store: OpenStore, debian?: Matches): ImageFindings {
  const release = releaseOf(inventory)
  return joinFindings(inventory, store, { release, debian: debian ?? matchDebian(inventory, release, store) })
}

function matchDebian({ packages }: Inventory, release: string, store: OpenStore): Matches {
  requireDebian(store)
  return matchPackages(packages, release, store)
}

function joinFindings(
  inventory: Inventory,
  store: OpenStore,
  { release, debian }: { readonly release: string; readonly debian: Matches },
): ImageFindings {
  const applications = matchApplications(inventory.applications, store)
  const findings = [...debian.findings, ...applications.findings].sort(compareFindings)
  return { inventory, release, debian, applications, findings, ended: endedSupport(inventory, release, store) }
}

/** The kinds of advisories that were never imported, with what that leaves unsaid. */
export function missingKinds(parts: readonly PartState[]): { readonly kind: AdvisoryKind; readonly means: string }[] {
  return ADVISORY_KINDS.filter((kind) => parts.every((part) => part.kind !== kind)).map((kind) => ({
    kind,
    means: WITHOUT[kind],
  }))
}

/** Throws `ADVISORY_STORE_MISSING` when a store has nothing of Debian's. */
export function requireDebian({ parts }: Pick<OpenStore, 'parts'>): void {
  if (parts.some(({ kind }) => DEBIAN_KINDS.includes(kind))) return
  const reason = `want one of ${DEBIAN_KINDS.join(', ')}: casemate advisories import FILE…`
  throw new AdvisoryError('ADVISORY_STORE_MISSING', `cannot scan without Debian's advisories: ${reason}`)
}

function endedSupport({ packages }: Inventory, release: string, store: OpenStore): string[] {
  const names = [...new Set(packages.map(({ source }) => source.name))].sort()
  return names.flatMap((name) =>
    store
      .support(name, release)
      .filter(({ support }) => support === 'ended')
      .map(({ date, note }) =>
        visibleText(
          `security support of ${name} in ${release} ends early, on ${date}${note === '' ? '' : `: ${note}`}`,
        ),
      ),
  )
}
