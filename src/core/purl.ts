import { lateModule } from './late-module.ts'

/** A package URL taken apart (purl-spec). */
export interface PurlParts {
  readonly type: string
  readonly namespace?: string | null | undefined
  readonly name: string
  readonly version?: string | null | undefined
  readonly qualifiers?: Readonly<Record<string, string>> | null | undefined
  readonly subpath?: string | null | undefined
}

const library = lateModule<typeof import('packageurl-js')>('packageurl-js')

/** Writes a package URL (purl-spec). Throws for parts that cannot be one. */
export function formatPurl({ type, namespace, name, version, qualifiers, subpath }: PurlParts): string {
  const { PackageURL } = library()
  const purl = new PackageURL(type, namespace, name, version, qualifiers && { ...qualifiers }, subpath)
  // The library leaves a plus sign in versions as it is; scanners write it as purl-spec says, and compare texts.
  return purl.toString().replaceAll('+', '%2B')
}

/** Takes a package URL apart; `undefined` for what is none. */
export function parsePurlParts(text: string): PurlParts | undefined {
  try {
    return library().PackageURL.fromString(text)
  } catch {
    // The caller names the text: the library's reason is about its own parts.
    return undefined
  }
}
