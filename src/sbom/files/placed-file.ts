import type { ApplicationComponent, DebComponent, FileGroup, FileOwner, Inventory, ListedFile } from '../inventory.ts'

/** A component that files can lie in. */
export type FileHolder = DebComponent | ApplicationComponent | FileGroup

/** A file, and the components of a document that it belongs to. */
export interface PlacedFile {
  readonly file: ListedFile
  /** The one component that has it; absent where only the image has. */
  readonly holder?: FileHolder
  /** What went into a file that several packages are in: a program's modules, a merged archive's parts. */
  readonly madeFrom: readonly ApplicationComponent[]
}

/** Finds for every listed file of an inventory where it stands in a document, in the inventory's order. */
export function placeFiles({ files = [], packages, applications, account }: Inventory): readonly PlacedFile[] {
  const debs = new Map(packages.map((one) => [`${one.name}:${one.architecture}`, one]))
  const groups = new Map((account?.groups ?? []).map((group) => [`${group.kind} ${group.name}`, group]))
  const found = Map.groupBy(applications, ({ path }) => path)
  const place = (owner: FileOwner | undefined): Omit<PlacedFile, 'file'> => {
    if (owner?.kind === 'application') {
      const [only, ...others] = found.get(owner.path) ?? []
      if (only !== undefined && others.length > 0) return { madeFrom: [only, ...others] }
      return { ...(only && { holder: only }), madeFrom: [] }
    }
    const holder =
      owner?.kind === 'package'
        ? debs.get(`${owner.name}:${owner.architecture}`)
        : groups.get(`${owner?.kind} ${owner?.name}`)
    return { ...(holder && { holder }), madeFrom: [] }
  }
  return files.map((file) => ({ file, ...place(file.owner) }))
}
