import { digestFromHex } from '#core'
import { DebianError } from './errors.ts'
import type { ArchivePackage, BinaryPackage, MultiArch } from './package.ts'
import { parseDependencies, parseProvisions, parseRelations } from './relation.ts'
import type { Stanza } from './stanza.ts'
import { parseVersion } from './version.ts'

/**
 * Reads the control paragraph of a binary package (deb-control(5)). Throws `PACKAGE_INVALID` when a mandatory field
 * is missing or malformed, and what the fields' own parsers throw.
 */
export function parseBinaryPackage(stanza: Stanza): BinaryPackage {
  const name = required(stanza, 'package', '(unnamed)')
  if (!/^[a-z0-9][a-z0-9+.-]+$/.test(name)) throw invalid(name, 'its name is not what deb-control(5) allows')
  const version = required(stanza, 'version', name)
  parseVersion(version)
  const architecture = required(stanza, 'architecture', name)
  if (!/^[a-z0-9][a-z0-9-]*$/.test(architecture)) throw invalid(name, `"${architecture}" is no architecture`)
  return {
    name,
    version,
    architecture,
    multiArch: multiArch(name, stanza.get('multi-arch')),
    essential: stanza.get('essential') === 'yes',
    priority: stanza.get('priority') ?? '',
    section: stanza.get('section') ?? '',
    source: source(stanza, name, version),
    preDepends: parseDependencies(stanza.get('pre-depends') ?? ''),
    depends: parseDependencies(stanza.get('depends') ?? ''),
    recommends: parseDependencies(stanza.get('recommends') ?? ''),
    conflicts: parseRelations(stanza.get('conflicts') ?? ''),
    breaks: parseRelations(stanza.get('breaks') ?? ''),
    replaces: parseRelations(stanza.get('replaces') ?? ''),
    provides: parseProvisions(stanza.get('provides') ?? ''),
    installedSize: wholeNumber(name, 'Installed-Size', stanza.get('installed-size') ?? '0') * 1024,
    description: (stanza.get('description') ?? '').split('\n', 1)[0] ?? '',
  }
}

/**
 * Reads a paragraph of a `Packages` index, listed by a suite of a named archive. Throws as `parseBinaryPackage`, and
 * `PACKAGE_INVALID` for a file name that leaves the archive's root or a missing SHA-256.
 */
export function parseArchivePackage(stanza: Stanza, archive: string, suite: string): ArchivePackage {
  const binary = parseBinaryPackage(stanza)
  // A flat repository's index has `./` before its names (dpkg-scanpackages(1)).
  const filename = required(stanza, 'filename', binary.name).replace(/^\.\//, '')
  const components = filename.split('/')
  const escapes = components.some((component) => component === '' || component === '.' || component === '..')
  if (escapes || !/^[A-Za-z0-9+.~_:%/-]+$/.test(filename)) {
    throw invalid(binary.name, `its file name "${filename.slice(0, 200)}" is no plain path below the archive's root`)
  }
  const sha256 = required(stanza, 'sha256', binary.name)
  if (!/^[0-9a-f]{64}$/.test(sha256)) throw invalid(binary.name, `"${sha256.slice(0, 80)}" is no SHA-256`)
  return {
    ...binary,
    filename,
    size: wholeNumber(binary.name, 'Size', required(stanza, 'size', binary.name)),
    digest: digestFromHex(sha256),
    archive,
    suite,
  }
}

function required(stanza: Stanza, field: string, name: string): string {
  const value = stanza.get(field)
  if (value === undefined || value === '') throw invalid(name, `field "${field}" is missing`)
  return value
}

function wholeNumber(name: string, field: string, text: string): number {
  const value = Number(text)
  if (!/^[0-9]+$/.test(text) || !Number.isSafeInteger(value * 1024)) {
    throw invalid(name, `${field} "${text.slice(0, 40)}" is no number of bytes`)
  }
  return value
}

function multiArch(name: string, text: string | undefined): MultiArch {
  switch (text) {
    case undefined:
    case 'no':
      return 'no'
    case 'same':
    case 'foreign':
    case 'allowed':
      return text
    default:
      throw invalid(name, `Multi-Arch "${text}" is none of no, same, foreign, allowed`)
  }
}

/** `Source: name (version)`; the version stands there only where it differs from the binary's. */
function source(stanza: Stanza, name: string, version: string): BinaryPackage['source'] {
  const text = stanza.get('source')
  if (text === undefined) return { name, version }
  const match = /^([a-z0-9][a-z0-9+.-]+)(?:\s+\(([^()\s]+)\))?$/.exec(text)
  if (match?.[1] === undefined) throw invalid(name, `Source "${text.slice(0, 200)}" is not "name (version)"`)
  return { name: match[1], version: match[2] ?? version }
}

function invalid(name: string, reason: string): DebianError {
  return new DebianError('PACKAGE_INVALID', `cannot read package ${name.slice(0, 200)}: ${reason}`)
}
