import { MAX_COPYRIGHT } from '#debian'
import type { ImageFiles } from '#oci'
import { type Inventory, type PackageLicence, readPackageLicence, unclassifiedLicence } from '#sbom'

/**
 * Adds to each package the licence that its copyright file declares (Debian Policy, 12.5). Folders and files that are links,
 * as packages of one source have them, are followed inside the image.
 */
export function withLicences(inventory: Inventory, files: ImageFiles): Inventory {
  const known = new Map<string, PackageLicence>()
  const packages = inventory.packages.map((one) => {
    const path = `/usr/share/doc/${one.name}/copyright`
    const content = files.read(path)
    if (content === undefined) return { ...one, licence: unclassifiedLicence(reasonFor(path, files)) }
    const text = Buffer.from(content).toString('utf8')
    const licence = known.get(text) ?? readPackageLicence(text)
    known.set(text, licence)
    return { ...one, licence }
  })
  return { ...inventory, packages }
}

function reasonFor(path: string, files: ImageFiles): string {
  const file = files.resolve(path)
  if (file?.type === 'file' && file.size > MAX_COPYRIGHT) return `${path} is larger than ${MAX_COPYRIGHT} bytes`
  return `the image has no file ${path}`
}
