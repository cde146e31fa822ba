/**
 * Our registry against Debian's docker-registry, in turns: `node --conditions=source bench/registry.ts [ROUNDS]`.
 * Both keep what they acknowledge on the same disk and sync it first. Needs the Debian package docker-registry.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { loadavg, tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { type Cleanup, dockerRegistry } from '../src/oci/io/fixtures.test.ts'
import { median } from './process.ts'
import type { LoadResult } from './registry-load.ts'

/** What is measured: the load, its connections, and how many times the peer's rate an issue asks for. */
const loads = [
  { kind: 'manifests', connections: 16, wanted: 8, p99: 10 },
  { kind: 'blobs', connections: 4, wanted: 1 },
  { kind: 'uploads', connections: 4, wanted: undefined },
  { kind: 'pushes', connections: 16, wanted: 5 },
] as const

const SECONDS = 4

/** One row of the table. */
export interface RegistryTiming {
  readonly kind: string
  /** Requests, pushes or MB a second, medians of the rounds. */
  readonly own: number
  readonly peer: number
  readonly ratio: number
  /** Milliseconds, the median of the rounds. */
  readonly ownP99: number
  readonly peerP99: number
  readonly keeps: boolean
  readonly wanted: string
}

/** Measures every load on both registries, turn by turn, each registry with a fresh folder. */
export async function measureRegistries(rounds: number): Promise<RegistryTiming[]> {
  const timings: RegistryTiming[] = []
  for (const load of loads) {
    const own: LoadResult[] = []
    const peer: LoadResult[] = []
    for (let round = 0; round < rounds; round++) {
      own.push(await withRegistry(ownRegistry, load))
      peer.push(await withRegistry(dockerRegistry, load))
    }
    timings.push(compare(load, own, peer))
  }
  return timings
}

type Load = (typeof loads)[number]

function compare(load: Load, own: readonly LoadResult[], peer: readonly LoadResult[]): RegistryTiming {
  const isBytes = load.kind === 'blobs' || load.kind === 'uploads'
  const rate = (result: LoadResult) => (isBytes ? result.bytes / 1e6 : result.count) / result.seconds
  const [ownRate, peerRate] = [median(own.map(rate)), median(peer.map(rate))]
  const ownP99 = median(own.map(({ p99 }) => p99))
  const ratio = ownRate / peerRate
  const limit = 'p99' in load ? load.p99 : Number.POSITIVE_INFINITY
  return {
    kind: load.kind,
    own: ownRate,
    peer: peerRate,
    ratio,
    ownP99,
    peerP99: median(peer.map(({ p99 }) => p99)),
    keeps: load.wanted === undefined || (ratio >= load.wanted && ownP99 <= limit),
    wanted: load.wanted === undefined ? '' : `${load.wanted} times${'p99' in load ? `, p99 ${load.p99} ms` : ''}`,
  }
}

async function withRegistry(start: (t: Cleanup) => Promise<string>, { kind, connections }: Load): Promise<LoadResult> {
  const ends: (() => unknown)[] = []
  try {
    const address = await start({ after: (end) => ends.unshift(end) })
    const args = [join(import.meta.dirname, 'registry-load.ts'), kind, address, String(SECONDS), String(connections)]
    const { stdout } = await promisify(execFile)(process.execPath, args)
    const result: LoadResult = JSON.parse(stdout)
    return result
  } finally {
    for (const end of ends) await end()
  }
}

/** Ours as it is used: a process of its own, by the command line, with its access log as docker-registry has none. */
async function ownRegistry(t: Cleanup): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'casemate-bench-'))
  const program = resolve(import.meta.dirname, '../src/cli/main.ts')
  const args = [
    '--conditions=source',
    program,
    'registry',
    'serve',
    folder,
    '--listen',
    '127.0.0.1:0',
    '--gc-interval',
    '0',
  ]
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  t.after(async () => {
    await stop(child)
    rmSync(folder, { recursive: true, force: true })
  })
  const [line] = await once(child.stdout, 'data')
  return /http:\/\/(\S+)/.exec(String(line))?.[1] ?? ''
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return
  child.kill('SIGKILL')
  await once(child, 'exit')
}

/** Writes the table, a row for each load, and how busy the machine was besides. */
export function formatRegistryTimings(timings: readonly RegistryTiming[]): string[] {
  const header = 'load         ours a second   peer a second   ratio   our p99 ms   peer p99 ms   wanted'
  const rows = timings.map(({ kind, own, peer, ratio, ownP99, peerP99, keeps, wanted }) => {
    const unit = kind === 'blobs' || kind === 'uploads' ? ' MB' : ''
    const cells = [
      `${own.toFixed(0)}${unit}`.padStart(14),
      `${peer.toFixed(0)}${unit}`.padStart(14),
      ratio.toFixed(1).padStart(6),
      ownP99.toFixed(1).padStart(11),
      peerP99.toFixed(1).padStart(12),
    ]
    return `${kind.padEnd(10)}  ${cells.join('  ')}   ${wanted}${wanted === '' ? '' : keeps ? ' kept' : ' NOT KEPT'}`.trimEnd()
  })
  return [
    header,
    ...rows,
    `load of the machine at the end: ${loadavg()
      .map((load) => load.toFixed(1))
      .join(' ')}`,
  ]
}

if (import.meta.main) {
  const timings = await measureRegistries(Number(process.argv[2] ?? 3))
  console.log(formatRegistryTimings(timings).join('\n'))
}
