import { compareVersions } from '#debian'
import { OciError, parseReference } from '#oci'
import { contractChanges } from '#sandbox'
import { compareImages, isSameContent } from '#sbom'
import { type DiffEvidenceOptions, findingsOfBoth, formatFindings } from './diff-findings.ts'
import { formatDiffMarkdown, formatDiffText } from './diff-formats.ts'
import { type DiffInput, type DiffSide, diffPage } from './diff-page.ts'
import { UsageError } from './errors.ts'
import { type ExitStatus, exitStatus } from './exit-status.ts'
import { type ReadImage, readImageState } from './image-state.ts'
import type { Terminal } from './terminal.ts'

/** The options of `casemate diff`, as the command line gives them. */
export interface DiffOptions extends DiffEvidenceOptions {
  readonly platform: string
  /** Of definitions. */
  readonly variant: string
  readonly markdown?: boolean
  readonly json?: boolean
}

/**
 * Prints in what two images differ, or two definitions; the status is "no" when they do. Throws `USAGE_INVALID` for two
 * formats at once and for one of each,
 * and as `readImageState` and `findingsOfBoth` do.
 */
export async function runDiff(from: string, to: string, options: DiffOptions, terminal: Terminal): Promise<ExitStatus> {
  const { platform, markdown = false, json = false } = options
  if (markdown && json) {
    throw new UsageError('USAGE_INVALID', 'cannot print differences: want one of --markdown and --json, not both')
  }
  const areDefinitions = [from, to].map((one) => !isImageReference(one))
  if (areDefinitions[0] !== areDefinitions[1]) {
    const definition = areDefinitions[0] === true ? from : to
    const reason = `${definition} is a definition and the other an image: build it first, or name two definitions`
    throw new UsageError('USAGE_INVALID', `cannot compare ${from} with ${to}: ${reason}`)
  }
  if (areDefinitions[0] === true) {
    const { runDiffDefinitions } = await import('./diff-definitions.ts')
    return runDiffDefinitions([from, to], options, terminal)
  }
  const images: ReadImage[] = []
  for (const reference of [from, to]) {
    terminal.progress(`reading ${reference} …`)
    const image = await readImageState(reference, platform)
    for (const fault of image.faults) terminal.warn(`${reference}: ${fault}`)
    images.push(image)
  }
  terminal.progress('')
  const [left, right] = images
  if (left === undefined || right === undefined) return exitStatus.notDone
  const comparison = compareImages(left.state, right.state, compareVersions)
  const contract = contractChanges(left.contract, right.contract)
  const isSame = isSameContent(comparison) && contract.length === 0
  const findings = await findingsOfBoth(left.state.inventory, right.state.inventory, options, terminal)
  const input = { from: sideOf(from, left), to: sideOf(to, right), comparison, contract, findings, isSame }
  if (json) terminal.print(formatDiffJson(input))
  else if (markdown) terminal.print(formatDiffMarkdown(diffPage(input)).trimEnd())
  else terminal.print(formatDiffText(diffPage(input), terminal).join('\n'))
  return isSame ? exitStatus.done : exitStatus.no
}

/** Whether a text names an image, by transport or registry; all else is a path or the catalogue's. */
function isImageReference(text: string): boolean {
  try {
    parseReference(text)
    return true
  } catch (error) {
    // What begins as an image does is one that is misspelt.
    return !(error instanceof OciError) || /^(?:docker|oci|oci-archive|docker-archive):/.test(text)
  }
}

function sideOf(reference: string, { state }: ReadImage): DiffSide {
  const { image, distribution, packages } = state.inventory
  return { reference, image, distribution: distribution?.prettyName ?? '', packages: packages.length }
}

/**
 * `casemate.diff/v1`: every key is always there, and null where there is nothing to say; `withoutFindings` says why findings
 * are null.
 */
function formatDiffJson({ from, to, comparison, contract, findings, isSame }: DiffInput): string {
  const { packages, licences, files, settings, layers, sizes } = comparison
  const document = {
    ...{ schema: 'casemate.diff/v1', isSame, from, to, packages, licences },
    findings: findings.isKnown ? formatFindings(findings, Date.now()) : null,
    withoutFindings: findings.isKnown ? null : findings.reason,
    ...{ files, settings, contract, layers, sizes },
  }
  return JSON.stringify(document, (_, value: unknown) => (value === undefined ? null : value), 2)
}
