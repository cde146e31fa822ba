import type { OpenStore, PartState } from '#advisory'
import { compareIssues, type FindingComparison, type ImageIssues, MatchError } from '#match'
import type { Inventory } from '#sbom'
import { archiveMatches, openScanStore, type ScanEvidence } from './archive-evidence.ts'
import { DEBIAN_KINDS, findInImage, type ImageFindings, requireDebian } from './image-findings.ts'
import { advisoriesOf } from './scan-json.ts'
import { countsOf } from './scan-page.ts'
import { holdAdvisories, stalePolicy } from './stale-advisories.ts'
import type { Terminal } from './terminal.ts'
import type { PlaceOptions, StaleOptions } from './verb.ts'

/** The options of `casemate diff` that say what findings rest on. */
export interface DiffEvidenceOptions extends StaleOptions, PlaceOptions {
  /** Without it findings are compared where there are advisories of Debian's, and nothing is fetched. */
  readonly evidence?: ScanEvidence
}

/** How the findings of two images differ; or why nobody knows. */
export type DiffFindings = KnownFindings | { readonly isKnown: false; readonly reason: string }

/** Findings of two images, by the same evidence. */
export interface KnownFindings {
  readonly isKnown: true
  readonly evidence: ScanEvidence
  readonly parts: readonly PartState[]
  /** The codename whose advisories count for each image. */
  readonly releases: { readonly from: string; readonly to: string }
  readonly comparison: FindingComparison
}

/**
 * Holds two images against the same evidence. Where none is asked for, the answer can be that nothing is known, and why:
 * nothing was imported, or an image names no release. Rejects with `ADVISORY_STORE_MISSING` and as `findInImage` does when
 * evidence is asked for, and as `archiveMatches` and `holdFresh` do.
 */
export async function findingsOfBoth(
  from: Inventory,
  to: Inventory,
  options: DiffEvidenceOptions,
  terminal: Terminal,
): Promise<DiffFindings> {
  const { evidence } = options
  const policy = stalePolicy(options)
  const store = openScanStore()
  try {
    if (evidence === undefined && !policy.isError && !hasDebian(store)) {
      const advice = 'casemate advisories update fetches them, --evidence archive goes by the archive'
      return { isKnown: false, reason: `no advisories of Debian's were imported (${advice})` }
    }
    if (evidence !== 'archive') requireDebian(store)
    const quiet = onceEach(terminal)
    holdAdvisories(store.parts, policy, quiet)
    const [left, right] = [await findInOne(from, store, options, quiet), await findInOne(to, store, options, quiet)]
    return {
      isKnown: true,
      evidence: evidence ?? 'advisories',
      parts: store.parts,
      releases: { from: left.release, to: right.release },
      comparison: compareIssues(issuesOf(left), issuesOf(right)),
    }
  } catch (error) {
    if (evidence !== undefined || !(error instanceof MatchError)) throw error
    return { isKnown: false, reason: error.message }
  } finally {
    store.close()
  }
}

/** `opened` and `closed` with all evidence; of what both images have, how many of each status. */
export function formatFindings({ evidence, parts, releases, comparison }: KnownFindings, now: number) {
  const { opened, closed, remaining } = comparison
  return { evidence, advisories: advisoriesOf(parts, now), releases, opened, closed, remaining: countsOf(remaining) }
}

function hasDebian({ parts }: OpenStore): boolean {
  return parts.some(({ kind }) => DEBIAN_KINDS.includes(kind))
}

async function findInOne(
  inventory: Inventory,
  store: OpenStore,
  options: DiffEvidenceOptions,
  terminal: Terminal,
): Promise<ImageFindings> {
  if (options.evidence !== 'archive') return findInImage(inventory, store)
  return findInImage(inventory, store, await archiveMatches(inventory, { store, options, terminal }))
}

function issuesOf({ inventory, findings, debian }: ImageFindings): ImageIssues {
  const { packages, applications } = inventory
  return { findings, settled: debian.settled, packages, applications }
}

/** Both images have the same limits: what was said once is not said again. */
function onceEach(terminal: Terminal): Terminal {
  const said = new Set<string>()
  const warn = (line: string) => {
    if (!said.has(line)) terminal.warn(line)
    said.add(line)
  }
  return { ...terminal, warn }
}
