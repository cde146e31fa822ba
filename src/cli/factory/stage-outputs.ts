import { type Digest, faultsOf, formatFault, type Json, type Shape } from '#core'
import { FactoryError, type StageOutputs } from '#factory'
import type { Contract } from '#sandbox'
import type { LockedOn } from './moved-base.ts'

/** What the stage `lock` gives. */
export type LockOutput = {
  /** The lock's text. */
  readonly lock: string
  /** Where it stacks, by however many of the fleet, on an image of others that has moved since it was kept: on which state of that. */
  readonly base?: LockedOn
}

/** What the stage `build` gives. */
export type BuildOutput = {
  /** Of the text of the lock that it was built from. */
  readonly lock: Digest
  readonly variants: readonly BuiltVariant[]
}

/** A variant as it lies in the registry, by its digest. */
export type BuiltVariant = {
  readonly variant: string
  /** Of its index, or its only manifest. */
  readonly digest: Digest
  readonly tags: readonly string[]
  /** What it promises, as its label has it; absent where it has none. */
  readonly contract?: string
  readonly manifests: readonly { readonly platform: string; readonly digest: Digest }[]
}

/** What the stage `gate` gives. */
export type GateOutput = {
  readonly passed: readonly string[]
  readonly manifests: readonly GatedManifest[]
  /** By variant what was attached when it passed, as a release has it; only where who gated has made it as well. */
  readonly attached: Readonly<Record<string, Readonly<Record<string, Digest>>>>
}

/** What a manifest promises to who runs it. */
export type GatedManifest = { readonly digest: Digest; readonly contract: Contract; readonly version: string }

const text: Shape = { type: 'string' }
const digest: Shape = { type: 'string', pattern: '^sha256:[0-9a-f]{64}$', title: 'a SHA-256 digest' }
const baseShape: Shape = { type: 'object', properties: { from: text, digest }, required: ['from', 'digest'] }
const lockShape: Shape = { type: 'object', properties: { lock: text, base: baseShape }, required: ['lock'] }
const buildShape: Shape = {
  type: 'object',
  properties: {
    lock: digest,
    variants: {
      type: 'array',
      items: {
        type: 'object',
        properties: {
          ...{ variant: text, digest, contract: text, tags: { type: 'array', items: text } },
          manifests: {
            type: 'array',
            items: { type: 'object', properties: { platform: text, digest }, required: ['platform', 'digest'] },
          },
        },
        required: ['variant', 'digest', 'tags', 'manifests'],
      },
    },
  },
  required: ['lock', 'variants'],
}

const gateShape: Shape = {
  type: 'object',
  properties: {
    manifests: {
      type: 'array',
      items: {
        type: 'object',
        properties: { digest, contract: { type: 'object' }, version: text },
        required: ['digest', 'contract', 'version'],
      },
    },
    attached: {
      type: 'object',
      additionalProperties: { type: 'object', additionalProperties: digest },
    },
  },
  required: ['manifests', 'attached'],
}

/** What the stage `gate` gave; `undefined` where it is not done, or an older program's. */
export function gateOutput({ gate }: StageOutputs): Pick<GateOutput, 'manifests' | 'attached'> | undefined {
  return fits<GateOutput>(gateShape, gate) ? gate : undefined
}

/** What the stage `lock` gave. Throws `STAGE_OUTPUT_INVALID` where it is not done, or another program's. */
export function lockOutput({ lock }: StageOutputs): LockOutput {
  if (fits<LockOutput>(lockShape, lock)) return lock
  throw invalid('lock', lockShape, lock)
}

/** What the stage `build` gave. Throws `STAGE_OUTPUT_INVALID`. */
export function buildOutput({ build }: StageOutputs): BuildOutput {
  if (fits<BuildOutput>(buildShape, build)) return build
  throw invalid('build', buildShape, build)
}

function fits<Value extends Json>(shape: Shape, value: unknown): value is Value {
  return value !== undefined && faultsOf(shape, value).length === 0
}

function invalid(stage: string, shape: Shape, value: unknown): FactoryError {
  const fault = value === undefined ? 'it is not done' : faultsOf(shape, value).map(formatFault).slice(0, 2).join('; ')
  return new FactoryError('STAGE_OUTPUT_INVALID', `cannot go on from the stage ${stage}: ${fault}`)
}
