import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buildCatalogueImage, type CatalogueImage, catalogueImages, debsOf } from './parts/catalogue.ts'
import { runOrThrow } from './parts/command.ts'
import { compareImage, type Parity } from './parts/parity.ts'
import { DebUnpacker, readImageTree } from './parts/unpacked.ts'

const SHOWN = 20

/**
 * Compares every catalogue image, as umoci unpacks it from its layout, with its packages, as dpkg-deb and GNU tar unpack
 * them. Holds when each regular file of each package is equal in content, mode, owner and time, or a listed rule or an
 * effect says why not, and when every path of every image has its package, effect or definition. Needs root, because
 * owners are compared. Arguments are the names of images; all unless given.
 */
export async function run(only: readonly string[] = []): Promise<{ holds: boolean; lines: string[] }> {
  const folder = mkdtempSync(join(tmpdir(), 'casemate-file-parity-'))
  try {
    const unpacker = new DebUnpacker(folder)
    const images = await catalogueImages(only)
    const rows: string[] = []
    const totals = new Map<string, number>()
    const faults: string[] = []
    for (const image of images) {
      const { title, parity } = await compareOne(image, folder, unpacker)
      for (const [what, count] of parity.counts) totals.set(what, (totals.get(what) ?? 0) + count)
      faults.push(...parity.faults.map((fault) => `${title}: ${fault}`))
      rows.push(rowOf(title, parity))
    }
    const lines = [
      await versions(),
      `${images.length} images, ${unpacker.count} different packages`,
      '',
      'image                          files of packages    equal  setuid  by effect  left out  other paths  unexplained',
      ...rows,
      '',
      'over all images:',
      ...[...totals]
        .sort(([left], [right]) => (left < right ? -1 : 1))
        .map(([what, count]) => `${String(count).padStart(8)} ${what}`),
      '',
      `without explanation: ${faults.length}`,
      ...faults.slice(0, SHOWN),
    ]
    return { holds: faults.length === 0 && images.length > 0, lines }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

async function compareOne(
  image: CatalogueImage,
  folder: string,
  unpacker: DebUnpacker,
): Promise<{ title: string; parity: Parity }> {
  const layouts = join(folder, 'layouts')
  mkdirSync(layouts)
  try {
    const build = await buildCatalogueImage(image, layouts)
    const debs = await debsOf(build)
    const packages = []
    for (const [number, locked] of build.built.packages.entries()) {
      packages.push({ package: locked, deb: await unpacker.unpack(debs[number] ?? '') })
    }
    const tree = await readImageTree(build.layout, folder)
    return { title: build.title, parity: compareImage(build.built, tree, packages) }
  } finally {
    rmSync(layouts, { recursive: true, force: true })
  }
}

function rowOf(title: string, { counts, faults }: Parity): string {
  const sum = (pattern: RegExp) =>
    [...counts].reduce((total, [what, count]) => total + (pattern.test(what) ? count : 0), 0)
  const cells: readonly (readonly [number, number])[] = [
    [sum(/^shipped file$/), 16],
    [sum(/^equal file$/), 7],
    [sum(/^equal but for setuid/), 6],
    [sum(/by effect/), 9],
    [sum(/^left out by rule/), 8],
    [sum(/^paths of (?:effects|the)/), 11],
    [faults.length, 11],
  ]
  return [title.padEnd(31), ...cells.map(([count, width]) => String(count).padStart(width))].join('  ')
}

async function versions(): Promise<string> {
  const first = async (...command: readonly string[]) => (await runOrThrow(command)).split('\n')[0] ?? ''
  return [
    await first('umoci', '--version'),
    await first('tar', '--version'),
    await first('dpkg-deb', '--version'),
  ].join('; ')
}
