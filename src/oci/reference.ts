import { type Digest, parseDigest } from '#core'
import { OciError } from './errors.ts'

/** An image in a registry. At least one of `tag` and `digest` is there; `registry` is `HOST[:PORT]`. */
export interface RegistryReference {
  readonly transport: 'docker'
  readonly registry: string
  readonly repository: string
  readonly tag?: string
  readonly digest?: Digest
}

/** An image in a layout's folder. */
export interface LayoutReference {
  readonly transport: 'oci'
  readonly directory: string
  readonly tag?: string
}

/** An image in a tar archive of a layout. */
export interface OciArchiveReference {
  readonly transport: 'oci-archive'
  readonly file: string
  readonly tag?: string
}

/** An image in an archive as `docker save` writes it; `name` is `REPOSITORY:TAG`. */
export interface DockerArchiveReference {
  readonly transport: 'docker-archive'
  readonly file: string
  readonly name?: string
}

/** Where an image is, as containers-transports(5) writes it. */
export type Reference = RegistryReference | LayoutReference | OciArchiveReference | DockerArchiveReference

const COMPONENT = '[a-z0-9]+(?:(?:[.]|__?|-+)[a-z0-9]+)*'
const REPOSITORY = new RegExp(`^${COMPONENT}(?:/${COMPONENT})*$`)
const TAG = /^\w[\w.-]{0,127}$/
const LABEL = '[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?'
const REGISTRY = new RegExp(`^(?:${LABEL}(?:[.]${LABEL})*|\\[[0-9a-fA-F:]+\\])(?::[0-9]{1,5})?$`)
const REF_NAME = /^[A-Za-z0-9]+(?:(?:[-._:@+/]|--)[A-Za-z0-9]+)*$/
const DOCKER_HUB = 'docker.io'

/**
 * Reads an image reference: `docker://HOST[:PORT]/REPOSITORY[:TAG][@DIGEST]`, `oci:DIR[:TAG]`, `oci-archive:FILE[:TAG]`
 * or `docker-archive:FILE[:REPOSITORY[:TAG]]`. `docker://` may be left out where the first part looks like a registry
 * (a dot, a port or `localhost`); with it, Docker Hub's short names work too. A missing tag is `latest` in a registry.
 * Paths end at their first colon. Throws `REFERENCE_INVALID`.
 */
export function parseReference(text: string): Reference {
  if (text.startsWith('docker://')) return parseRegistryReference(text, text.slice('docker://'.length))
  const colon = text.indexOf(':')
  const transport = text.slice(0, Math.max(colon, 0))
  const rest = text.slice(colon + 1)
  if (transport === 'oci' || transport === 'oci-archive') {
    const [path, tag] = splitPath(text, rest)
    if (tag !== undefined && !REF_NAME.test(tag)) throw invalid(text, `"${tag}" is no name for an image in a layout`)
    const named = tag === undefined ? {} : { tag }
    return transport === 'oci' ? { transport, directory: path, ...named } : { transport, file: path, ...named }
  }
  if (transport === 'docker-archive') {
    const [file, name] = splitPath(text, rest)
    return name === undefined ? { transport, file } : { transport, file, name: archiveName(text, name) }
  }
  if (namesRegistry(text)) return parseRegistryReference(text, text)
  throw invalid(
    text,
    'it names no registry; want docker://NAME, HOST/NAME, oci:DIR, oci-archive:FILE or docker-archive:FILE',
  )
}

/** Writes a reference so that `parseReference` gives it back. */
export function formatReference(reference: Reference): string {
  switch (reference.transport) {
    case 'docker': {
      const { registry, repository, tag, digest } = reference
      return `docker://${registry}/${repository}${suffix(':', tag)}${suffix('@', digest)}`
    }
    case 'oci':
      return `oci:${reference.directory}${suffix(':', reference.tag)}`
    case 'oci-archive':
      return `oci-archive:${reference.file}${suffix(':', reference.tag)}`
    case 'docker-archive':
      return `docker-archive:${reference.file}${suffix(':', reference.name)}`
  }
}

/** Tells whether a text names a registry as references do: `HOST[:PORT]`. */
export function isRegistry(text: string): boolean {
  return REGISTRY.test(text)
}

/** Tells whether a text can be a tag in a registry (distribution-spec §pull). */
export function isTag(text: string): boolean {
  return TAG.test(text)
}

/** Tells whether a text can be the name of a repository (distribution-spec §pull), 255 characters at most. */
export function isRepository(text: string): boolean {
  return text.length <= 255 && REPOSITORY.test(text)
}

function parseRegistryReference(text: string, name: string): RegistryReference {
  const [rest = '', digestText, ...more] = name.split('@')
  if (more.length > 0) throw invalid(text, 'it has two digests')
  const slash = rest.indexOf('/')
  const named = namesRegistry(rest)
  const registry = named ? rest.slice(0, slash) : DOCKER_HUB
  const path = named ? rest.slice(slash + 1) : rest
  const colon = path.indexOf(':')
  const short = colon < 0 ? path : path.slice(0, colon)
  const repository = registry === DOCKER_HUB && !short.includes('/') ? `library/${short}` : short
  const tag = colon < 0 ? undefined : path.slice(colon + 1)
  if (!REGISTRY.test(registry)) throw invalid(text, `"${registry}" is no registry`)
  if (!REPOSITORY.test(repository) || `${registry}/${repository}`.length > 255) {
    throw invalid(text, `"${repository}" is no repository name (lower case, digits, single separators)`)
  }
  if (tag !== undefined && !TAG.test(tag)) throw invalid(text, `"${tag}" is no tag`)
  const digest = digestText === undefined ? undefined : digestIn(text, digestText)
  return {
    transport: 'docker',
    registry,
    repository,
    ...(digest === undefined ? { tag: tag ?? 'latest' } : { digest, ...(tag === undefined ? {} : { tag }) }),
  }
}

/** Whether the part before the first slash is a host and not the beginning of a repository's name. */
function namesRegistry(text: string): boolean {
  const slash = text.indexOf('/')
  return (
    slash > 0 && (/[.:]/.test(text.slice(0, slash)) || text.slice(0, slash) === 'localhost') && !text.startsWith('.')
  )
}

function splitPath(text: string, rest: string): [path: string, name?: string] {
  const colon = rest.indexOf(':')
  const path = colon < 0 ? rest : rest.slice(0, colon)
  if (path === '' || path.includes('\0')) throw invalid(text, 'it has no path')
  return colon < 0 ? [path] : [path, rest.slice(colon + 1)]
}

/** A name with its tag, `latest` where there is none, as archives of `docker save` carry it. */
function archiveName(text: string, name: string): string {
  const slash = name.indexOf('/')
  const host = namesRegistry(name) ? name.slice(0, slash) : undefined
  const path = host === undefined ? name : name.slice(slash + 1)
  const colon = path.indexOf(':')
  const repository = colon < 0 ? path : path.slice(0, colon)
  const tag = colon < 0 ? 'latest' : path.slice(colon + 1)
  if (!REPOSITORY.test(repository) || !TAG.test(tag) || (host !== undefined && !REGISTRY.test(host))) {
    throw invalid(text, `"${name}" is no REPOSITORY[:TAG]`)
  }
  return `${host === undefined ? '' : `${host}/`}${repository}:${tag}`
}

function digestIn(text: string, digest: string): Digest {
  try {
    return parseDigest(digest)
  } catch (cause) {
    throw new OciError(
      'REFERENCE_INVALID',
      `cannot parse image reference "${text}": "${digest}" is no SHA-256 digest`,
      {
        cause,
      },
    )
  }
}

function suffix(separator: string, value: string | undefined): string {
  return value === undefined ? '' : `${separator}${value}`
}

function invalid(text: string, reason: string): OciError {
  return new OciError('REFERENCE_INVALID', `cannot parse image reference "${text}": ${reason}`)
}
