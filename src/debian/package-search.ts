import type { SearchableUniverse } from './merged-universe.ts'
import type { ArchivePackage } from './package.ts'

/**
 * Finds packages whose name or short description holds the text, letters of any case. The first version of each name;
 * the name itself first, then names that begin with it, other names, descriptions; in code-unit order within each.
 */
export function searchPackages(universe: SearchableUniverse, text: string): ArchivePackage[] {
  const wanted = text.toLowerCase()
  const ranked: [number, ArchivePackage][] = []
  for (const name of universe.mentioning(text)) {
    const [candidate] = universe.versions(name)
    if (candidate === undefined) continue
    const rank = rankOf(candidate, wanted)
    if (rank !== undefined) ranked.push([rank, candidate])
  }
  return ranked.sort(([left], [right]) => left - right).map(([, candidate]) => candidate)
}

function rankOf({ name, description }: ArchivePackage, wanted: string): number | undefined {
  if (name === wanted) return 0
  if (name.startsWith(wanted)) return 1
  if (name.includes(wanted)) return 2
  return description.toLowerCase().includes(wanted) ? 3 : undefined
}
