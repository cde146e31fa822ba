import type { DebComponent } from '../inventory.ts'
import { type ExtractedLicence, PUBLIC_DOMAIN } from './resolve-name.ts'

/**
 * Gives every text that the licence expressions of these packages name, each id once, by id. What stands in the public domain
 * is said in other words by each package: those are joined.
 */
export function joinExtracted(packages: readonly DebComponent[]): readonly ExtractedLicence[] {
  const texts = new Map<string, ExtractedLicence>()
  const dedications = new Map<string, string[]>()
  for (const { source, licence } of packages) {
    for (const one of licence?.extracted ?? []) {
      if (one.id !== PUBLIC_DOMAIN) {
        if (!texts.has(one.id)) texts.set(one.id, one)
        continue
      }
      const sources = dedications.get(one.text) ?? []
      dedications.set(one.text, [...new Set([...sources, source.name])].sort())
    }
  }
  if (dedications.size > 0) {
    const parts = [...dedications].map(([text, sources]) => `${sources.join(', ')}:\n${text}`).sort()
    texts.set(PUBLIC_DOMAIN, { id: PUBLIC_DOMAIN, name: 'public domain', text: parts.join('\n\n') })
  }
  return [...texts.values()].sort((a, b) => (a.id < b.id ? -1 : 1))
}
