import type { BlobSource } from '../blob-source.ts'
import type { Descriptor } from '../descriptor.ts'
import { OciError } from '../errors.ts'
import type { RegistryConnection } from './registry-connection.ts'
import { type HttpResponse, isPassing, isUnreachable, retryAfter } from './registry-http.ts'
import { VerifiedBlob } from './verified-blob.ts'

/** Where an upload stands: the address for what comes next, and how many bytes the registry has. */
interface Session {
  readonly location: URL
  readonly offset: number
  readonly chunk: number
}

/** Brings one blob into one repository (distribution-spec §push). */
export class BlobUpload {
  readonly #connection: RegistryConnection
  readonly #repository: string
  readonly #blob: Descriptor
  /** The upload that a mount has begun where it was not done. */
  #session: Session | undefined

  constructor(connection: RegistryConnection, repository: string, blob: Descriptor) {
    this.#connection = connection
    this.#repository = repository
    this.#blob = blob
  }

  /** Lets the registry take the blob from another of its repositories; tells whether it did. */
  async mount(from: string): Promise<boolean> {
    const query = new URLSearchParams({ mount: this.#blob.digest, from })
    const scopes = [...this.#scopes(), `repository:${from}:pull`]
    const target = `${this.#uploads()}?${query}`
    try {
      const response = await this.#connection.send({ method: 'POST', target, scopes, retry: true }, this.#repository)
      await response.drop()
      // 202 is an upload that has begun instead; it is as good as any.
      if (response.status === 202) this.#session = this.#begun(response)
      return response.status === 201
    } catch (error) {
      // Being refused over there says nothing about an upload here.
      if (error instanceof OciError && error.code === 'REGISTRY_REFUSED') return false
      throw error
    }
  }

  /**
   * Uploads the blob; after a fault it goes on, as long as the registry gets further than it ever was. Rejects with
   * `BLOB_MISMATCH` before the last byte is sent of bytes that are not the blob's.
   */
  async run(blobs: BlobSource): Promise<void> {
    const { http } = this.#connection
    const verified = new VerifiedBlob(this.#blob, blobs)
    let session: Session | 'done' = this.#session ?? (await this.#begin())
    for (let failures = 0, furthest = 0; session !== 'done'; ) {
      if (session.offset > furthest) {
        furthest = session.offset
        failures = 0
      }
      const current: Session = session
      const next: Session | 'done' | 'broken' = await this.#advance(current, verified).catch((error: unknown) => {
        if (!isUnreachable(error) || ++failures >= http.policy.tries) throw error
        return 'broken' as const
      })
      if (next === 'broken') {
        await http.pause(http.policy.backOff * 2 ** (failures - 1))
        session = await this.#find(current)
      } else {
        session = next
      }
    }
  }

  /** Sends the next chunk, and the digest with the last one. */
  async #advance(session: Session, blob: VerifiedBlob): Promise<Session | 'done'> {
    const { digest, size } = this.#blob
    const { offset, location } = session
    const length = Math.min(session.chunk, size - offset)
    const last = offset + length === size
    const headers = {
      'content-type': 'application/octet-stream',
      'content-length': String(length),
      ...((last && offset === 0) || length === 0 ? {} : { 'content-range': `${offset}-${offset + length - 1}` }),
    }
    const target = new URL(location)
    if (last) target.searchParams.set('digest', digest)
    const body = () => firstBytes(blob.open(offset), length)
    const method = last ? 'PUT' : 'PATCH'
    const response = await this.#connection.send(
      { method, target, headers, scopes: this.#scopes(), body },
      this.#repository,
    )
    if (response.status !== (last ? 201 : 202)) throw await this.#failed(response, `upload blob ${digest}`)
    await response.drop()
    if (last) return 'done'
    const received = Math.min(receivedBytes(response) ?? offset + length, offset + length)
    if (received > offset) return { ...session, location: this.#locationIn(response), offset: received }
    const reason = `the registry took ${length} bytes and kept none of them`
    throw new OciError('REGISTRY_FAILED', `cannot upload blob ${digest} to ${this.#repository}: ${reason}`)
  }

  /** Asks where a broken upload stands; begins anew where the registry has forgotten it. */
  async #find(session: Session): Promise<Session | 'done'> {
    const scopes = this.#scopes()
    const head = {
      method: 'HEAD',
      target: `/v2/${this.#repository}/blobs/${this.#blob.digest}`,
      scopes,
      retry: true,
    } as const
    const present = await this.#connection.send(head, this.#repository)
    await present.drop()
    if (present.status === 200) return 'done'
    const ask = { method: 'GET', target: session.location, scopes, retry: true } as const
    const response = await this.#connection.send(ask, this.#repository)
    await response.drop()
    const received = receivedBytes(response)
    if (response.status !== 204 || received === undefined || received > this.#blob.size) return this.#begin()
    return { ...session, location: this.#locationIn(response), offset: received }
  }

  async #begin(): Promise<Session> {
    const headers = { 'content-length': '0' }
    const message = { method: 'POST', target: this.#uploads(), headers, scopes: this.#scopes(), retry: true } as const
    const response = await this.#connection.send(message, this.#repository)
    if (response.status !== 202) throw await this.#failed(response, `begin the upload of blob ${this.#blob.digest}`)
    await response.drop()
    return this.#begun(response)
  }

  #begun(response: HttpResponse): Session {
    const least = Number(response.header('oci-chunk-min-length') ?? 0) || 0
    return {
      location: this.#locationIn(response),
      offset: 0,
      chunk: Math.max(this.#connection.http.policy.chunk, least),
    }
  }

  #locationIn(response: HttpResponse): URL {
    const location = response.header('location')
    if (location !== undefined && URL.canParse(location, response.url.href)) return new URL(location, response.url)
    const reason = 'the reply to an upload has no location'
    throw new OciError('REGISTRY_FAILED', `cannot upload blob ${this.#blob.digest} to ${this.#repository}: ${reason}`)
  }

  /** A fault that may pass, or a range that is out of step, is answered by asking where the upload stands. */
  async #failed(response: HttpResponse, action: string): Promise<OciError> {
    const error = await this.#connection.failure(response, `${action} to ${this.#repository}`)
    if (isPassing(response.status)) await this.#connection.http.pause(retryAfter(response))
    const outOfStep = response.status === 416 || response.status === 404
    return outOfStep && !isPassing(response.status) ? new OciError('REGISTRY_UNREACHABLE', error.message) : error
  }

  #uploads(): string {
    return `/v2/${this.#repository}/blobs/uploads/`
  }

  #scopes(): string[] {
    return [`repository:${this.#repository}:pull,push`]
  }
}

/**
 * How many bytes of an upload the registry says it has. "0-0" is what registries say for none as well as for one, so
 * then, as without the header, nothing can be built on it.
 */
function receivedBytes(response: HttpResponse): number | undefined {
  const end = Number(/^(?:bytes=)?0-(\d+)$/.exec(response.header('range') ?? '')?.[1] ?? 0)
  return end === 0 ? undefined : end + 1
}

async function* firstBytes(bytes: AsyncIterable<Uint8Array>, length: number): AsyncGenerator<Uint8Array> {
  let left = length
  for await (const chunk of bytes) {
    if (chunk.length >= left) {
      yield chunk.subarray(0, left)
      return
    }
    left -= chunk.length
    yield chunk
  }
}
