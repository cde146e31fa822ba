import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ApplicationEcosystem, Inventory } from '#sbom'
import { readInventory } from '../src/cli/image-inventory.ts'
import { installApplications } from './parts/applications.ts'
import { runOrThrow, runShell } from './parts/command.ts'
import { writeTarLayout } from './parts/tar-layout.ts'

const CLI = join(import.meta.dirname, '../src/cli/main.ts')

/** Files that no package of any kind has. */
const PUT_THERE = { 'opt/tool/run': '#!/bin/sh\nexec true\n', 'usr/local/lib/plugin.so': 'no library\n' }
/** And those of the npm application itself, which is no package that was installed. */
const NOBODYS = [...Object.keys(PUT_THERE), 'opt/npm/package.json', 'opt/npm/package-lock.json']

/**
 * An image that is not ours: a root of trixie by mmdebstrap, and above it an npm, a PyPI, a Go and a Java application as their
 * own package managers install them, and two files of nobody. Holds when `casemate sbom` has every Debian package that dpkg
 * lists, every application's package that the managers' own locks and lists name and none other, each once, and calls files
 * unexplained that no package has, all of them and no other. Needs root, mmdebstrap, dpkg, npm, pip, go, mvn and a JDK's jar.
 */
export async function run(): Promise<{ holds: boolean; lines: string[] }> {
  const folder = mkdtempSync(join(tmpdir(), 'casemate-foreign-'))
  try {
    const base = join(folder, 'base.tar')
    await runOrThrow(['mmdebstrap', '--quiet', '--variant=minbase', 'trixie', base])
    const root = join(folder, 'root')
    const applications = await installApplications({ root, scratch: join(folder, 'scratch') })
    for (const [path, content] of Object.entries(PUT_THERE)) {
      mkdirSync(join(root, path, '..'), { recursive: true })
      writeFileSync(join(root, path), content)
    }
    const above = join(folder, 'above.tar')
    await runOrThrow([
      'tar',
      '--create',
      '--sort=name',
      '--owner=0',
      '--group=0',
      '-C',
      root,
      '-f',
      above,
      'opt',
      'usr',
    ])
    const layout = join(folder, 'layout')
    await writeTarLayout(layout, [readFileSync(base), readFileSync(above)])
    const inventory = await readInventory(`oci:${layout}:image`, 'linux/amd64')
    const checks = [
      checkOf('deb', debsOf(inventory), await debsByDpkg(base, folder)),
      ...applications.map(({ ecosystem, locked }) => checkOf(ecosystem, applicationsOf(inventory, ecosystem), locked)),
      await checkDocument(layout, inventory),
      await checkUnexplained(inventory, base, folder),
    ]
    const faults = [...inventory.faults, ...checks.flatMap(({ faults }) => faults)]
    const unexplained = inventory.account?.unexplained ?? []
    return {
      holds: faults.length === 0,
      lines: [...checks.map(({ line }) => line), '', ...faults, '', 'unexplained:', ...unexplained],
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

interface Check {
  readonly line: string
  readonly faults: readonly string[]
}

function checkOf(what: string, found: readonly string[], wanted: readonly string[]): Check {
  const missing = wanted.filter((one) => !found.includes(one)).map((one) => `${what}: ${one} is missing`)
  const more = found.filter((one) => !wanted.includes(one)).map((one) => `${what}: ${one} is not in the lock`)
  const twice = found.filter((one, at) => found.indexOf(one) !== at).map((one) => `${what}: ${one} is there twice`)
  return {
    line: `${what.padEnd(7)} ${found.length} found, ${wanted.length} by its own package manager`,
    faults: [...missing, ...more, ...twice],
  }
}

function debsOf({ packages }: Inventory): readonly string[] {
  return packages.map(({ name, version, architecture }) => `${name} ${version} ${architecture}`)
}

/** What dpkg itself reads out of the root's package database. */
async function debsByDpkg(tar: string, folder: string): Promise<readonly string[]> {
  const admin = join(folder, 'dpkg')
  await runShell('mkdir "$2"; tar -xf "$1" -C "$2" --strip-components=4 ./var/lib/dpkg', tar, admin)
  const format = '${Package} ${Version} ${Architecture}\\n'
  const listed = await runOrThrow(['dpkg-query', `--admindir=${admin}`, '--show', `--showformat=${format}`])
  return listed.split('\n').filter((line) => line !== '')
}

function applicationsOf({ applications }: Inventory, wanted: string): readonly string[] {
  const words: Record<string, ApplicationEcosystem> = { npm: 'npm', pypi: 'PyPI', golang: 'Go', maven: 'Maven' }
  return applications
    .filter(({ ecosystem }) => ecosystem === words[wanted])
    .map(({ name, version }) => `${name} ${version}`)
}

/** The command line's own document has a component for each. */
async function checkDocument(layout: string, { packages, applications }: Inventory): Promise<Check> {
  const command = [process.execPath, '--conditions=source', CLI, 'sbom', `oci:${layout}:image`, '--format', 'cyclonedx']
  const document: { components: { purl?: string }[] } = JSON.parse(await runOrThrow(command))
  const purls = document.components.flatMap(({ purl }) => purl ?? [])
  const missing = applications.filter(({ purl }) => !purls.includes(purl)).map(({ purl }) => `sbom: no ${purl}`)
  const debs = purls.filter((purl) => purl.startsWith('pkg:deb/')).length
  const wrong = debs === packages.length ? [] : [`sbom: ${debs} Debian packages, want ${packages.length}`]
  return { line: `casemate sbom: ${purls.length} components with a purl`, faults: [...missing, ...wrong] }
}

/** Of the applications' layer exactly what was put there, of the root every file that no list of dpkg has, and no other. */
async function checkUnexplained({ account }: Inventory, base: string, folder: string): Promise<Check> {
  const unexplained = new Set((account?.unexplained ?? []).map(bare))
  const grouped = new Set((account?.groups ?? []).flatMap(({ files }) => files.map(bare)))
  const inRoot = await filesWithoutPackage(base, folder)
  const wanted = [...NOBODYS, ...inRoot.filter((path) => !grouped.has(path))]
  const missing = wanted.filter((path) => !unexplained.has(path)).map((path) => `${path} is called explained`)
  const more = [...unexplained].filter((path) => !wanted.includes(path)).map((path) => `${path} is called unexplained`)
  return {
    line: `files that no package has: ${unexplained.size} unexplained, ${grouped.size} known to be made by dpkg and its like`,
    faults: [...missing, ...more],
  }
}

function bare(path: string): string {
  return path.replace(/^\//, '')
}

/** Regular files of a root by tar's own listing, without those in dpkg's lists. */
async function filesWithoutPackage(tar: string, folder: string): Promise<readonly string[]> {
  const owned = new Set<string>()
  const lists = await runShell('cat "$1"/info/*.list', join(folder, 'dpkg'))
  // Merged /usr: packages may still name the old place.
  for (const path of lists.split('\n')) owned.add(bare(path).replace(/^(?:s?bin|lib(?:64|32|x32)?)\//, 'usr/$&'))
  const listed = await runOrThrow(['tar', '--list', '--verbose', '--file', tar])
  return listed.split('\n').flatMap((line) => {
    const path = /^-.* \d\d:\d\d \.\/(.*)$/.exec(line)?.[1]
    return path === undefined || owned.has(path) ? [] : path
  })
}
