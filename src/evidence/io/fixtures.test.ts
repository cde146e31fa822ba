import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { gzipSync } from 'node:zlib'
import { generateKeyPair, keySignatory, openPrivateKey, type Signatory } from '#attest'
import { digestOf } from '#core'
import {
  composeImage,
  composeIndex,
  type Descriptor,
  type ImageSource,
  MEDIA_TYPES,
  platformOfDebian,
  pushImage,
  RegistryClient,
  segmentBlobs,
} from '#oci'
import { RegistryServer } from '#oci/registry'
import { tarOf } from '#testkit'

/** What ends with a test. */
export interface Cleanup {
  after(end: () => unknown): void
}

export const SIGNED_AT = 1_790_000_000

export function testFolder(t: Cleanup): string {
  const folder = mkdtempSync(join(tmpdir(), 'casemate-evidence-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** An embedded registry that ends with the test; anybody may do anything. */
export async function testRegistry(t: Cleanup): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'casemate-reg-'))
  const faults: unknown[] = []
  const server = await RegistryServer.start(folder, {
    host: '127.0.0.1',
    port: 0,
    onError: (error) => faults.push(error),
  })
  t.after(async () => {
    await server.close(100)
    rmSync(folder, { recursive: true, force: true })
    assert.deepEqual(faults, [], 'the registry had faults of its own')
  })
  return server.address
}

/** An image for two platforms, pushed to a repository. */
export async function pushSample(t: Cleanup, registry: string, repository = 'team/app'): Promise<ImageSource> {
  const image = sampleImage(testFolder(t))
  await pushImage(image, { transport: 'docker', registry, repository, tag: '1' })
  return image
}

export function sampleImage(folder: string): ImageSource {
  const layers = ['amd64', 'arm64'].map((architecture) => {
    const tar = tarOf({ path: `etc/${architecture}`, content: architecture })
    const bytes = gzipSync(tar)
    const path = join(folder, architecture)
    writeFileSync(path, bytes)
    const descriptor = { mediaType: MEDIA_TYPES.layerGzip, digest: digestOf(bytes), size: bytes.length }
    return { architecture, layer: { descriptor, diffId: digestOf(tar) }, blob: { descriptor, segments: [{ path }] } }
  })
  const images = layers.map(({ architecture, layer }) =>
    composeImage({
      config: {
        platform: platformOfDebian(architecture),
        created: '2026-01-02T03:04:05Z',
        config: { User: '65532:65532' },
      },
      layers: [layer],
    }),
  )
  return composeIndex(images, segmentBlobs(layers.map(({ blob }) => blob)))
}

/** Index and manifests of an image. */
export function subjectsOf({ top, images }: ImageSource): Descriptor[] {
  return [top.descriptor, ...images.map(({ manifest }) => manifest.descriptor)]
}

/** A key pair in files, as cosign keeps it, and who signs with it. */
export function testSignatory(folder: string, name = 'cosign'): { signatory: Signatory; publicKey: string } {
  const { privatePem, publicPem } = generateKeyPair('secret')
  const publicKey = join(folder, `${name}.pub`)
  writeFileSync(publicKey, publicPem)
  writeFileSync(join(folder, `${name}.key`), privatePem)
  return { signatory: keySignatory(openPrivateKey(privatePem, 'secret', name)), publicKey }
}

export function clientOf(t: Cleanup, registry: string, repository = 'team/app'): RegistryClient {
  const client = new RegistryClient({ registry, repository })
  t.after(() => client.close())
  return client
}

/** Runs a program without any network but loopback's proxies; gives its output, rejects with its words. */
export async function run(program: string, args: readonly string[], env: Record<string, string> = {}): Promise<string> {
  const home = { HOME: '/nonexistent', COSIGN_PASSWORD: 'secret', PATH: process.env['PATH'] ?? '' }
  const { stdout } = await promisify(execFile)(program, [...args], { env: { ...home, ...env }, maxBuffer: 1 << 26 })
  return stdout
}
