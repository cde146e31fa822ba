import type { Digest } from '#core'
import { type DebComponent, type Distribution, debPurl } from '#sbom'
import { type Purl, parsePurl, type SourcedStatement, type VexStatements } from '#vex'
import type { DebianFinding, Finding, VexSuppression } from './finding.ts'

/** The names by which statements may mean an image. */
export interface ImageNames {
  /** Package URLs of type oci. */
  readonly purls: readonly string[]
  readonly digests: readonly Digest[]
}

/** What findings are held against. */
interface VexContext {
  readonly packages: readonly DebComponent[]
  readonly distribution: Distribution | undefined
  readonly statements: VexStatements
  readonly image: ImageNames
}

/**
 * Marks what the decisive statement calls `not_affected` or `fixed`, package by package: a statement about one binary package
 * says nothing of its source's others, so a finding may come apart into one that counts and one that does not. `affected` and
 * `under_investigation` mark nothing, and what is marked already stays as it is.
 */
export function suppressByVex(
  findings: readonly Finding[],
  inventory: Pick<VexContext, 'packages' | 'distribution'>,
  known: Pick<VexContext, 'statements' | 'image'>,
): Finding[] {
  const context = { ...inventory, ...known }
  const images = known.image.purls.flatMap(purlOf)
  return findings.flatMap((finding): Finding[] => {
    if (finding.suppression !== undefined) return [finding]
    if (finding.kind === 'debian') return splitByPackages(finding, images, context)
    const by = decisive(finding, finding.purl, { images, context })
    return [by === undefined ? finding : { ...finding, suppression: suppressionOf(by) }]
  })
}

function splitByPackages(finding: DebianFinding, images: readonly Purl[], context: VexContext): DebianFinding[] {
  const open = new Set<string>()
  const safe = new Map<SourcedStatement['statement'], { by: SourcedStatement; names: Set<string> }>()
  for (const one of context.packages) {
    if (one.source.name !== finding.source || one.source.version !== finding.sourceVersion) continue
    const by = decisive(finding, debPurl(one, context.distribution), { images, context })
    if (by === undefined) open.add(one.name)
    else {
      const group = safe.get(by.statement) ?? { by, names: new Set() }
      group.names.add(one.name)
      safe.set(by.statement, group)
    }
  }
  if (safe.size === 0) return [finding]
  // A name that is there for two architectures is safe only when both are.
  const marked = [...safe.values()].flatMap(({ by, names }): DebianFinding[] => {
    const packages = [...names].filter((name) => !open.has(name)).sort()
    return packages.length === 0 ? [] : [{ ...finding, packages, suppression: suppressionOf(by) }]
  })
  return [...(open.size === 0 ? [] : [{ ...finding, packages: [...open].sort() }]), ...marked]
}

/** The statement that makes a finding of a package harmless, if the decisive one does. */
function decisive(
  { cve, aliases }: Finding,
  purl: string,
  { images, context: { statements, image } }: { images: readonly Purl[]; context: VexContext },
): SourcedStatement | undefined {
  for (const component of purlOf(purl)) {
    const by = statements.decisive({ vulnerabilities: [cve, ...aliases], component, images, digests: image.digests })
    if (by?.statement.status === 'not_affected' || by?.statement.status === 'fixed') return by
  }
  return undefined
}

function suppressionOf({ statement, source }: SourcedStatement): VexSuppression {
  const { status, justification, impact, timestamp } = statement
  const words = [status, justification, impact].filter((word) => word !== undefined && word !== '')
  return {
    by: 'vex',
    place: source.name,
    statement: words.join(': '),
    owner: `${source.document.author}${source.signers.length > 0 ? ', signed' : ', unsigned'}`,
    vex: {
      status: status === 'fixed' ? 'fixed' : 'not_affected',
      ...(justification === undefined ? {} : { justification }),
      timestamp,
      document: source.document.id,
      signers: source.signers,
    },
  }
}

function purlOf(text: string): Purl[] {
  const purl = parsePurl(text)
  return purl === undefined ? [] : [purl]
}
