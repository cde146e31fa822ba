import { type InstalledPackage, readDpkgDatabase } from '#debian'
import type { ImageFile } from '#oci'
import { ImageTree } from './image-tree.ts'
import { type InterpreterLine, interpreterLines, localInterpreters } from './interpreters.ts'
import type { LayerListing } from './layer-listing.ts'

/** What follows from a base's layers; worked out once, for all applications that stand on it. */
export class BaseFacts {
  readonly tree: ImageTree
  readonly packages: readonly InstalledPackage[]
  /** What of its package database cannot be read, a line each. */
  readonly faults: readonly string[]
  readonly interpreters: readonly InterpreterLine[]
  /** Interpreters outside of packages whose version nothing tells. */
  readonly unversioned: readonly ImageFile[]

  /** Layers lowest first. Throws `DPKG_DATABASE_INVALID` for a package database that cannot be read. */
  constructor(layers: readonly LayerListing[]) {
    this.tree = ImageTree.of(layers)
    const { files } = this.tree
    const paths = [...files.entries()].map(({ path }) => path)
    const { packages, faults } = readDpkgDatabase({ paths: () => paths, read: (path) => files.read(path) })
    this.packages = packages
    this.faults = faults
    this.interpreters = interpreterLines(packages, files)
    this.unversioned = localInterpreters(files)
  }
}
