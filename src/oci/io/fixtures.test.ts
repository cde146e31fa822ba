import { execFile } from 'node:child_process'
import { createCipheriv } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { gzipSync } from 'node:zlib'
import { digestOf, hexOf } from '#core'
import {
  composeImage,
  composeIndex,
  type ImageSource,
  MEDIA_TYPES,
  platformOfDebian,
  type SegmentedBlob,
  segmentBlobs,
} from '#oci'
import { httpServer, tarOf } from '#testkit'

export { dockerRegistry, httpServer, proxyBefore } from '#testkit'

/** What ends with a test, or with a proof. */
export interface Cleanup {
  after(end: () => unknown): void
}

/** Runs a program and gives its standard output; rejects with its standard error when it fails. */
export async function run(program: string, ...args: string[]): Promise<string> {
  return (await promisify(execFile)(program, args, { maxBuffer: 1 << 26 })).stdout
}

/** A folder of its own for a test. */
export function testFolder(t: Cleanup): string {
  const folder = mkdtempSync(join(tmpdir(), 'casemate-oci-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** An image with two layers a platform, which lie in segments; `bulk` more bytes that do not compress. */
export function sampleImage(folder: string, { architectures = ['amd64'], bulk = 0 } = {}): ImageSource {
  const blobs: SegmentedBlob[] = []
  const layer = (name: string, tar: Uint8Array) => {
    // Two gzip members, one file each: their concatenation is the layer.
    const members = [tar.subarray(0, 512), tar.subarray(512)].map((part) => gzipSync(part))
    const bytes = Buffer.concat(members)
    const segments = members.map((_, index) => ({ path: join(folder, `${name}.${index}`) }))
    members.forEach((member, index) => {
      writeFileSync(segments[index]!.path, member)
    })
    const descriptor = { mediaType: MEDIA_TYPES.layerGzip, digest: digestOf(bytes), size: bytes.length }
    blobs.push({ descriptor, segments })
    return { descriptor, diffId: digestOf(tar) }
  }
  const shared = layer(
    'shared',
    tarOf({ path: 'etc/', type: 'directory' }, { path: 'etc/shared', content: 'shared\n' }),
  )
  const images = architectures.map((architecture) => {
    const own = tarOf({ path: `etc/${architecture}`, content: noise(bulk, architecture) })
    return composeImage({
      config: {
        platform: platformOfDebian(architecture),
        created: '2026-01-02T03:04:05Z',
        config: { User: '65532:65532', Env: ['LANG=C.UTF-8'], Entrypoint: ['/bin/true'], ExposedPorts: ['80/tcp'] },
      },
      layers: [shared, layer(architecture, own)],
    })
  })
  return composeIndex(images, segmentBlobs(blobs), { 'org.opencontainers.image.title': 'sample' })
}

/** Bytes that look random and are the same every time. */
export function noise(length: number, seed: string): Uint8Array {
  const key = Buffer.from(hexOf(digestOf(seed)), 'hex')
  return createCipheriv('aes-256-ctr', key, Buffer.alloc(16)).update(Buffer.alloc(length))
}

/** A registry that keeps the bytes of a request that breaks off, as distribution-spec allows. It stores nothing else. */
export async function partialRegistry(t: Cleanup) {
  const known = new Set<string>()
  const uploads = new Map<string, Buffer>()
  let received = 0
  const address = await httpServer(t, (request, reply) => {
    const { pathname, searchParams } = new URL(request.url ?? '', 'http://x')
    const held = () => uploads.get(pathname) ?? Buffer.alloc(0)
    const range = { location: pathname, range: `0-${Math.max(held().length - 1, 0)}` }
    if (request.method === 'HEAD') return void reply.writeHead(known.has(pathname) ? 200 : 404).end()
    if (request.method === 'GET') return void reply.writeHead(pathname === '/v2/' ? 200 : 204, range).end()
    if (request.method === 'POST') {
      const location = `/v2/app/blobs/uploads/${uploads.size}`
      uploads.set(location, Buffer.alloc(0))
      return void reply.writeHead(202, { location }).end()
    }
    request.on('data', (chunk: Buffer) => {
      uploads.set(pathname, Buffer.concat([held(), chunk]))
      received += chunk.length
    })
    request.on('end', () => {
      const digest = searchParams.get('digest')
      if (digest !== null && digest !== digestOf(held())) return void reply.writeHead(400).end()
      known.add(digest === null ? pathname : `/v2/app/blobs/${digest}`)
      reply.writeHead(201).end()
    })
  })
  return { address, received: () => received }
}
