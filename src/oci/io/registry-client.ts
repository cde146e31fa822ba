import type { Digest } from '#core'
import type { BlobSource } from '../blob-source.ts'
import type { ContentRequest } from '../content-requests.ts'
import type { Descriptor } from '../descriptor.ts'
import { OciError } from '../errors.ts'
import type { ImageDocument } from '../image-source.ts'
import { parseIndex } from '../index-document.ts'
import { MAX_DOCUMENT_BYTES, parseDocument } from '../json-document.ts'
import { DOCKER_MEDIA_TYPES, MEDIA_TYPES } from '../media-types.ts'
import { parseManifestOrIndex, referrerDescriptor } from '../referrer.ts'
import { CONTENTS_EXTENSION, CONTENTS_PATH, type ContentsOutcome, readContentsOutcome } from '../registry/contents.ts'
import { formatTagMoves, TAG_MOVES_PATH } from '../registry/tag-moves.ts'
import type { RepositoryTagMove } from '../registry/tag-store.ts'
import { type BlobOutcome, checkReferrers, type Repository } from '../repository.ts'
import { BlobUpload } from './blob-upload.ts'
import { RegistryConnection, type RegistryOptions } from './registry-connection.ts'
import { type HttpResponse, isUnreachable } from './registry-http.ts'
import { ReferrersTags, readReferrersTag } from './registry-referrers.ts'

/** More tags of one repository than this, or more pages of any list, are nothing that we read. */
const LIST_LIMITS = { tags: 1_000_000, pages: 2000 }

/** What registries answer at a path that they do not know. */
const NO_SUCH_PATH: ReadonlySet<number> = new Set([400, 404, 405, 501])

const MANIFEST_TYPES = [
  MEDIA_TYPES.index,
  MEDIA_TYPES.manifest,
  DOCKER_MEDIA_TYPES.index,
  DOCKER_MEDIA_TYPES.manifest,
].join(', ')

/**
 * One repository of a registry (distribution-spec 1.1). Requests that may arrive twice are tried again; every method
 * rejects with `REGISTRY_REFUSED`, `REGISTRY_UNREACHABLE` or `REGISTRY_FAILED`.
 */
export class RegistryClient implements Repository {
  readonly name: string
  readonly registry: string
  readonly repository: string
  readonly #connection: RegistryConnection
  readonly #referrersTags = new ReferrersTags(this)

  constructor(
    { registry, repository }: { registry: string; repository: string },
    options: RegistryOptions = {},
    connection: RegistryConnection = new RegistryConnection(registry, options),
  ) {
    this.#connection = connection
    this.registry = registry
    this.repository = repository
    this.name = `${registry}/${repository}`
  }

  async close(): Promise<void> {
    await this.#connection.close()
  }

  /** Another repository of the same registry over the same connections, which end when either is closed. */
  beside(repository: string): RegistryClient {
    return new RegistryClient({ registry: this.registry, repository }, {}, this.#connection)
  }

  /** Gives the digest that a tag or digest names here, or `undefined`. Nothing of the manifest is transferred. */
  async resolve(reference: string, allowed: 'pull' | 'push'): Promise<string | undefined> {
    const headers = { accept: MANIFEST_TYPES }
    const target = this.#path(`manifests/${reference}`)
    const response = await this.#send({ method: 'HEAD', target, headers, scopes: this.#scopes(allowed), retry: true })
    await response.drop()
    if (response.status === 404) return undefined
    if (response.status !== 200) throw await this.#failure(response, `look for ${reference}`)
    return response.header('docker-content-digest') ?? reference
  }

  /** Gives a manifest or index with the media type that the registry says, or `undefined`. Its bytes are unverified. */
  async readManifest(reference: string): Promise<{ mediaType: string; bytes: Uint8Array } | undefined> {
    const headers = { accept: MANIFEST_TYPES }
    const target = this.#path(`manifests/${reference}`)
    const response = await this.#send({ method: 'GET', target, headers, scopes: this.#scopes('pull'), retry: true })
    if (response.status === 404) {
      await response.drop()
      return undefined
    }
    if (response.status !== 200) throw await this.#failure(response, `read manifest ${reference}`)
    const mediaType = response.header('content-type')?.split(';')[0]?.trim() ?? ''
    return { mediaType, bytes: await response.bytes(MAX_DOCUMENT_BYTES) }
  }

  /**
   * Gives what refers to a manifest, by the API or, where the registry has none, by the tag that stands in for it. Rejects
   * with `REFERRERS_TOO_MANY`, and with `DOCUMENT_INVALID` for an answer that is no index.
   */
  async referrers(digest: Digest): Promise<readonly Descriptor[]> {
    const found: Descriptor[] = []
    const list = { path: `referrers/${digest}`, accept: MEDIA_TYPES.index, action: `list what refers to ${digest}` }
    const isKnown = await this.#readPages(list, (bytes) => {
      found.push(...parseIndex(bytes, `the referrers of ${this.name}@${digest}`).manifests)
      checkReferrers(found.length, `${this.name}@${digest}`)
    })
    return isKnown ? found : readReferrersTag(this, digest)
  }

  /** Every tag of the repository, page by page (distribution-spec §listing-tags); none where there is no such repository. */
  async tags(): Promise<readonly string[]> {
    const found: string[] = []
    await this.#readPages({ path: 'tags/list', accept: 'application/json', action: 'list tags' }, (bytes) => {
      found.push(...(parseDocument(bytes, `the tags of ${this.name}`).optionalTexts('tags') ?? []))
      if (found.length > LIST_LIMITS.tags) throw this.#tooLong('list tags', `more than ${LIST_LIMITS.tags} of them`)
    })
    return found
  }

  /** Stores a manifest or index under its digest or a tag; a referrer's subject is told where the registry does not do it. */
  async putManifest({ descriptor, bytes }: ImageDocument, reference: string): Promise<void> {
    const headers = { 'content-type': descriptor.mediaType }
    const target = this.#path(`manifests/${reference}`)
    const scopes = this.#scopes('push')
    const response = await this.#send({ method: 'PUT', target, headers, scopes, body: bytes, retry: true })
    if (response.status !== 201) throw await this.#failure(response, `store manifest ${reference}`)
    await response.drop()
    const stored = response.header('docker-content-digest')
    if (stored !== undefined && stored !== descriptor.digest) {
      const reason = `the registry calls it ${stored} instead of ${descriptor.digest}`
      throw new OciError('REGISTRY_FAILED', `cannot store manifest ${reference} in ${this.repository}: ${reason}`)
    }
    const read = parseManifestOrIndex({ descriptor, bytes })
    if (read.subject !== undefined && response.header('oci-subject') === undefined) {
      await this.#referrersTags.add(read.subject.digest, referrerDescriptor(descriptor, read))
    }
  }

  /**
   * Moves tags of this and other repositories of the same registry together, where it is one of ours; gives whether each named what
   * was expected and all were moved, or `undefined` for a registry that cannot do it, which has moved none. Idempotent only by what
   * is expected, so it is not tried again.
   */
  async moveTags(moves: readonly RepositoryTagMove[]): Promise<boolean | undefined> {
    const repositories = [...new Set(moves.map(({ repository }) => repository))]
    const scopes = repositories.map((repository) => `repository:${repository}:pull,push`)
    const headers = { 'content-type': 'application/json' }
    const body = Buffer.from(formatTagMoves(moves))
    const response = await this.#send({ method: 'POST', target: TAG_MOVES_PATH, headers, scopes, body })
    const { status } = response
    if (status !== 200 && status !== 409 && !NO_SUCH_PATH.has(status)) throw await this.#failure(response, 'move tags')
    await response.drop()
    return status === 200 ? true : status === 409 ? false : undefined
  }

  /** Whether this is one of our registries, which take many small contents in one request. Found out once. */
  takesContents(): Promise<boolean> {
    return this.#connection.offers(CONTENTS_EXTENSION, this.repository)
  }

  /** Brings contents of this and other repositories of a registry that takes them together: all are stored, or none. */
  async putContents(request: ContentRequest): Promise<ContentsOutcome> {
    const { scopes, body } = request
    const headers = { 'content-type': 'application/octet-stream' }
    const response = await this.#send({ method: 'POST', target: CONTENTS_PATH, headers, scopes, body, retry: true })
    if (response.status !== 201 && response.status !== 409) throw await this.#failure(response, 'store contents')
    return readContentsOutcome(await response.bytes(MAX_DOCUMENT_BYTES))
  }

  async hasBlob({ digest }: Descriptor): Promise<boolean> {
    const target = this.#path(`blobs/${digest}`)
    const response = await this.#send({ method: 'HEAD', target, scopes: this.#scopes('push'), retry: true })
    await response.drop()
    if (response.status !== 200 && response.status !== 404)
      throw await this.#failure(response, `look for blob ${digest}`)
    return response.status === 200
  }

  /**
   * Sees to it that the registry has a blob: it is looked for, then mounted from one of the repositories `mountFrom`,
   * then uploaded. An upload that breaks off goes on where the registry's own count says.
   */
  async ensureBlob(blob: Descriptor, blobs: BlobSource, mountFrom: readonly string[] = []): Promise<BlobOutcome> {
    if (await this.hasBlob(blob)) return 'present'
    const upload = new BlobUpload(this.#connection, this.repository, blob)
    for (const from of mountFrom) if (from !== this.repository && (await upload.mount(from))) return 'mounted'
    await upload.run(blobs)
    return 'uploaded'
  }

  /** Opens blobs as they come over the network; a transfer that breaks off goes on where it stopped. */
  blobs(): BlobSource {
    return { open: (digest, start = 0) => this.#readBlob(digest, start) }
  }

  async *#readBlob(digest: Digest, start: number): AsyncGenerator<Uint8Array> {
    let position = start
    const { http } = this.#connection
    for (let failures = 0; ; failures++) {
      const before = position
      try {
        for await (const chunk of (await this.#getBlob(digest, position)).body) {
          position += chunk.length
          yield chunk
        }
        return
      } catch (error) {
        if (position > before) failures = 0
        if (!isUnreachable(error) || failures + 1 >= http.policy.tries) throw error
        await http.pause(http.policy.backOff * 2 ** failures)
      }
    }
  }

  async #getBlob(digest: Digest, start: number): Promise<HttpResponse> {
    const headers: Record<string, string> = start === 0 ? {} : { range: `bytes=${start}-` }
    const target = this.#path(`blobs/${digest}`)
    const response = await this.#send({ method: 'GET', target, headers, scopes: this.#scopes('pull'), retry: true })
    if (response.status === (start === 0 ? 200 : 206)) return response
    if (response.status === 404) {
      await response.drop()
      throw new OciError('BLOB_UNKNOWN', `cannot open blob ${digest}: ${this.repository} does not have it`)
    }
    throw await this.#failure(response, `read blob ${digest} from byte ${start}`)
  }

  /**
   * Reads a list page by page, as far as its links lead (RFC 8288); gives `false` where the registry has no such list. A list that
   * ends before its end is an error, never a shorter one.
   */
  async #readPages({ path, accept, action }: PagedList, onPage: (bytes: Uint8Array) => void): Promise<boolean> {
    let target: string | undefined = this.#path(path)
    for (let page = 1; target !== undefined; page++) {
      if (page > LIST_LIMITS.pages) throw this.#tooLong(action, `more than ${LIST_LIMITS.pages} pages`)
      const headers = { accept }
      const response = await this.#send({ method: 'GET', target, headers, scopes: this.#scopes('pull'), retry: true })
      if (response.status === 404 && page === 1) {
        await response.drop()
        return false
      }
      if (response.status !== 200) throw await this.#failure(response, action)
      const next = nextPage(response.header('link'))
      onPage(await response.bytes(MAX_DOCUMENT_BYTES))
      target = next
    }
    return true
  }

  #tooLong(action: string, what: string): OciError {
    return new OciError('REGISTRY_FAILED', `cannot ${action} in ${this.name}: the registry has ${what}`)
  }

  #send(message: Parameters<RegistryConnection['send']>[0]): Promise<HttpResponse> {
    return this.#connection.send(message, this.repository)
  }

  #failure(response: HttpResponse, action: string): Promise<OciError> {
    return this.#connection.failure(response, `${action} in ${this.repository}`)
  }

  #path(rest: string): string {
    return `/v2/${this.repository}/${rest}`
  }

  #scopes(allowed: 'pull' | 'push'): string[] {
    return [`repository:${this.repository}:${allowed === 'push' ? 'pull,push' : 'pull'}`]
  }
}

/** What is read page by page: its path in the repository, and what an error says was tried. */
interface PagedList {
  readonly path: string
  readonly accept: string
  readonly action: string
}

/** The next page's path of a `Link` header (RFC 8288), if there is one. */
function nextPage(link: string | undefined): string | undefined {
  return link === undefined ? undefined : /^<([^>]+)>\s*;.*\brel="?next"?/.exec(link)?.[1]
}
