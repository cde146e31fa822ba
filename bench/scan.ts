/**
 * Times `casemate scan` of the packed npm package on the catalogue's java image, from an OCI layout and with a full store
 * of advisories, against trivy and grype, and its inventory alone against syft, in turns:
 * `node --conditions=source bench/scan.ts DATA [ROUNDS]`. DATA is a folder of advisory data (`advisory-data.ts`), where the
 * peers are is told by the environment (`scan-peers.ts`).
 */
import { cpSync, mkdtempSync, renameSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openStore } from '#advisory'
import { runOrThrow } from '../proof/parts/command.ts'
import { installPacked } from '../proof/parts/installed-package.ts'
import { findInImage } from '../src/cli/image-findings.ts'
import { readInventory } from '../src/cli/image-inventory.ts'
import { advisoryFiles } from './advisory-data.ts'
import { measureProcess, median, type ProcessCost } from './process.ts'
import { findPeers, peerPlaces, type ScanPeer } from './scan-peers.ts'

const IMAGE = { name: 'java-21', variant: 'runtime', platform: 'linux/amd64' }

/** The most that the issue allows. */
export const SCAN_LIMITS = {
  /** To hold all packages against a store that is just opened, once the image is inventoried. */
  matchMilliseconds: 60,
  /** A new process, from the layout. */
  scanSeconds: 0.6,
  megabytes: 250,
  /** How many times faster than each peer. */
  times: 5,
} as const

/** One row of the table: a program that was run as a new process. */
export interface ScanRow {
  readonly title: string
  readonly does: ScanPeer['does']
  readonly isPeer: boolean
  readonly seconds: number
  readonly processorSeconds: number
  readonly megabytes: number
}

/** What the benchmark found. */
export interface ScanTimings {
  readonly rows: readonly ScanRow[]
  /** Median and first, in milliseconds. */
  readonly matching: { readonly median: number; readonly first: number }
  readonly packages: number
  /** Records of advisories in the store. */
  readonly records: number
  /** Of peers that are not there, what is missing. */
  readonly missing: readonly string[]
}

/** Measures so many rounds. Removes everything it made. */
export async function measureScans(data: string | undefined, rounds: number): Promise<ScanTimings> {
  const files = advisoryFiles(data)
  const root = mkdtempSync(join(tmpdir(), 'casemate-bench-'))
  try {
    const { program } = await installPacked(root)
    const layout = join(root, 'built')
    const bench = new ScanBench(root, program, `${layout}-plain`)
    await bench.build(layout)
    await bench.run('advisories', 'import', ...files)
    const { peers, missing } = findPeers(peerPlaces())
    const rows = await bench.race(peers, rounds)
    return { rows, ...(await bench.match()), missing }
  } finally {
    rmSync(root, { recursive: true, force: true })
  }
}

/** Copies an image into a layout whose index names its manifest: syft and grype do not follow an index in an index. */
async function copyPlain(layout: string, plain: string): Promise<void> {
  await runOrThrow(['skopeo', 'copy', '--quiet', '--preserve-digests', `oci:${layout}:image`, `oci:${plain}:image`])
}

const MATCHES = 21
/** Layers that this machine has never seen, as the peers have them. */
const UNKNOWN = 'scan, unknown'
const UNKNOWN_SBOM = 'sbom, unknown'
/** What is told beside the limits, which are claimed of images built here and of those that were seen before (record 17). */
const NOT_CLAIMED: readonly string[] = [UNKNOWN, UNKNOWN_SBOM]
/** The first scan of an image that was built here: builds leave in the cache what they know of layers. */
const BUILT = 'scan, built here'
/** What an earlier scan has read is remembered by the layers' digests. */
const AGAIN = 'scan, again'

/** Something that is run in each round, as a new process. */
interface Contestant extends Pick<ScanRow, 'title' | 'does' | 'isPeer'> {
  readonly costs: ProcessCost[]
  run(): Promise<ProcessCost>
}

class ScanBench {
  readonly #root: string
  readonly #program: string
  readonly #layout: string

  constructor(root: string, program: string, layout: string) {
    this.#root = root
    this.#program = program
    this.#layout = layout
  }

  /** Runs the installed program with the bench's cache. */
  run(...args: readonly string[]): Promise<ProcessCost> {
    return measureProcess([process.execPath, this.#program, ...args], {
      cwd: this.#root,
      env: { XDG_CACHE_HOME: join(this.#root, 'cache') },
    })
  }

  /** Builds the image, and puts aside what the build has left of its layers. */
  async build(layout: string): Promise<void> {
    const { name, variant, platform } = IMAGE
    await this.run('build', name, '--variant', variant, '--platform', platform, '-o', `oci:${layout}:image`)
    renameSync(this.#facts, this.#leftByBuild)
    await copyPlain(layout, this.#layout)
  }

  get #facts(): string {
    return join(this.#root, 'cache/casemate/layer-facts')
  }

  get #leftByBuild(): string {
    return join(this.#root, 'left-by-build')
  }

  /** Runs what is to know of layers just this, or nothing. */
  #knowing(facts: string | undefined, run: () => Promise<ProcessCost>): Promise<ProcessCost> {
    rmSync(this.#facts, { recursive: true, force: true })
    if (facts !== undefined) cpSync(facts, this.#facts, { recursive: true })
    return run()
  }

  async race(peers: readonly ScanPeer[], rounds: number): Promise<readonly ScanRow[]> {
    const reference = `oci:${this.#layout}`
    const own = ['--platform', IMAGE.platform]
    const scan = () => this.run('scan', reference, ...own, '--json')
    const sbom = () => this.run('sbom', reference, ...own)
    const contestants: readonly Contestant[] = [
      {
        ...{ title: UNKNOWN, does: 'scan', isPeer: false, costs: [] },
        run: () => this.#knowing(undefined, scan),
      },
      {
        ...{ title: BUILT, does: 'scan', isPeer: false, costs: [] },
        run: () => this.#knowing(this.#leftByBuild, scan),
      },
      { ...{ title: AGAIN, does: 'scan', isPeer: false, costs: [] }, run: scan },
      {
        ...{ title: UNKNOWN_SBOM, does: 'inventory', isPeer: false, costs: [] },
        run: () => this.#knowing(undefined, sbom),
      },
      {
        ...{ title: 'sbom, built here', does: 'inventory', isPeer: false, costs: [] },
        run: () => this.#knowing(this.#leftByBuild, sbom),
      },
      ...peers.map((peer): Contestant => {
        const environment = { ...peer.environment, XDG_CACHE_HOME: join(this.#root, `cache-${peer.name}`) }
        const command = [peer.program, ...peer.command(this.#layout)]
        return {
          ...{ title: peer.name, does: peer.does, isPeer: true, costs: [] },
          run: () => measureProcess(command, { cwd: this.#root, env: environment }),
        }
      }),
    ]
    // The first round fills the caches of compiled code and of the disk, for everybody.
    for (let round = -1; round < rounds; round++) {
      for (const contestant of contestants) {
        const cost = await contestant.run()
        if (round >= 0) contestant.costs.push(cost)
      }
    }
    return contestants.map(rowOf)
  }

  /** Opens the store and holds the packages against it, in this process. */
  async match(): Promise<Pick<ScanTimings, 'matching' | 'packages' | 'records'>> {
    const cache = join(this.#root, 'cache', 'casemate')
    const inventory = await readInventory(`oci:${this.#layout}`, IMAGE.platform)
    const times: number[] = []
    let advisories = 0
    for (let round = 0; round < MATCHES; round++) {
      const begin = performance.now()
      const store = openStore(cache)
      if (store === undefined) throw new Error(`cannot match: there is no store below ${cache}`)
      findInImage(inventory, store)
      store.close()
      times.push(performance.now() - begin)
      advisories = store.parts.reduce((sum, { records }) => sum + records, 0)
    }
    return {
      matching: { median: median(times), first: times[0] ?? Number.NaN },
      packages: inventory.packages.length + inventory.applications.length,
      records: advisories,
    }
  }
}

function rowOf({ costs, title, does, isPeer }: Contestant): ScanRow {
  return {
    ...{ title, does, isPeer },
    seconds: median(costs.map(({ seconds }) => seconds)),
    processorSeconds: median(costs.map(({ processorSeconds }) => processorSeconds)),
    megabytes: Math.max(...costs.map(({ megabytes }) => megabytes)),
  }
}

/** A limit, what was measured, and whether it is kept. */
export interface Verdict {
  readonly line: string
  readonly isKept: boolean
}

/** Holds what was measured against `SCAN_LIMITS`. A peer that is not there is a limit that is not kept. */
export function judgeScans({ rows, matching, missing }: ScanTimings): readonly Verdict[] {
  const scans = rows.filter(({ does, isPeer }) => does === 'scan' && !isPeer)
  const peak = Math.max(...scans.map(({ megabytes }) => megabytes))
  return [
    verdict('matching in process', matching.median, { most: SCAN_LIMITS.matchMilliseconds, unit: 'ms' }),
    ...scans.map(({ title, seconds }) =>
      verdict(`new process, "${title}":`, seconds, { most: SCAN_LIMITS.scanSeconds, unit: 's' }),
    ),
    verdict('peak memory of scans', peak, { most: SCAN_LIMITS.megabytes, unit: 'MB' }),
    ...rows.filter(({ isPeer }) => isPeer).flatMap((peer) => fasterThan(peer, rows)),
    ...missing.map((reason) => ({ line: `NOT MEASURED: ${reason}`, isKept: false })),
  ]
}

function verdict(what: string, measured: number, { most, unit }: { most: number; unit: string }): Verdict {
  return held(`${what} ${format(measured)} ${unit}, at most ${most}`, measured <= most)
}

function held(line: string, isKept: boolean): Verdict {
  const isClaimed = !NOT_CLAIMED.some((title) => line.includes(`"${title}"`))
  const word = isKept ? 'kept' : isClaimed ? 'NOT KEPT' : 'not kept, and not claimed'
  return { line: `${word}: ${line}`, isKept: isKept || !isClaimed }
}

/** Each of ours that does the same against a peer; no peer remembers anything. */
function fasterThan(peer: ScanRow, rows: readonly ScanRow[]): readonly Verdict[] {
  const own = rows.filter(({ does, isPeer }) => does === peer.does && !isPeer)
  return own.map(({ title, seconds }) => {
    const times = peer.seconds / seconds
    const line = `"${title}" is ${format(times)} times faster than ${peer.title}, at least ${SCAN_LIMITS.times}`
    return held(line, times >= SCAN_LIMITS.times)
  })
}

function format(value: number): string {
  return value.toFixed(value < 10 ? 2 : 0)
}

/** Writes the table and the verdicts. */
export function formatScans(timings: ScanTimings): string[] {
  const { rows, matching, packages, records } = timings
  return [
    `${IMAGE.name} for ${IMAGE.platform} from an OCI layout; ${packages} packages, ${records} records of advisories`,
    '',
    'new process         seconds  processor s  peak MB',
    ...rows.map(({ title, seconds, processorSeconds, megabytes }) =>
      [
        title.padEnd(18),
        format(seconds).padStart(8),
        format(processorSeconds).padStart(11),
        format(megabytes).padStart(7),
      ].join('  '),
    ),
    '',
    `in process: opening the store and matching ${format(matching.median)} ms, the first time ${format(matching.first)} ms`,
    '',
    ...judgeScans(timings).map(({ line }) => line),
  ]
}

if (import.meta.main) {
  console.log(formatScans(await measureScans(process.argv[2], Number(process.argv[3] ?? 5))).join('\n'))
}
