/** Versions of symbols that a file wants of one library: the loader refuses a library that lacks one (ld.so(8)). */
export interface NeededVersions {
  /** The library as DT_NEEDED names it. */
  readonly library: string
  /** `GLIBC_2.38`; versions that may be missing are left out. */
  readonly versions: readonly string[]
}

/** What is read of a file's dynamic section to find its version tables. */
export interface VersionTables {
  /** Where DT_VERNEED and DT_VERDEF lie in the file, and how many records they say to have; absent where there are none. */
  readonly needed: TablePlace | undefined
  readonly defined: TablePlace | undefined
  readonly half: (at: number) => number
  readonly word: (at: number) => number
  /** A name by its place in the table of names. */
  readonly name: (at: number) => string
  readonly invalid: (reason: string) => Error
}

interface TablePlace {
  readonly at: number
  readonly count: number
}

const MAX_RECORDS = 4096
const WEAK = 2
const BASE = 1

/** Reads which versions a file needs (LSB Core, "Symbol Versioning"; `Elfxx_Verneed`), in the order of the file. */
export function readNeededVersions({ needed, ...tables }: VersionTables): readonly NeededVersions[] {
  return records(needed, { ...tables, next: 12 }).map((at) => {
    const first = { at: at + tables.word(at + 8), count: tables.half(at + 2) }
    const auxiliary = records(first, { ...tables, next: 12 })
    const wanted = auxiliary.filter((each) => (tables.half(each + 4) & WEAK) === 0)
    return {
      library: tables.name(tables.word(at + 4)),
      versions: wanted.map((each) => tables.name(tables.word(each + 8))),
    }
  })
}

/** Reads which versions a library defines (`Elfxx_Verdef`), its own name left out, in the order of the file. */
export function readDefinedVersions({ defined, ...tables }: VersionTables): readonly string[] {
  return records(defined, { ...tables, next: 16 })
    .filter((at) => (tables.half(at + 2) & BASE) === 0 && tables.half(at + 6) > 0)
    .map((at) => tables.name(tables.word(at + tables.word(at + 12))))
}

/** Where each record of a chain begins; at `next` a record says how far on the following one is, 0 for the last. */
function records(
  place: TablePlace | undefined,
  { word, invalid, next }: Pick<VersionTables, 'word' | 'invalid'> & { readonly next: number },
): readonly number[] {
  if (place === undefined) return []
  if (place.count > MAX_RECORDS) throw invalid(`it has ${place.count} versions in one table, more than ${MAX_RECORDS}`)
  const found: number[] = []
  for (let at = place.at; found.length < place.count; ) {
    found.push(at)
    const step = word(at + next)
    if (step === 0) break
    at += step
  }
  return found
}
