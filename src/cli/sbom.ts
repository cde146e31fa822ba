import { formatCycloneDx, formatSpdx } from '#sbom'
import { UsageError } from './errors.ts'
import { type ExitStatus, exitStatus } from './exit-status.ts'
import { readInventory } from './image-inventory.ts'
import type { Terminal } from './terminal.ts'
import { packageVersion } from './version.ts'

/** The options of `casemate sbom`, as the command line gives them. */
export interface SbomOptions {
  readonly format: string
  readonly platform: string
}

const FORMATS: Readonly<Record<string, typeof formatSpdx>> = { spdx: formatSpdx, cyclonedx: formatCycloneDx }

/** Prints what is in an image. Throws `USAGE_INVALID` for a format that is none, and as `readInventory` does. */
export async function runSbom(reference: string, options: SbomOptions, terminal: Terminal): Promise<ExitStatus> {
  const format = Object.hasOwn(FORMATS, options.format) ? FORMATS[options.format] : undefined
  if (format === undefined) {
    const known = Object.keys(FORMATS).join(', ')
    throw new UsageError('USAGE_INVALID', `cannot write an SBOM as ${options.format}: want one of ${known}`)
  }
  const inventory = await readInventory(reference, options.platform, { licences: true })
  for (const fault of inventory.faults) terminal.warn(fault)
  terminal.print(format(inventory, { tool: `casemate-${packageVersion()}` }).trimEnd())
  return exitStatus.done
}
