import { declaredLicence } from './declared-licence.ts'
import { type FileReading, isPlain, unreadable } from './found-package.ts'

/** Whether a path is that of an installed gem's specification. */
export function isGemSpecification(path: string): boolean {
  return /\/specifications\/(?:default\/)?[^/]+\.gemspec$/.test(path)
}

/**
 * Reads a specification as RubyGems writes it when it installs a gem: Ruby code, of which the lines that set name, version,
 * platform and licence are looked at; nothing is run.
 */
export function readGemSpecification(bytes: Uint8Array, path: string): FileReading {
  const text = Buffer.from(bytes).toString('utf8')
  const [, stubName, stubVersion, stubPlatform] = /^# stub: (\S+) (\S+) (\S+)/m.exec(text) ?? []
  const name = fieldOf(text, 'name') ?? stubName
  const version = fieldOf(text, 'version') ?? stubVersion
  if (!isPlain(name) || !isPlain(version)) return unreadable(path, 'it has no name and version')
  const platform = fieldOf(text, 'platform') ?? stubPlatform
  const [, list = ''] = /^\s*\w+\.licenses\s*=\s*\[([^\]]{0,1000})\]/m.exec(text) ?? []
  const licences = [...list.matchAll(/["']([^"']+)["']/g)].map(([, id]) => declaredLicence(id))
  const [licence] = licences.length === 1 ? licences : []
  const found = {
    ecosystem: 'RubyGems',
    name,
    version,
    path,
    ...(licence && { licence }),
    ...(platform !== undefined && platform !== 'ruby' && isPlain(platform) && { platform }),
  } as const
  return { packages: [found], faults: [] }
}

/** What the specification of a gem and each of its files have in common: where gems lie, and the gem's full name. */
export function gemKeyOf(path: string): string | undefined {
  const patterns = [
    /^(.*)\/specifications\/(?:default\/)?([^/]+)\.gemspec$/,
    /^(.*)\/(?:gems|doc)\/([^/]+)\/./,
    /^(.*)\/extensions\/[^/]+\/[^/]+\/([^/]+)\/./,
    /^(.*)\/cache\/([^/]+)\.gem$/,
    /^(.*)\/build_info\/([^/]+)\.info$/,
  ]
  for (const pattern of patterns) {
    const [, home, full] = pattern.exec(path) ?? []
    if (home !== undefined && full !== undefined) return `${home} ${full}`
  }
  return undefined
}

function fieldOf(text: string, field: string): string | undefined {
  const line = new RegExp(`^\\s*\\w+\\.${field}\\s*=\\s*(?:Gem::Version\\.new\\s*\\(?)?["']([^"']*)["']`, 'm')
  return line.exec(text)?.[1]
}
