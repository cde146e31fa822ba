import { parsePurlParts } from '#core'
import type { ApplicationComponent, DebComponent } from '../inventory.ts'

/** A package as a document says it, whichever format it has. */
export interface StatedPackage {
  readonly purl: string
  /** The document's own words on the source package, where it has any beside the purl. */
  readonly source?: { readonly name: string; readonly version?: string }
  /** Where it was found; empty where the document does not say. */
  readonly path: string
}

/** What a purl names: a Debian package with its distribution, an application package, or something else. */
export type ReadPackage =
  | { readonly kind: 'deb'; readonly one: DebComponent; readonly distribution: string }
  | { readonly kind: 'application'; readonly one: ApplicationComponent }
  | { readonly kind: 'other' }
  | { readonly kind: 'fault'; readonly reason: string }

const ECOSYSTEMS: Readonly<Record<string, ApplicationComponent['ecosystem']>> = {
  npm: 'npm',
  pypi: 'PyPI',
  golang: 'Go',
  maven: 'Maven',
  gem: 'RubyGems',
}

/** Longer than any purl that names a package. */
const PURL_LENGTH = 4096

/**
 * Reads a package by its purl (purl-spec, types deb, npm, pypi, golang, maven and gem). A Debian package's source is what the
 * document says, else the qualifier `upstream`, else the package itself; its version is never a rebuild's `+bN`.
 */
export function readPackage(stated: StatedPackage): ReadPackage {
  const purl = stated.purl.length > PURL_LENGTH ? undefined : parsePurlParts(stated.purl)
  if (purl === undefined) return { kind: 'fault', reason: 'is no purl' }
  const { type, namespace, name } = purl
  const ecosystem = Object.hasOwn(ECOSYSTEMS, type ?? '') ? ECOSYSTEMS[type ?? ''] : undefined
  if (type !== 'deb' && ecosystem === undefined) return { kind: 'other' }
  if (!name || !purl.version) return { kind: 'fault', reason: 'names no version' }
  if (ecosystem === undefined) return debian(stated, { ...purl, name, version: purl.version })
  const full = namespace ? `${namespace}${ecosystem === 'Maven' ? ':' : '/'}${name}` : name
  return {
    kind: 'application',
    one: {
      ...{ ecosystem, version: purl.version, purl: stated.purl, path: stated.path, layer: undefined },
      name: ecosystem === 'PyPI' ? full.toLowerCase().replace(/[-_.]+/g, '-') : full,
    },
  }

  function debian(
    { source }: StatedPackage,
    purl: { name: string; version: string; namespace?: string | null | undefined; qualifiers?: unknown },
  ): ReadPackage {
    const qualifier = (key: string): string => {
      const value: unknown = Object(purl.qualifiers)[key]
      return typeof value === 'string' ? value : ''
    }
    // One scanner keeps the epoch apart from the version.
    const epoch = qualifier('epoch')
    const version = epoch === '' || purl.version.includes(':') ? purl.version : `${epoch}:${purl.version}`
    const [name = '', upstreamVersion = ''] = qualifier('upstream').split('@')
    const sourceVersion = source?.version ?? (upstreamVersion || version.replace(/\+b[0-9]+$/, ''))
    const vendor = purl.namespace ?? 'debian'
    const distro = qualifier('distro')
    return {
      kind: 'deb',
      one: {
        ...{ name: purl.name, version, architecture: qualifier('arch') },
        source: { name: source?.name ?? (name || purl.name), version: sourceVersion },
        ...{ maintainer: '', homepage: '', description: '', layer: undefined, files: [] },
      },
      distribution: distro.includes('-') ? distro : `${vendor}-${distro}`,
    }
  }
}
