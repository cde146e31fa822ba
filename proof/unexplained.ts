import { catalogueNames, effectSummaries, openDefinition } from '#image'
import { buildPlatforms } from '../src/cli/build-platforms.ts'
import { provideLock } from '../src/cli/lock-choice.ts'
import { Stages } from '../src/cli/stages.ts'
import { openTerminal } from '../src/cli/terminal.ts'

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
  for (const name of (await catalogueNames()).filter((one) => only.length === 0 || only.includes(one))) {
    const opened = await openDefinition(name, { workingFolder: process.cwd() })
    const { variants, platforms } = opened.definition
    const choice = await provideLock(opened, { platforms, place: {}, acceptExpired: false })
    if (choice.kind === 'impossible') throw new Error(`cannot solve ${name}: ${choice.reasons.join('; ')}`)
    for (const [variant, effective] of variants) {
      const known = new Set([...effectSummaries().map((one) => one.name), ...OWN])
      const order = { opened, effective, lock: choice.lock, platforms, place: {}, options: {} }
      const quiet = new Stages({ ...openTerminal(), progress: () => undefined })
      const { built } = await buildPlatforms(order, quiet)
      let paths = 0
      for (const { assembly, packages } of built) {
        const names = new Set(packages.map((one) => one.name))
        for (const entry of assembly.tree.entries()) {
          const { origin } = entry
          const isKnown = origin.kind !== 'package' || names.has(origin.name)
          if (!isKnown || (origin.kind === 'effect' && !known.has(origin.name)))
            faults.push(`${name} ${variant}: ${entry.path} has no origin but ${origin.name}`)
          totals.set(origin.kind, (totals.get(origin.kind) ?? 0) + 1)
          paths++
        }
        for (const one of assembly.scripts) faults.push(...one.open.map((line) => `${name} ${variant}: ${line}`))
      }
      lines.push(
        `${name.padEnd(20)} ${variant.padEnd(8)} ${String(paths).padStart(8)} paths on ${built.length} platforms`,
      )
    }
  }
  const sums = [...totals].map(([kind, count]) => `${String(count).padStart(9)} by ${kind}`)
  return { holds: faults.length === 0 && lines.length > 0, lines: [...lines, '', ...sums, '', ...new Set(faults)] }
}
