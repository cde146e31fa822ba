import type { Json } from '#core'
import { OciError } from './errors.ts'
import type { JsonObject } from './json-document.ts'

/** What an image runs on (image-spec §image-index, "platform"); GOOS and GOARCH values. */
export interface Platform {
  readonly os: string
  readonly architecture: string
  readonly variant?: string
  readonly 'os.version'?: string
  readonly 'os.features'?: readonly string[]
}

/** Debian's name of an architecture, and how OCI names the same. */
const DEBIAN_PLATFORMS: Readonly<Record<string, Platform>> = {
  amd64: { os: 'linux', architecture: 'amd64' },
  arm64: { os: 'linux', architecture: 'arm64', variant: 'v8' },
  armhf: { os: 'linux', architecture: 'arm', variant: 'v7' },
  armel: { os: 'linux', architecture: 'arm', variant: 'v5' },
  i386: { os: 'linux', architecture: '386' },
  mips64el: { os: 'linux', architecture: 'mips64le' },
  ppc64el: { os: 'linux', architecture: 'ppc64le' },
  riscv64: { os: 'linux', architecture: 'riscv64' },
  s390x: { os: 'linux', architecture: 's390x' },
}

/** The variant that a platform without one means. */
const DEFAULT_VARIANTS: Readonly<Record<string, string>> = { arm64: 'v8', arm: 'v7' }

/** Gives the platform of a Debian architecture (`arm64` is linux/arm64/v8). Throws `PLATFORM_INVALID` for another. */
export function platformOfDebian(architecture: string): Platform {
  const platform = Object.hasOwn(DEBIAN_PLATFORMS, architecture) ? DEBIAN_PLATFORMS[architecture] : undefined
  if (platform) return platform
  const known = Object.keys(DEBIAN_PLATFORMS).join(', ')
  throw new OciError('PLATFORM_INVALID', `cannot map Debian architecture "${architecture}": known are ${known}`)
}

/** Gives the Debian architecture of a platform. Throws `PLATFORM_INVALID` when Debian has none. */
export function debianArchitectureOf(platform: Platform): string {
  for (const [architecture, candidate] of Object.entries(DEBIAN_PLATFORMS)) {
    if (samePlatform(candidate, platform)) return architecture
  }
  throw new OciError('PLATFORM_INVALID', `cannot map ${formatPlatform(platform)}: Debian has no such architecture`)
}

/** Reads `OS/ARCHITECTURE[/VARIANT]`, as `--platform` takes it. Throws `PLATFORM_INVALID`. */
export function parsePlatform(text: string): Platform {
  const [os, architecture, variant] = text.split('/')
  if (!/^[a-z0-9]+\/[a-z0-9]+(\/[a-z0-9]+)?$/.test(text) || !os || !architecture) {
    throw new OciError('PLATFORM_INVALID', `cannot parse platform "${text}": want OS/ARCHITECTURE, e.g. linux/arm64`)
  }
  return variant === undefined ? { os, architecture } : { os, architecture, variant }
}

/** Writes `OS/ARCHITECTURE[/VARIANT]`. */
export function formatPlatform({ os, architecture, variant }: Platform): string {
  return variant === undefined ? `${os}/${architecture}` : `${os}/${architecture}/${variant}`
}

/** Tells whether two platforms are one, whichever of them leaves the usual variant out (arm64 is arm64/v8). */
export function samePlatform(left: Platform, right: Platform): boolean {
  return left.os === right.os && left.architecture === right.architecture && variantOf(left) === variantOf(right)
}

/** Reads a descriptor's platform or the same members of a config. Throws `DOCUMENT_INVALID`. */
export function readPlatform(object: JsonObject): Platform {
  const variant = object.optionalText('variant')
  const osVersion = object.optionalText('os.version')
  const osFeatures = object.optionalTexts('os.features')
  return {
    os: object.text('os'),
    architecture: object.text('architecture'),
    ...(variant === undefined ? {} : { variant }),
    ...(osVersion === undefined ? {} : { 'os.version': osVersion }),
    ...(osFeatures === undefined ? {} : { 'os.features': osFeatures }),
  }
}

/** The platform as it stands in documents. */
export function platformJson(platform: Platform): { readonly [key: string]: Json | undefined } {
  return { ...platform }
}

function variantOf(platform: Platform): string | undefined {
  return platform.variant ?? DEFAULT_VARIANTS[platform.architecture]
}
