import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { formatCycloneDx, formatSpdx, type Inventory } from '#sbom'
import { readInventory } from '../src/cli/image-inventory.ts'
import { sbomFaults } from '../src/cli/sbom-faults.test.ts'
import { buildCatalogueImage, type CatalogueBuild, catalogueImages } from './parts/catalogue.ts'

/** What writes wherever packages or a definition ask for it: by its path alone such a file may be any other effect's. */
const NOT_BY_PATH = new Set(['definition', 'script-paths', 'tmpfiles', 'configuration-files'])

/** What dpkg notes of packages (dpkg(1), deb-triggers(5), dpkg-statoverride(1)); alternatives and the triggers that packages want are effects. */
const DATABASE =
  /^\/var\/lib\/dpkg\/(?:info\/.*|status|diversions|arch-native|triggers\/(?:File|Unincorp)|statoverride)$/

/**
 * The SPDX and CycloneDX documents of every image of the catalogue, with files, keep their JSON Schemas, have NTIA's minimum
 * elements and say the same; each package of the lock is in them once; no file is unexplained, none of an application; and what
 * the image alone tells of effects and owners is what the build knows. Arguments are names of images; all unless given.
 */
export async function run(only: readonly string[] = []): Promise<{ holds: boolean; lines: string[] }> {
  const folder = mkdtempSync(join(tmpdir(), 'casemate-sbom-'))
  const lines: string[] = []
  const faults: string[] = []
  try {
    for (const image of await catalogueImages(only)) {
      const build = await buildCatalogueImage(image, folder)
      const inventory = await readInventory(`oci:${build.layout}:image`, image.platform, {
        licences: true,
        account: true,
        files: true,
      })
      rmSync(build.layout, { recursive: true })
      const maker = { tool: 'casemate-proof' }
      const found = [
        ...sbomFaults(formatSpdx(inventory, maker), formatCycloneDx(inventory, maker)),
        ...packageFaults(inventory, build),
        ...fileFaults(inventory, build),
        ...ownerFaults(inventory, build),
      ]
      faults.push(...found.map((fault) => `${build.title}: ${fault}`))
      const groups = inventory.account?.groups.length ?? 0
      lines.push(
        `${build.title.padEnd(40)} ${String(inventory.packages.length).padStart(4)} packages, ${groups} groups, ${inventory.files?.length} files`,
      )
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
  return { holds: faults.length === 0 && lines.length > 0, lines: [...lines, '', ...faults] }
}

function packageFaults({ packages, faults, applications }: Inventory, { built }: CatalogueBuild): string[] {
  const key = (one: { name: string; version: string; architecture: string }) =>
    `${one.name} ${one.version} ${one.architecture}`
  const [left, right] = [packages.map(key).sort(), built.packages.map(key).sort()]
  return [
    ...faults,
    ...applications.map(({ purl, path }) => `${purl} is said to be in ${path}`),
    ...(JSON.stringify(left) === JSON.stringify(right) ? [] : ['its packages are not those of the lock']),
  ]
}

function fileFaults({ account }: Inventory, { built }: CatalogueBuild): string[] {
  const { tree } = built.assembly
  const wrong = (account?.groups ?? []).flatMap(({ kind, name, files }) =>
    kind === 'package-database'
      ? []
      : files.flatMap((path) => {
          const origin = tree.get(path)?.origin
          const real = origin === undefined || origin.kind === 'definition' ? 'definition' : origin.name
          return real === name || NOT_BY_PATH.has(real) ? [] : [`${path} is said to be of ${name}, and is of ${real}`]
        }),
  )
  return [...(account?.unexplained ?? ['nobody looked']).map((path) => `nothing explains ${path}`), ...wrong]
}

/** Every file of a package, and none other, is that package's; what dpkg notes of packages is of its database. */
function ownerFaults({ files = [] }: Inventory, { built }: CatalogueBuild): string[] {
  const { tree } = built.assembly
  const wrong = files.flatMap(({ path, owner }) => {
    const origin = tree.get(path)?.origin
    const ofPackage = origin?.kind === 'package' ? origin.name : undefined
    const real = DATABASE.test(path) ? 'package-database' : ofPackage
    const said = owner?.kind === 'package' ? owner.name : owner?.kind === 'package-database' ? owner.kind : undefined
    return real === said ? [] : [`${path} is said to be of ${said ?? 'no package'}, and is of ${real ?? 'none'}`]
  })
  return files.length === 0 ? ['no file is listed'] : wrong
}
