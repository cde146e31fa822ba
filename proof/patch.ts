import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { BUILT_IN_ARCHIVES, chooseMirrors, readArchives } from '#debian'
import { discoverMirrors } from '../src/debian/io/host-mirrors.ts'
import { runOrThrow, runShell } from './parts/command.ts'
import { type DiskEntry, placeIn, readDiskTree } from './parts/disk-tree.ts'
import { writeTarLayout } from './parts/tar-layout.ts'
import { readImageTree } from './parts/unpacked.ts'

const CLI = join(import.meta.dirname, '../src/cli/main.ts')

/** Images that debootstrap makes, by the packages beside the smallest set. */
const IMAGES: Readonly<Record<string, readonly string[]>> = {
  web: ['ca-certificates', 'curl', 'nginx-light', 'openssl'],
  code: ['ca-certificates', 'git', 'python3-venv'],
  java: ['openjdk-21-jre-headless', 'ca-certificates-java', 'fontconfig'],
}

/** What dpkg's database is, beside the lists of what packages own. */
const DATABASE = /^\/var\/lib\/dpkg\/(?:status|statoverride|diversions|info\/.*)$/

/**
 * Images of trixie as debootstrap makes them, without the security suite, are patched, and a copy of each root is brought up by
 * `apt-get upgrade` in a chroot. Holds when every path that a package owns, and dpkg's database, are the same in both, and what
 * else differs is named as made by scripts. Arguments are names of images; all unless given. Needs root and debootstrap.
 */
export async function run(only: readonly string[] = []): Promise<{ holds: boolean; lines: string[] }> {
  const lines: string[] = []
  let holds = true
  for (const [name, packages] of Object.entries(IMAGES).filter(([name]) => only.length === 0 || only.includes(name))) {
    const folder = mkdtempSync(join(tmpdir(), 'casemate-patch-proof-'))
    try {
      const found = await compare(packages, folder)
      holds &&= found.faults.length === 0 && found.upgrades > 0
      lines.push(`${name}: ${found.line}`, ...found.faults.map((fault) => `  NOT THE SAME ${fault}`))
      lines.push(`  made by scripts, not by packages: ${found.made.join(', ') || 'nothing'}`, '')
      console.error(lines.slice(-5).join('\n'))
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  }
  return { holds: holds && lines.length > 0, lines }
}

interface Compared {
  readonly line: string
  readonly upgrades: number
  readonly faults: readonly string[]
  /** Paths that no package owns and that differ. */
  readonly made: readonly string[]
}

async function compare(packages: readonly string[], folder: string): Promise<Compared> {
  const root = join(folder, 'root')
  await runOrThrow(['debootstrap', '--variant=minbase', `--include=${packages.join(',')}`, 'trixie', root])
  const tar = join(folder, 'root.tar')
  await runOrThrow(['tar', '--numeric-owner', '--xattrs', '-C', root, '-cf', tar, '.'])
  const layout = join(folder, 'image')
  await writeTarLayout(layout, [readFileSync(tar)])
  const patch = ['patch', `oci:${layout}:image`, '--json', '-o', `oci:${join(folder, 'patched')}:image`]
  const started = performance.now()
  const report = JSON.parse(await runOrThrow([process.execPath, '--conditions=source', CLI, ...patch]))
  const seconds = ((performance.now() - started) / 1000).toFixed(1)
  const ours = await readImageTree(join(folder, 'patched'), folder)
  const owned = ownedPaths(root)
  await upgradeByApt(root)
  const apt = readDiskTree(root)
  for (const path of ownedPaths(root)) owned.add(path)
  const differing = [...new Set([...apt.keys(), ...ours.keys()])].filter(
    (path) => !isSame(apt.get(path), ours.get(path)),
  )
  // What apt's own run does to folders that its package ships is not the upgrade's doing.
  const isOwned = (path: string) => (owned.has(path) && !isOfTheRun(path)) || DATABASE.test(path)
  const [platform] = report.platforms
  const { length: upgrades } = platform.upgrades
  const compared = [...apt.keys()].filter(isOwned).length
  const notRun = platform.scriptsNotRun.length
  return {
    line: `${upgrades} packages newer in ${seconds} s, ${platform.written} paths written and ${platform.removed} taken away; ${compared} paths of packages and of the database compared; ${notRun} scripts not run`,
    upgrades,
    faults: differing.filter(isOwned).map((path) => `${path}: ${said(apt.get(path))}, ours ${said(ours.get(path))}`),
    made: differing.filter((path) => !isOwned(path) && !isOfTheRun(path)),
  }
}

/** Every path that a package's list has, where it lies. */
function ownedPaths(root: string): Set<string> {
  const tree = readDiskTree(root)
  const lists = [...tree.keys()].filter((path) => /^\/var\/lib\/dpkg\/info\/[^/]+\.list$/.test(path))
  const paths = lists.flatMap((list) => readFileSync(join(root, list), 'utf8').split('\n'))
  return new Set(paths.filter((path) => path.length > 2).map((path) => placeIn(tree, path)))
}

/** Brings a root to the newest versions of all suites, as somebody in a container would. */
async function upgradeByApt(root: string): Promise<void> {
  const archive = (await readArchives([BUILT_IN_ARCHIVES])).get('debian-13')?.archive
  if (archive === undefined) throw new Error('cannot upgrade: there is no archive debian-13')
  const tables = await discoverMirrors([archive])
  const sources = archive.suites.map(({ suite, mirror, components }) => {
    const [url] = chooseMirrors(mirror, tables, archive)
    return `deb ${url} ${suite} ${components.join(' ')}\n`
  })
  writeFileSync(join(root, 'etc/apt/sources.list'), sources.join(''))
  // The network of this machine, and nothing that starts a service.
  for (const file of ['resolv.conf', 'hosts'])
    await runShell('cp -L "$1" "$2"', `/etc/${file}`, join(root, 'etc', file))
  writeFileSync(join(root, 'usr/sbin/policy-rc.d'), '#!/bin/sh\nexit 101\n', { mode: 0o755 })
  const upgrade =
    'mount -t proc proc /proc; apt-get -qq update; apt-get -qq -y -o Dpkg::Options::=--force-confold upgrade'
  const environment = ['env', '-i', 'DEBIAN_FRONTEND=noninteractive', 'PATH=/usr/sbin:/usr/bin:/sbin:/bin']
  await runOrThrow(['unshare', '--mount', '--pid', '--fork', 'chroot', root, ...environment, 'sh', '-ec', upgrade])
}

function isSame(one: DiskEntry | undefined, other: DiskEntry | undefined): boolean {
  if (one === undefined || other === undefined || one.type !== other.type) return one === other
  const mode = one.type === 'symlink' || one.mode === other.mode
  return mode && one.uid === other.uid && one.gid === other.gid && one.content === other.content
}

/** What apt keeps for itself, and what was put there for the run. */
function isOfTheRun(path: string): boolean {
  return (
    /^\/(?:var\/(?:cache|log|lib\/apt)|tmp|proc|dev|sys|run)(?:\/|$)/.test(path) ||
    ['/etc/apt/sources.list', '/etc/resolv.conf', '/etc/hosts', '/usr/sbin/policy-rc.d'].includes(path)
  )
}

function said(entry: DiskEntry | undefined): string {
  if (entry === undefined) return 'nothing'
  return `${entry.type} ${entry.mode.toString(8)} ${entry.uid}:${entry.gid} ${entry.content.slice(0, 12)}`
}
