import { existsSync } from 'node:fs'
import { catalogueNames } from '#image'
import { type OpenedImage, openImage, type Platform, parseReference } from '#oci'
import type { TestableImage } from '#sandbox'
import { UsageError } from './errors.ts'

/** What a test reads of an image, as `testImage` takes it. */
export function testable({ configDocument, layers }: Pick<OpenedImage, 'configDocument' | 'layers'>): TestableImage {
  return {
    config: JSON.parse(Buffer.from(configDocument.bytes).toString('utf8')) as unknown,
    layers: layers.map(({ descriptor, open }) => ({ mediaType: descriptor.mediaType, open })),
  }
}

/** The images that tests use beside the one that is tested, for its platform. */
export class HelperReferences {
  readonly #platform: Platform
  readonly #locate: (name: string) => Promise<string | undefined>
  readonly #opened = new Map<string, OpenedImage>()

  /** `locate` may know where an image of a name is, better than `./out`. */
  constructor(platform: Platform, locate: (name: string) => Promise<string | undefined> = async () => undefined) {
    this.#platform = platform
    this.#locate = locate
  }

  /**
   * Opens an image by reference; the name of a catalogue image is that of one that was built to `./out`. Each is opened once. Throws
   * `USAGE_INVALID` for one that was not, and what opening an image throws.
   */
  async open(reference: string): Promise<OpenedImage> {
    const known = this.#opened.get(reference)
    if (known !== undefined) return known
    const place = (await this.#locate(reference)) ?? (await locate(reference))
    const image = await openImage(parseReference(place), { platform: this.#platform })
    this.#opened.set(reference, image)
    return image
  }

  async close(): Promise<void> {
    for (const image of this.#opened.values()) await image.close()
  }
}

async function locate(reference: string): Promise<string> {
  if (!/^[a-z0-9-]+$/.test(reference) || !(await catalogueNames()).includes(reference)) return reference
  if (existsSync('out/index.json')) return `oci:./out:${reference}`
  throw new UsageError('USAGE_INVALID', `./out holds no ${reference}; run "casemate build ${reference}" first`)
}
