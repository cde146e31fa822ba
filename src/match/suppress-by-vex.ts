import type { Digest } from '#core'
import { type DebComponent, type Distribution, debPurl } from '#sbom'
import { type Purl, parsePurl, type SourcedStatement, type VexStatements } from '#vex'
import type { Finding } from './finding.ts'

/** A finding that a statement of others has taken from the list, for some of its packages or all. */
export interface Suppressed {
  /** With the packages that the statement is about. */
  readonly finding: Finding
  readonly by: SourcedStatement
}

/** Findings held against statements. */
export interface VexedFindings {
  /** What is left, in the order that it had; a finding has only the packages of which nobody says that they are safe. */
  readonly findings: readonly Finding[]
  /** What is not, in the same order. */
  readonly suppressed: readonly Suppressed[]
}

/** The names by which statements may mean an image. */
export interface ImageNames {
  /** Package URLs of type oci. */
  readonly purls: readonly string[]
  readonly digests: readonly Digest[]
}

/**
 * Takes from the findings what the decisive statement calls `not_affected` or `fixed`, package by package: a statement about one
 * binary package says nothing of its source's others. `affected` and `under_investigation` take nothing away.
 */
export function suppressByVex(
  findings: readonly Finding[],
  { packages, distribution }: { packages: readonly DebComponent[]; distribution: Distribution | undefined },
  { statements, image }: { statements: VexStatements; image: ImageNames },
): VexedFindings {
  const images = image.purls.flatMap(purlOf)
  const left: Finding[] = []
  const suppressed: Suppressed[] = []
  for (const finding of findings) {
    const open = new Set<string>()
    const safe = new Map<SourcedStatement['statement'], { by: SourcedStatement; names: Set<string> }>()
    for (const one of packages) {
      if (one.source.name !== finding.source || one.source.version !== finding.sourceVersion) continue
      const by = decisive(finding, debPurl(one, distribution), { statements, images, digests: image.digests })
      if (by === undefined) open.add(one.name)
      else {
        const known = safe.get(by.statement) ?? { by, names: new Set() }
        known.names.add(one.name)
        safe.set(by.statement, known)
      }
    }
    // A name that is there for two architectures is safe only when both are.
    for (const { by, names } of safe.values()) {
      const covered = [...names].filter((name) => !open.has(name)).sort()
      if (covered.length > 0) suppressed.push({ finding: { ...finding, packages: covered }, by })
    }
    if (open.size > 0) left.push({ ...finding, packages: [...open].sort() })
    else if (safe.size === 0) left.push(finding)
  }
  return { findings: left, suppressed }
}

/** The statement that makes a finding of a package harmless, if the decisive one does. */
function decisive(
  { cve }: Finding,
  purl: string,
  { statements, images, digests }: { statements: VexStatements; images: readonly Purl[]; digests: readonly Digest[] },
): SourcedStatement | undefined {
  for (const component of purlOf(purl)) {
    const by = statements.decisive({ vulnerabilities: [cve], component, images, digests })
    if (by?.statement.status === 'not_affected' || by?.statement.status === 'fixed') return by
  }
  return undefined
}

function purlOf(text: string): Purl[] {
  const purl = parsePurl(text)
  return purl === undefined ? [] : [purl]
}
