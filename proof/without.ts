import { type ArchivePackage, openArchive, type Universe } from '#debian'
import {
  catalogueNames,
  type EffectiveDefinition,
  openDefinition,
  type ResolvedDefinition,
  selectPackages,
} from '#image'
import { formatBytes } from '../src/cli/terminal.ts'

/** The packages of a variant, were it the only one and these left out. */
function packagesOf(universe: Universe, effective: EffectiveDefinition, definition: ResolvedDefinition) {
  const variants = new Map([['runtime', effective]])
  const selected = selectPackages(universe, { ...definition, variants })
  if (selected.kind === 'selected') return selected.variants.get('runtime')?.packages ?? []
  throw new Error(`cannot solve ${effective.image} ${effective.variant}: ${selected.reasons.join('; ')}`)
}

function namesOf({ name, provides }: ArchivePackage): readonly string[] {
  return [name, ...provides.map((provided) => provided.name)]
}

/**
 * What leaving packages out saves: each catalogue image with `without` is solved with and without it for amd64. Holds when
 * every reason saves something: a package left out that would not come anyway is a line too many. Arguments are names of
 * images; all unless given.
 */
export async function run(only: readonly string[] = []): Promise<{ holds: boolean; lines: string[] }> {
  const archive = await openArchive({ archives: ['debian-13'], architecture: 'amd64' })
  const lines = ['image                packages      without  .debs saved  of it']
  const idle: string[] = []
  try {
    for (const name of (await catalogueNames()).filter((one) => only.length === 0 || only.includes(one))) {
      const { definition } = await openDefinition(name, { workingFolder: process.cwd() })
      const runtime = definition.variants.get('runtime')
      const left = Object.keys(runtime?.without ?? {})
      if (runtime === undefined || left.length === 0) continue
      const solve = (effective: EffectiveDefinition) => packagesOf(archive.universe, effective, definition)
      const [lean, whole] = [solve(runtime), solve({ ...runtime, without: {} })]
      const kept = new Set(lean.map((one) => one.name))
      const saved = whole.filter((one) => !kept.has(one.name))
      const bytes = saved.reduce((sum, one) => sum + one.size, 0)
      const all = whole.reduce((sum, one) => sum + one.size, 0)
      lines.push(
        `${name.padEnd(20)} ${String(whole.length).padStart(8)}  ${String(lean.length).padStart(11)}  ${formatBytes(bytes).padStart(11)}  ${((100 * bytes) / all).toFixed(0).padStart(4)} %`,
      )
      const leanVariants = [...definition.variants.values()].filter((one) => Object.keys(one.without).length > 0)
      const names = new Set(leanVariants.flatMap((one) => solve({ ...one, without: {} })).flatMap(namesOf))
      idle.push(...left.filter((one) => !names.has(one)).map((one) => `${name}: ${one} would not come anyway`))
    }
  } finally {
    archive.close()
  }
  return { holds: idle.length === 0 && lines.length > 1, lines: [...lines, '', ...idle] }
}
