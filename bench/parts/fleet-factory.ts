import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { Session } from 'node:inspector/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Digest, digestOf } from '#core'
import { defaultCacheFolder } from '#debian'
import { type EngineNews, type Plan, startRun } from '#factory'
import { parseIndex, parseManifest, RegistryClient } from '#oci'
import { type EmbeddedPostgres, type OpenStore, openStore, runningPostmaster, startPostgres } from '#store'
import { type TestArchive, testArchive } from '#testkit'
import { withFactory } from '../../src/cli/factory/open-factory.ts'
import { work } from '../../src/cli/factory/worker.ts'
import { openTerminal, type Terminal } from '../../src/cli/terminal.ts'
import { measureProcess } from '../process.ts'
import {
  baseDefinition,
  basePackages,
  extraPackage,
  type FleetShape,
  fleetDebs,
  overlayDefinition,
} from './fleet-archive.ts'

const MAIN = join(import.meta.dirname, '../../src/cli/main.ts')
/** Milliseconds of a tick of /proc. */
const TICK = 10

/** Milliseconds of processor time of the parts of a factory. */
export interface PartsCost {
  readonly workers: number
  readonly registry: number
  readonly database: number
}

/** Milliseconds that images took which others have made, without evidence, tests or a registry. */
export interface PeerCost {
  readonly count: number
  readonly milliseconds: number
  readonly processor: number
}

/** Bytes of an image: its own contents, of a platform on average, and what is attached to it in all. */
export interface ImageBytes {
  readonly own: number
  readonly evidence: number
}

/** What a run of a fleet took. */
export interface RunCost {
  readonly milliseconds: number
  readonly processor: PartsCost
  /** Milliseconds that stages took by name, of all images added: those of two images at a time count twice. */
  readonly stages: ReadonlyMap<string, number>
  readonly inherited: ReadonlyMap<string, number>
  readonly done: number
  /** Images that did not end well, with why. */
  readonly failed: readonly string[]
}

interface Parts {
  readonly archive: TestArchive
  readonly state: string
  readonly postgres: EmbeddedPostgres
  readonly store: OpenStore
  readonly registry: ChildProcess
  readonly port: number
}

/** A factory with an archive, a database, a registry and definitions of its own, in a folder that goes with it. */
export class FleetFactory {
  readonly shape: FleetShape
  readonly #parts: Parts
  readonly #ends: readonly (() => unknown)[]

  private constructor(shape: FleetShape, parts: Parts, ends: readonly (() => unknown)[]) {
    this.shape = shape
    this.#parts = parts
    this.#ends = ends
  }

  static async open(shape: FleetShape, user: string | undefined): Promise<FleetFactory> {
    const ends: (() => unknown)[] = []
    const archive = await testArchive(
      { after: (end) => ends.push(end) },
      {
        debs: fleetDebs(shape),
        architectures: shape.platforms.map((platform) => platform.replace('linux/', '')),
        archiveLines: ['release: { id: debian, version: "13", codename: trixie }', 'merged-usr: shipped'],
      },
    )
    const folder = dirname(archive.archiveFolder)
    writeDefinitions(folder, shape)
    prepareEnvironment(folder, archive)
    const state = mkdtempSync(join(tmpdir(), 'cm-db-'))
    ends.push(() => rmSync(state, { recursive: true, force: true }))
    const postgres = await startPostgres({ folder: state, ...(user === undefined ? {} : { user }) })
    process.env['CASEMATE_DATABASE'] = urlOf(postgres)
    const store = await openStore(postgres.address)
    const port = await freePort()
    const registry = casemate(['registry', 'serve', 'registry', '--listen', `127.0.0.1:${port}`], folder)
    await Promise.race([once(registry.stdout ?? registry, 'data'), once(registry, 'close')])
    await once(casemate(['keygen', 'casemate'], folder), 'close')
    process.chdir(folder)
    return new FleetFactory(shape, { archive, state, postgres, store, registry, port }, ends)
  }

  get store(): OpenStore {
    return this.#parts.store
  }

  get archive(): TestArchive {
    return this.#parts.archive
  }

  get home(): string {
    return `127.0.0.1:${this.#parts.port}/fleet`
  }

  /** Does a plan with the engine in this process, or by so many workers of their own; they are there before it begins. */
  async perform(plan: Plan, workers: number): Promise<RunCost> {
    const news = new News()
    return workers === 0 ? await this.#performHere(plan, news) : await this.#performBy(workers, plan, news)
  }

  async #performHere(plan: Plan, news: News): Promise<RunCost> {
    const platform = this.shape.platforms.join(',')
    const options = { state: './state', registry: `docker://${this.home}`, key: 'casemate.key', platform }
    return await withFactory({ ...options, settings: 'factory.yaml' }, openTerminal(), async (factory) => {
      return await this.#measure(plan, news, async (over) => {
        await work(factory, { concurrency: 2, grace: 60, json: true, until: over }, news.terminal)
      })
    })
  }

  async #performBy(count: number, plan: Plan, news: News): Promise<RunCost> {
    const platform = ['--platform', this.shape.platforms.join(',')]
    const place = ['--registry', `docker://${this.home}`, '--key', 'casemate.key', '--settings', 'factory.yaml']
    const workers = Array.from({ length: count }, () =>
      casemate(['worker', ...place, ...platform, '--workers', '1', '--concurrency', '1', '--json'], process.cwd()),
    )
    for (const { stdout } of workers) stdout?.setEncoding('utf8').on('data', (chunk: string) => news.take(chunk))
    const ready = workers.map(({ stderr }) => once(stderr ?? process, 'data'))
    void ready
    await sleep(2000)
    const cost = await this.#measure(plan, news, (over) => over, workers)
    for (const worker of workers) worker.kill('SIGTERM')
    await Promise.all(workers.map((worker) => once(worker, 'close')))
    return cost
  }

  async #measure(
    plan: Plan,
    news: News,
    perform: (over: Promise<void>) => Promise<void>,
    workers: readonly ChildProcess[] = [],
  ): Promise<RunCost> {
    const profiler = await startProfiler()
    const before = await this.#processor(workers)
    const start = performance.now()
    const run = await startRun(this.store, await this.store.plans.record(plan), new Date().toISOString())
    let ended = 0
    await perform(
      this.#over(run).then(() => {
        ended = performance.now()
      }),
    )
    const processor = difference(before, await this.#processor(workers))
    await profiler?.(`${run}`)
    const { stages, inherited } = news
    const state = await this.store.work.state(run)
    const failed = state?.images.flatMap(({ image, end }) =>
      end?.state === 'done' ? [] : [`${image}: ${end?.reason ?? 'it did not end'}`],
    )
    const done = state?.images.filter(({ end }) => end?.state === 'done').length ?? 0
    return { milliseconds: ended - start, processor, stages, inherited, done, failed: failed ?? [] }
  }

  async #over(run: number): Promise<void> {
    while ((await this.store.work.open()).includes(run)) await sleep(100)
  }

  async #processor(workers: readonly ChildProcess[]): Promise<PartsCost> {
    const { user, system } = process.cpuUsage()
    const postmaster = await runningPostmaster(join(this.#parts.state, 'cluster/data'))
    const own = workers.length === 0 ? (user + system) / 1000 : sum(workers.map(({ pid }) => timeOf(pid)))
    return {
      workers: own,
      registry: timeOf(this.#parts.registry.pid),
      database: timeWithChildren(postmaster?.pid),
    }
  }

  /** What it takes to make some overlays from nothing as others do: packages extracted by mmdebstrap, one layer by umoci. */
  async peer(count: number): Promise<PeerCost> {
    const { archive } = this.#parts
    let [milliseconds, processor] = [0, 0]
    for (let overlay = 0; overlay < count; overlay++) {
      const packages = [...basePackages(overlay % this.shape.bases), extraPackage(overlay, this.shape.bases)]
      const work = mkdtempSync(join(tmpdir(), 'cm-peer-'))
      const source = `deb [trusted=yes] copy://${archive.folder} ${archive.suite} main`
      const script = [
        `mmdebstrap --quiet --variant=extract --include=${packages.join(',')} ${archive.suite} root.tar '${source}'`,
        'umoci init --layout image',
        'umoci new --image image:bench',
        'umoci raw add-layer --image image:bench root.tar',
      ].join(' && ')
      try {
        const cost = await measureProcess(['sh', '-c', script], { cwd: work })
        milliseconds += cost.seconds * 1000
        processor += cost.processorSeconds * 1000
      } finally {
        rmSync(work, { recursive: true, force: true })
      }
    }
    return { count, milliseconds, processor }
  }

  /** Bytes of an image's own contents on each platform, and of all that is attached to it, as the registry has them. */
  async bytesOf(image: string, base: string): Promise<ImageBytes> {
    const below = new Set(await this.#layersOf(base))
    const client = new RegistryClient({ registry: `127.0.0.1:${this.#parts.port}`, repository: `fleet/${image}` })
    try {
      const read = async (reference: string) => (await client.readManifest(reference))?.bytes ?? new Uint8Array()
      const index = await read('latest')
      const platforms = parseIndex(index, image).manifests
      let [own, evidence] = [0, 0]
      for (const subject of [digestOf(index), ...platforms.map(({ digest }) => digest)]) {
        for (const { digest, size } of await client.referrers(subject)) {
          evidence += size + sum(parseManifest(await read(digest), digest).layers.map((layer) => layer.size))
        }
        for (const kind of ['sig', 'att']) {
          const tagged = await read(`${subject.replace(':', '-')}.${kind}`)
          const layers = tagged.length === 0 ? [] : parseManifest(tagged, kind).layers
          evidence += tagged.length + sum(layers.map((layer) => layer.size))
        }
      }
      for (const { digest, size } of platforms) {
        const { config, layers } = parseManifest(await read(digest), digest)
        own += size + config.size + sum(layers.filter((one) => !below.has(one.digest)).map((one) => one.size))
      }
      return { own: own / platforms.length, evidence }
    } finally {
      await client.close()
    }
  }

  async #layersOf(image: string): Promise<readonly Digest[]> {
    const client = new RegistryClient({ registry: `127.0.0.1:${this.#parts.port}`, repository: `fleet/${image}` })
    try {
      const index = (await client.readManifest('latest'))?.bytes ?? new Uint8Array()
      const found: Digest[] = []
      for (const { digest } of parseIndex(index, image).manifests) {
        const manifest = (await client.readManifest(digest))?.bytes ?? new Uint8Array()
        found.push(...parseManifest(manifest, digest).layers.map((layer) => layer.digest))
      }
      return found
    } finally {
      await client.close()
    }
  }

  async close(): Promise<void> {
    const { registry, store, postgres } = this.#parts
    const ended = once(registry, 'close')
    registry.kill('SIGTERM')
    await ended
    await store.close()
    await postgres.stop()
    process.chdir(tmpdir())
    for (const end of this.#ends.toReversed()) await end()
  }
}

/** With FLEET_PROFILES, a folder, each run of the engine in this process leaves a profile of it there. */
async function startProfiler(): Promise<((name: string) => Promise<void>) | undefined> {
  const folder = process.env['FLEET_PROFILES']
  if (folder === undefined) return undefined
  const session = new Session()
  session.connect()
  await session.post('Profiler.enable')
  await session.post('Profiler.start')
  return async (name) => {
    const { profile } = await session.post('Profiler.stop')
    session.disconnect()
    writeFileSync(join(folder, `${name}.cpuprofile`), JSON.stringify(profile))
  }
}

/** What workers tell, as lines of JSON. */
class News {
  readonly stages = new Map<string, number>()
  readonly inherited = new Map<string, number>()
  readonly terminal: Terminal = { ...openTerminal(), print: (line = '') => this.take(`${line}\n`) }
  #rest = ''

  take(chunk: string): void {
    const lines = (this.#rest + chunk).split('\n')
    this.#rest = lines.pop() ?? ''
    for (const line of lines) if (line.startsWith('{')) this.#note(JSON.parse(line))
  }

  #note(news: EngineNews): void {
    if (news.kind === 'again') console.error(`${news.image} ${news.stage} again: ${news.reason}`)
    if (news.kind !== 'done') return
    const count = news.isInherited ? this.inherited : this.stages
    count.set(news.stage, (count.get(news.stage) ?? 0) + (news.isInherited ? 1 : news.milliseconds))
  }
}

/** All definitions are beside the archive's file, so that they know the same archives. */
function writeDefinitions(folder: string, shape: FleetShape): void {
  const names: string[] = []
  const write = (image: string, text: string) => {
    names.push(`./${image}.yaml`)
    writeFileSync(join(folder, `${image}.yaml`), text)
  }
  for (let base = 0; base < shape.bases; base++) write(`base-${base}`, baseDefinition(base, shape))
  for (let overlay = 0; overlay < shape.overlays; overlay++)
    write(`overlay-${overlay}`, overlayDefinition(overlay, shape))
  writeFileSync(join(folder, 'factory.yaml'), `images:\n${names.map((name) => `  - ${name}\n`).join('')}`)
}

/** Everything that casemate knows of places is the fleet's own from here on; advisories are those that are imported here. */
function prepareEnvironment(folder: string, archive: TestArchive): void {
  const advisories = join(defaultCacheFolder(), 'advisories/store')
  Object.assign(process.env, {
    HOME: folder,
    XDG_CACHE_HOME: join(folder, 'cache'),
    CASEMATE_MIRROR: `${archive.name}=${archive.mirror.url}`,
    CASEMATE_MAX_AGE: '3650d',
    COSIGN_PASSWORD: 'secret',
  })
  if (!existsSync(advisories)) throw new Error(`there are no advisories in ${advisories}`)
  const own = join(defaultCacheFolder(), 'advisories')
  mkdirSync(own, { recursive: true })
  copyFileSync(advisories, join(own, 'store'))
}

function casemate(args: readonly string[], cwd: string): ChildProcess {
  const command = ['--conditions=source', MAIN, ...args]
  return spawn(process.execPath, command, { cwd, stdio: ['ignore', 'pipe', 'inherit'] })
}

function urlOf({ address: { host, port, user, password = '', database } }: EmbeddedPostgres): string {
  return `postgres://${user}:${encodeURIComponent(password)}@localhost:${port}/${database}?host=${encodeURIComponent(host)}`
}

/** Milliseconds of processor time of a process, of its ended children too where that is asked for. */
function timeOf(pid: number | undefined, ended = false): number {
  if (pid === undefined) return 0
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ') ?? []
    return TICK * sum(fields.slice(11, ended ? 15 : 13).map(Number))
  } catch {
    return 0
  }
}

function timeWithChildren(pid: number | undefined): number {
  const children = readdirSync('/proc').filter((name) => {
    if (!/^\d+$/.test(name)) return false
    try {
      return readFileSync(`/proc/${name}/stat`, 'utf8').split(') ').at(-1)?.split(' ')[1] === String(pid)
    } catch {
      return false
    }
  })
  return timeOf(pid, true) + sum(children.map((child) => timeOf(Number(child))))
}

function difference(before: PartsCost, after: PartsCost): PartsCost {
  return {
    workers: after.workers - before.workers,
    registry: after.registry - before.registry,
    database: after.database - before.database,
  }
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, one) => total + one, 0)
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  return typeof address === 'object' && address !== null ? address.port : 0
}
