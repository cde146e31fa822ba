import type { DebComponent, FileOwner, Inventory, ListedFile } from '../inventory.ts'
import type { FileChecksums, LayerFile, LayerStatement } from './layer-statement.ts'

/** A file or hard link that an image shows. */
export interface VisibleFile {
  readonly path: string
  /** The place of its layer, lowest first, counted from 0. */
  readonly layer: number
}

/**
 * Adds the files that an image shows, with checksums from the statements of its layers, lowest first, and their owners: as the
 * file's own layer says where that package is installed, or as the image as a whole does. A file whose content no layer has
 * becomes a fault.
 */
export function withFiles(
  inventory: Inventory,
  visible: readonly VisibleFile[],
  statements: readonly LayerStatement[],
): Inventory {
  const layers = statements.map(({ files }) => new Map(files.map((file) => [file.path, file])))
  const ownerOf = imageOwners(inventory)
  const files: ListedFile[] = []
  const faults: string[] = []
  for (const { path, layer } of visible) {
    const file = layers[layer]?.get(path)
    const checksums = file && checksumsOf(file, layers.slice(0, layer + 1))
    if (file === undefined || checksums === undefined) {
      faults.push(`cannot list ${path}: no layer has its content`)
      continue
    }
    const owner = ownerOf(file)
    files.push({ path, ...checksums, ...(owner && { owner }) })
  }
  files.sort((left, right) => (left.path < right.path ? -1 : 1))
  return { ...inventory, files, faults: [...inventory.faults, ...faults.sort()] }
}

/** A hard link may name a file of a layer below its own. */
function checksumsOf(
  { checksums, type, target }: LayerFile,
  layers: readonly ReadonlyMap<string, LayerFile>[],
): FileChecksums | undefined {
  if (checksums !== undefined || type !== 'hardlink') return checksums
  return layers.findLast((files) => files.get(target)?.checksums !== undefined)?.get(target)?.checksums
}

function imageOwners({ packages, applications, account }: Inventory): (file: LayerFile) => FileOwner | undefined {
  const installed = Map.groupBy(packages, ({ name }) => name)
  const known = new Map<string, FileOwner>()
  for (const { kind, name, files } of account?.groups ?? []) for (const path of files) known.set(path, { kind, name })
  const found = new Set(applications.map(({ path }) => path))
  for (const [path, by] of account?.ofApplications ?? []) {
    if (found.has(by)) known.set(path, { kind: 'application', path: by })
  }
  for (const one of packages.toReversed()) for (const path of one.files) known.set(path, packageOwner(one))
  return ({ path, owner }) => {
    if (owner?.kind !== 'package') return known.get(path)
    const named = installed.get(owner.name) ?? []
    const one = named.find(({ architecture }) => architecture === (owner.architecture ?? architecture))
    return one === undefined ? known.get(path) : packageOwner(one)
  }
}

function packageOwner({ name, architecture }: DebComponent): FileOwner {
  return { kind: 'package', name, architecture }
}
