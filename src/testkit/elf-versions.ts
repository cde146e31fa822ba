import type { SampleElf } from './elf.ts'

/** The version tables of a made-up ELF file: names for its table of names, and the tables once it is known where they lie. */
export interface SampleVersions {
  readonly words: readonly string[]
  tablesAt(at: number): { readonly bytes: Buffer; readonly entries: readonly (readonly [tag: number, value: number])[] }
}

/** Makes them; `nameAt` is where the first of the names will stand in the table of names. */
export function versionsOf({ versionsNeeded = {}, versionsDefined = [] }: SampleElf, nameAt: number): SampleVersions {
  const needed = Object.entries(versionsNeeded)
  const words = [...new Set([...needed.flatMap(([library, versions]) => [library, ...versions]), ...versionsDefined])]
  const places = new Map<string, number>()
  let at = nameAt
  for (const word of words) {
    places.set(word, at)
    at += word.length + 1
  }
  const nameOf = (word: string) => places.get(word) ?? 0
  const wants = Buffer.concat(
    needed.map(([library, versions], index) =>
      neededRecord({ library, versions, isLast: index + 1 === needed.length }, nameOf),
    ),
  )
  const defines = Buffer.concat(
    versionsDefined.map((version, index) =>
      definedRecord({ name: nameOf(version), index: index + 2, isLast: index + 1 === versionsDefined.length }),
    ),
  )
  return {
    words,
    tablesAt: (start) => ({
      bytes: Buffer.concat([wants, defines]),
      entries: [
        ...(needed.length === 0 ? [] : [[0x6ffffffe, start] as const, [0x6fffffff, needed.length] as const]),
        ...(versionsDefined.length === 0
          ? []
          : [[0x6ffffffc, start + wants.length] as const, [0x6ffffffd, versionsDefined.length] as const]),
      ],
    }),
  }
}

/** Elf64_Verneed with its Elf64_Vernaux. */
function neededRecord(
  { library, versions, isLast }: { library: string; versions: readonly string[]; isLast: boolean },
  nameOf: (word: string) => number,
): Buffer {
  const bytes = Buffer.alloc(16 + 16 * versions.length)
  bytes.writeUInt16LE(1, 0)
  bytes.writeUInt16LE(versions.length, 2)
  bytes.writeUInt32LE(nameOf(library), 4)
  bytes.writeUInt32LE(16, 8)
  bytes.writeUInt32LE(isLast ? 0 : bytes.length, 12)
  for (const [index, version] of versions.entries()) {
    const at = 16 + 16 * index
    bytes.writeUInt32LE(nameOf(version), at + 8)
    bytes.writeUInt32LE(index + 1 === versions.length ? 0 : 16, at + 12)
  }
  return bytes
}

/** Elf64_Verdef with its one Elf64_Verdaux. */
function definedRecord({ name, index, isLast }: { name: number; index: number; isLast: boolean }): Buffer {
  const bytes = Buffer.alloc(28)
  bytes.writeUInt16LE(1, 0)
  bytes.writeUInt16LE(index, 4)
  bytes.writeUInt16LE(1, 6)
  bytes.writeUInt32LE(20, 12)
  bytes.writeUInt32LE(isLast ? 0 : bytes.length, 16)
  bytes.writeUInt32LE(name, 20)
  return bytes
}
