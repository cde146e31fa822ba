import { cp, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fetchPackages } from '#debian'
import { openDefinition, type ResolvedDefinition, solveLock } from '#image'
import { runOrThrow } from './command.ts'
import { copyInstalled, type InstalledPackage } from './installed-package.ts'
import { localArchive, realDebs } from './local-archive.ts'

const DAY = 86_400_000

/**
 * Builds a catalogue image from an archive on loopback that holds its packages, then, with empty caches, from a newer
 * state of that archive: signed later, with a package more that nothing asks for. Last with the lock that the older state
 * gave. Gives the digests and a row for each build.
 */
export async function newRelease(
  { image, platforms }: { readonly image: string; readonly platforms: string },
  installed: InstalledPackage,
  root: string,
): Promise<{ digests: Set<string>; rows: string[] }> {
  const ends: (() => Promise<void>)[] = []
  const name = `local-${image}`
  try {
    const { definition } = await openDefinition(image, { workingFolder: process.cwd() })
    const debs = await realDebs(await downloads(definition))
    const architectures = definition.platforms.map((platform) => platform.replace('linux/', ''))
    const archive = await localArchive(name, debs, ends, { architectures })
    const copy = await copyInstalled(installed, join(root, name))
    await cp(archive.archiveFolder, join(copy.folder, 'archives'), { recursive: true })
    const file = join(copy.folder, 'images/static/casemate.yaml')
    await writeFile(file, (await readFile(file, 'utf8')).replace('archive: debian-13', `archive: ${name}`))
    const cache = join(root, `cache-${name}`)
    const environment = { XDG_CACHE_HOME: cache, CASEMATE_MIRROR: `${name}=${archive.mirror.url}` }
    const casemate = (...args: readonly string[]) =>
      runOrThrow([process.execPath, copy.program, ...args], { cwd: root, env: environment })
    const digests = new Set<string>()
    const rows: string[] = []
    const build = async (title: string) => {
      await rm(cache, { recursive: true, force: true })
      const output = ['-o', `oci:${join(root, 'out', title.replaceAll(' ', '-'))}:image`]
      const { digest }: { digest?: unknown } = JSON.parse(
        await casemate('build', image, '--platform', platforms, ...output, '--json'),
      )
      digests.add(String(digest))
      rows.push(`  ${title.padEnd(34)} ${String(digest).slice(0, 23)}`)
    }
    await build('from a local archive')
    await casemate('lock', image)
    const lock = join(copy.folder, 'images', image, 'casemate.lock')
    const locked = await readFile(lock, 'utf8')
    await rm(lock)
    await archive.publish({ name: 'unrelated', architecture: 'all', files: { '/usr/share/unrelated/file': 'new' } })
    await archive.republish({ date: new Date(Date.now() - DAY / 48) })
    await build('from its next InRelease')
    await writeFile(lock, locked)
    await build('with the lock of its first InRelease')
    await rm(join(root, 'out'), { recursive: true, force: true })
    return { digests, rows }
  } finally {
    for (const end of ends) await end()
  }
}

/** The .debs of all variants and platforms of an image: a lock is of all of them. */
async function downloads(definition: ResolvedDefinition): Promise<readonly string[]> {
  const { image, platforms } = definition
  const solved = await solveLock({ definition, platforms, format: 1, place: {}, acceptExpired: false })
  if (solved.kind === 'impossible') throw new Error(`cannot solve ${image}: ${solved.reasons.join('; ')}`)
  const { lock } = solved
  const packages = platforms.flatMap((platform) => lock.platforms[platform]?.packages ?? [])
  return fetchPackages(packages, { observed: lock.observed })
}
