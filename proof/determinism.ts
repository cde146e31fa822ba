import { randomInt } from 'node:crypto'
import { chmod, cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { isMap, isScalar, isSeq, parseDocument, type YAMLMap } from 'yaml'
import { runOrThrow } from './parts/command.ts'
import { copyInstalled, type InstalledPackage, installNode, installPacked } from './parts/installed-package.ts'
import { newRelease } from './parts/new-release.ts'

/** What is built again and again. */
interface Subject {
  readonly image: string
  readonly platforms: string
}

/** One way to build that must not show in the digest. */
interface Variation {
  readonly name: string
  readonly environment?: NodeJS.ProcessEnv
  readonly options?: readonly string[]
  readonly umask?: string
  /** Another Node than this one. */
  readonly node?: string
  /** Another copy of the program. */
  readonly installed?: InstalledPackage
  /** What is taken out of the cache before: unless given, all that was made of the downloads. */
  readonly cache?: 'as it is' | 'empty'
  /** Runs as a user without rights. */
  readonly asNobody?: boolean
  /** Called before. */
  readonly prepare?: () => Promise<unknown>
}

const SUBJECTS: readonly Subject[] = [
  { image: 'python', platforms: 'linux/amd64' },
  { image: 'base', platforms: 'linux/amd64,linux/arm64' },
]
const NODES = ['22.19.0', '22']
const NOBODY = '65534'

/**
 * Builds python and base by the packed npm package under everything that must not change an image, from nothing but the
 * downloads each time unless said otherwise. Holds when every build of an image gives one index digest, of its layout as
 * written. The first build reads the archive, the others work from its downloads, so that nothing published meanwhile
 * changes the selection.
 */
export async function run(): Promise<{ holds: boolean; lines: string[] }> {
  const root = await mkdtemp(join(tmpdir(), 'casemate-determinism-'))
  try {
    await chmod(root, 0o755)
    const installed = await installPacked(root)
    const variations = await variationsOf(installed, root)
    const lines: string[] = []
    let holds = true
    for (const subject of SUBJECTS) {
      const laboratory = new Laboratory(subject, installed, root)
      const release = await newRelease(subject, installed, root)
      const { digests, rows } = await laboratory.buildAll(variations)
      holds &&= digests.size === 1 && release.digests.size === 1
      lines.push(`${subject.image}, ${subject.platforms}`, ...rows, ...release.rows)
      lines.push(`  ${rows.length} builds, ${digests.size} index digest: ${[...digests].join(' ')}`, '')
    }
    return { holds, lines }
  } finally {
    await rm(root, { recursive: true, force: true })
  }
}

async function variationsOf(installed: InstalledPackage, root: string): Promise<Variation[]> {
  const copy = (name: string) => copyInstalled(installed, join(root, name))
  const [shuffled, versioned, committed] = [await copy('shuffled'), await copy('versioned'), await copy('committed')]
  await changeVersion(versioned)
  await commit(committed, 'one')
  const epochs = [0, randomInt(2 ** 31), randomInt(2 ** 40)]
  const variation = (name: string, environment: NodeJS.ProcessEnv): Variation => ({ name, environment })
  const nodes: Variation[] = []
  for (const release of NODES) {
    const node = await installNode(release, root)
    nodes.push({ name: `Node ${(await runOrThrow([node, '--version'])).trim()}`, node })
  }
  return [
    { name: 'empty cache', cache: 'empty' },
    { name: 'warm cache', cache: 'as it is' },
    { name: 'downloads only' },
    ...[1, 2].map((time): Variation => {
      return { name: `definitions shuffled, ${time}`, installed: shuffled, prepare: () => shuffleDefinitions(shuffled) }
    }),
    ...['Pacific/Kiritimati', 'America/St_Johns'].map((zone) => variation(`TZ=${zone}`, { TZ: zone })),
    ...['tr_TR.UTF-8', 'sv_SE.UTF-8', 'C'].map((name) => variation(`LC_ALL=${name}`, { LC_ALL: name, LANG: name })),
    ...['0000', '0027', '0077'].map((umask): Variation => ({ name: `umask ${umask}`, umask })),
    ...epochs.map((epoch) => variation(`SOURCE_DATE_EPOCH=${epoch}`, { SOURCE_DATE_EPOCH: String(epoch) })),
    ...['1', '2', '5'].map((count): Variation => ({ name: `--workers ${count}`, options: ['--workers', count] })),
    { name: '--xz', options: ['--xz'] },
    { name: '--xz --workers 1', options: ['--xz', '--workers', '1'] },
    ...nodes,
    { name: 'as a user without rights', asNobody: true },
    { name: 'another version of Casemate', installed: versioned },
    { name: 'from a git repository', installed: committed },
    { name: 'after another commit', installed: committed, prepare: () => commit(committed, 'two') },
  ]
}

/** Builds one image in many ways, in one cache. */
class Laboratory {
  readonly #subject: Subject
  readonly #installed: InstalledPackage
  readonly #root: string
  readonly #cache: string

  constructor(subject: Subject, installed: InstalledPackage, root: string) {
    this.#subject = subject
    this.#installed = installed
    this.#root = root
    this.#cache = join(root, `cache-${subject.image}`)
  }

  async buildAll(variations: readonly Variation[]): Promise<{ digests: Set<string>; rows: string[] }> {
    const digests = new Set<string>()
    const rows: string[] = []
    for (const variation of variations) {
      const start = performance.now()
      const digest = await this.#build(variation)
      digests.add(digest)
      const seconds = ((performance.now() - start) / 1000).toFixed(1)
      const row = `  ${variation.name.padEnd(34)} ${digest.slice(0, 23)}  ${seconds.padStart(5)} s`
      rows.push(row)
      // The whole takes many minutes.
      console.error(row)
    }
    return { digests, rows }
  }

  async #build(variation: Variation): Promise<string> {
    await variation.prepare?.()
    await this.#forget(variation.cache)
    const home = await mkdtemp(join(this.#root, 'home-'))
    const { image, platforms } = this.#subject
    const { program } = variation.installed ?? this.#installed
    const cache = variation.asNobody === true ? await this.#cacheOfNobody(home) : this.#cache
    const offline = variation.cache === 'empty' ? [] : ['--offline']
    const options = ['--platform', platforms, '-o', `oci:${home}/out:image`, ...offline, ...(variation.options ?? [])]
    const command = [variation.node ?? process.execPath, program, 'build', image, ...options]
    const user =
      variation.asNobody === true ? ['setpriv', `--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups'] : []
    const shell = ['sh', '-c', `umask ${variation.umask ?? '0022'}; exec "$@"`, 'sh']
    const environment = { XDG_CACHE_HOME: cache, HOME: home, ...variation.environment }
    await runOrThrow([...user, ...shell, ...command], { cwd: home, env: environment })
    const digest = await writtenDigest(join(home, 'out'))
    await rm(home, { recursive: true, force: true })
    return digest
  }

  async #forget(cache: Variation['cache']): Promise<void> {
    if (cache === 'as it is') return
    const made = ['members', 'layers', 'derived', 'indexes'].map((kind) => join(this.#cache, 'casemate', kind))
    for (const folder of cache === 'empty' ? [this.#cache] : made) await rm(folder, { recursive: true, force: true })
  }

  async #cacheOfNobody(home: string): Promise<string> {
    const cache = join(home, 'cache')
    await cp(this.#cache, cache, { recursive: true })
    await runOrThrow(['chown', '-R', `${NOBODY}:${NOBODY}`, home])
    return cache
  }
}

/** The digest that a layout's index.json gives its only image. */
async function writtenDigest(layout: string): Promise<string> {
  const digests = (await readFile(join(layout, 'index.json'), 'utf8')).match(/sha256:[0-9a-f]{64}/g) ?? []
  if (digests.length !== 1) throw new Error(`cannot compare ${layout}: its index lists ${digests.length} digests`)
  return digests[0] ?? ''
}

async function changeVersion({ folder }: InstalledPackage): Promise<void> {
  const file = join(folder, 'package.json')
  const text = await readFile(file, 'utf8')
  await writeFile(file, text.replace(/"version": "[^"]+"/, '"version": "99.0.0"'))
}

async function commit({ folder }: InstalledPackage, message: string): Promise<void> {
  await writeFile(join(folder, 'NOTES'), message)
  const identity = ['-c', 'user.name=Proof', '-c', 'user.email=proof@example.org']
  await runOrThrow(['git', 'init', '--quiet'], { cwd: folder })
  await runOrThrow(['git', 'add', '--all'], { cwd: folder })
  await runOrThrow(['git', ...identity, 'commit', '--quiet', '--allow-empty', '--message', message], { cwd: folder })
}

/** Puts packages, reasons and keys of every catalogue definition into another order. */
async function shuffleDefinitions({ folder }: InstalledPackage): Promise<void> {
  for (const name of await readdir(join(folder, 'images'))) {
    const file = join(folder, 'images', name, 'casemate.yaml')
    const document = parseDocument(await readFile(file, 'utf8'))
    if (isMap(document.contents)) shuffleKeys(document.contents)
    await writeFile(file, document.toString())
  }
}

const ORDERED = ['tests', 'paths', 'tags', 'entrypoint', 'cmd']

/** Lists whose order has a meaning stay as they are. */
function shuffleKeys(map: YAMLMap): void {
  shuffle(map.items)
  for (const { key, value } of map.items) {
    if (isScalar(key) && ORDERED.includes(String(key.value))) continue
    if (isMap(value)) shuffleKeys(value)
    if (isSeq(value)) shuffle(value.items)
  }
}

function shuffle(items: unknown[]): void {
  for (let last = items.length - 1; last > 0; last--) {
    const other = randomInt(last + 1)
    const held = items[last]
    items[last] = items[other]
    items[other] = held
  }
}
