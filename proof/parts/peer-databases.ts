import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { advisoryFiles, trackerExports } from '../../bench/advisory-data.ts'
import type { PeerPlaces } from '../../bench/scan-peers.ts'
import { runOrThrow } from './command.ts'
import { peer } from './peers.ts'
import { type TrackerExport, writeTrivyRecords } from './trivy-records.ts'

/** Where the same advisories lie for both scanners. */
export interface ScannerDatabases {
  /** What grype's environment must say. */
  readonly grype: NodeJS.ProcessEnv
  /** trivy's folder of caches. */
  readonly trivy: string
}

/** And for us. */
export interface PeerDatabases extends ScannerDatabases {
  /** What our environment must say. */
  readonly casemate: NodeJS.ProcessEnv
}

const CLI = join(import.meta.dirname, '../../src/cli/main.ts')
const TESTDATA = join(import.meta.dirname, '../../test/gate/testdata')

/** Files of advisories, each in its publisher's form. */
export interface AdvisoryFiles {
  /** The tracker's export. */
  readonly tracker: string
  /** DSAs. */
  readonly announcements: string
  /** DLAs. grype knows none. */
  readonly longTerm: string
}

/** The excerpt of Debian's data that the quality gate of findings has. */
const EXCERPT: AdvisoryFiles = {
  tracker: join(TESTDATA, 'export.json'),
  announcements: join(TESTDATA, 'DSA-list'),
  longTerm: join(TESTDATA, 'DLA-list'),
}

/** Makes databases of the quality gate's advisories for all three, each by its own program's builder, below `folder`. */
export async function buildPeerDatabases(folder: string): Promise<PeerDatabases> {
  const casemate = { XDG_CACHE_HOME: join(folder, 'casemate') }
  const command = [process.execPath, '--conditions=source', CLI, 'advisories', 'import', ...Object.values(EXCERPT)]
  await runOrThrow(command, { env: casemate })
  return { ...(await buildFrom(EXCERPT, folder)), casemate }
}

/**
 * Makes the scanners' databases of a folder of advisory data at the places where the benchmark of scans looks for them, unless
 * they are there: of the tracker's exports and both lists, which is all of it that both scanners have an importer for.
 */
export async function provideBenchDatabases(data: string | undefined, places: PeerPlaces): Promise<void> {
  const targets = { grype: places.grypeCache, trivy: places.trivyCache }
  if (Object.values(targets).every((folder) => existsSync(folder))) return
  const scratch = `${places.trivyCache}.${process.pid}.tmp`
  mkdirSync(scratch, { recursive: true })
  try {
    const tracker = join(scratch, 'export.json')
    const exports = trackerExports(data).map((file): TrackerExport => JSON.parse(readFileSync(file, 'utf8')))
    writeFileSync(tracker, JSON.stringify(joinExports(exports)))
    const list = (name: string) => advisoryFiles(data).find((file) => basename(file) === name) ?? ''
    await buildFrom({ tracker, announcements: list('DSA-list'), longTerm: list('DLA-list') }, scratch)
    for (const [name, target] of Object.entries(targets)) {
      rmSync(target, { recursive: true, force: true })
      renameSync(join(scratch, name), target)
    }
  } finally {
    rmSync(scratch, { recursive: true, force: true })
  }
}

/** Several exports as one, by source package and issue. */
function joinExports(exports: readonly TrackerExport[]): TrackerExport {
  const joined: Record<string, TrackerExport[string]> = {}
  for (const one of exports) {
    for (const [source, issues] of Object.entries(one)) joined[source] = { ...joined[source], ...issues }
  }
  return joined
}

/**
 * Makes databases for the scanners in which every issue of the same advisories is open in every release that has an entry of
 * it, for good: what a scanner finds that knows neither fixes nor what is not affected.
 */
export async function buildIgnorantDatabases(folder: string): Promise<ScannerDatabases> {
  mkdirSync(folder, { recursive: true })
  const [tracker, announcements] = [join(folder, 'export.json'), join(folder, 'empty-list')]
  const exported: TrackerExport = JSON.parse(readFileSync(EXCERPT.tracker, 'utf8'))
  for (const { releases = {} } of Object.values(exported).flatMap((issues) => Object.values(issues))) {
    for (const release of Object.keys(releases)) releases[release] = { status: 'open', urgency: 'not yet assigned' }
  }
  writeFileSync(tracker, JSON.stringify(exported))
  writeFileSync(announcements, '')
  return buildFrom({ tracker, announcements, longTerm: announcements }, folder)
}

async function buildFrom(files: AdvisoryFiles, folder: string): Promise<ScannerDatabases> {
  const grype = {
    GRYPE_DB_CACHE_DIR: join(folder, 'grype'),
    GRYPE_DB_AUTO_UPDATE: 'false',
    GRYPE_DB_VALIDATE_AGE: 'false',
    GRYPE_CHECK_FOR_APP_UPDATE: 'false',
  }
  const trivy = join(folder, 'trivy')
  await buildGrype(files, join(folder, 'grype-records'), grype)
  await buildTrivy(files, join(folder, 'trivy-records'), trivy)
  return { grype, trivy }
}

async function buildGrype(files: AdvisoryFiles, folder: string, env: NodeJS.ProcessEnv): Promise<void> {
  const [records, database] = [join(folder, 'records'), join(folder, 'database')]
  for (const one of [records, database]) mkdirSync(one, { recursive: true })
  const script = join(import.meta.dirname, 'peers/grype-records.py')
  await runOrThrow([await peer('vunnelPython'), script, files.tracker, files.announcements, records])
  await runOrThrow([await peer('grypeDb'), join(records, 'debian'), database])
  const archive = readdirSync(database).find((file) => file.endsWith('.tar.gz'))
  if (archive === undefined) throw new Error("cannot import grype's database: its builder packed none")
  await runOrThrow([await peer('grype'), 'db', 'import', join(database, archive)], { env })
}

async function buildTrivy(files: AdvisoryFiles, records: string, target: string): Promise<void> {
  const lists = [files.announcements, files.longTerm].map((file) => readFileSync(file, 'utf8'))
  writeTrivyRecords({ tracker: readFileSync(files.tracker, 'utf8'), lists }, records)
  const output = join(target, 'db')
  mkdirSync(output, { recursive: true })
  const options = ['--only-update', 'debian', '--cache-dir', records, '--output-dir', output]
  await runOrThrow([await peer('trivyDb'), 'build', ...options])
}
