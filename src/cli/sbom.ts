import { type DocumentMaker, formatCycloneDx, formatSpdx, type Inventory } from '#sbom'
import { UsageError } from './errors.ts'
import { type ExitStatus, exitStatus } from './exit-status.ts'
import { readInventory } from './image-inventory.ts'
import { withOrigins } from './image-origins.ts'
import { writeLayerStatements } from './layer-statements.ts'
import { sbomLines } from './sbom-page.ts'
import type { Terminal } from './terminal.ts'
import { packageVersion } from './version.ts'
import { visibleText } from './visible-text.ts'

/** The options of `casemate sbom`, as the command line gives them. */
export interface SbomOptions {
  readonly format: string
  readonly platform: string
  readonly definition?: string
  readonly files?: boolean
  /** What it may be built on. */
  readonly base?: readonly string[]
  /** A folder for what each layer says of its files. */
  readonly layers?: string
}

type Format = (inventory: Inventory, maker: DocumentMaker, width: number) => string

const FORMATS: Readonly<Record<string, Format>> = {
  spdx: formatSpdx,
  cyclonedx: formatCycloneDx,
  text: (inventory, _, width) => sbomLines(inventory, width).join('\n'),
}

/** Prints what is in an image, or writes what each of its layers says of its files. Throws `USAGE_INVALID` for a format that is none, and as `readInventory` does. */
export async function runSbom(reference: string, options: SbomOptions, terminal: Terminal): Promise<ExitStatus> {
  const format = Object.hasOwn(FORMATS, options.format) ? FORMATS[options.format] : undefined
  if (format === undefined) {
    const known = Object.keys(FORMATS).join(', ')
    throw new UsageError('USAGE_INVALID', `cannot write an SBOM as ${options.format}: want one of ${known}`)
  }
  const { platform, definition, files = false, layers, base: bases } = options
  if (layers !== undefined) return writeLayerStatements(reference, { platform, folder: layers }, terminal)
  if (files && options.format === 'text') {
    throw new UsageError('USAGE_INVALID', 'cannot list files as text: want --format spdx or --format cyclonedx')
  }
  const read = await readInventory(reference, platform, {
    ...{ licences: true, account: true, files },
    ...(definition && { definition }),
  })
  const inventory = await withOrigins(
    read,
    { reference, platform, ...(bases === undefined ? {} : { bases }) },
    (notice) => terminal.warn(visibleText(notice)),
  )
  for (const fault of inventory.faults) terminal.warn(visibleText(fault))
  terminal.print(format(inventory, { tool: `casemate-${packageVersion()}` }, terminal.width).trimEnd())
  return exitStatus.done
}
