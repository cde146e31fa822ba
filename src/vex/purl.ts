import { PackageURL } from 'packageurl-js'

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

/** Reads a package URL; `undefined` for what is none. */
export function parsePurl(text: string): Purl | undefined {
  if (!text.startsWith('pkg:') || text.length > 4096) return undefined
  try {
    const { type, namespace, name, version, qualifiers, subpath } = PackageURL.fromString(text)
    return {
      type,
      namespace: namespace ?? '',
      name,
      version: version ?? '',
      qualifiers: new Map(Object.entries(qualifiers ?? {})),
      subpath: subpath ?? '',
    }
  } catch {
    return undefined
  }
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
  return format(new PackageURL('deb', 'debian', one.name, one.version, { arch: one.architecture }, undefined))
}

/** Gives an image's purl as VEX names it: by the digest of its manifest and nothing else (purl-spec, type oci). */
export function imageProduct({ name, digest }: { readonly name: string; readonly digest: string }): string {
  const called = name.toLowerCase()
  return format(new PackageURL('oci', undefined, called, digest, undefined, undefined)).replace(
    '@sha256:',
    '@sha256%3A',
  )
}

/** The library leaves a plus sign in versions as it is; scanners write it as purl-spec says, and compare texts. */
function format(purl: PackageURL): string {
  return purl.toString().replaceAll('+', '%2B')
}
