import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseReference, pushImage, type RegistryReference } from '#oci'
import { type Cleanup, dockerRegistry, proxyBefore, sampleImage } from '../src/oci/io/fixtures.test.ts'

/**
 * Pushes an image for two platforms to Debian's docker-registry twice, through a proxy that counts, and then under
 * another tag and into another repository. Holds when the second push sends nothing at all, the new tag one manifest,
 * and the other repository no layer.
 */
export async function run(): Promise<{ holds: boolean; lines: string[] }> {
  const ends: (() => unknown)[] = []
  const cleanup: Cleanup = { after: (end) => ends.unshift(end) }
  const folder = await mkdtemp(join(tmpdir(), 'casemate-push-twice-'))
  cleanup.after(() => rm(folder, { recursive: true, force: true }))
  try {
    const proxy = await proxyBefore(cleanup, await dockerRegistry(cleanup))
    const image = sampleImage(folder, { architectures: ['amd64', 'arm64'], bulk: 5_000_000 })
    const lines: string[] = []
    const push = async (name: string, mountFrom: readonly string[] = []) => {
      proxy.requests.length = 0
      const reference: RegistryReference = registryReference(`${proxy.address}/${name}`)
      const report = await pushImage(image, reference, { credentials: null, mountFrom })
      const sent = proxy.sent()
      const blobs = sent.filter((line) => line.includes('/blobs/'))
      const uploads = blobs.filter((line) => !line.includes('mount='))
      const { present, mounted, uploaded } = report.blobs
      lines.push(
        `${name}: ${proxy.requests.length} requests, ${uploads.length} of them upload blobs, ${sent.length - blobs.length} manifests sent; ` +
          `blobs: ${uploaded} uploaded (${report.uploadedBytes} bytes), ${mounted} mounted, ${present} present`,
      )
      return { sent: sent.length, uploads: uploads.length, uploaded, manifests: sent.length - blobs.length }
    }
    const first = await push('team/app:1')
    const second = await push('team/app:1')
    const retagged = await push('team/app:2')
    const elsewhere = await push('team/other:1', ['team/app'])
    const holds =
      first.uploaded === 5 &&
      second.sent === 0 &&
      retagged.sent === 1 &&
      retagged.manifests === 1 &&
      elsewhere.uploaded === image.images.length
    return { holds, lines }
  } finally {
    for (const end of ends) await end()
  }
}

function registryReference(text: string): RegistryReference {
  const reference = parseReference(text)
  if (reference.transport !== 'docker') throw new Error(`${text} is in no registry`)
  return reference
}
