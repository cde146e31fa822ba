import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { compareVersions, openArchive, parseVersion } from '#debian'

const PAIRS = 100_000
const SEED = 20_261_121
const OPERATORS = { '-1': 'lt', '0': 'eq', '1': 'gt' } as const

/** How a pair was made, and what we say of it. */
interface Pair {
  readonly left: string
  readonly right: string
  readonly kind: string
}

/**
 * Asks `dpkg --compare-versions` whether what we say of 100,000 pairs is so, a process each. Holds when dpkg agrees on
 * every one, complains of none, and each pair gives the opposite answer the other way round.
 */
export async function run(): Promise<{ holds: boolean; lines: string[] }> {
  const { versions, date } = await archiveVersions()
  const pairs = Array.from(new PairSource(versions).take(PAIRS))
  const lopsided = pairs.filter(({ left, right }) => compareVersions(left, right) + compareVersions(right, left) !== 0)
  const { agreed, complaints } = await askDpkg(pairs)
  const { stdout } = await promisify(execFile)('dpkg', ['--version'], { env: { ...process.env, LC_ALL: 'C' } })
  const lines = [
    `dpkg ${/version (\S+)/.exec(stdout)?.[1]}; seed ${SEED}; ${versions.length} different versions of trixie main amd64 of ${date}`,
    ...countLines(pairs),
    `pairs on which dpkg --compare-versions agrees: ${agreed} of ${pairs.length}`,
    `pairs that are not opposite the other way round: ${lopsided.length}`,
    ...complaints.slice(0, 20),
  ]
  return { holds: agreed === PAIRS && complaints.length === 0 && lopsided.length === 0, lines }
}

function countLines(pairs: readonly Pair[]): string[] {
  const counts = new Map<string, Record<string, number>>()
  for (const { kind, left, right } of pairs) {
    const operator = operatorOf(left, right)
    const row = counts.get(kind) ?? { lt: 0, eq: 0, gt: 0 }
    counts.set(kind, { ...row, [operator]: (row[operator] ?? 0) + 1 })
  }
  return [...counts]
    .sort(([left], [right]) => (left < right ? -1 : 1))
    .map(([kind, { lt, eq, gt }]) => `${kind}: ${lt} earlier, ${eq} equal, ${gt} later`)
}

/** Every version of trixie's own suite, sorted, so that the same index gives the same pairs. */
async function archiveVersions(): Promise<{ versions: string[]; date: string }> {
  const archive = await openArchive({ archives: ['debian-13'], architecture: 'amd64' })
  try {
    const { universe, observed } = archive
    const own = Array.from(universe.names()).flatMap((name) => universe.versions(name))
    const versions = new Set(own.filter(({ suite }) => suite === 'trixie').map(({ version }) => version))
    const date = observed.find(({ suite }) => suite === 'trixie')?.date ?? 'unknown date'
    return { versions: [...versions].sort(), date }
  } finally {
    archive.close()
  }
}

function operatorOf(left: string, right: string): 'lt' | 'eq' | 'gt' {
  return OPERATORS[`${compareVersions(left, right)}`]
}

/** One process of dpkg for each pair, from one shell: nothing on standard error, and no line for a pair it agrees on. */
async function askDpkg(pairs: readonly Pair[]): Promise<{ agreed: number; complaints: string[] }> {
  const folder = await mkdtemp(join(tmpdir(), 'casemate-versions-'))
  try {
    const file = join(folder, 'pairs')
    await writeFile(file, pairs.map(({ left, right }) => `${left} ${operatorOf(left, right)} ${right}\n`).join(''))
    const script = `n=0
      while read -r left operator right; do
        if dpkg --compare-versions "$left" "$operator" "$right"; then n=$((n + 1)); else echo "$left is not $operator $right"; fi
      done < "$1"
      echo "agreed $n"`
    const { stdout, stderr } = await promisify(execFile)('sh', ['-c', script, 'sh', file], { maxBuffer: 1 << 26 })
    const agreed = Number(/^agreed (\d+)$/m.exec(stdout)?.[1])
    const complaints = `${stdout}${stderr}`.split('\n').filter((line) => line !== '' && !line.startsWith('agreed '))
    return { agreed, complaints }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** What decides an order: zeros, long numbers, tildes, letters against other characters, the end of the text. */
const PIECES = [
  ...['0', '00', '1', '01', '9', '10', '09', '99999999999999999999', '18446744073709551616', '2147483648', '20260101'],
  ...['a', 'A', 'z', 'Z', 'rc', 'rc1', 'alpha', 'beta2', 'dfsg', 'deb13u1', 'b1', 'git', 'x'],
  ...['~', '~~', '~~~', '~rc', '~+', '+', '++', '+~', '.', '..', '.0', '.~', '+b', '~bpo13+1', '+really', '+dfsg'],
]

/** Generated pairs, always the same ones for the same versions: a linear congruential generator decides. */
class PairSource {
  readonly #versions: readonly string[]
  #state = SEED

  constructor(versions: readonly string[]) {
    this.#versions = versions
  }

  *take(count: number): Generator<Pair> {
    const makers: readonly (readonly [string, () => readonly [string, string]])[] = [
      ['generated, both', () => [this.#generated(), this.#generated()]],
      ['generated, and a change of it', () => this.#withChange(this.#generated())],
      ['of trixie, both', () => [this.#real(), this.#real()]],
      ['of trixie, neighbours in the sorted list', () => this.#neighbours()],
      ['of trixie, and a change of it', () => this.#withChange(this.#real())],
    ]
    for (let number = 0; number < count; number++) {
      const [kind, make] = makers[number % makers.length]!
      const [left, right] = make()
      yield { kind, left, right }
    }
  }

  #next(bound: number): number {
    this.#state = (this.#state * 48_271) % 2_147_483_647
    return this.#state % bound
  }

  #of<Item>(items: readonly Item[]): Item {
    return items[this.#next(items.length)]!
  }

  #pieces(most: number): string {
    return Array.from({ length: this.#next(most + 1) }, () => this.#of(PIECES)).join('')
  }

  #generated(): string {
    const epoch = this.#next(4) === 0 ? `${this.#of(['0', '1', '00', '01', '10', '2147483647'])}:` : ''
    const hyphens = this.#next(5) === 0 ? `-${this.#pieces(2)}` : ''
    const revision = this.#next(2) === 0 ? `-${this.#of(PIECES)}${this.#pieces(2)}` : ''
    const colon = epoch !== '' && this.#next(8) === 0 ? ':1' : ''
    return `${epoch}${this.#of(['0', '1', '00', '10', '2'])}${this.#pieces(5)}${colon}${revision === '' ? '' : hyphens}${revision}`
  }

  #real(): string {
    return this.#of(this.#versions)
  }

  #neighbours(): readonly [string, string] {
    const at = this.#next(this.#versions.length - 3)
    return [this.#versions[at]!, this.#versions[at + 1 + this.#next(3)]!]
  }

  /** The same version with a piece put in, a character taken out or doubled, or only its spelling changed. */
  #withChange(version: string): readonly [string, string] {
    const at = 1 + this.#next(version.length)
    const [head, tail] = [version.slice(0, at), version.slice(at)]
    const changed = this.#of([
      () => `${head}${this.#of(PIECES)}${tail}`,
      () => `${head}${tail.slice(1)}`,
      () => `${head}${tail.slice(0, 1)}${tail}`,
      () => `${version}${this.#of(PIECES)}`,
      () => (version.includes(':') ? version : `0:${version}`),
      () => (version.includes('-') ? version : `${version}-0`),
      () => version.replace(/(?<![0-9])(?=[0-9]+$)/, '0'),
    ])()
    const right = changed !== version && isVersion(changed) ? changed : `${version}~`
    return this.#next(2) === 0 ? [version, right] : [right, version]
  }
}

function isVersion(text: string): boolean {
  try {
    parseVersion(text)
    return true
  } catch {
    return false
  }
}
