import { createHash } from 'node:crypto'
import type { Json } from '#core'
import type { Inventory, ListedFile } from '../inventory.ts'
import { elementId, fileId, IMAGE_ID, relationship } from '../spdx-elements.ts'
import { placeFiles } from './placed-file.ts'

/** The files of an inventory as an SPDX 2.3 document has them. */
export interface SpdxFiles {
  /** Elements and their relationships; both empty where no files are listed. */
  readonly files: readonly Json[]
  readonly relationships: readonly Json[]
  /** The fields of a package that say whether its files are listed. The image's are all, its packages' among them. */
  analysisOf(id: string): { readonly [key: string]: Json }
}

/** Makes the elements of the listed files: who has each, what it was generated from, and the packages' verification codes. */
export function spdxFiles(inventory: Inventory): SpdxFiles {
  const placed = placeFiles(inventory)
  const contained = Map.groupBy(placed, ({ holder }) => (holder === undefined ? IMAGE_ID : elementId(holder)))
  return {
    files: placed.map(({ file }) => fileElement(file)),
    relationships: placed.flatMap(({ file, holder, madeFrom }) => [
      relationship(holder === undefined ? IMAGE_ID : elementId(holder), 'CONTAINS', fileId(file.path)),
      ...madeFrom.map((one) => relationship(fileId(file.path), 'GENERATED_FROM', elementId(one))),
    ]),
    analysisOf: (id) => {
      const own = id === IMAGE_ID ? placed : (contained.get(id) ?? [])
      if (own.length === 0) return { filesAnalyzed: false }
      const code = verificationCode(own.map(({ file }) => file.sha1))
      return { filesAnalyzed: true, packageVerificationCode: { packageVerificationCodeValue: code } }
    },
  }
}

function fileElement({ path, sha1, sha256 }: ListedFile): Json {
  return {
    SPDXID: fileId(path),
    fileName: `.${path}`,
    checksums: [
      { algorithm: 'SHA1', checksumValue: sha1 },
      { algorithm: 'SHA256', checksumValue: sha256 },
    ],
  }
}

/** SHA-1 of the files' SHA-1 in ascending order, written one after the other (SPDX 2.3, clause 7.9). */
function verificationCode(hashes: readonly string[]): string {
  return createHash('sha1').update(hashes.toSorted().join('')).digest('hex')
}
