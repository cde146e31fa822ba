import { parseReference, pushImage } from '#oci'
import { ImagePlaces } from '../src/cli/base-images.ts'
import { ListingMemory } from '../src/cli/listing-memory.ts'
import { blobsOf, knownBlobs, rebasePlatform } from '../src/cli/rebase-image.ts'

/** What rebasing in a registry took. */
export interface RebaseTime {
  /** Milliseconds of each round that counts: the first ones fill the memory of layers, and the compiler's. */
  readonly times: readonly number[]
  /** The processor's, of the same rounds. */
  readonly processor: readonly number[]
  /** Bytes of blobs that the first round sent. */
  readonly sent: number
}

/**
 * Rebases an application's image in a registry, in a process that runs for long, with what is known of layers and connections at
 * hand: finding the images, planning, and pushing under another tag. The last rounds count. `made` is its reference with the tag `latest`, `old` and `next` are names of bases in the same
 * registry. Throws where the rebase is refused.
 */
export async function timeRebase(
  { made, old, next }: { readonly made: string; readonly old: string; readonly next: string },
  { rounds, counted }: { readonly rounds: number; readonly counted: number },
): Promise<RebaseTime> {
  const memory = new ListingMemory()
  const target = parseReference(made.replace(/:latest$/, ':timed'))
  if (target.transport !== 'docker') throw new Error('cannot time: want a registry')
  const repositories = [old, next].map((base) => base.replace(/^[^/]+\/(.*):[^:]+$/, '$1'))
  const times: number[] = []
  const processor: number[] = []
  let sent = 0
  const places = new ImagePlaces()
  for (let round = 0; round < rounds; round++) {
    const start = performance.now()
    const used = process.cpuUsage()
    const [application] = await places.openAll(made, { os: 'linux', architecture: 'amd64' })
    if (application === undefined) throw new Error('cannot time: there is no image')
    const order = { base: `docker://${old}`, onto: `docker://${next}`, allowOlder: false }
    const { result, refusals } = await rebasePlatform(application, order, { places, memory })
    if (result === undefined) throw new Error(`cannot time: refused: ${refusals.map(({ code }) => code).join(', ')}`)
    const { manifest } = result.image
    const source = { top: manifest, images: [result.image], blobs: blobsOf([result]) }
    const client = await places.clientOf(target)
    const pushed = await pushImage(source, target, {
      mountFrom: repositories,
      present: knownBlobs([application], target),
      ...(client ? { client } : {}),
    })
    const { user, system } = process.cpuUsage(used)
    if (round === 0) sent = pushed.uploadedBytes
    if (round >= rounds - counted) {
      times.push(performance.now() - start)
      processor.push((user + system) / 1000)
    }
  }
  await places.close()
  return { times, processor, sent }
}
