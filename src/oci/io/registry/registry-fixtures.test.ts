import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import http from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Digest, digestOf } from '#core'
import { MEDIA_TYPES } from '#oci'
import { AccessAuthority, RegistryServer, type RegistryServerOptions } from '#oci/registry'
import { parseAccess } from '../../registry/access.ts'
import { parseHtpasswd } from '../../registry/htpasswd.ts'
import type { Cleanup } from '../fixtures.test.ts'

/** A registry of ours on a free port; what it cannot do is an error of the test unless `onError` is given. */
export async function ownRegistry(
  t: Cleanup,
  options: Partial<RegistryServerOptions> = {},
  folder = registryFolder(t),
) {
  const faults: unknown[] = []
  const server = await RegistryServer.start(folder, {
    host: '127.0.0.1',
    port: 0,
    onError: (error) => faults.push(error),
    ...options,
  })
  let open = true
  const close = async () => {
    if (!open) return
    open = false
    await server.close(100)
    assert.deepEqual(faults, [], 'the registry had faults of its own')
  }
  closeWith(folder, close)
  return { server, folder, close, address: server.address, ask: asker(server.address) }
}

/** What is open in a folder ends before the folder goes. */
const closings = new Map<string, (() => Promise<void>)[]>()

/** Closes something that is open in a folder of `registryFolder` before that is removed. */
export function closeWith(folder: string, close: () => Promise<void>): void {
  closings.set(folder, [...(closings.get(folder) ?? []), close])
}

/** A short path: a socket lies in it. */
export function registryFolder(t: Cleanup): string {
  const folder = mkdtempSync(join(tmpdir(), 'casemate-reg-'))
  t.after(async () => {
    for (const close of closings.get(folder) ?? []) await close()
    rmSync(folder, { recursive: true, force: true })
  })
  return folder
}

/** An answer with its body. */
export interface Answer {
  readonly status: number
  readonly headers: http.IncomingHttpHeaders
  readonly body: Buffer
  /** The code of the first error, as distribution-spec has them. */
  readonly code: string | undefined
}

export type Ask = (line: string, options?: AskOptions) => Promise<Answer>

export interface AskOptions {
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: Uint8Array | string
  readonly user?: string
}

/** Sends `METHOD /path` exactly as it is written; `user` is `NAME:PASSWORD`. */
export function asker(address: string): Ask {
  const [host, port] = address.split(':')
  return (line, { headers = {}, body, user } = {}) =>
    new Promise((resolve, reject) => {
      const [method, path] = line.split(' ')
      const authorization = user === undefined ? {} : { authorization: `Basic ${btoa(user)}` }
      const request = http.request({
        host,
        port,
        method,
        path,
        agent: false,
        headers: { ...headers, ...authorization },
      })
      request.on('error', reject)
      request.on('response', (response) => {
        const { statusCode: status = 0, headers } = response
        const answer = (bytes: Buffer) => resolve({ status, headers, body: bytes, code: codeIn(bytes) })
        response.toArray().then((chunks) => answer(Buffer.concat(chunks)), reject)
      })
      request.end(body)
    })
}

function codeIn(bytes: Buffer): string | undefined {
  try {
    return JSON.parse(bytes.toString('utf8')).errors?.[0]?.code
  } catch {
    return undefined
  }
}

/** Uploads a blob in one request, and gives its digest. */
export async function putBlob(
  ask: Ask,
  repository: string,
  bytes: Uint8Array | string,
  user?: string,
): Promise<Digest> {
  const digest = digestOf(bytes)
  const options = { body: bytes, ...(user === undefined ? {} : { user }) }
  const { status } = await ask(`POST /v2/${repository}/blobs/uploads/?digest=${digest}`, options)
  assert.equal(status, 201)
  return digest
}

/** A manifest over blobs that have these bytes; what is in `more` stands in it besides. */
export function manifestOf(layers: readonly (Uint8Array | string)[], more: object = {}): Buffer {
  const descriptor = (mediaType: string, bytes: Uint8Array | string) => {
    return { mediaType, digest: digestOf(bytes), size: Buffer.byteLength(bytes) }
  }
  return Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: MEDIA_TYPES.manifest,
      config: descriptor(MEDIA_TYPES.config, '{}'),
      layers: layers.map((layer) => descriptor(MEDIA_TYPES.layer, layer)),
      ...more,
    }),
  )
}

/** Pushes an image of these layers under a tag or, for none, its digest; gives the digest. */
export async function putImage(
  ask: Ask,
  target: { repository: string; tag?: string; user?: string; more?: object },
  layers: readonly (Uint8Array | string)[],
): Promise<Digest> {
  const { repository, user } = target
  for (const blob of ['{}', ...layers]) await putBlob(ask, repository, blob, user)
  const body = manifestOf(layers, target.more)
  const digest = digestOf(body)
  const answer = await ask(`PUT /v2/${repository}/manifests/${target.tag ?? digest}`, {
    body,
    headers: { 'content-type': MEDIA_TYPES.manifest },
    ...(user === undefined ? {} : { user }),
  })
  assert.equal(answer.status, 201, answer.body.toString())
  return digest
}

/** Users whose password is `secret`: bcrypt of cost 4, as `htpasswd -nbB -C 4` writes it. */
const SECRET = '$2y$04$PpGTsv7NI4UFRcsrwsXo3.214832NMJzEIQ64U6mHDS8vGQbmhKzW'

/** Rights by an access file's text, for users whose password is `secret`. */
export function authorityOf(
  access: string,
  users: readonly string[],
  { scheme = 'basic', isSecure = false }: { scheme?: 'token' | 'basic'; isSecure?: boolean } = {},
): AccessAuthority {
  const htpasswd = users.map((user) => `${user}:${SECRET}`).join('\n')
  return new AccessAuthority(
    { rules: parseAccess(access, 'access.yaml'), users: parseHtpasswd(htpasswd, 'htpasswd') },
    { scheme, isSecure },
  )
}
