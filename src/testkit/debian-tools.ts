import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs'
import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import { type BinaryPackage, fetchPackages, openArchive } from '#debian'

/**
 * Programs that the tests want as second opinions, newer than the host's release has them, or without what that has left
 * out: Debian 12's skopeo and podman refuse every Sigstore signature. Its libraries come with it, of its own release.
 */
const tools = {
  'cosign-2': { packages: ['cosign'], archive: 'debian-13', program: 'usr/bin/cosign', major: '2.' },
  'cosign-3': { packages: ['cosign'], archive: 'sid', program: 'usr/bin/cosign', major: '3.' },
  oras: { packages: ['oras'], archive: 'debian-13', program: 'usr/bin/oras', major: '' },
  skopeo: { packages: ['skopeo'], archive: 'debian-13', program: 'usr/bin/skopeo', major: '1.' },
  podman: { packages: ['podman', 'netavark'], archive: 'debian-13', program: 'usr/bin/podman', major: '5.' },
} as const

export type DebianTool = keyof typeof tools

/** The path of a tool; `installDebianTools`, which the test command calls, has put it there. */
export function debianTool(name: DebianTool): string {
  return join(toolFolder(name), tools[name].program)
}

/**
 * Fetches the tools that are not there yet from Debian, by our own archive client with the archive's own signatures, and
 * unpacks them below the user's cache folder. Rejects as `openArchive` and `fetchPackages` do.
 */
export async function installDebianTools(): Promise<void> {
  for (const name of Object.keys(tools) as DebianTool[]) if (!existsSync(debianTool(name))) await install(name)
}

async function install(name: DebianTool): Promise<void> {
  const { packages, archive, major, program } = tools[name]
  console.log(`installing ${name}`)
  const architecture = execFileSync('dpkg', ['--print-architecture'], { encoding: 'utf8' }).trim()
  const place = { archiveFolders: [resolve(import.meta.dirname, '../../test/archives')] }
  // A tool of the tests need not be of today: a mirror that lags is good enough.
  const opened = await openArchive({ ...place, archives: [archive], architecture, acceptExpired: true })
  const found = packages.map((wanted) => {
    const versions = opened.universe.versions(wanted)
    return versions.find(({ version }) => wanted !== packages[0] || version.startsWith(major))
  })
  const chosen = found.filter((one) => one !== undefined)
  const all = withLibraries(chosen, opened.universe)
  opened.close()
  if (chosen.length < packages.length)
    throw new Error(`cannot install ${name}: ${archive} has no ${packages[0]} ${major}`)
  const folder = toolFolder(name)
  mkdirSync(join(folder, '..'), { recursive: true })
  const aside = mkdtempSync(`${folder}.`)
  for (const deb of await fetchPackages(all, place)) execFileSync('dpkg-deb', ['--extract', deb, aside])
  bindToOwnLibraries(join(aside, program), { aside, folder })
  rmSync(folder, { recursive: true, force: true })
  renameSync(aside, folder)
}

/** Packages with the libraries that they need: of alternatives the first, as their release was made with. */
function withLibraries<Package extends BinaryPackage>(
  packages: readonly Package[],
  universe: { versions(name: string): readonly Package[] },
): Package[] {
  const all = new Map(packages.map((one) => [one.name, one]))
  for (const { depends, preDepends } of all.values()) {
    for (const [wanted] of [...preDepends, ...depends]) {
      if (wanted === undefined || !wanted.name.startsWith('lib') || all.has(wanted.name)) continue
      const [library] = universe.versions(wanted.name)
      if (library !== undefined) all.set(library.name, library)
    }
  }
  return [...all.values()]
}

/** Makes a program that is not static take its loader and libraries from where it will be. */
function bindToOwnLibraries(program: string, { aside, folder }: { aside: string; folder: string }): void {
  const patch = (...args: string[]) => execFileSync('patchelf', [...args, program], { encoding: 'utf8', stdio: 'pipe' })
  const headers = execFileSync('readelf', ['--program-headers', program], { encoding: 'utf8' })
  if (!headers.includes('INTERP')) return
  const loader = patch('--print-interpreter').trim()
  const [own] = [loader, `/usr${loader}`].filter((path) => existsSync(join(aside, path)))
  if (own === undefined) throw new Error(`cannot bind ${program}: no package brought ${loader}`)
  const libraries = join(folder, 'usr/lib', `${processor()}-linux-gnu`)
  patch('--set-interpreter', join(folder, own), '--force-rpath', '--set-rpath', libraries)
}

/** The processor as the names of Debian's library folders have it. */
function processor(): string {
  return execFileSync('uname', ['--machine'], { encoding: 'utf8' }).trim()
}

function toolFolder(name: DebianTool): string {
  const { XDG_CACHE_HOME: xdg } = process.env
  return join(xdg?.startsWith('/') ? xdg : join(homedir(), '.cache'), 'casemate-tests', 'tools', name)
}
