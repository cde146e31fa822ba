import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { RegistryServer } from '#oci/registry'
import { type CatalogueImage, catalogueImages } from './parts/catalogue.ts'
import { runOrThrow, runProgram } from './parts/command.ts'

const CLI = [process.execPath, '--conditions=source', join(import.meta.dirname, '../src/cli/main.ts')]
const PASSWORD = { COSIGN_PASSWORD: 'proof' }

/**
 * Every image of the catalogue, in every variant for both platforms, is built, pushed and signed with its evidence, and then
 * built again by `casemate reproduce` from nothing but that evidence, with a cache that never saw a member, a layer or a
 * derived result; .debs come from a store. Holds when every index digest is the same. Arguments are names of images; all
 * unless given. Set CASEMATE_PROOF_VARIANTS to `runtime` to leave out the others.
 */
export async function run(only: readonly string[] = []): Promise<{ holds: boolean; lines: string[] }> {
  const folder = mkdtempSync(join(tmpdir(), 'casemate-reproduce-proof-'))
  const server = await RegistryServer.start(join(folder, 'registry'), { host: '127.0.0.1', port: 0 })
  try {
    await runOrThrow([...CLI, 'keygen', join(folder, 'proof')], { env: { ...process.env, ...PASSWORD } })
    const lines: string[] = []
    let holds = true
    for (const image of variantsOf(await catalogueImages(only))) {
      const result = await reproduce(image, folder, server.address)
      lines.push(
        `${result.isSame ? 'same   ' : 'differs'}  ${image.name.padEnd(24)} ${image.variant.padEnd(8)} ${result.words}`,
      )
      holds &&= result.isSame
    }
    return { holds: holds && lines.length > 0, lines }
  } finally {
    await server.close(100)
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Each image and variant once: its index has both platforms. */
function variantsOf(images: readonly CatalogueImage[]): readonly CatalogueImage[] {
  const wanted = process.env['CASEMATE_PROOF_VARIANTS']?.split(',')
  return images.filter(({ platform, variant }) => platform === 'linux/amd64' && wanted?.includes(variant) !== false)
}

async function reproduce({ name, variant }: CatalogueImage, folder: string, registry: string) {
  const reference = `${registry}/${name}:${variant}`
  const key = join(folder, 'proof')
  const build = ['build', name, '--variant', variant, '-o', `docker://${reference}`, '--key', `${key}.key`, '--json']
  const made = await runProgram([...CLI, ...build], { env: { ...process.env, ...PASSWORD } })
  if (made.status !== 0) return { isSame: false, words: `cannot be built: ${made.stderr.trim()}` }
  const cache = join(folder, 'cache')
  rmSync(cache, { recursive: true, force: true })
  const store = join(process.env['XDG_CACHE_HOME'] ?? join(process.env['HOME'] ?? '', '.cache'), 'casemate')
  const again = await runProgram([...CLI, 'reproduce', reference, '--key', `${key}.pub`, '--store', store, '--json'], {
    env: { ...process.env, XDG_CACHE_HOME: cache },
  })
  if (again.status !== 0 && again.status !== 1) return { isSame: false, words: again.stderr.trim() }
  const { reproduced, compared } = JSON.parse(again.stdout)
  const [index] = compared
  const differing = compared.find((one: { difference?: unknown }) => one.difference !== undefined)
  const words = reproduced ? index.wanted : JSON.stringify(differing?.difference ?? compared)
  return { isSame: reproduced === true, words }
}
