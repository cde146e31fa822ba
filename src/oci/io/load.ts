import { access, constants } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { messageOf } from '#core'
import { OciError } from '../errors.ts'
import { dockerArchive } from '../image-archive.ts'
import type { ImageSource } from '../image-source.ts'
import { runProcess } from './process.ts'

/** A container engine that images are loaded into. */
export type Engine = 'podman' | 'docker'

const ENGINES: readonly Engine[] = ['podman', 'docker']

/** What loading says: into which engine, and the digest of the config, which engines call the image's id. */
export interface LoadReport {
  readonly engine: Engine
  readonly name: string
  readonly imageId: string
}

/**
 * Loads an image of one platform into `podman` or `docker` under `name` (`REPOSITORY:TAG`): into the one asked for, or
 * the first that is on the PATH. The image is streamed, nothing is written elsewhere. Rejects with `LOAD_FAILED`,
 * `PLATFORM_INVALID`, and as the image's blobs do.
 */
export async function loadImage(
  image: ImageSource,
  name: string,
  options: { engine?: Engine; signal?: AbortSignal } = {},
): Promise<LoadReport> {
  const archive = dockerArchive(image, [name])
  const engine = options.engine ?? (await installedEngine())
  const result = await runProcess([engine, 'load'], archive, options).catch((cause: unknown) => {
    if (cause instanceof OciError) throw cause
    const reason = messageOf(cause)
    throw new OciError('LOAD_FAILED', `cannot load ${name} into ${engine}: ${reason}`, { cause })
  })
  if (result.exitCode !== 0) {
    const reason = result.stderr.trim().split('\n').at(-1) || `it ended with ${result.exitCode ?? 'a signal'}`
    throw new OciError('LOAD_FAILED', `cannot load ${name} into ${engine}: ${reason}`)
  }
  return { engine, name, imageId: image.images[0]?.config.descriptor.digest ?? '' }
}

async function installedEngine(): Promise<Engine> {
  for (const engine of ENGINES) {
    for (const directory of (process.env['PATH'] ?? '').split(delimiter)) {
      const found = await access(join(directory || '.', engine), constants.X_OK).then(
        () => true,
        () => false,
      )
      if (found) return engine
    }
  }
  throw new OciError('LOAD_FAILED', 'cannot load the image: neither podman nor docker is on the PATH')
}
