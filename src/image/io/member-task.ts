import type { Digest } from '#core'
import type { XzBlock } from '#debian'
import type { LayerCodec, MeasuredLayer, MemberIndex, MemberRecipe } from '../member.ts'
import type { MemberFacts } from '../member-facts.ts'
import type { TarPart } from '../member-plan.ts'
import type { HostXz } from './host-xz.ts'

/** Takes a .deb apart and compresses it, or plans the compression where there is enough of it to share. */
export interface UnpackTask {
  readonly kind: 'unpack'
  /** Names the package in errors. */
  readonly name: string
  readonly deb: string
  /** Bytes of the .deb. */
  readonly weight: number
  readonly recipe: MemberRecipe
  /** Where contents are spilled that are too many to hold in memory; may stay unused. */
  readonly spill: string
  /** Decodes by the host's xz, which was checked; by our own decoder unless given. */
  readonly xz?: HostXz
  /** Bytes of decoded data that stand in `spill` already; they are not decoded again. */
  readonly decoded?: number
  /** Who reads on the way what an inventory wants; nobody does unless given. */
  readonly reader?: string
}

/** Decodes one block of a package's data into its place in a file. */
export interface DecodeTask {
  readonly kind: 'decode'
  /** Names the package in errors. */
  readonly name: string
  readonly deb: string
  /** Bytes of the .deb. */
  readonly weight: number
  /** Where data.tar.xz starts in the .deb; the block's own offset counts from there. */
  readonly dataOffset: number
  readonly block: XzBlock
  readonly spill: string
  /** Where the decoded block starts in `spill`. */
  readonly target: number
}

/** Compresses one block of a member whose contents were spilled. */
export interface CompressTask {
  readonly kind: 'compress'
  readonly codec: LayerCodec
  readonly spill: string
  readonly parts: readonly TarPart[]
}

/** A run of blocks in a file. */
export interface LayerSegment {
  readonly path: string
  /** Compressed lengths of the blocks, in file order; they fill the file. */
  readonly blocks: readonly number[]
  /** What the whole file must hash to. */
  readonly digest: Digest
}

/** Hashes a layer, both as stored and uncompressed, reading every segment once. */
export interface MeasureTask {
  readonly kind: 'measure'
  readonly codec: LayerCodec
  readonly segments: readonly LayerSegment[]
}

export type MemberTask = UnpackTask | DecodeTask | CompressTask | MeasureTask

/** What an unpacked package is beside its blocks. */
interface Unpacked {
  readonly member: UnpackedMember
  readonly facts?: MemberFacts
}

/** All of an index but what compression decides. */
export type UnpackedMember = Omit<MemberIndex, 'key' | 'blocks' | 'size' | 'digest' | 'alone'>

export type UnpackResult =
  | (Unpacked & {
      readonly kind: 'compressed'
      readonly blocks: readonly Uint8Array[]
      /** Of the layer that holds nothing but this member. */
      readonly diffId: Digest
    })
  | (Unpacked & { readonly kind: 'spilled'; readonly blocks: readonly (readonly TarPart[])[] })

/** The result of each kind of task. */
export interface MemberResults {
  readonly unpack: UnpackResult
  readonly compress: Uint8Array
  readonly measure: MeasuredLayer
}

/** The threads that take packages apart, compress and measure. */
export interface MemberPool extends AsyncDisposable {
  /** Starts the threads that so many tasks will keep busy, before the first of them is there. */
  prepare(tasks: number): void
  decode(task: DecodeTask): Promise<void>
  unpack(task: UnpackTask): Promise<UnpackResult>
  compress(task: CompressTask): Promise<Uint8Array>
  measure(task: MeasureTask): Promise<MeasuredLayer>
}
