import type { AdvisoryKind, OpenStore, PartState } from '#advisory'
import { type Finding, type IgnoreRule, suppressFindings } from '#match'
import { type Established, type EstablishedFacts, findingFacts } from '#policy'
import type { Inventory } from '#sbom'
import { archiveMatches, evidenceOf, type ScanEvidence } from './archive-evidence.ts'
import { establish } from './establish.ts'
import { readIgnoreFile } from './ignore-file.ts'
import { DEBIAN_KINDS, findInImage } from './image-findings.ts'
import { applyVex, type VexOptions } from './scan-evidence.ts'
import { holdFresh, type StalePolicy, stalePolicy } from './stale-advisories.ts'
import type { Terminal } from './terminal.ts'
import type { PlaceOptions, StaleOptions } from './verb.ts'
import { visibleText } from './visible-text.ts'

/** By what findings are known. */
export interface GateFindingOptions extends PlaceOptions, StaleOptions, VexOptions {
  readonly evidence?: ScanEvidence
  readonly ignoreFile?: string
}

type FindingGroup = 'fixable' | 'unfixed' | 'exploited_fixable' | 'exploited_unfixed'

/** The groups of facts that are findings. */
export const FINDING_GROUPS: readonly FindingGroup[] = ['fixable', 'unfixed', 'exploited_fixable', 'exploited_unfixed']

/** What is asked of one scan. */
interface Scan {
  /** As the image was asked for. */
  readonly reference: string
  readonly options: GateFindingOptions
  readonly store: OpenStore
}

interface Found {
  readonly findings: readonly Finding[]
  readonly release: string
  readonly evidence: ScanEvidence
}

/**
 * Finds what is wrong with an image's packages, as facts. Without the advisories that an answer rests on, or with older ones
 * than are allowed, there is none: unlike a scan, a gate has nobody who reads a warning. Rejects for a
 * broken ignore file; what is wrong with a VEX document leaves findings unknown.
 */
export async function collectFindingFacts(
  inventory: Inventory,
  { reference, options, store }: Scan,
  terminal: Terminal,
): Promise<Pick<EstablishedFacts, FindingGroup>> {
  const rules = await readIgnoreFile(options.ignoreFile)
  const policy = stalePolicy({ ...options, stale: options.stale ?? (process.env['CASEMATE_STALE'] || 'error') })
  const now = Date.now()
  const found = await establish(() => findIn(inventory, { reference, options, store, rules, policy, now }, terminal))
  if (!found.known) return allUnknown(found.reason)
  const { findings, release, evidence } = found.value
  const groupOf = (isWanted: (finding: Finding) => boolean, ...conditions: readonly Established<unknown>[]) => {
    const unknown = conditions.find((one) => !one.known)
    if (unknown?.known === false) return unknown
    const value = findingFacts(findings.filter(isWanted), { release, advisories: store, now })
    return { known: true, value } as const
  }
  const hasFix = ({ status }: Finding) => status === 'fixed'
  const seesUnfixed: Established<ScanEvidence> =
    evidence === 'advisories' ? { known: true, value: evidence } : { known: false, reason: ARCHIVE_SEES_UPDATES }
  const seesExploited = await establish(async () => requireParts(store.parts, ['kev'], { policy, terminal, now }))
  return {
    fixable: groupOf(hasFix),
    unfixed: groupOf((one) => !hasFix(one), seesUnfixed),
    exploited_fixable: groupOf((one) => hasFix(one) && one.isExploited, seesExploited),
    exploited_unfixed: groupOf((one) => !hasFix(one) && one.isExploited, seesUnfixed, seesExploited),
  }
}

const ARCHIVE_SEES_UPDATES =
  'the archive does not tell of issues that have no update: casemate advisories update brings what does'

interface Search extends Scan {
  readonly rules: readonly IgnoreRule[]
  readonly policy: StalePolicy
  /** Milliseconds since the epoch. */
  readonly now: number
}

async function findIn(
  inventory: Inventory,
  { reference, options, store, rules, policy, now }: Search,
  terminal: Terminal,
): Promise<Found> {
  const evidence = evidenceOf(options.evidence, store.parts, DEBIAN_KINDS)
  const needed = [...(evidence === 'advisories' ? DEBIAN_KINDS : []), ...needsOsv(inventory)]
  requireParts(store.parts, needed, { policy, terminal, now })
  const updates = evidence === 'archive' ? await archiveMatches(inventory, { store, options, terminal }) : undefined
  const found = findInImage(inventory, store, updates)
  const today = new Date(now).toISOString().slice(0, 10)
  const { findings, expired } = suppressFindings(found.findings, rules, today)
  for (const { place, id, expires } of expired) {
    terminal.warn(visibleText(`${place}: the rule about ${id} expired on ${expires} and suppresses nothing`))
  }
  const vexed = await applyVex(reference, { inventory, findings }, options, terminal)
  return { findings: vexed, release: found.release, evidence }
}

/** Every group of findings, unknown for one reason. */
export function allUnknown(reason: string): Pick<EstablishedFacts, FindingGroup> {
  const unknown = { known: false, reason } as const
  return { fixable: unknown, unfixed: unknown, exploited_fixable: unknown, exploited_unfixed: unknown }
}

/** Application packages are held against OSV; an image without any needs none of it. */
function needsOsv({ applications }: Inventory): readonly AdvisoryKind[] {
  return applications.length > 0 ? ['osv'] : []
}

/** Refuses to go on without parts that an answer rests on, or with stale ones where that is the policy. */
function requireParts(
  parts: readonly PartState[],
  needed: readonly AdvisoryKind[],
  { policy, terminal, now }: { policy: StalePolicy; terminal: Terminal; now: number },
): void {
  const missing = needed.filter((kind) => parts.every((part) => part.kind !== kind))
  const lines = missing.map((kind) => `${kind} was never imported`)
  holdFresh(
    parts.filter(({ kind }) => needed.includes(kind)),
    lines,
    { now, policy: missing.length > 0 ? { ...policy, isError: true } : policy, terminal },
  )
}
