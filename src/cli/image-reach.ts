import { environmentVariable, openImage, parsePlatform, parseReference, readImageFiles } from '#oci'
import { analyseReach, type ImageReach, isReachPath } from '#reach'
import type { DebComponent } from '#sbom'

/**
 * Reads an image's programs and libraries, and says which packages its entrypoint can load. Rejects as `openImage` and
 * `readImageFiles` do.
 */
export async function readReach(
  reference: string,
  platform: string,
  packages: readonly DebComponent[],
): Promise<ImageReach> {
  const image = await openImage(parseReference(reference), { platform: parsePlatform(platform) })
  try {
    const files = await readImageFiles(image.layers, { wants: isReachPath })
    const { Entrypoint = [], Cmd = [], Env = [] } = image.config.config
    const environment = new Map(Env.map(environmentVariable))
    return analyseReach(files, packages, { command: [...Entrypoint, ...Cmd], environment })
  } finally {
    await image.close()
  }
}
