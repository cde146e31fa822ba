import { gunzipSync } from 'node:zlib'
import { canonicalJson, type Digest, digestOf, TAR_END } from '#core'
import { parsePlatform } from '#oci'
import type { DerivedEffect, DerivedFiles, DerivedInput, DerivedStep } from '../derived/derived-effect.ts'
import type { DerivedProgram, DerivedRunner, RunnableLayer } from '../derived/derived-runner.ts'
import { type DerivedPlacement, decodeDerived, encodeDerived } from '../derived/derived-tar.ts'
import { derivedEffectsNamed } from '../derived/registry.ts'
import { ImageError } from '../errors.ts'
import { encodeTar } from '../layer.ts'
import type { DerivedResult } from '../lock/lock.ts'
import { MemoryTree } from '../memory-tree.ts'
import type { Tree } from '../tree.ts'
import type { Assembly } from './assemble.ts'
import type { LaidLayer } from './laid-layers.ts'
import { layDerived } from './lay-derived.ts'
import type { LayerWorkshop } from './layers.ts'

/** Files in which a program can run. */
export interface ProgramRoot {
  /** OCI platform of the programs in it. */
  readonly platform: string
  readonly layers: readonly RunnableLayer[]
  /** Whether it is the image itself, so that a program finds there what it reads. */
  readonly isImage: boolean
}

/** The derived effects of one image. */
export interface DeriveOrder {
  /** Names, as the definition gives them. */
  readonly effects: readonly string[]
  readonly locales: readonly string[]
  readonly variant: string
  readonly platform: string
  /** The image without its derived effects. */
  readonly assembly: Assembly
  /** The layers of what an overlay stacks on. */
  readonly base?: readonly LaidLayer[] | undefined
  /** What the lock says of this variant and platform; an effect that it does not name may give anything. */
  readonly locked: readonly DerivedResult[]
  readonly runner: DerivedRunner | undefined
  /** Where to run programs of the image, by their paths. */
  rootFor(programs: readonly string[]): Promise<ProgramRoot>
}

/** An image with its derived effects. */
export interface DerivedImage {
  readonly assembly: Assembly
  readonly results: readonly DerivedResult[]
}

/** So many paths of an unstable result are named. */
const NAMED = 10

const PLACES = { inputs: '/.casemate/inputs', output: '/.casemate/output' }
const TAR = 'application/vnd.oci.image.layer.v1.tar'

/**
 * Adds derived effects to an image, each as a layer of its own below the last one, an overlay's above its base's and without
 * what that shows already: what the lock names is taken from the cache by its digest, what was made of the same input
 * before as well; else the program is run, twice. Throws
 * `DERIVED_UNAVAILABLE`, `DERIVED_FAILED`, `DERIVED_UNSTABLE`, `DERIVED_MISMATCH`, `DERIVED_INVALID`, `EFFECT_INVALID`,
 * `EFFECT_CONFLICT`.
 */
export async function derive(order: DeriveOrder, workshop: LayerWorkshop): Promise<DerivedImage> {
  let { assembly } = order
  const results: DerivedResult[] = []
  for (const effect of derivedEffectsNamed(order.effects)) {
    const { tar, digest, placement } = await provide(effect, order, workshop)
    const { files, entries } = decodeDerived(tar, placement)
    const whole = { effect: effect.name, entries, files, tar, digest, base: order.base ?? [] }
    const layers = await layDerived(assembly.layers, whole, workshop)
    const tree = new MemoryTree([...assembly.tree.entries(), ...entries])
    assembly = { ...assembly, layers, tree }
    results.push({ effect: effect.name, variant: order.variant, digest, size: tar.length })
  }
  return { assembly, results }
}

/** The result as a tar, from the cache or from the program. */
async function provide(effect: DerivedEffect, order: DeriveOrder, { derived }: LayerWorkshop) {
  const { tree } = order.assembly
  const steps = effect.steps({ tree, architecture: parsePlatform(order.platform).architecture, locales: order.locales })
  const placement = { effect: effect.name, tree, mtime: newestOf(steps, tree) }
  const wanted = order.locked.find((one) => one.effect === effect.name)?.digest
  const known = wanted === undefined ? undefined : derived.read(wanted)
  const key = keyOf(effect, steps, tree)
  const kept = known === undefined || wanted === undefined ? derived.find(key) : { tar: known, digest: wanted }
  const tar = kept?.tar ?? (await make({ effect, steps, placement, wanted }, order))
  const digest = kept?.digest ?? derived.put(key, tar)
  if (wanted === undefined || wanted === digest) return { tar, digest, placement }
  const reason = `its result is ${digest}, the lock says ${wanted}`
  throw new ImageError('DERIVED_MISMATCH', `cannot derive ${effect.name} for ${order.platform}: ${reason}`)
}

function newestOf(steps: readonly DerivedStep[], tree: Tree): number {
  return steps.reduce((newest, { inputs }) => {
    return inputs.reduce((time, { source }) => Math.max(time, tree.get(source)?.mtime ?? 0), newest)
  }, 0)
}

/** All that a result depends on: the programs, and what they read and are told. */
function keyOf({ name, recipe }: DerivedEffect, steps: readonly DerivedStep[], tree: Tree): Digest {
  const described = steps.map((step) => ({
    program: [step.program, contentOf(tree, step.program)],
    inputs: step.inputs.map(({ path, source }) => [path, contentOf(tree, source), tree.get(source)?.mtime ?? 0]),
    command: [...step.arguments(PLACES), step.stdin],
    environment: step.environment(PLACES),
    target: step.target,
  }))
  return digestOf(canonicalJson({ effect: name, recipe, steps: described }))
}

function contentOf(tree: Tree, path: string): string {
  const entry = tree.get(path)
  const file = entry?.type === 'hardlink' ? tree.get(entry.target) : entry
  return file?.type === 'file' ? file.digest : ''
}

interface Making {
  readonly effect: DerivedEffect
  readonly steps: readonly DerivedStep[]
  readonly placement: DerivedPlacement
  readonly wanted: Digest | undefined
}

/** Runs everything twice. */
async function make(making: Making, order: DeriveOrder): Promise<Uint8Array> {
  const [first, second] = await runTwice(making, order)
  const unstable = [...new Set([...first.keys(), ...second.keys()])].sort().filter((path) => {
    const [one, other] = [first.get(path), second.get(path)]
    return one === undefined || other === undefined || Buffer.compare(one, other) !== 0
  })
  const named = unstable.slice(0, NAMED).join(', ')
  const more = unstable.length > NAMED ? ` and ${unstable.length - NAMED} more` : ''
  if (named !== '') throw failed('DERIVED_UNSTABLE', making, order, `two runs gave different results: ${named}${more}`)
  if (first.size === 0) throw failed('DERIVED_FAILED', making, order, 'its programs made nothing')
  return encodeDerived(first, making.placement)
}

/** What all programs together made, the first time and the second. */
async function runTwice(making: Making, order: DeriveOrder): Promise<readonly [DerivedFiles, DerivedFiles]> {
  const { steps } = making
  if (order.runner === undefined) throw unavailable(making, order, 'nothing here runs programs')
  const root = await order.rootFor(steps.map(({ program }) => program))
  const inputs = steps.flatMap((step) => step.inputs)
  const readsImage = root.isImage && inputs.every(({ gunzip }) => gunzip !== true)
  const places = readsImage ? { ...PLACES, inputs: '' } : PLACES
  const programs = steps.map((step): DerivedProgram => {
    const argv = [step.program, ...step.arguments(places)] as const
    return { argv, environment: step.environment(places), stdin: step.stdin }
  })
  const layers = readsImage ? root.layers : [...root.layers, inputLayer(inputs, order)]
  const result = await order.runner.run({ platform: root.platform, layers, programs, output: places.output }, 2)
  if (result.kind === 'unavailable') throw unavailable(making, order, result.reason)
  const made = [new Map<string, Uint8Array>(), new Map<string, Uint8Array>()] as const
  for (const [number, step] of steps.entries()) {
    for (const [run, files] of made.entries()) {
      const outcome = result.outcomes[number]?.[run] ?? { kind: 'failed', reason: 'was not run' }
      if (outcome.kind === 'failed') throw failed('DERIVED_FAILED', making, order, `${step.program} ${outcome.reason}`)
      for (const [path, content] of outcome.files) files.set(step.target + path, content)
    }
  }
  return made
}

/** What a program reads of the image, when it does not run in it or needs it in another form. */
function inputLayer(inputs: readonly DerivedInput[], { assembly }: DeriveOrder): RunnableLayer {
  const byPath = new Map(inputs.map((input) => [input.path, input]))
  return {
    mediaType: TAR,
    async *open() {
      for (const { path, source, gunzip } of byPath.values()) {
        const entry = { path: PLACES.inputs + path, type: 'file', mode: 0o644, uid: 0, gid: 0, mtime: 0 } as const
        yield encodeTar([entry], () => (gunzip ? gunzipSync(assembly.read(source)) : assembly.read(source)))
      }
      yield TAR_END
    },
  }
}

function unavailable(making: Making, order: DeriveOrder, reason: string): ImageError {
  const wanted = making.wanted === undefined ? 'build from a lock whose result is' : `have ${making.wanted}`
  return failed('DERIVED_UNAVAILABLE', making, order, `${reason}; or ${wanted} in the cache`)
}

function failed(
  code: 'DERIVED_FAILED' | 'DERIVED_UNAVAILABLE' | 'DERIVED_UNSTABLE',
  { effect }: Making,
  { platform, variant }: DeriveOrder,
  reason: string,
): ImageError {
  return new ImageError(code, `cannot derive ${effect.name} of ${variant} for ${platform}: ${reason}`)
}
