/**
 * Times `casemate build` of the packed npm package against mmdebstrap and umoci on the same package sets, from one local
 * repository, in turns: `npm run bench -- [ROUNDS]`. Needs Debian's mmdebstrap and umoci, and root or user namespaces.
 */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { type TestArchive, testArchive } from '#testkit'
import { fetchSets, type PackageSet, packageSets } from './package-sets.ts'
import { measureProcess, median, type ProcessCost } from './process.ts'

/** What is measured of one set, in the order of the table. */
const kinds = ['peer', 'cold', 'cold with xz', 'warm', 'nothing to do'] as const

type Kind = (typeof kinds)[number]

/** The most that an issue allows: of the peer's time, or seconds. */
export const limits: Readonly<Record<string, Partial<Record<Kind, { ratio?: number; seconds?: number }>>>> = {
  base: {
    cold: { ratio: 0.7 },
    'cold with xz': { ratio: 0.6 },
    warm: { seconds: 0.4 },
    'nothing to do': { seconds: 0.25 },
  },
  node: { cold: { ratio: 0.8 }, 'cold with xz': { ratio: 0.5 } },
  java: { cold: { ratio: 0.8 }, 'cold with xz': { ratio: 0.5 }, warm: { seconds: 0.6 } },
}

/** One row of the table. */
export interface Timing {
  readonly set: string
  readonly kind: Kind
  readonly seconds: number
  /** Of the peer's seconds. */
  readonly ratio: number
  /** User and system time of the program and of all that it ran. */
  readonly processorSeconds: number
  /** Peak resident size; of the peer, a shell that runs others, not known. */
  readonly megabytes: number | undefined
}

/** Measures every set, medians of so many rounds. Removes everything it made. */
export async function measureBuilds(rounds: number): Promise<Timing[]> {
  const stops: (() => Promise<void>)[] = []
  const root = mkdtempSync(join(tmpdir(), 'casemate-bench-'))
  try {
    const archive = await testArchive(
      { after: (stop) => void stops.push(stop) },
      {
        name: 'bench',
        debs: await fetchSets(),
        archiveLines: ['merged-usr: shipped', 'release: { id: debian, version: "13", codename: trixie }'],
      },
    )
    const bench = new Bench(root, archive, installPackage(root))
    const timings: Timing[] = []
    for (const set of packageSets) timings.push(...(await bench.measure(set, rounds)))
    return timings
  } finally {
    for (const stop of stops.reverse()) await stop()
    rmSync(root, { recursive: true, force: true })
  }
}

/** Packs Casemate and installs the package into an empty folder, as a stranger would; gives its program. */
function installPackage(root: string): string {
  const checkout = resolve(import.meta.dirname, '..')
  execFileSync('npm', ['pack', '--silent', '--pack-destination', root], {
    cwd: checkout,
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  const tarball = readdirSync(root).find((name) => name.endsWith('.tgz')) ?? ''
  const folder = join(root, 'installed')
  execFileSync('npm', ['install', '--silent', '--no-audit', '--no-fund', '--prefix', folder, join(root, tarball)], {
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  return join(folder, 'node_modules/.bin/casemate')
}

class Bench {
  readonly #root: string
  readonly #archive: TestArchive
  readonly #program: string

  constructor(root: string, archive: TestArchive, program: string) {
    this.#root = root
    this.#archive = archive
    this.#program = program
  }

  async measure(set: PackageSet, rounds: number): Promise<Timing[]> {
    const definition = this.#writeDefinition(set)
    await this.#casemate(['lock', definition])
    await this.#build(definition)
    const costs = new Map<Kind, ProcessCost[]>(kinds.map((kind) => [kind, []]))
    for (let round = 0; round < rounds; round++) {
      costs.get('peer')?.push(await this.#peer(set))
      this.#forget('members', 'layers')
      costs.get('cold')?.push(await this.#build(definition))
      this.#forget('members', 'layers')
      costs.get('cold with xz')?.push(await this.#build(definition, '--xz'))
      this.#forget('layers')
      costs.get('warm')?.push(await this.#build(definition))
      costs.get('nothing to do')?.push(await this.#build(definition))
    }
    const peer = median((costs.get('peer') ?? []).map(({ seconds }) => seconds))
    return kinds.map((kind) => {
      const measured = costs.get(kind) ?? []
      const seconds = median(measured.map((cost) => cost.seconds))
      return {
        set: set.name,
        kind,
        seconds,
        ratio: seconds / peer,
        processorSeconds: median(measured.map((cost) => cost.processorSeconds)),
        megabytes: kind === 'peer' ? undefined : Math.max(...measured.map((cost) => cost.megabytes)),
      }
    })
  }

  /** The definition stands beside the folder of archives, where it finds the local repository's. */
  #writeDefinition({ name, packages }: PackageSet): string {
    const file = join(dirname(this.#archive.archiveFolder), `${name}.yaml`)
    writeFileSync(
      file,
      [
        `image: ${name}`,
        'archive: bench',
        'platforms: [linux/amd64]',
        `packages: [${packages.join(', ')}]`,
        'contract: { run-as: "65532" }',
        'acknowledge:',
        ...ACKNOWLEDGED.map((one) => `  ${one}: a benchmark starts no program of the image`),
        '',
      ].join('\n'),
    )
    return file
  }

  /** Forgets parts of the cache, and the image that was written. */
  #forget(...kept: readonly string[]): void {
    for (const kind of kept) rmSync(join(this.#cache, 'casemate', kind), { recursive: true, force: true })
    rmSync(join(this.#root, 'out'), { recursive: true, force: true })
  }

  #build(definition: string, ...options: readonly string[]): Promise<ProcessCost> {
    return this.#casemate(['build', definition, '-o', `oci:${join(this.#root, 'out')}:bench`, ...options])
  }

  #casemate(args: readonly string[]): Promise<ProcessCost> {
    return measureProcess([process.execPath, this.#program, ...args], {
      cwd: this.#root,
      env: { XDG_CACHE_HOME: this.#cache, CASEMATE_MIRROR: `bench=${this.#archive.mirror.url}` },
    })
  }

  get #cache(): string {
    return join(this.#root, 'cache')
  }

  /** Extraction by mmdebstrap, then one compressed layer by umoci. */
  async #peer({ packages }: PackageSet): Promise<ProcessCost> {
    const work = mkdtempSync(join(this.#root, 'peer-'))
    const source = `deb [trusted=yes] copy://${this.#archive.folder} ${this.#archive.suite} main`
    const include = packages.join(',')
    const script = [
      `mmdebstrap --quiet --variant=extract --include=${include} ${this.#archive.suite} root.tar '${source}'`,
      'umoci init --layout image',
      'umoci new --image image:bench',
      'umoci raw add-layer --image image:bench root.tar',
    ].join(' && ')
    try {
      return await measureProcess(['sh', '-c', script], { cwd: work })
    } finally {
      rmSync(work, { recursive: true, force: true })
    }
  }
}

/** Packages of the sets with maintainer scripts that do what no effect does. */
const ACKNOWLEDGED = ['ca-certificates', 'ca-certificates-java', 'openjdk-21-jre-headless', 'tzdata'] as const

/** Whether a timing keeps within its limit; what has none always does. */
export function keepsLimit({ set, kind, seconds, ratio }: Timing): boolean {
  const limit = limits[set]?.[kind]
  return seconds <= (limit?.seconds ?? Number.POSITIVE_INFINITY) && ratio <= (limit?.ratio ?? Number.POSITIVE_INFINITY)
}

/** Writes the table, a row for each set and kind. */
export function formatTimings(timings: readonly Timing[]): string[] {
  const header = 'set   kind            seconds  of peer  processor s  peak MB  limit'
  const rows = timings.map((timing) => {
    const { set, kind, seconds, ratio, processorSeconds, megabytes } = timing
    const limit = limits[set]?.[kind]
    const wanted =
      limit?.ratio !== undefined ? `${limit.ratio} of peer` : limit?.seconds !== undefined ? `${limit.seconds} s` : ''
    const verdict = wanted === '' ? '' : `${wanted} ${keepsLimit(timing) ? 'kept' : 'NOT KEPT'}`
    const cells = [
      seconds.toFixed(2).padStart(7),
      ratio.toFixed(2).padStart(7),
      processorSeconds.toFixed(2).padStart(11),
      (megabytes?.toFixed(0) ?? '').padStart(7),
    ]
    return `${set.padEnd(4)}  ${kind.padEnd(14)}  ${cells.join('  ')}  ${verdict}`.trimEnd()
  })
  return [header, ...rows]
}

if (import.meta.main) {
  const timings = await measureBuilds(Number(process.argv[2] ?? 3))
  console.log(formatTimings(timings).join('\n'))
}
