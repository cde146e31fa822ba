import { formatPurl, parsePurlParts } from '#core'

/** A package URL taken apart (purl-spec). */
export interface Purl {
  readonly type: string
  /** Empty where there is none; so is `version`. */
  readonly namespace: string
  readonly name: string
  readonly version: string
  readonly qualifiers: ReadonlyMap<string, string>
  readonly subpath: string
}

/**
 * Reads a package URL; `undefined` for what is none. The epoch of a Debian package stands in its version, also where the text has
 * it as a qualifier of its own (deb-version(7); one scanner writes it so).
 */
export function parsePurl(text: string): Purl | undefined {
  if (!text.startsWith('pkg:') || text.length > 4096) return undefined
  const parts = parsePurlParts(text)
  if (parts === undefined) return undefined
  const { type, namespace, name, version, qualifiers, subpath } = parts
  const purl = {
    type,
    namespace: namespace ?? '',
    name,
    version: version ?? '',
    qualifiers: new Map(Object.entries(qualifiers ?? {})),
    subpath: subpath ?? '',
  }
  return type === 'deb' ? withWholeVersion(purl) : purl
}

function withWholeVersion(purl: Purl): Purl {
  const { epoch, ...others } = Object.fromEntries(purl.qualifiers)
  if (epoch === undefined || purl.version === '' || purl.version.includes(':')) return purl
  const version = epoch === '0' ? purl.version : `${epoch}:${purl.version}`
  return { ...purl, version, qualifiers: new Map(Object.entries(others)) }
}

/**
 * Whether a statement about `said` holds for the component `is`: type, namespace and name are equal, the version is equal or not
 * said, and every qualifier that is said is equal. What the component has beyond that does not matter.
 */
export function matchesPurl(said: Purl, is: Purl): boolean {
  return (
    said.type === is.type &&
    said.namespace === is.namespace &&
    said.name === is.name &&
    (said.version === '' || said.version === is.version) &&
    (said.subpath === '' || said.subpath === is.subpath) &&
    [...said.qualifiers].every(([key, value]) => is.qualifiers.get(key) === value)
  )
}

/**
 * Gives a Debian package's purl as VEX names it: with `arch` and nothing else, because a scanner compares every qualifier that a
 * statement has, and scanners write `distro` differently.
 */
export function debProduct(one: { readonly name: string; readonly version: string; readonly architecture: string }) {
  return formatPurl({
    ...{ type: 'deb', namespace: 'debian', name: one.name, version: one.version },
    qualifiers: { arch: one.architecture },
  })
}

/**
 * Gives a Debian package's purl once more, with its epoch as a qualifier beside the version, as trivy names packages, and compares
 * them by text; `undefined` for all that has no epoch.
 */
export function purlWithEpochApart(text: string): string | undefined {
  const [, start, epoch, version, query] = /^(pkg:deb\/[^@]+@)(\d+)(?::|%3A)([^?]+)\?(.+)$/.exec(text) ?? []
  return start === undefined ? undefined : `${start}${version}?${query}&epoch=${epoch}`
}

/** Gives an image's purl as VEX names it: by the digest of its manifest and nothing else (purl-spec, type oci). */
export function imageProduct({ name, digest }: { readonly name: string; readonly digest: string }): string {
  const called = name.toLowerCase()
  return formatPurl({ type: 'oci', name: called, version: digest }).replace('@sha256:', '@sha256%3A')
}
