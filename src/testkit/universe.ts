import { digestOf } from '#core'
import {
  type ArchivePackage,
  compareVersions,
  type Provider,
  parseArchivePackage,
  parseStanza,
  type Universe,
} from '#debian'

/** The fields of a package written by hand; text as in a control file. */
export interface PackageFields {
  readonly source?: string
  readonly architecture?: string
  readonly multiArch?: 'no' | 'same' | 'foreign' | 'allowed'
  readonly essential?: boolean
  readonly priority?: string
  readonly preDepends?: string
  readonly depends?: string
  readonly recommends?: string
  readonly conflicts?: string
  readonly breaks?: string
  readonly provides?: string
  readonly suite?: string
}

/** A package written by hand: its stanza as a `Packages` index has it, and the suite that lists it. */
export interface HandmadePackage {
  readonly stanza: string
  readonly suite: string
  /** Source and name: what Debian sorts an index by. */
  readonly sortKey: string
}

/** Writes a package as its stanza, `amd64` in suite `test` unless the fields say otherwise. */
export function pkg(name: string, version: string, fields: PackageFields = {}): HandmadePackage {
  const { architecture = 'amd64', suite = 'test' } = fields
  const lines: [string, string | undefined][] = [
    ['Package', name],
    ['Source', fields.source],
    ['Version', version],
    ['Architecture', architecture],
    ['Maintainer', 'Nobody <nobody@example.org>'],
    ['Multi-Arch', fields.multiArch],
    ['Essential', fields.essential === true ? 'yes' : undefined],
    ['Priority', fields.priority ?? 'optional'],
    ['Pre-Depends', fields.preDepends],
    ['Depends', fields.depends],
    ['Recommends', fields.recommends],
    ['Conflicts', fields.conflicts],
    ['Breaks', fields.breaks],
    ['Provides', fields.provides],
    ['Filename', `pool/${name}_${encodeURIComponent(version)}_${architecture}.deb`],
    ['Size', '1000'],
    ['SHA256', digestOf(`${name} ${version} ${architecture}`).slice('sha256:'.length)],
    ['Description', 'made by hand'],
  ]
  const stanza = lines.flatMap(([field, value]) => (value === undefined ? [] : `${field}: ${value}\n`)).join('')
  return { stanza, suite, sortKey: `${fields.source ?? name} ${name}` }
}

/** Makes a universe of packages written by hand.. */
export function universeOf(
  packages: readonly HandmadePackage[],
  { foreignArchitectures = [] }: { foreignArchitectures?: readonly string[] } = {},
): Universe {
  const architecture = 'amd64'
  const rank = (one: ArchivePackage) => foreignArchitectures.indexOf(one.architecture)
  const byName = new Map<string, ArchivePackage[]>()
  const byProvision = new Map<string, Provider[]>()
  for (const { stanza, suite } of packages) {
    const one = Object.freeze(parseArchivePackage(parseStanza(stanza, 'a handmade package'), 'test', suite))
    if (rank(one) < 0 && one.architecture !== architecture && one.architecture !== 'all') continue
    byName.set(one.name, [...(byName.get(one.name) ?? []), one])
  }
  for (const name of [...byName.keys()].sort()) {
    byName.get(name)?.sort((left, right) => rank(left) - rank(right) || compareVersions(right.version, left.version))
    for (const one of byName.get(name) ?? []) {
      for (const { name: provided, version } of one.provides) {
        if (provided === name) continue
        const provider: Provider = version === undefined ? { package: one } : { package: one, version }
        byProvision.set(provided, [...(byProvision.get(provided) ?? []), provider])
      }
    }
  }
  return {
    architecture,
    foreignArchitectures,
    versions: (name) => byName.get(name) ?? [],
    providers: (name) => byProvision.get(name) ?? [],
    names: () => [...byName.keys()].sort(),
  }
}
