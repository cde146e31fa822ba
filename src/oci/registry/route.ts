import { isRepository } from '../reference.ts'
import { type ContentDigest, readContentDigest } from './content-digest.ts'
import { Refusal } from './refusal.ts'

/** What a path of the API leads to (distribution-spec §endpoints, and what this registry has besides). */
export type Route =
  | { readonly kind: 'base' }
  | { readonly kind: 'catalog' }
  | { readonly kind: 'token' }
  | { readonly kind: 'metrics' }
  | { readonly kind: 'tag-moves' }
  | { readonly kind: 'contents' }
  | { readonly kind: 'health' }
  | { readonly kind: 'blob'; readonly repository: string; readonly digest: ContentDigest }
  | { readonly kind: 'uploads'; readonly repository: string }
  | { readonly kind: 'upload'; readonly repository: string; readonly id: string }
  | { readonly kind: 'manifest'; readonly repository: string; readonly reference: string }
  | { readonly kind: 'tags'; readonly repository: string }
  | { readonly kind: 'referrers'; readonly repository: string; readonly digest: ContentDigest }

const FIXED: Readonly<Record<string, Route>> = {
  '/v2': { kind: 'base' },
  '/v2/': { kind: 'base' },
  '/v2/_catalog': { kind: 'catalog' },
  '/v2/_casemate/tag-moves': { kind: 'tag-moves' },
  '/v2/_casemate/contents': { kind: 'contents' },
  '/token': { kind: 'token' },
  '/metrics': { kind: 'metrics' },
  '/healthz': { kind: 'health' },
}

const MAX_PATH = 2048

/**
 * Reads the path of a request as it came over the wire: nothing is normalised, a percent-encoded separator is none, and
 * what is no repository name stays none. Gives `undefined` for a path that leads nowhere. Throws a `Refusal` for a name
 * or digest that cannot be one.
 */
export function readRoute(path: string): Route | undefined {
  const fixed = Object.hasOwn(FIXED, path) ? FIXED[path] : undefined
  if (fixed !== undefined || !path.startsWith('/v2/') || path.length > MAX_PATH) return fixed
  const segments = path.slice('/v2/'.length).split('/')
  if (path.includes('%')) segments.forEach(decodeAt)
  const last = segments.pop() ?? ''
  const kind = segments.pop()
  if (kind === 'manifests') return { kind: 'manifest', repository: nameOf(segments), reference: last }
  if (kind === 'uploads' && segments.at(-1) === 'blobs') {
    const repository = nameOf(segments.slice(0, -1))
    return last === '' ? { kind: 'uploads', repository } : { kind: 'upload', repository, id: last }
  }
  if (kind === 'blobs' && last === 'uploads') return { kind: 'uploads', repository: nameOf(segments) }
  if (kind === 'blobs') return { kind: 'blob', repository: nameOf(segments), digest: digestOf(last) }
  if (kind === 'tags' && last === 'list') return { kind: 'tags', repository: nameOf(segments) }
  if (kind === 'referrers') return { kind: 'referrers', repository: nameOf(segments), digest: digestOf(last) }
  return undefined
}

function decodeAt(segment: string, index: number, segments: string[]): void {
  let decoded: string
  try {
    decoded = decodeURIComponent(segment)
  } catch (cause) {
    throw new Refusal('NAME_INVALID', 'cannot read the path: its percent-encoding is broken', { cause })
  }
  if (decoded.includes('/')) throw new Refusal('NAME_INVALID', 'cannot read the path: a separator is percent-encoded')
  segments[index] = decoded
}

function nameOf(segments: readonly string[]): string {
  const name = segments.join('/')
  if (isRepository(name)) return name
  const reason = 'want lower case, digits and single separators, 255 characters at most'
  throw new Refusal('NAME_INVALID', `cannot read the repository's name: ${reason}`)
}

function digestOf(text: string): ContentDigest {
  const digest = readContentDigest(text)
  if (digest !== undefined) return digest
  throw new Refusal(
    'DIGEST_INVALID',
    'cannot read the digest: want sha256 or sha512 with all their lower-case hex digits',
  )
}
