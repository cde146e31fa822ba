import { canonicalJson, type Digest, digestOf, type Json } from '#core'
import type { FileExpectation } from './expectation.ts'
import type { ImageTest } from './image-test.ts'

/** One thing that a test's result was made from. */
export interface TestInput {
  readonly kind: 'manifest' | 'config' | 'file' | 'helper' | 'sandbox'
  /** The file's path, the helper's reference, or the sandbox with its versions; empty for manifest and config. */
  readonly name: string
  /** Empty for a sandbox, whose name says all. */
  readonly digest: string
}

/** An image to be tested, and where. */
export interface TestSubject {
  /** Of the platform's manifest, which names config and layers. */
  readonly manifest: Digest
  readonly config: Digest
  /** What runs programs: the sandbox's name and version, the kernel's, whether as root, and the emulator where there is one. */
  readonly sandbox: string
  /** The manifest of each helper image by its reference. */
  readonly helpers: ReadonlyMap<string, Digest>
  /** The digest of what a file test sees of a path, where that is known without running it. */
  readonly file?: (file: FileExpectation) => Digest
}

/** The references of the other images that a test needs. */
export function helpersOf({ helper, service }: ImageTest): readonly string[] {
  const beside = service?.probe?.kind === 'command' ? service.probe.helper : undefined
  return [...(helper === undefined ? [] : [helper]), ...(beside === undefined ? [] : [beside])]
}

/**
 * Everything of an image, and of where it is tested, that a test can read: while it is the same, so is the result. A test of
 * metadata reads the config alone; one of files, where their digests are known, those files alone; any other may read the
 * whole image and what runs it. `undefined` for a test that sees what no digest names: the host's network.
 */
export function inputsOf(test: ImageTest, subject: TestSubject): readonly TestInput[] | undefined {
  if (test.network === 'host') return undefined
  const { manifest, config, sandbox, helpers, file } = subject
  const whole: TestInput = { kind: 'manifest', name: '', digest: manifest }
  if (test.program.kind === 'none') {
    const files = test.files.map((one): TestInput => ({ kind: 'file', name: one.path, digest: file?.(one) ?? '' }))
    const isWhole = test.licences !== undefined || (files.length > 0 && file === undefined)
    if (isWhole) return [whole]
    return [...(test.metadata ? [{ kind: 'config', name: '', digest: config } as const] : []), ...files]
  }
  const used = helpersOf(test).map((name): TestInput => ({ kind: 'helper', name, digest: helpers.get(name) ?? '' }))
  if (used.some(({ digest }) => digest === '')) return undefined
  return [whole, ...used, { kind: 'sandbox', name: sandbox, digest: '' }]
}

/** To be raised when the same test of the same inputs is judged otherwise than in a release before. */
const FORMAT = 1

/** What a result is remembered by: the digest of the test and of all its inputs. */
export function keyOfResult(test: ImageTest, inputs: readonly TestInput[]): Digest {
  const read: Json = inputs.map(({ kind, name, digest }) => ({ kind, name, digest }))
  const asked: Json = JSON.parse(JSON.stringify(test))
  return digestOf(canonicalJson({ format: FORMAT, test: asked, inputs: read }))
}
