import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { parseLock } from '#image'
import { requestsFor, type TestArchive, type TestMirror, testMirror } from '#testkit'
import { type Ended, runProgram } from './parts/command.ts'
import { localArchive } from './parts/local-archive.ts'

const CLI = join(import.meta.dirname, '../src/cli/main.ts')
const NAMES = ['one', 'two', 'three', 'four', 'five']
const MOVED = ['one', 'two', 'three']

/** A run of the command line, with what it asked the mirror and the snapshot service for. */
interface LockedRun extends Ended {
  readonly indexes: number
  readonly packages: number
  readonly snapshots: number
  /** Of the image that was written; empty when there is none. */
  readonly digest: string
}

/**
 * Locks an image, lets the archive move on to newer versions of three of its packages, takes the old ones off the mirror,
 * and builds with the lock by the command line. Holds when the image comes from the cache and from a stand-in of the
 * snapshot service with the digest it had, no index read; and when with neither the status is 3, each of the three files
 * is named with the last suite date that had it, no other file is, and nothing is written.
 */
export async function run(): Promise<{ holds: boolean; lines: string[] }> {
  const ends: (() => Promise<void>)[] = []
  const root = mkdtempSync(join(tmpdir(), 'casemate-locked-build-'))
  try {
    const place = await openPlace(root, ends)
    const first = await place.build('first')
    const { date, files } = await place.moveOn()
    const newer = await place.casemate('lock', place.definition, '--update', '--check')
    place.forget('members', 'layers', 'indexes')
    const cached = await place.build('cached')
    place.forget('')
    const nowhere = await place.build('nowhere')
    place.forget('')
    place.fillSnapshot(date)
    const snapshot = await place.build('snapshot')
    const named = MOVED.map((name) => `${files.get(name)} (last seen in trixie of ${date})`)
    const others = NAMES.filter((name) => !MOVED.includes(name)).map((name) => basename(files.get(name) ?? ''))
    const checks: readonly (readonly [string, boolean])[] = [
      ['the first locked build succeeds', first.status === 0 && first.digest !== ''],
      [
        'the archive has three newer packages, says lock --check',
        newer.status === 1 && MOVED.every((name) => newer.stdout.includes(`${name} 1.0`)),
      ],
      ['from the cache: the same digest', cached.status === 0 && cached.digest === first.digest],
      ['from the cache: nothing is asked for', cached.indexes + cached.packages + cached.snapshots === 0],
      ['from the snapshot stand-in: the same digest', snapshot.status === 0 && snapshot.digest === first.digest],
      ['from the snapshot stand-in: no index, three packages', snapshot.indexes === 0 && snapshot.snapshots === 3],
      ['with neither: status 3, nothing written', nowhere.status === 3 && nowhere.digest === ''],
      ['with neither: each missing file with its last suite date', named.every((one) => nowhere.stderr.includes(one))],
      ['with neither: no file that is there', !others.some((one) => nowhere.stderr.includes(one))],
    ]
    const lines = [
      `mirror moved on, says lock --update --check: ${newer.stdout.trim().replaceAll('\n', '; ')}`,
      rowOf('first build', first),
      rowOf('mirror moved on: from the cache', cached),
      rowOf('from a snapshot stand-in', snapshot),
      rowOf('with neither', nowhere),
      '',
      `the last one says: ${nowhere.stderr.trim().replaceAll(/http:\/\/127\.0\.0\.1:\d+/g, 'http://LOOPBACK')}`,
      '',
      ...checks.map(([what, good]) => `${good ? 'ok ' : 'NOT'} ${what}`),
    ]
    return { holds: checks.every(([, good]) => good), lines }
  } finally {
    for (const end of ends) await end()
    rmSync(root, { recursive: true, force: true })
  }
}

function rowOf(title: string, { status, digest, indexes, packages, snapshots }: LockedRun): string {
  const asked = `${indexes} indexes and ${packages} packages asked of the mirror, ${snapshots} of the snapshot service`
  return `${title.padEnd(32)} status ${status}, ${digest.slice(0, 19) || 'no image'}; ${asked}`
}

/** An archive of five packages, a definition of them all with its lock, and an empty snapshot service. */
async function openPlace(root: string, ends: (() => Promise<void>)[]): Promise<Place> {
  const service = await testMirror({ after: (end) => void ends.unshift(end) }, join(root, 'snapshot'))
  const debs = NAMES.map((name) => ({ name, files: { [`/usr/share/${name}/file`]: name.repeat(9999) } }))
  const archive = await localArchive('moving', debs, ends, { snapshot: service.url })
  const place = new Place(root, archive, service)
  const { status, stderr } = await place.casemate('lock', place.definition)
  if (status !== 0) throw new Error(`cannot lock: ${stderr}`)
  return place
}

class Place {
  readonly definition: string
  readonly #root: string
  readonly #archive: TestArchive
  readonly #service: TestMirror
  /** The packages as they were locked. */
  readonly #kept: string

  constructor(root: string, archive: TestArchive, service: TestMirror) {
    this.#root = root
    this.#archive = archive
    this.#service = service
    this.#kept = join(root, 'kept')
    this.definition = join(root, 'app', 'casemate.yaml')
    mkdirSync(dirname(this.definition))
    cpSync(archive.archiveFolder, join(root, 'app/archives'), { recursive: true })
    cpSync(join(archive.folder, 'pool'), join(this.#kept, 'pool'), { recursive: true })
    const lines = ['image: app', 'archive: moving', 'platforms: [linux/amd64]', 'contract: { run-as: "65532" }']
    writeFileSync(this.definition, [...lines, `packages: [${NAMES.join(', ')}]`, ''].join('\n'))
  }

  casemate(...args: readonly string[]): Promise<Ended> {
    const env = { XDG_CACHE_HOME: join(this.#root, 'cache'), CASEMATE_MIRROR: `moving=${this.#archive.mirror.url}` }
    return runProgram([process.execPath, '--conditions=source', CLI, ...args], { cwd: this.#root, env })
  }

  async build(output: string): Promise<LockedRun> {
    this.#archive.mirror.requests.length = 0
    this.#service.requests.length = 0
    const layout = join(this.#root, 'out', output)
    const ended = await this.casemate('build', this.definition, '-o', `oci:${layout}:app`)
    const index = join(layout, 'index.json')
    const digest = existsSync(index) ? /sha256:[0-9a-f]{64}/.exec(readFileSync(index, 'utf8'))?.[0] : undefined
    return {
      ...ended,
      indexes: requestsFor(this.#archive.mirror, '/dists/'),
      packages: requestsFor(this.#archive.mirror, '/pool/'),
      snapshots: this.#service.requests.length,
      digest: digest ?? '',
    }
  }

  /** Publishes newer versions of three packages and takes away the old ones; gives what the lock says of the old ones. */
  async moveOn(): Promise<{ date: string; files: ReadonlyMap<string, string> }> {
    const lock = parseLock(readFileSync(join(dirname(this.definition), 'casemate.lock'), 'utf8'), 'casemate.lock')
    const packages = lock.platforms['linux/amd64']?.packages ?? []
    const files = new Map(packages.map(({ name, filename }) => [name, filename]))
    await this.#archive.publish(...MOVED.map((name) => ({ name, version: '2.0', files: { '/usr/share/new': name } })))
    for (const name of MOVED) rmSync(join(this.#archive.folder, files.get(name) ?? ''))
    const isGone = (stanza: string) => MOVED.some((name) => stanza.includes(`Package: ${name}\nVersion: 1.0\n`))
    await this.#archive.republish({
      date: new Date(Date.now() - 60_000),
      packages: (text) =>
        text
          .split(/(?<=\n)\n/)
          .filter((stanza) => !isGone(stanza))
          .join('\n'),
    })
    return { date: lock.observed[0]?.date ?? '', files }
  }

  /** Takes parts of the cache away; all of it for the empty name. */
  forget(...kinds: readonly string[]): void {
    for (const kind of kinds) rmSync(join(this.#root, 'cache/casemate', kind), { recursive: true, force: true })
  }

  /** The snapshot service holds the packages at the date that the lock observed. */
  fillSnapshot(date: string): void {
    cpSync(this.#kept, join(this.#root, 'snapshot', date.replaceAll(/[-:]/g, '')), { recursive: true })
  }
}
