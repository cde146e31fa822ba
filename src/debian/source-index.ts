import { type Digest, digestFromHex } from '#core'
import { parseStanza } from './stanza.ts'

/** A source package as an archive offers it: what to ask for when its binaries are handed on. */
export interface SourceReference {
  readonly name: string
  readonly version: string
  /** Below the mirror's base. */
  readonly directory: string
  /** The .dsc and what it consists of, by name. */
  readonly files: readonly { readonly name: string; readonly size: number; readonly digest: Digest }[]
}

/**
 * Finds source packages in the text of a Sources index (Debian repository format, "Sources indices"); `wanted` holds
 * `name version`. What the index does not have is missing in the result. Throws as `parseStanza` does.
 */
export function findSources(text: string, wanted: ReadonlySet<string>, origin: string): SourceReference[] {
  const names = new Set([...wanted].map((key) => key.slice(0, key.indexOf(' '))))
  const found: SourceReference[] = []
  for (const paragraph of text.split(/\n\n+/)) {
    const [, name = ''] = /^Package: (\S+)$/m.exec(paragraph) ?? []
    if (!names.has(name)) continue
    const stanza = parseStanza(paragraph, origin)
    const version = stanza.get('version') ?? ''
    if (!wanted.has(`${name} ${version}`)) continue
    found.push({
      name,
      version,
      directory: stanza.get('directory') ?? '',
      files: filesOf(stanza.get('checksums-sha256')),
    })
  }
  return found
}

function filesOf(list = ''): SourceReference['files'] {
  return list.split('\n').flatMap((line) => {
    const [, hex, size, name] = /^\s*([0-9a-f]{64})\s+([0-9]+)\s+(\S+)\s*$/.exec(line) ?? []
    if (hex === undefined || size === undefined || name === undefined) return []
    return [{ name, size: Number(size), digest: digestFromHex(hex) }]
  })
}
