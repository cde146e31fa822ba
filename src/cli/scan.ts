import type { OpenStore } from '#advisory'
import {
  type Finding,
  type FindingStatus,
  formatCycloneDxVdr,
  formatGitlab,
  formatSarif,
  type IgnoreRule,
  suppressFindings,
} from '#match'
import { parseReference } from '#oci'
import type { Inventory } from '#sbom'
import { archiveMatches, evidenceOf, openScanStore, type ScanEvidence } from './archive-evidence.ts'
import { UsageError } from './errors.ts'
import { type ExitStatus, exitStatus } from './exit-status.ts'
import { readIgnoreFile } from './ignore-file.ts'
import { DEBIAN_KINDS, findInImage, type ImageFindings, requireDebian } from './image-findings.ts'
import { printOutput } from './print-output.ts'
import { type WeighedFindings, type WeighOptions, weighFindings } from './scan-evidence.ts'
import { formatScanJson } from './scan-json.ts'
import { isListed, scanLines } from './scan-page.ts'
import { readScanned, sbomFile } from './scanned-inventory.ts'
import { holdAdvisories, type StalePolicy, stalePolicy } from './stale-advisories.ts'
import type { Terminal } from './terminal.ts'
import type { PlaceOptions, StaleOptions } from './verb.ts'
import { packageVersion } from './version.ts'
import { visibleText } from './visible-text.ts'

/** The forms in which a scan can be had. */
export type ScanFormat = 'table' | 'json' | 'sarif' | 'cyclonedx' | 'gitlab'

/** The options of `casemate scan`, as the command line gives them. */
export interface ScanOptions extends StaleOptions, PlaceOptions, WeighOptions {
  /** Advisories; the archive without any of Debian's. */
  readonly evidence?: ScanEvidence
  /** What the image may be built on: whose each finding is. */
  readonly base?: readonly string[]
  readonly platform: string
  readonly failOn?: 'fixed' | 'open'
  readonly onlyFixed?: boolean
  readonly all?: boolean
  readonly format?: ScanFormat
  /** Short for the format `json`. */
  readonly json?: boolean
  /** Rules that suppress findings; `.casemateignore.yaml` of the working folder, if there is one, where this is absent. */
  readonly ignoreFile?: string
  /** A file that takes the result instead of the standard output. */
  readonly output?: string
}

/** Statuses that `--fail-on` asks about. */
const FAILING: Readonly<Record<'fixed' | 'open', ReadonlySet<FindingStatus>>> = {
  fixed: new Set(['fixed']),
  open: new Set(['fixed', 'open', 'no-dsa', 'postponed', 'undetermined', 'end-of-life']),
}

const EXCHANGE = { sarif: formatSarif, cyclonedx: formatCycloneDxVdr, gitlab: formatGitlab }

/**
 * Prints what is wrong with an image. The status is "no" when `failOn` asks for findings that there are. Throws
 * `USAGE_INVALID` for two formats at once, and as `readScanned` and `findInImage` do.
 */
export async function runScan(reference: string, options: ScanOptions, terminal: Terminal): Promise<ExitStatus> {
  const format = formatOf(options)
  const rules = await readIgnoreFile(options.ignoreFile)
  const policy = stalePolicy(options)
  const store = openScanStore()
  try {
    const evidence = evidenceOf(options.evidence, store.parts, DEBIAN_KINDS)
    if (evidence === 'advisories') requireDebian(store)
    const startedAt = new Date()
    terminal.progress(`reading ${reference} …`)
    const inventory = await readWithBases(reference, options, terminal)
    terminal.progress('')
    const updates = evidence === 'archive' ? await archiveMatches(inventory, { store, options, terminal }) : undefined
    const found = findInImage(inventory, store, updates)
    const { findings: ruled, expired } = suppressFindings(found.findings, rules, startedAt.toISOString().slice(0, 10))
    const weighed = await weighFindings(reference, { inventory, findings: ruled }, options, terminal)
    const scan = { ...found, findings: weighed.findings }
    const notices = warnings(scan, { store, policy, expired }, terminal)
    const text = formatScan({ reference, scan, weighed, notices, store, startedAt }, { ...options, format }, terminal)
    await printOutput(text, options.output, terminal)
    const failing = options.failOn === undefined ? undefined : FAILING[options.failOn]
    const fails = scan.findings.some(({ status, suppression }) => suppression === undefined && failing?.has(status))
    return fails ? exitStatus.no : exitStatus.done
  } finally {
    store.close()
  }
}

/** What is in an image and, where bases are named or the image in a registry names one, whose. Rejects as `readScanned` and `withOrigins` do. */
async function readWithBases(
  reference: string,
  { platform, base: bases }: Pick<ScanOptions, 'platform' | 'base'>,
  terminal: Terminal,
): Promise<Inventory> {
  const inventory = await readScanned(reference, platform)
  const isFile = sbomFile(reference) !== undefined
  if (bases === undefined && (isFile || parseReference(reference).transport !== 'docker')) return inventory
  if (isFile) {
    throw new UsageError(
      'USAGE_INVALID',
      `cannot tell whose packages are in ${reference}: it is an SBOM, want the image`,
    )
  }
  const { withOrigins } = await import('./image-origins.ts')
  const question = { reference, platform, ...(bases === undefined ? {} : { bases }) }
  return withOrigins(inventory, question, (notice) => terminal.warn(visibleText(notice)))
}

function formatOf({ format, json = false }: ScanOptions): ScanFormat {
  if (json && format !== undefined && format !== 'json') {
    throw new UsageError('USAGE_INVALID', `cannot print findings: want one of --json and --format ${format}, not both`)
  }
  return json ? 'json' : (format ?? 'table')
}

/** Says loudly what makes the result less than it seems, and gives the same lines for documents. */
function warnings(
  { inventory, ended }: ImageFindings,
  {
    store: { parts },
    policy,
    expired,
  }: { readonly store: OpenStore; readonly policy: StalePolicy; readonly expired: readonly IgnoreRule[] },
  terminal: Terminal,
): readonly string[] {
  const lines: string[] = []
  const keeping = { warn: (line: string) => lines.push(line) }
  for (const fault of inventory.faults) keeping.warn(visibleText(fault))
  holdAdvisories(parts, policy, keeping)
  lines.push(...ended)
  for (const { place, id, expires, statement, owner } of expired) {
    const by = owner === undefined ? '' : ` (${owner})`
    lines.push(
      visibleText(`${place}: the rule about ${id} expired on ${expires} and suppresses nothing: ${statement}${by}`),
    )
  }
  for (const line of lines) terminal.warn(line)
  return lines
}

interface Scanned {
  readonly reference: string
  readonly scan: ImageFindings
  readonly weighed: WeighedFindings
  readonly notices: readonly string[]
  readonly store: OpenStore
  readonly startedAt: Date
}

function formatScan(
  { reference, scan, weighed, notices, store, startedAt }: Scanned,
  { format, ...options }: ScanOptions & { readonly format: ScanFormat },
  terminal: Terminal,
): string {
  const isWanted = ({ status }: Finding) => options.onlyFixed !== true || status === 'fixed'
  const findings = scan.findings.filter(isWanted)
  const now = new Date()
  if (format === 'table') return `${scanLines(scan, { ...options, standing: weighed.standing }, terminal).join('\n')}\n`
  if (format === 'json')
    return formatScanJson({ reference, scan, findings, reach: weighed.reach, parts: store.parts, now: now.getTime() })
  // Whoever reads these opens an alert for each: what Debian calls minor stays out of them unless it is asked for.
  const alerts = findings.filter((one) => one.suppression !== undefined || isListed(one, options))
  return EXCHANGE[format]({
    tool: { name: 'casemate', version: packageVersion() },
    reference,
    inventory: scan.inventory,
    release: scan.release,
    findings: format === 'cyclonedx' ? findings : alerts,
    notices,
    startedAt: startedAt.toISOString(),
    endedAt: now.toISOString(),
  })
}
