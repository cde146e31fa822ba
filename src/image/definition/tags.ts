import { nearest, quote } from '#core'
import { parseVersion } from '#debian'
import { ImageError } from '../errors.ts'

/** What a placeholder takes from a version. */
type TagField = 'upstream' | 'minor' | 'major' | 'full'

/** A piece of a template: text as it stands, or a field of a package's version. */
type Piece = { readonly text: string } | { readonly field: TagField; readonly package: string | undefined }

const FIELDS: readonly TagField[] = ['upstream', 'minor', 'major', 'full']

/** What a selected package gives to tags. */
export interface VersionedPackage {
  readonly name: string
  readonly version: string
  readonly source: { readonly name: string; readonly version: string }
}

/** Tells what is wrong with a tag template; `undefined` when nothing is. */
export function templateFault(template: string): string | undefined {
  const pieces = parseTemplate(template)
  if (typeof pieces === 'string') return pieces
  const sample = pieces.map((piece) => ('text' in piece ? piece.text : '1')).join('')
  return tagFault(sample)
}

/**
 * Expands a definition's tags for one variant, in their order, each once; the first is the image's version. Packages are
 * looked up by binary name, then by source name. A placeholder without package means the package named last before it,
 * else the one named like the image. Variants other than `runtime` end in `-NAME`.
 * Throws `TAG_INVALID` when a package is not in the image or a version has no such part.
 */
export function expandTags(
  templates: readonly string[],
  image: { readonly name: string; readonly variant: string },
  packages: readonly VersionedPackage[],
): readonly string[] {
  const versions = versionsByName(packages)
  const suffix = image.variant === 'runtime' ? '' : `-${image.variant}`
  let last = image.name
  const tags = templates.map((template) => {
    const pieces = parseTemplate(template)
    if (typeof pieces === 'string') throw invalid(template, pieces)
    const texts = pieces.map((piece) => {
      if ('text' in piece) return piece.text
      last = piece.package ?? last
      const version = versions.get(last)
      if (version === undefined) throw invalid(template, `there is no package ${last} in image ${image.name}`)
      const text = versionPart(version, piece.field)
      if (text === undefined) throw invalid(template, `version ${version} of ${last} has no ${piece.field} part`)
      return text
    })
    const tag = `${texts.join('')}${suffix}`
    const fault = tagFault(tag)
    if (fault !== undefined) throw invalid(template, fault)
    return tag
  })
  return [...new Set(tags)]
}

function versionsByName(packages: readonly VersionedPackage[]): ReadonlyMap<string, string> {
  return new Map([
    ...packages.map(({ source }) => [source.name, source.version] as const),
    ...packages.map(({ name, version }) => [name, version] as const),
  ])
}

/**
 * A part of a Debian version, safe in a tag; `undefined` where the version has none. `upstream` is the version without
 * epoch, revision and what Debian adds to it (+dfsg, ~ds, +deb13u1, +really…); a pre-release keeps its mark (3.14.0~rc1
 * → 3.14.0-rc1), so that it never takes the tag of the release. `minor` and `major` are its first two numbers and its
 * first. `full` is the whole version. What a tag cannot hold becomes `_` for `+` and `:`, `-` for `~`.
 */
export function versionPart(version: string, field: TagField): string | undefined {
  const safe = (text: string) => text.replaceAll(/[+:]/g, '_').replaceAll('~', '-')
  if (field === 'full') return safe(version)
  const { upstream } = parseVersion(version)
  const real = /\+really(.+)$/.exec(upstream)?.[1] ?? upstream
  const bare = real.replace(/(?:[+~.](?:dfsg|ds|repack|debian|deb\d+u\d+)[.\d]*)+$/, '')
  if (field === 'upstream') return safe(bare)
  return (field === 'minor' ? /^\d+\.\d+/ : /^\d+/).exec(bare)?.[0]
}

function parseTemplate(template: string): readonly Piece[] | string {
  const pieces: Piece[] = []
  for (const [part] of template.matchAll(/\{[^{}]*\}|[^{}]+|[{}]/g)) {
    if (part === '{' || part === '}') return `found ${quote(template)}, want each { closed by a }`
    if (!part.startsWith('{')) {
      pieces.push({ text: part })
      continue
    }
    const placeholder = parsePlaceholder(part)
    if (typeof placeholder === 'string') return placeholder
    pieces.push(placeholder)
  }
  return pieces
}

function parsePlaceholder(written: string): Piece | string {
  const inner = written.slice(1, -1)
  const colon = inner.lastIndexOf(':')
  const name = colon < 0 ? undefined : inner.slice(0, colon)
  const field = inner.slice(colon + 1)
  if (field === 'date') return `found ${written}: a date is not reproducible; want ${FIELDS.join(', ')}`
  const known = FIELDS.find((one) => one === field)
  if (known === undefined) {
    const near = nearest(field, FIELDS)
    const hint = near === undefined ? `want ${FIELDS.join(', ')}` : `did you mean \`${near}\`?`
    return `unknown field \`${field}\` in ${quote(written)}: ${hint}`
  }
  if (name !== undefined && !/^[a-z0-9][a-z0-9+.-]+$/.test(name)) return `found ${quote(written)}, want {package:field}`
  return { field: known, package: name }
}

/** distribution-spec, "Pulling manifests": what a tag may be. */
function tagFault(tag: string): string | undefined {
  if (/^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/.test(tag)) return undefined
  return `${quote(tag)} is no tag: want a letter, digit or _, then at most 127 letters, digits, . _ -`
}

function invalid(template: string, reason: string): ImageError {
  return new ImageError('TAG_INVALID', `cannot expand tag ${quote(template)}: ${reason}`)
}
