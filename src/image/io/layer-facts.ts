import { isInventoryFile } from '#debian'
import { composeLayerContent, type KnownEntry, type LayerContent, type LayerPiece } from '#oci'
import type { ApplicationReadings } from '#sbom/applications'
import { tarHeaderOf } from '../layer.ts'
import type { MemberEntry } from '../member.ts'
import type { MemberFacts } from '../member-facts.ts'
import type { BuiltLayer, LayerWorkshop } from './layers.ts'

/** What reading a layer would tell an inventory of it. */
export interface LayerFacts {
  readonly content: LayerContent
  readonly applications: ApplicationReadings
}

/**
 * Gives what reading the layer would, from what was read of its members when they were made; `undefined` where that is not kept.
 * Rejects as `composeLayerContent` throws.
 */
export async function builtLayerFacts(
  { parts }: BuiltLayer,
  { members }: LayerWorkshop,
): Promise<LayerFacts | undefined> {
  // Builds that make no new layer do without.
  const { ApplicationReader } = await import('#sbom/applications')
  const applications = new ApplicationReader()
  const pieces: LayerPiece[] = []
  for (const part of parts) {
    if (part instanceof Uint8Array) {
      pieces.push({ tar: part })
      continue
    }
    const facts = members.factsOf(part)
    if (facts === undefined) return undefined
    applications.take(facts.applications, () => true)
    pieces.push({ entries: entriesOf(part.entries), contents: contentsOf(facts) })
  }
  const content = composeLayerContent(pieces, {
    wants: isInventoryFile,
    take: (file) => applications.sink(file),
  })
  return { content, applications: applications.readings }
}

/** The entries as they stand in the layer: directories are written for all its members together. */
function* entriesOf(entries: readonly MemberEntry[]): Generator<KnownEntry> {
  for (const entry of entries) {
    if (entry.type !== 'directory') yield { size: 0, linkPath: '', ...tarHeaderOf(entry) }
  }
}

function contentsOf({ contents }: MemberFacts): ReadonlyMap<string, Uint8Array> {
  return new Map(Object.entries(contents).map(([path, text]) => [path, Buffer.from(text, 'base64')]))
}
