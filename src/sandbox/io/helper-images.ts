import { messageOf } from '#core'
import { SandboxError } from '../errors.ts'
import type { ImageTest } from '../image-test.ts'
import { helpersOf } from '../test-inputs.ts'
import type { PreparedImage, TestableImage } from './prepared-image.ts'

/** The helper images of a run of tests, each unpacked once, when the first test needs it. */
export class HelperImages {
  readonly opened = new Map<string, PreparedImage>()
  readonly #prepare: (image: TestableImage) => Promise<PreparedImage>
  readonly #open: ((reference: string) => Promise<TestableImage>) | undefined

  constructor(
    prepare: (image: TestableImage) => Promise<PreparedImage>,
    open: ((reference: string) => Promise<TestableImage>) | undefined,
  ) {
    this.#prepare = prepare
    this.#open = open
  }

  /** Makes those of a test ready. Rejects with `HELPER_MISSING`. */
  async openFor(test: ImageTest): Promise<void> {
    for (const reference of helpersOf(test)) {
      if (this.opened.has(reference)) continue
      this.opened.set(reference, await this.#prepared(reference))
    }
  }

  async #prepared(reference: string): Promise<PreparedImage> {
    try {
      if (!this.#open) throw new Error('nothing opens images here')
      return await this.#prepare(await this.#open(reference))
    } catch (cause) {
      const reason = `cannot use helper image ${reference}: ${messageOf(cause)}`
      throw new SandboxError('HELPER_MISSING', reason, { cause })
    }
  }

  /** Removes them from the disk. */
  remove(): void {
    for (const image of this.opened.values()) image.remove()
  }
}
