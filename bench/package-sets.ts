import { readFile } from 'node:fs/promises'
import {
  type ArchivePackage,
  createDecoders,
  fetchPackages,
  loadLibarchive,
  openArchive,
  readDebControl,
} from '#debian'
import { parseRequest, solve } from '#solver'
import type { TestDeb } from '#testkit'

/** A set of packages that all sides install, by the names that are asked for. */
export interface PackageSet {
  readonly name: string
  readonly packages: readonly string[]
}

const base = [
  'base-files',
  'ca-certificates',
  'libc6',
  'libssl3t64',
  'libzstd1',
  'media-types',
  'netbase',
  'tzdata',
  'zlib1g',
]

/** The sets of issue "Engine": a base, node and java, without recommended packages. */
export const packageSets: readonly PackageSet[] = [
  { name: 'base', packages: base },
  { name: 'node', packages: [...base, 'nodejs'] },
  { name: 'java', packages: [...base, 'openjdk-21-jre-headless'] },
]

/** Fetches the closures of all sets from today's debian-13, as packages of a test archive. */
export async function fetchSets(): Promise<TestDeb[]> {
  const archive = await openArchive({ archives: ['debian-13'], architecture: 'amd64' })
  try {
    const packages = new Map<string, ArchivePackage>()
    for (const set of packageSets) {
      const solution = solve(archive.universe, set.packages.map(parseRequest))
      if (solution.kind === 'impossible') throw new Error(`cannot solve ${set.name}: ${solution.reasons.join('; ')}`)
      for (const one of solution.selection.packages) packages.set(one.name, one)
    }
    const selected = [...packages.values()]
    const paths = await fetchPackages(selected, { observed: archive.observed })
    return await Promise.all(selected.map(async (_, number) => testDeb(await readFile(paths[number] ?? ''))))
  } finally {
    archive.close()
  }
}

/** A real .deb as a package of a test archive: its bytes, with the control paragraph that stands in it. */
async function testDeb(bytes: Uint8Array): Promise<TestDeb> {
  const read = (offset: number, length: number) => bytes.subarray(offset, offset + length)
  const { files } = readDebControl(
    { name: 'package', size: bytes.length, read },
    createDecoders(await loadLibarchive()),
  )
  return { bytes, control: Buffer.from(files.get('control') ?? '').toString('utf8') }
}
