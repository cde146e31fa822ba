import { type Digest, Recent } from '#core'
import type { BuiltImage } from '#image'
import { builtLayerFacts } from '#image'
import type { Layer } from '#oci'
import type { LayerSecrets } from '#secrets'
import type { Workshop } from './build-platforms.ts'
import type { LayerFacts } from './layer-memory.ts'

/** Layers of a fleet's bases, and of what is being made. */
const LAYERS = 2000

/**
 * What layers hold that were made by this process, by the digests of their bytes: who makes many images on the same bases reads none of
 * them again.
 */
export class KnownLayers {
  readonly #facts = new Recent<Digest, LayerFacts>(LAYERS)
  readonly #secrets = new Recent<Digest, LayerSecrets>(LAYERS)

  /** Takes over what the members of an image's layers are known to hold. */
  async take({ image, assembly }: BuiltImage, workshop: Workshop): Promise<void> {
    for (const [number, { descriptor }] of image.layers.entries()) {
      const built = assembly.layers[number]
      if (built === undefined || this.#facts.get(descriptor.digest) !== undefined) continue
      const facts = await builtLayerFacts(built, workshop)
      if (facts !== undefined) this.#facts.set(descriptor.digest, facts)
    }
  }

  factsOf({ descriptor }: Layer): LayerFacts | undefined {
    return this.#facts.get(descriptor.digest)
  }

  secretsOf({ descriptor }: Layer): LayerSecrets | undefined {
    return this.#secrets.get(descriptor.digest)
  }

  /** Keeps what was found in a layer that was made or verified here. */
  keepSecrets({ descriptor }: Layer, secrets: LayerSecrets): void {
    this.#secrets.set(descriptor.digest, secrets)
  }
}
