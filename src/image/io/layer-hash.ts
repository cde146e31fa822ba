import { createHash } from 'node:crypto'
import { digestFromHex } from '#core'
import type { MeasuredLayer } from '../member.ts'

/** Hashes a layer block by block, both as stored and as tar. */
export class LayerHash {
  readonly #stored = createHash('sha256')
  readonly #tar = createHash('sha256')
  #size = 0

  /** Takes the next bytes of the layer as stored. */
  addStored(block: Uint8Array): void {
    this.#stored.update(block)
    this.#size += block.length
  }

  /** Takes the next bytes of its tar. */
  addTar(tar: Uint8Array): void {
    this.#tar.update(tar)
  }

  /** What the layer is; nothing can be added after that. */
  end(): MeasuredLayer {
    return {
      digest: digestFromHex(this.#stored.digest('hex')),
      diffId: digestFromHex(this.#tar.digest('hex')),
      size: this.#size,
    }
  }
}
