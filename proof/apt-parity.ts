import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { openArchive, type Universe } from '#debian'
import { parseRequest, solve } from '#solver'
import { hostMirrors } from './parts/host-network.ts'

const NAMES = 500
const SALT = 'parity-1:'
const LEAST_EQUAL = 0.99
const DIFFERENCES = new URL('apt-parity-differences.json', import.meta.url)
const KEYS = new URL('../archives/keys', import.meta.url).pathname
const SUITES = [
  { suite: 'trixie', kind: 'debian' },
  { suite: 'trixie-updates', kind: 'debian' },
  { suite: 'trixie-security', kind: 'debian-security' },
] as const
const NO_ANSWER = ['no answer']

/** Where Debian lies, by the mirrors' names in the archive's definition. */
type Mirrors = Readonly<Record<'debian' | 'debian-security', string>>

/** One name, and what each side would install for it. */
interface Comparison {
  readonly name: string
  readonly ours: readonly string[]
  readonly apts: readonly string[]
}

/**
 * Compares the solver with `apt-get install --no-install-recommends` into an empty root, over today's Debian 13, for the
 * 500 names of trixie main amd64 with the lowest SHA-256 of `parity-1:` and the name. Holds when at least 99 % are equal
 * and the differences are exactly those listed with a reason in `apt-parity-differences.json`.
 */
export async function run(): Promise<{ holds: boolean; lines: string[] }> {
  const root = await mkdtemp(join(tmpdir(), 'casemate-apt-parity-'))
  try {
    const { debian, security } = await hostMirrors()
    const mirrors: Mirrors = { debian, 'debian-security': security }
    await prepareApt(root, mirrors)
    const archive = await openArchive({
      archives: ['debian-13'],
      architecture: 'amd64',
      mirrors: { debian: [mirrors.debian], 'debian-security': [mirrors['debian-security']] },
    })
    try {
      const names = sampleOf(archive.universe)
      const { answers, times } = solveAll(archive.universe, names)
      const compared = await inPairs(names, async (name, index): Promise<Comparison> => {
        return { name, ours: answers[index] ?? [], apts: await askApt(root, name) }
      })
      return judge(compared, times, await readDifferences())
    } finally {
      archive.close()
    }
  } finally {
    await rm(root, { recursive: true, force: true })
  }
}

function judge(
  compared: readonly Comparison[],
  times: readonly number[],
  listed: ReadonlyMap<string, string>,
): { holds: boolean; lines: string[] } {
  const different = compared.filter(({ ours, apts }) => ours.join() !== apts.join())
  const unexplained = different.filter(({ name }) => !listed.has(name))
  const stale = [...listed.keys()].filter((name) => !different.some((one) => one.name === name))
  const equal = compared.length - different.length
  const packages = compared.reduce((sum, { ours }) => sum + ours.length, 0)
  const lines = [
    `${equal} of ${compared.length} selections (${packages} packages) equal those of apt-get, names and versions`,
    `solving took ${quantile(times, 0.5)} ms at the median, ${quantile(times, 0.99)} ms at the 99th percentile, reading stanzas included`,
    ...different.map((one) => describe(one, listed.get(one.name))),
    ...stale.map((name) => `${name}: listed as a difference, but equal or not in the sample`),
  ]
  const holds =
    compared.length === NAMES && equal >= LEAST_EQUAL * NAMES && unexplained.length === 0 && stale.length === 0
  return { holds, lines }
}

function describe({ name, ours, apts }: Comparison, reason: string | undefined): string {
  const only = (left: readonly string[], right: readonly string[]) =>
    left.filter((one) => !right.includes(one)).join(' ') || 'nothing'
  return `${name}: only ours ${only(ours, apts)}; only apt's ${only(apts, ours)}; ${reason ?? 'NOT EXPLAINED'}`
}

function quantile(times: readonly number[], share: number): string {
  const sorted = times.toSorted((left, right) => left - right)
  return (sorted[Math.floor((sorted.length - 1) * share)] ?? 0).toFixed(1)
}

/** The names of trixie main in the order of the hash, the first 500. */
function sampleOf(universe: Universe): string[] {
  const hashed = Array.from(universe.names(), (name) => ({
    name,
    hash: createHash('sha256').update(`${SALT}${name}`).digest('hex'),
  }))
  return hashed
    .sort((left, right) => (left.hash < right.hash ? -1 : 1))
    .values()
    .map(({ name }) => name)
    .filter((name) => universe.versions(name).some(({ suite }) => suite === 'trixie'))
    .take(NAMES)
    .toArray()
}

function solveAll(universe: Universe, names: readonly string[]): { answers: string[][]; times: number[] } {
  const times: number[] = []
  const answers = names.map((name) => {
    const start = performance.now()
    const solution = solve(universe, [parseRequest(name)])
    times.push(performance.now() - start)
    if (solution.kind === 'impossible') return NO_ANSWER
    return solution.selection.packages.map((one) => `${one.name}=${one.version}`).sort()
  })
  return { answers, times }
}

/** Runs one after the other, on two tracks where the machine has two cores. */
async function inPairs<Item, Result>(
  items: readonly Item[],
  work: (item: Item, index: number) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = []
  const queue = items.entries()
  const track = async () => {
    for (const [index, item] of queue) results[index] = await work(item, index)
  }
  await Promise.all(Array.from({ length: Math.min(2, availableParallelism()) }, track))
  return results
}

const execute = promisify(execFile)

function apt(root: string, ...words: string[]): Promise<{ stdout: string }> {
  const env = { PATH: process.env['PATH'], LC_ALL: 'C', APT_CONFIG: join(root, 'apt.conf') }
  return execute('apt-get', ['-qq', ...words], { env, maxBuffer: 1 << 26 })
}

async function askApt(root: string, name: string): Promise<readonly string[]> {
  try {
    const { stdout } = await apt(root, '-s', 'install', '--no-install-recommends', name)
    return [...stdout.matchAll(/^Inst (\S+) \((\S+) /gm)].map(([, one, version]) => `${one}=${version}`).sort()
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 100) return NO_ANSWER
    throw error
  }
}

/** Gives apt an empty root of its own: three suites, our keys and no others, nothing installed. */
async function prepareApt(root: string, mirrors: Mirrors): Promise<void> {
  for (const folder of ['lists/partial', 'cache/archives/partial', 'etc/apt.conf.d', 'state']) {
    await mkdir(join(root, folder), { recursive: true })
  }
  await cp(KEYS, join(root, 'keys'), { recursive: true })
  await writeFile(join(root, 'status'), '')
  const sources = SUITES.map(({ suite, kind }) => `deb [arch=amd64] ${mirrors[kind]} ${suite} main\n`)
  await writeFile(join(root, 'sources.list'), sources.join(''))
  await writeFile(
    join(root, 'apt.conf'),
    `
Dir "${root}";
Dir::Etc "${root}/etc";
Dir::Etc::sourcelist "${root}/sources.list";
Dir::Etc::trusted "${root}/keys/none";
Dir::Etc::trustedparts "${root}/keys";
Dir::State "${root}/state";
Dir::State::lists "${root}/lists";
Dir::State::status "${root}/status";
Dir::Cache "${root}/cache";
Dir::Log "${root}";
APT::Architecture "amd64";
APT::Architectures { "amd64"; };
APT::Sandbox::User "root";
APT::Solver "internal";
Acquire::Languages "none";
`,
  )
  await apt(root, 'update', '-o', 'APT::Update::Error-Mode=any')
}

async function readDifferences(): Promise<ReadonlyMap<string, string>> {
  const listed: unknown = JSON.parse(await readFile(DIFFERENCES, 'utf8'))
  if (!Array.isArray(listed)) throw new Error('cannot read apt-parity-differences.json: want a list')
  return new Map(listed.map(difference))
}

function difference(entry: unknown): [string, string] {
  if (typeof entry === 'object' && entry !== null && 'name' in entry && 'reason' in entry) {
    const { name, reason } = entry
    if (typeof name === 'string' && typeof reason === 'string' && reason !== '') return [name, reason]
  }
  throw new Error('cannot read apt-parity-differences.json: want {"name", "reason"} in each entry')
}
