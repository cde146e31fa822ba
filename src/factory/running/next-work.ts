import type { ImageEnd, NewBatch, RunImage, RunState } from '../run.ts'

/** The most images of a batch: what is lost when its worker ends. */
const LARGEST_BATCH = 200

/** Batches that the images of a small run are cut into, so that several workers have something to do. */
const SMALLEST_CUT = 8

/** What follows from where a run stands. */
export interface NextWork {
  /** Images that come to their end without any work. */
  readonly ends: readonly Omit<ImageEnd, 'at'>[]
  readonly batches: readonly NewBatch[]
  /** Whether every image has ended. */
  readonly isOver: boolean
}

/**
 * Decides what is to be done next in a run. An image is made when all that it is built on is a candidate, so it is tested with
 * its parent's candidate. Images that are built on one another are published together, when each of them is a candidate or has
 * ended; one that failed takes along only what is built on it. Small families come first and what is begun is ended first, so that
 * fixes are out one after the other, and not all of them at the end.
 */
export function nextWork({ images, cancelled }: RunState): NextWork {
  const ends = new Map(images.flatMap(({ image, end }) => (end === undefined ? [] : [[image, end] as const])))
  const added: Omit<ImageEnd, 'at'>[] = []
  const give = (image: string, state: ImageEnd['state'], reason: string) => {
    const end = { image, state, reason }
    ends.set(image, end)
    added.push(end)
  }
  for (const { image, after, sent } of images) {
    if (ends.has(image)) continue
    const lost = after.find((parent) => ends.has(parent) && ends.get(parent)?.state !== 'done')
    // Tags that are being moved are moved.
    if (cancelled !== undefined && !sent.includes('publish')) {
      give(image, 'cancelled', `${cancelled.by} has cancelled the run: ${cancelled.reason}`)
    } else if (lost !== undefined && !sent.includes('publish')) {
      give(image, ends.get(lost)?.state ?? 'failed', `it is built on ${lost}: ${ends.get(lost)?.reason}`)
    }
  }
  const candidates = new Set(images.flatMap(({ image, isCandidate }) => (isCandidate ? [image] : [])))
  const isReady = (name: string) => ends.has(name) || candidates.has(name)
  const open = images.filter(({ image }) => !ends.has(image))
  const ready = open.filter(({ image, after, sent }) => {
    return !sent.includes('make') && !candidates.has(image) && after.every(isReady)
  })
  const together = families(images)
  return {
    ends: added,
    batches: [
      ...cut(smallestFirst(ready, together)).map((batch) => ({ phase: 'make', ...batch }) as const),
      ...together
        .filter((family) => family.every(({ image }) => isReady(image)))
        .map((family) => family.filter(({ image, sent }) => !ends.has(image) && !sent.includes('publish')))
        .filter((family) => family.length > 0)
        .map((family) => ({ phase: 'publish', images: family.map(({ image }) => image), isBegun: true }) as const),
    ],
    isOver: open.length === 0,
  }
}

/** Images of small families before those of big ones, else in the order of work. */
function smallestFirst(ready: readonly RunImage[], together: readonly (readonly RunImage[])[]): readonly RunImage[] {
  const sizes = new Map(together.flatMap((family) => family.map(({ image }) => [image, family.length] as const)))
  return ready.toSorted((left, right) => (sizes.get(left.image) ?? 0) - (sizes.get(right.image) ?? 0))
}

/** Images in batches, those of one parent beside each other, because what they share is then read once. */
function cut(ready: readonly RunImage[]): readonly Pick<NewBatch, 'images' | 'isBegun'>[] {
  const byParent = Map.groupBy(ready, ({ after }) => after.join(' '))
  const images = [...byParent.values()].flat()
  const size = Math.min(LARGEST_BATCH, Math.max(1, Math.ceil(images.length / SMALLEST_CUT)))
  return Array.from({ length: Math.ceil(images.length / size) }, (_, at) => {
    const batch = images.slice(at * size, (at + 1) * size)
    return { images: batch.map(({ image }) => image), isBegun: batch.some(({ after }) => after.length > 0) }
  })
}

/** Images that are built on one another, directly or by others, in the order of work. */
function families(images: readonly RunImage[]): RunImage[][] {
  const heads = new Map<string, string>()
  const headOf = (image: string): string => {
    let head = image
    for (let next = heads.get(head); next !== undefined && next !== head; next = heads.get(head)) head = next
    heads.set(image, head)
    return head
  }
  for (const { image, after } of images) {
    for (const parent of after) heads.set(headOf(parent), headOf(image))
  }
  return [...Map.groupBy(images, ({ image }) => headOf(image)).values()]
}
