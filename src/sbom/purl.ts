import { formatPurl } from '#core'
import type { DebComponent, Distribution, InventoriedImage } from './inventory.ts'

/**
 * Gives a Debian package's purl in the form that scanners match by: `arch`, `distro`, and `upstream` where the source has
 * another name or version (purl-spec, type deb).
 */
export function debPurl(one: DebComponent, distribution: Distribution | undefined): string {
  const { name, version, architecture, source } = one
  const { id = 'debian', versionId = '' } = distribution ?? {}
  const isOwnVersion = source.version === version
  const upstream =
    source.name === name && isOwnVersion ? '' : `${source.name}${isOwnVersion ? '' : `@${source.version}`}`
  const qualifiers = {
    arch: architecture,
    ...(versionId === '' ? {} : { distro: `${id}-${versionId}` }),
    ...(upstream === '' ? {} : { upstream }),
  }
  return formatPurl({ type: 'deb', namespace: id, name, version, qualifiers })
}

/** Gives an image's purl by the digest of its manifest (purl-spec, type oci). */
export function imagePurl({
  name,
  digest,
  architecture,
}: Pick<InventoriedImage, 'name' | 'digest' | 'architecture'>): string {
  return formatPurl({ type: 'oci', name, version: digest, qualifiers: { arch: architecture } })
}
