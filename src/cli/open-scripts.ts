import { type BuiltImage, ImageError, type OpenedDefinition } from '#image'

/**
 * What maintainer scripts would have done and no effect does, one line each, but for packages that the definition
 * acknowledges. For a definition that is not the catalogue's own it is an error: throws `SCRIPT_OPEN`.
 */
export function openScripts(
  { definition, isCatalogue }: OpenedDefinition,
  built: readonly BuiltImage[],
): readonly string[] {
  const acknowledged = new Set([...definition.variants.values()].flatMap(({ acknowledge }) => Object.keys(acknowledge)))
  const scripts = built.flatMap(({ assembly }) => assembly.scripts).filter((one) => !acknowledged.has(one.package))
  const open = [...new Set(scripts.flatMap((one) => one.open))]
  if (open.length === 0 || isCatalogue) return open
  const [first = ''] = new Set(scripts.filter((one) => one.open.length > 0).map((one) => one.package))
  throw new ImageError(
    'SCRIPT_OPEN',
    `cannot build ${definition.image}: maintainer scripts do what no effect does:\n${open.map((line) => `  ${line}`).join('\n')}\n` +
      `when the image does not need it, say so in the definition:  acknowledge: { ${first}: "the reason" }`,
  )
}
