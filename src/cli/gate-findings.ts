import type { AdvisoryKind, OpenStore, PartState } from '#advisory'
import { type Finding, suppressFindings } from '#match'
import { type Established, type EstablishedFacts, type FactRecord, findingFacts } from '#policy'
import type { Inventory } from '#sbom'
import { archiveMatches, evidenceOf, type ScanEvidence } from './archive-evidence.ts'
import { establish } from './establish.ts'
import { readIgnoreFile } from './ignore-file.ts'
import { DEBIAN_KINDS, findInImage } from './image-findings.ts'
import { holdFresh, type StalePolicy, stalePolicy } from './stale-advisories.ts'
import type { Terminal } from './terminal.ts'
import type { PlaceOptions, StaleOptions } from './verb.ts'
import { visibleText } from './visible-text.ts'

/** By what findings are known. */
export interface GateFindingOptions extends PlaceOptions, StaleOptions {
  readonly evidence?: ScanEvidence
  readonly ignoreFile?: string
}

type Findings = readonly FactRecord<'Finding'>[]

/** What is asked of one scan. */
interface Scan {
  readonly options: GateFindingOptions
  readonly store: OpenStore
}

/**
 * Finds what is wrong with an image's packages, as facts. Without the advisories that an answer rests on, or with older ones
 * than are allowed, there is none: unlike a scan, a gate has nobody who reads a warning. Rejects for a broken ignore file.
 */
export async function collectFindingFacts(
  inventory: Inventory,
  { options, store }: Scan,
  terminal: Terminal,
): Promise<Pick<EstablishedFacts, 'findings' | 'exploited'>> {
  const rules = await readIgnoreFile(options.ignoreFile)
  const policy = stalePolicy({ ...options, stale: options.stale ?? (process.env['CASEMATE_STALE'] || 'error') })
  const now = Date.now()
  const findings = await establish(async () => {
    const evidence = evidenceOf(options.evidence, store.parts, DEBIAN_KINDS)
    const needed = [...(evidence === 'advisories' ? DEBIAN_KINDS : []), ...needsOsv(inventory)]
    requireParts(store.parts, needed, { policy, terminal, now })
    const updates = evidence === 'archive' ? await archiveMatches(inventory, { store, options, terminal }) : undefined
    const found = findInImage(inventory, store, updates)
    const { findings: ruled, expired } = suppressFindings(
      found.findings,
      rules,
      new Date(now).toISOString().slice(0, 10),
    )
    for (const { place, id, expires } of expired) {
      terminal.warn(visibleText(`${place}: the rule about ${id} expired on ${expires} and suppresses nothing`))
    }
    return { all: ruled, release: found.release }
  })
  const [fault] = inventory.faults
  if (fault !== undefined) return both({ known: false, reason: `the image could not be read whole: ${fault}` })
  if (!findings.known) return both(findings)
  const { all, release } = findings.value
  const factsOf = (some: readonly Finding[]) => findingFacts(some, { release, advisories: store, now })
  return {
    findings: { known: true, value: factsOf(all) },
    exploited: await establish(async () => {
      requireParts(store.parts, ['kev'], { policy, terminal, now })
      return factsOf(all.filter(({ isExploited }) => isExploited))
    }),
  }
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

function both(unknown: Established<Findings> & { readonly known: false }) {
  return { findings: unknown, exploited: unknown }
}
