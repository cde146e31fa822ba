import type { Json } from '#core'
import type { Inventory, ListedFile } from '../inventory.ts'
import { type FileHolder, placeFiles } from './placed-file.ts'

type Fields = { readonly [key: string]: Json }

/** The files of an inventory as a CycloneDX 1.6 document has them. */
export interface CycloneDxFiles {
  /** The field of a component that holds its files; of the image's own component where none is given. */
  componentsOf(holder?: FileHolder): Fields
  /** Which components went into files that several are in. */
  dependencies(referenceOf: (one: FileHolder) => string): readonly Json[]
}

/** Makes the components of the listed files, each below the component that has it. */
export function cycloneDxFiles(inventory: Inventory): CycloneDxFiles {
  const placed = placeFiles(inventory)
  const held = Map.groupBy(placed, ({ holder }) => holder)
  return {
    componentsOf: (holder) => {
      const own = held.get(holder) ?? []
      return own.length === 0 ? {} : { components: own.map(({ file }) => fileComponent(file)) }
    },
    dependencies: (referenceOf) =>
      placed.flatMap(({ file, madeFrom }) =>
        madeFrom.length === 0 ? [] : [{ ref: fileReference(file), dependsOn: madeFrom.map(referenceOf) }],
      ),
  }
}

function fileComponent(file: ListedFile): Fields {
  return {
    'bom-ref': fileReference(file),
    type: 'file',
    name: file.path,
    hashes: [
      { alg: 'SHA-1', content: file.sha1 },
      { alg: 'SHA-256', content: file.sha256 },
    ],
  }
}

function fileReference({ path }: ListedFile): string {
  return `file:${path}`
}
