import { type Inventory, readSbom } from '#sbom'
import { readInventory } from './image-inventory.ts'
import { readUpTo } from './read-up-to.ts'

/** Bytes of a file that is read as an SBOM. */
const MAX_SBOM = 2 ** 28

/**
 * Reads what is in an image, or what an SBOM says of one: `sbom:FILE`, or a file whose name ends in `.json`. Rejects as
 * `readInventory` and `readSbom` do, and with `USAGE_INVALID` when the file cannot be read or is too large.
 */
export async function readScanned(reference: string, platform: string): Promise<Inventory> {
  const file = sbomFile(reference)
  if (file === undefined) return readInventory(reference, platform)
  return readSbom((await readUpTo(file, MAX_SBOM)).toString('utf8'), file)
}

/** The file of an SBOM, where a reference is one. */
export function sbomFile(reference: string): string | undefined {
  return /^sbom:(.+)$/.exec(reference)?.[1] ?? (/^[^:]+\.json$/.test(reference) ? reference : undefined)
}
