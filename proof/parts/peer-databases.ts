import { mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { runOrThrow } from './command.ts'
import { peer } from './peers.ts'
import { writeTrivyRecords } from './trivy-records.ts'

/** Where the same advisories lie for each of the three. */
export interface PeerDatabases {
  /** What grype's environment must say. */
  readonly grype: NodeJS.ProcessEnv
  /** trivy's folder of caches. */
  readonly trivy: string
  /** What our environment must say. */
  readonly casemate: NodeJS.ProcessEnv
}

const CLI = join(import.meta.dirname, '../../src/cli/main.ts')
const TESTDATA = join(import.meta.dirname, '../../test/gate/testdata')

/** The excerpt of Debian's data that the quality gate of findings has: facts that were current on one day. */
export const ADVISORIES = {
  tracker: join(TESTDATA, 'export.json'),
  announcements: join(TESTDATA, 'DSA-list'),
  longTerm: join(TESTDATA, 'DLA-list'),
} as const

/** Makes databases of the same content, each by its own program's builder, below `folder`. */
export async function buildPeerDatabases(folder: string): Promise<PeerDatabases> {
  const databases = {
    grype: {
      GRYPE_DB_CACHE_DIR: join(folder, 'grype'),
      GRYPE_DB_AUTO_UPDATE: 'false',
      GRYPE_DB_VALIDATE_AGE: 'false',
      GRYPE_CHECK_FOR_APP_UPDATE: 'false',
    },
    trivy: join(folder, 'trivy'),
    casemate: { XDG_CACHE_HOME: join(folder, 'casemate') },
  }
  await buildGrype(join(folder, 'grype-records'), databases.grype)
  await buildTrivy(join(folder, 'trivy-records'), databases.trivy)
  const files = [ADVISORIES.tracker, ADVISORIES.announcements, ADVISORIES.longTerm]
  const command = [process.execPath, '--conditions=source', CLI, 'advisories', 'import', ...files]
  await runOrThrow(command, { env: databases.casemate })
  return databases
}

async function buildGrype(folder: string, env: NodeJS.ProcessEnv): Promise<void> {
  const [records, database] = [join(folder, 'records'), join(folder, 'database')]
  for (const one of [records, database]) mkdirSync(one, { recursive: true })
  const script = join(import.meta.dirname, 'peers/grype-records.py')
  await runOrThrow([await peer('vunnelPython'), script, ADVISORIES.tracker, ADVISORIES.announcements, records])
  await runOrThrow([await peer('grypeDb'), join(records, 'debian'), database])
  const archive = readdirSync(database).find((file) => file.endsWith('.tar.gz'))
  if (archive === undefined) throw new Error("cannot import grype's database: its builder packed none")
  await runOrThrow([await peer('grype'), 'db', 'import', join(database, archive)], { env })
}

async function buildTrivy(records: string, target: string): Promise<void> {
  const [tracker, ...lists] = Object.values(ADVISORIES).map((file) => readFileSync(file, 'utf8'))
  writeTrivyRecords({ tracker: tracker ?? '', lists }, records)
  const output = join(target, 'db')
  mkdirSync(output, { recursive: true })
  const options = ['--only-update', 'debian', '--cache-dir', records, '--output-dir', output]
  await runOrThrow([await peer('trivyDb'), 'build', ...options])
}
