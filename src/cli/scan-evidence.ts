import { type Finding, type ImageNames, suppressByVex } from '#match'
import { type ImageReach, REACH_STATES } from '#reach'
import type { Inventory } from '#sbom'
import { imageProduct, VexStatements } from '#vex'
import { UsageError } from './errors.ts'
import { readImageNames } from './image-names.ts'
import { readReach } from './image-reach.ts'
import { sbomFile } from './scanned-inventory.ts'
import type { Terminal } from './terminal.ts'
import { readPublicKeys, readVexFile } from './vex-files.ts'
import { visibleText } from './visible-text.ts'

/** The VEX documents of others, and which of them count. */
export interface VexOptions {
  readonly platform: string
  readonly vex?: readonly string[]
  readonly vexKey?: readonly string[]
  readonly vexUnsigned?: boolean
}

/** The options of `casemate scan` that weigh findings by more than advisories. */
export interface WeighOptions extends VexOptions {
  readonly reach?: boolean
}

/** Findings, and what evidence says of them. */
export interface WeighedFindings {
  readonly findings: readonly Finding[]
  readonly reach?: ImageReach
  /** The strongest that is known of a finding's packages; absent unless it was asked for. */
  readonly standing: ((finding: Finding) => string) | undefined
}

/** Holds findings against VEX documents of others and against what the entrypoint can load, as far as options ask for it. */
export async function weighFindings(
  reference: string,
  { inventory, findings }: { inventory: Inventory; findings: readonly Finding[] },
  options: WeighOptions,
  terminal: Terminal,
): Promise<WeighedFindings> {
  const vexed = await applyVex(reference, { inventory, findings }, options, terminal)
  if (options.reach !== true) return { findings: vexed, standing: undefined }
  if (sbomFile(reference) !== undefined) {
    throw new UsageError('USAGE_INVALID', `cannot follow what ${reference} loads: it is an SBOM, want the image`)
  }
  terminal.progress(`following what ${reference} loads …`)
  const reach = await readReach(reference, options.platform, inventory.packages)
  terminal.progress('')
  for (const line of [...reach.faults, ...reach.limits]) terminal.warn(visibleText(line))
  return { findings: vexed, reach, standing: (finding) => standingOf(finding, reach) }
}

/** Marks what VEX documents of others call harmless. Rejects with `USAGE_INVALID`, and as `readVexFile` does. */
export async function applyVex(
  reference: string,
  { inventory, findings }: { inventory: Inventory; findings: readonly Finding[] },
  { vex = [], vexKey = [], vexUnsigned = false, platform }: VexOptions,
  terminal: Terminal,
): Promise<readonly Finding[]> {
  if (vex.length === 0) {
    const alone = vexKey.length > 0 ? '--vex-key' : '--vex-unsigned'
    if (vexKey.length === 0 && !vexUnsigned) return findings
    throw new UsageError('USAGE_INVALID', `cannot use ${alone} alone: say which documents, with --vex FILE`)
  }
  const keys = await readPublicKeys(vexKey)
  const read = await Promise.all(vex.map((path) => readVexFile(path, { keys, takesUnsigned: vexUnsigned })))
  const image = await namesOf(reference, platform, inventory)
  const sources = read.flatMap(({ source, subjects }) => {
    if (subjects === undefined || subjects.some((digest) => image.digests.includes(digest))) return [source]
    terminal.warn(visibleText(`${source.name} is signed for another image, and says nothing here`))
    return []
  })
  return suppressByVex(findings, inventory, { statements: new VexStatements(sources), image })
}

/** The image's names as package URLs; an SBOM has one. */
async function namesOf(text: string, platform: string, { image }: Inventory): Promise<ImageNames> {
  if (sbomFile(text) !== undefined) return { purls: [imageProduct(image)], digests: [image.digest] }
  const { names, repository } = await readImageNames(text, platform, image)
  const place = repository === undefined ? '' : `&repository_url=${encodeURIComponent(repository)}`
  const purls = names.map((name) => `${imageProduct(name)}?arch=${image.architecture}${place}`)
  const digests = [...new Set(names.map(({ digest }) => digest))]
  return { purls, digests }
}

/** The strongest that is known of any of the packages; nothing of applications, which are read by their own runtimes. */
function standingOf(finding: Finding, reach: ImageReach): string {
  if (finding.kind === 'application') return 'no analysis'
  const { packages } = finding
  const states = reach.packages.filter(({ name }) => packages.includes(name)).map(({ state }) => state)
  return REACH_STATES.find((state) => states.includes(state)) ?? 'no analysis'
}
