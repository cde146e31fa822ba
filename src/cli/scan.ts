import { ADVISORY_KINDS, AdvisoryError, type AdvisoryKind, isStale, type OpenStore, type PartState } from '#advisory'
import { type Finding, type FindingStatus, type Matches, matchPackages, releaseOf } from '#match'
import type { Inventory } from '#sbom'
import { openCachedStore, warnOfStale } from './advisories.ts'
import { type ExitStatus, exitStatus } from './exit-status.ts'
import { readInventory } from './image-inventory.ts'
import { evidenceJson, printEvidence, type WeighOptions, weighFindings } from './scan-evidence.ts'
import { countsOf, scanLines } from './scan-page.ts'
import type { Terminal } from './terminal.ts'
import { visibleText } from './visible-text.ts'

/** The options of `casemate scan`, as the command line gives them. */
export interface ScanOptions extends WeighOptions {
  readonly platform: string
  readonly failOn?: 'fixed' | 'open'
  readonly onlyFixed?: boolean
  readonly all?: boolean
  readonly json?: boolean
}

/** What Debian itself says of its packages; without any of it there is nothing to hold an image against. */
const DEBIAN_KINDS: readonly AdvisoryKind[] = ['tracker', 'dsa', 'dla']

/** What each missing part leaves unsaid. OSV is about other packages than Debian's. */
const WITHOUT: Readonly<Partial<Record<AdvisoryKind, string>>> = {
  tracker: 'issues without an announcement are not seen, nor which ones Debian leaves open',
  dsa: 'fixes that the tracker does not know are not seen',
  dla: 'fixes of long-term support that the tracker does not know are not seen',
  kev: 'nothing is called exploited',
  epss: 'no finding has a likelihood',
  support: 'packages whose support ended are not named',
}

/** Statuses that `--fail-on` asks about. */
const FAILING: Readonly<Record<'fixed' | 'open', ReadonlySet<FindingStatus>>> = {
  fixed: new Set(['fixed']),
  open: new Set(['fixed', 'open', 'no-dsa', 'postponed', 'undetermined', 'end-of-life']),
}

/**
 * Prints what is wrong with an image. The status is "no" when `failOn` asks for findings that there are. Throws
 * `ADVISORY_STORE_MISSING` when nothing of Debian's was imported, and as `readInventory` and `releaseOf` do.
 */
export async function runScan(reference: string, options: ScanOptions, terminal: Terminal): Promise<ExitStatus> {
  const store = openCachedStore()
  try {
    requireDebian(store)
    terminal.progress(`reading ${reference} …`)
    const inventory = await readInventory(reference, options.platform)
    terminal.progress('')
    const release = releaseOf(inventory)
    const matched = matchPackages(inventory.packages, release, store)
    const weighed = await weighFindings(reference, { inventory, findings: matched.findings }, options, terminal)
    const matches = { ...matched, findings: weighed.findings }
    const ended = endedSupport(inventory, release, store)
    const now = Date.now()
    for (const fault of inventory.faults) terminal.warn(visibleText(fault))
    warnOfMissing(store.parts, terminal)
    warnOfStale(store.parts, now, terminal)
    for (const line of ended) terminal.warn(line)
    if (options.json === true) {
      const findings = options.onlyFixed === true ? matches.findings.filter(isFixed) : matches.findings
      const document = { reference, release, inventory, matches, findings, ended, parts: store.parts, now }
      terminal.print(JSON.stringify({ ...jsonOf(document), ...evidenceJson(weighed) }, null, 2))
    } else {
      for (const line of scanLines(matches, release, { ...options, standing: weighed.standing })) terminal.print(line)
      printEvidence(weighed, terminal)
    }
    const failing = options.failOn === undefined ? undefined : FAILING[options.failOn]
    return matches.findings.some(({ status }) => failing?.has(status)) ? exitStatus.no : exitStatus.done
  } finally {
    store.close()
  }
}

/** Throws `ADVISORY_STORE_MISSING` when nothing of Debian's was imported. */
export function requireDebian({ parts }: OpenStore): void {
  if (parts.some(({ kind }) => DEBIAN_KINDS.includes(kind))) return
  const reason = `want one of ${DEBIAN_KINDS.join(', ')}: casemate advisories import FILE…`
  throw new AdvisoryError('ADVISORY_STORE_MISSING', `cannot scan without Debian's advisories: ${reason}`)
}

function warnOfMissing(parts: readonly PartState[], terminal: Terminal): void {
  for (const kind of missingKinds(parts)) terminal.warn(`${kind} was never imported: ${WITHOUT[kind]}`)
}

function missingKinds(parts: readonly PartState[]): AdvisoryKind[] {
  return ADVISORY_KINDS.filter((kind) => WITHOUT[kind] !== undefined && parts.every((part) => part.kind !== kind))
}

/** Source packages of the image whose security support ended or will end early, a line each. */
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

function isFixed({ status }: Finding): boolean {
  return status === 'fixed'
}

interface ScanDocument {
  readonly reference: string
  readonly release: string
  readonly inventory: Inventory
  readonly matches: Matches
  readonly findings: readonly Finding[]
  readonly ended: readonly string[]
  readonly parts: readonly PartState[]
  readonly now: number
}

function jsonOf({ reference, release, inventory, matches, findings, ended, parts, now }: ScanDocument) {
  const { sources, silent, notAffected, hasFix } = matches
  const { name, digest, architecture } = inventory.image
  return {
    schema: 'casemate.scan/v1',
    reference,
    image: { name, digest, architecture, release, packages: inventory.packages.length },
    advisories: parts.map((part) => ({
      kind: part.kind,
      origin: part.origin,
      contentDate: part.contentDate,
      isStale: isStale(part, now),
    })),
    missing: missingKinds(parts),
    faults: inventory.faults,
    endedSupport: ended,
    sources: { total: sources, withoutEntry: silent },
    counts: { ...countsOf(matches.findings), notAffected, hasFix },
    findings,
  }
}
