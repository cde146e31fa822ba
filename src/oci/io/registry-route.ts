import { OciError } from '../errors.ts'

/** The environment that says where registries are reached that are not reached by their names. */
export const ROUTES_VARIABLE = 'CASEMATE_REGISTRY_AT'

/**
 * Where a registry is reached, where that is not its name: `NAME=URL` parts between commas. Images are named and signed by the name, as
 * everybody else knows it; who is beside the registry, behind its proxy, asks it directly. A URL of plain HTTP is the operator's word
 * that nobody listens on the way. Gives `undefined` for a registry that is reached by its name. Throws `REFERENCE_INVALID`.
 */
export function registryRoute(
  registry: string,
  environment: Readonly<Record<string, string | undefined>>,
): URL | undefined {
  const parts = (environment[ROUTES_VARIABLE] ?? '').split(',').filter((part) => part.trim() !== '')
  let found: URL | undefined
  for (const part of parts) {
    const [, name, url] = /^\s*([^\s=/]+)=(https?:\/\/[^\s/?#@]+)\/?\s*$/.exec(part) ?? []
    if (name === undefined || url === undefined || !URL.canParse(url)) {
      const wanted = 'want HOST[:PORT]=http://HOST[:PORT] or =https://…, several between commas'
      throw new OciError('REFERENCE_INVALID', `cannot use "${part.trim()}" of ${ROUTES_VARIABLE}: ${wanted}`)
    }
    if (name === registry) found ??= new URL(url)
  }
  return found
}
