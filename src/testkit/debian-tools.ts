import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs'
import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import { fetchPackages, openArchive } from '#debian'

/** Programs that the tests want as second opinions, newer than the host's release has them: each a static one of a package. */
const tools = {
  'cosign-2': { package: 'cosign', archive: 'debian-13', program: 'usr/bin/cosign', major: '2.' },
  'cosign-3': { package: 'cosign', archive: 'sid', program: 'usr/bin/cosign', major: '3.' },
  oras: { package: 'oras', archive: 'debian-13', program: 'usr/bin/oras', major: '' },
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
  const { package: wanted, archive, major } = tools[name]
  console.log(`installing ${name}`)
  const architecture = execFileSync('dpkg', ['--print-architecture'], { encoding: 'utf8' }).trim()
  const place = { archiveFolders: [resolve(import.meta.dirname, '../../test/archives')] }
  // A tool of the tests need not be of today: a mirror that lags is good enough.
  const opened = await openArchive({ ...place, archives: [archive], architecture, acceptExpired: true })
  const found = opened.universe.versions(wanted).find(({ version }) => version.startsWith(major))
  opened.close()
  if (found === undefined) throw new Error(`cannot install ${name}: ${archive} has no ${wanted} ${major}`)
  const [deb = ''] = await fetchPackages([found], place)
  const folder = toolFolder(name)
  mkdirSync(join(folder, '..'), { recursive: true })
  const aside = mkdtempSync(`${folder}.`)
  execFileSync('dpkg-deb', ['--extract', deb, aside])
  rmSync(folder, { recursive: true, force: true })
  renameSync(aside, folder)
}

function toolFolder(name: DebianTool): string {
  const { XDG_CACHE_HOME: xdg } = process.env
  return join(xdg?.startsWith('/') ? xdg : join(homedir(), '.cache'), 'casemate-tests', 'tools', name)
}
