import { readFile } from 'node:fs/promises'
import { messageOf } from '#core'
import { type Inventory, readSbom } from '#sbom'
import { UsageError } from './errors.ts'
import { readInventory } from './image-inventory.ts'

/**
 * Reads what is in an image, or what an SBOM says of one: `sbom:FILE`, or a file whose name ends in `.json`. Rejects as
 * `readInventory` and `readSbom` do, and with `USAGE_INVALID` when the file cannot be read.
 */
export async function readScanned(reference: string, platform: string): Promise<Inventory> {
  const file = sbomFile(reference)
  if (file === undefined) return readInventory(reference, platform)
  let text: string
  try {
    text = await readFile(file, 'utf8')
  } catch (cause) {
    throw new UsageError('USAGE_INVALID', `cannot read the SBOM ${file}: ${messageOf(cause)}`, { cause })
  }
  return readSbom(text, file)
}

/** The file of an SBOM, where a reference is one. */
export function sbomFile(reference: string): string | undefined {
  return /^sbom:(.+)$/.exec(reference)?.[1] ?? (/^[^:]+\.json$/.test(reference) ? reference : undefined)
}
