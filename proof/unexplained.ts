import { effectSummaries } from '#image'
import { buildInProcess, catalogueImages } from './parts/catalogue.ts'

/** What is particular to an image and no effect of docs/effects.md. */
const OWN = ['definition', 'apt-sources', 'contract']

/**
 * Every path of every image of the catalogue, all variants and both platforms, has its origin: a package that is in the
 * image, the definition, or an effect by its name; and no maintainer script of any package is open. Holds when there is no
 * exception. Arguments are names of images; all unless given.
 */
export async function run(only: readonly string[] = []): Promise<{ holds: boolean; lines: string[] }> {
  const lines: string[] = []
  const faults: string[] = []
  const totals = new Map<string, number>()
  const known = new Set([...effectSummaries().map((one) => one.name), ...OWN])
  for (const image of await catalogueImages(only)) {
    const { title, built } = await buildInProcess(image)
    const names = new Set(built.packages.map((one) => one.name))
    const { tree, scripts } = built.assembly
    let paths = 0
    for (const { path, origin } of tree.entries()) {
      const isKnown = origin.kind !== 'package' || names.has(origin.name)
      if (!isKnown || (origin.kind === 'effect' && !known.has(origin.name)))
        faults.push(`${title}: ${path} has no origin but ${origin.name}`)
      totals.set(origin.kind, (totals.get(origin.kind) ?? 0) + 1)
      paths++
    }
    for (const one of scripts) faults.push(...one.open.map((line) => `${title}: ${line}`))
    lines.push(`${title.padEnd(40)} ${String(paths).padStart(8)} paths`)
  }
  const sums = [...totals].map(([kind, count]) => `${String(count).padStart(9)} by ${kind}`)
  return { holds: faults.length === 0 && lines.length > 0, lines: [...lines, '', ...sums, '', ...new Set(faults)] }
}
