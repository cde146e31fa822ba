import { isStale, type PartState } from '#advisory'
import type { Finding } from '#match'
import type { ImageReach } from '#reach'
import { originOfFindings } from './finding-origins.ts'
import { type ImageFindings, missingKinds } from './image-findings.ts'
import { countsOf } from './scan-page.ts'

/** A scan as it was asked for. */
export interface ScanDocument {
  readonly reference: string
  readonly scan: ImageFindings
  /** Those that are to be printed; the counts are of all. */
  readonly findings: readonly Finding[]
  /** What the entrypoint can load, where that was asked for. */
  readonly reach: ImageReach | undefined
  readonly parts: readonly PartState[]
  /** Milliseconds since the epoch. */
  readonly now: number
}

/** `casemate.scan/v1`: every finding with its evidence, and on what it all rests. */
export function formatScanJson({ reference, scan, findings, reach, parts, now }: ScanDocument): string {
  const { inventory, release, debian, applications, ended } = scan
  const { name, digest, architecture } = inventory.image
  const origin = originOfFindings(inventory)
  const document = {
    schema: 'casemate.scan/v1',
    reference,
    image: { name, digest, architecture, release, packages: inventory.packages.length },
    advisories: advisoriesOf(parts, now),
    missing: missingKinds(parts).map(({ kind }) => kind),
    faults: inventory.faults,
    endedSupport: ended,
    sources: { total: debian.sources, withoutEntry: debian.silent },
    applications: { total: applications.packages },
    counts: {
      ...countsOf(scan.findings),
      notAffected: debian.notAffected + applications.notAffected,
      hasFix: debian.hasFix,
    },
    findings: origin === undefined ? findings : findings.map((one) => ({ ...one, origin: origin(one) })),
    ...(inventory.bases === undefined ? {} : { bases: inventory.bases }),
    ...(reach === undefined ? {} : { reach }),
  }
  return `${JSON.stringify(document, null, 2)}\n`
}

/** The parts of a store as documents name them; `now` is in milliseconds since the epoch. */
export function advisoriesOf(parts: readonly PartState[], now: number) {
  return parts.map((part) => ({
    kind: part.kind,
    origin: part.origin,
    contentDate: part.contentDate,
    isStale: isStale(part, now),
  }))
}
