import { segmentBlobs } from '#oci'
import type { RunnableLayer } from '../derived/derived-runner.ts'
import type { LockedPackage } from '../lock/lock.ts'
import type { LayerCodec } from '../member.ts'
import type { Assembly } from './assemble.ts'
import type { ProgramRoot } from './derive.ts'
import type { TakenSource } from './take-in.ts'

/** One platform's files of an image, before derived effects. */
export interface PlatformFiles {
  readonly platform: string
  readonly assembly: Assembly
  readonly packages: readonly LockedPackage[]
  /** What was taken in from elsewhere. */
  readonly taken: readonly TakenSource[]
}

/**
 * Where to run programs of an image: in the image of the same lock for the platform that runs here, if that has them all
 * from the same versions of their sources; else in the image itself.
 */
export function programRoot(
  programs: readonly string[],
  image: PlatformFiles,
  native: PlatformFiles | undefined,
  codec: LayerCodec,
): ProgramRoot {
  const isSame = native !== undefined && programs.every((program) => isFromSameSource(program, image, native))
  const { platform, assembly } = isSame ? native : image
  return { platform, layers: runnableLayers(assembly, codec), isImage: !isSame }
}

function isFromSameSource(program: string, image: PlatformFiles, native: PlatformFiles): boolean {
  const version = sourceVersion(program, image)
  return version !== undefined && sourceVersion(program, native) === version
}

/** A rebuild for one architecture alone (`+b1`) is of the same source. */
function sourceVersion(program: string, { assembly, packages }: PlatformFiles): string | undefined {
  const origin = assembly.tree.get(program)?.origin
  const owner = origin?.kind === 'package' ? packages.find(({ name }) => name === origin.name) : undefined
  return owner && `${owner.source.name} ${owner.source.version}`
}

function runnableLayers({ layers }: Assembly, codec: LayerCodec): RunnableLayer[] {
  const mediaType = `application/vnd.oci.image.layer.v1.tar+${codec}`
  return layers.map(({ digest, size, segments }) => {
    const blob = { descriptor: { mediaType, digest, size }, segments: segments.map(({ path }) => ({ path })) }
    return { mediaType, open: () => segmentBlobs([blob]).open(digest) }
  })
}
