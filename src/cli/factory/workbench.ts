import { SharedStore } from '#advisory'
import { type Digest, Recent, RecentlyMade, Turnstile } from '#core'
import { defaultCacheFolder } from '#debian'
import type { OpenedDefinition } from '#image'
import { openEvaluator } from '#policy'
import type { KnownImage } from '#sandbox'
import type { ReadCandidate } from '../gate-facts.ts'
import { KnownLayers } from '../known-layers.ts'
import { RegistryHome } from './registry-home.ts'
import { SharedArchives } from './shared-archives.ts'
import type { StagedRepository } from './staged-repository.ts'

/** A manifest that this process has made, as its later stages go by it. */
export interface MadeManifest {
  /** Evidence goes here; it is sent when a stage ends. */
  readonly repository: StagedRepository
  readonly read: ReadCandidate
  /** What its tests look at. */
  readonly files: KnownImage
}

/** Images at a time that are made from the ground up, or whose programs are run. */
const HEAVY = 2

/** Definitions of the images of a batch. */
const DEFINITIONS = 500

/** Manifests that are on their way from build to gate at a time, of all images of a few batches. */
const MANIFESTS = 128

/**
 * What a process keeps of the images that it makes, so that no stage reads what an earlier one has just written. Nothing depends on it:
 * what is not here is read from the registry.
 */
export class Workbench implements AsyncDisposable {
  readonly registry: RegistryHome
  readonly layers = new KnownLayers()
  readonly evaluator = openEvaluator()
  readonly archives = new SharedArchives()
  readonly advisories = new SharedStore(defaultCacheFolder())
  readonly definitions = new RecentlyMade<string, OpenedDefinition>(DEFINITIONS)
  /** For what fills a machine by itself: images that are made from the ground up, and programs of tests. */
  readonly heavy = new Turnstile(HEAVY)
  readonly #made = new Recent<string, MadeManifest>(MANIFESTS)

  /** `home` as `FactoryTools` has it. */
  constructor(home: string) {
    this.registry = new RegistryHome(home)
  }

  keep(image: string, digest: Digest, manifest: MadeManifest): void {
    this.#made.set(`${image} ${digest}`, manifest)
  }

  made(image: string, digest: string): MadeManifest | undefined {
    return this.#made.get(`${image} ${digest}`)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.evaluator[Symbol.asyncDispose]()
    await this.registry.close()
    this.archives.close()
    this.advisories.close()
  }
}
