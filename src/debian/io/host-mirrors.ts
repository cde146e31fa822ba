import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type AptSource, parseAptSources } from '../apt-sources.ts'
import type { Archive } from '../archive.ts'
import { type MirrorTable, mirrorsOfSources, parseMirrors } from '../mirrors.ts'

/**
 * The mirrors that the place of building suggests, in order: the environment's `CASEMATE_MIRROR`, then the host's apt
 * sources. Throws `MIRROR_UNKNOWN` for a malformed environment; a host without apt suggests nothing.
 */
export async function discoverMirrors(archives: readonly Archive[], apt = '/etc/apt'): Promise<MirrorTable[]> {
  const kinds = [...new Set(archives.flatMap((archive) => Object.keys(archive.mirrors)))]
  const environment = parseMirrors(process.env['CASEMATE_MIRROR'] ?? '', kinds, 'CASEMATE_MIRROR')
  return [environment, mirrorsOfSources(await readAptSources(apt), archives)]
}

async function readAptSources(apt: string): Promise<AptSource[]> {
  const parts = join(apt, 'sources.list.d')
  // Mirrors are only suggested here: what cannot be read suggests nothing, and the next place is asked.
  const names = await readdir(parts).catch(() => [])
  const files = names
    .filter((name) => /\.(list|sources)$/.test(name))
    .sort()
    .map((name) => join(parts, name))
  const sources: AptSource[] = []
  for (const file of [join(apt, 'sources.list'), ...files]) {
    sources.push(...parseAptSources(await readFile(file, 'utf8').catch(() => ''), file))
  }
  return sources
}
