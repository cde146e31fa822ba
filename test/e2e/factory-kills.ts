import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { appendFileSync, mkdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { hasSystemCode } from '#core'
import { eventKey, type FactoryEvent, faultsOfHistory, type NewEvent, type Plan, startRun } from '#factory'
import { type EmbeddedPostgres, type OpenStore, openStore, runningPostmaster, startPostgres } from '#store'
import { type DebSpec, databaseFolder, serverOptions } from '#testkit'
import { readHistory, readPublished } from './factory-history.ts'
import { freePort } from './up-process.ts'
import { type CleansUp, openWorkplace, type Workplace } from './workplace.ts'

const MAIN = join(import.meta.dirname, '../../src/cli/main.ts')
const WORKERS = 3
const FAMILIES = ['red', 'blue']
const CHILDREN = ['one', 'two']
/** Megabytes of the registry's disk. */
const DISK = 256
/** Milliseconds within which everything that was begun has to come to its end when nobody is killed any more. */
const PATIENCE = 240_000

/** What became of a factory whose parts were killed again and again. */
export interface FactoryKills {
  readonly kills: Readonly<Record<Victim, number>>
  /** How often the registry's disk was full for a while; `undefined` where none could be made here. */
  readonly fullDisks: number | undefined
  /** Messages that were sent a second time. */
  readonly duplicates: number
  readonly runs: number
  readonly releases: number
  /** Images that were not released, each with its reason. */
  readonly failed: readonly string[]
  /** What `faultsOfHistory` says. */
  readonly faults: readonly string[]
}

type Victim = 'worker' | 'database' | 'registry'

const BUSYBOX = readFileSync('/bin/busybox')
const tools: DebSpec = { name: 'tools', version: '1', files: { '/usr/bin/busybox': { content: BUSYBOX, mode: 0o755 } } }
const library = (family: string, version: string): DebSpec => {
  return { name: `lib${family}`, version, files: { [`/usr/share/${family}`]: `${version}\n` } }
}
const program = (name: string): DebSpec => ({ name, version: '1', files: { [`/usr/share/${name}`]: `${name}\n` } })

const POLICIES = `policies:
  - { name: tests-passed, expression: "tests.passed ? [] : ['not passed']", reason: Nobody has seen it work., remedy: See it work. }
  - { name: signed, expression: "evidence.refusals + evidence.refused", reason: Who made it is not shown., remedy: Sign it. }
`

/**
 * Runs a factory of two families of images with three workers, a database and a registry, all processes of their own, and kills one of
 * them at random again and again, while two schedulers notice the same new packages and messages are delivered twice. Then lets it come
 * to its end and looks at what it did.
 */
export async function killFactory(t: CleansUp, kills: number): Promise<FactoryKills> {
  const factory = await Factory.open(t)
  try {
    for (let round = 1; factory.killed < kills; round++) await factory.round(round, kills)
    await factory.settle()
    return await factory.report()
  } finally {
    await factory.close()
  }
}

class Factory {
  readonly #place: Workplace
  readonly #options: Parameters<typeof startPostgres>[0]
  readonly #port: number
  #postgres: EmbeddedPostgres
  #store: OpenStore
  #registry: ChildProcess | undefined
  readonly #workers: (ChildProcess | undefined)[] = []
  readonly #kills: Record<Victim, number> = { worker: 0, database: 0, registry: 0 }
  readonly #noticed: string[] = []
  readonly #runs: number[] = []
  #duplicates = 0
  #fullDisks: number | undefined
  #isClosing = false

  private constructor(
    place: Workplace,
    options: Parameters<typeof startPostgres>[0],
    { postgres, store, port }: { postgres: EmbeddedPostgres; store: OpenStore; port: number },
  ) {
    this.#place = place
    this.#options = options
    this.#postgres = postgres
    this.#store = store
    this.#port = port
  }

  static async open(t: CleansUp): Promise<Factory> {
    const programs = FAMILIES.flatMap((family) => CHILDREN.map((child) => program(`${family}-${child}`)))
    const debs = [tools, ...FAMILIES.map((family) => library(family, '1')), ...programs]
    const place = await openWorkplace(t, { debs })
    place.remove('casemate.yaml')
    for (const family of FAMILIES) {
      place.write(
        `${family}.yaml`,
        definition(family, 'archive: test-1', ['tools', `lib${family}`], `cat /usr/share/${family}`),
      )
      for (const child of CHILDREN) {
        const name = `${family}-${child}`
        place.write(`${name}.yaml`, definition(name, `from: ./${family}.yaml`, [name], `cat /usr/share/${name}`))
      }
    }
    place.write('policies.yaml', POLICIES)
    const options = serverOptions('embedded', databaseFolder(t))
    const postgres = await startPostgres(options)
    const store = await openStore(postgres.address)
    const factory = new Factory(place, options, { postgres, store, port: await freePort() })
    await place.run(['keygen', 'casemate'], { env: { COSIGN_PASSWORD: 'secret' } })
    factory.#fullDisks = mountDisk(factory.#disk) ? 0 : undefined
    await factory.#serve()
    for (let number = 0; number < WORKERS; number++) factory.#work(number)
    return factory
  }

  get killed(): number {
    return this.#kills.worker + this.#kills.database + this.#kills.registry
  }

  /** New packages are published and noticed, and parts are killed until the run that follows is over, or enough are. */
  async round(round: number, kills: number): Promise<void> {
    await this.#place.archive.publish(...FAMILIES.map((family) => library(family, `1.${round}`)))
    const run = await this.#insist(() => this.#notice(round))
    this.#runs.push(run)
    while (this.killed < kills) {
      await sleep(randomInt(500, 3000))
      if (randomInt(4) === 0) await this.#duplicate(run).catch(() => undefined)
      await this.#harm(randomInt(12))
      const open = await this.#store.work.open().catch(() => [run])
      if (!open.includes(run)) return
    }
  }

  async #harm(die: number): Promise<void> {
    if (die === 0) return await this.#killDatabase()
    if (die === 1) return await this.#killRegistry()
    if (die === 2) return await this.#fillDisk()
    const worker = this.#workers[randomInt(WORKERS)]
    if (worker?.kill('SIGKILL') === true) this.#kills.worker++
  }

  /** Nobody is killed any more: everything has to end. */
  async settle(): Promise<void> {
    const end = performance.now() + PATIENCE
    while (performance.now() < end) {
      const open = await this.#store.work.open().catch(() => this.#runs)
      if (open.length === 0) return
      await sleep(200)
    }
  }

  async report(): Promise<FactoryKills> {
    const store = this.#store
    const { runs, releases } = await readHistory(store, this.#runs)
    const home = `127.0.0.1:${this.#port}/team`
    const { tags, signed } = await readPublished(releases, { home, publicKey: this.#place.read('casemate.pub') })
    const open = new Set(await store.work.open())
    const unanswered = new Set((await store.events.open(100_000)).map(({ key }) => key))
    const ledger = await store.ledger.read(0, 1_000_000)
    const faults = faultsOfHistory({
      ...{ releases, tags, signed, ledger, noticed: this.#noticed },
      runs: runs.map((one) => ({ ...one, isOver: !open.has(one.run) })),
      answered: new Set(this.#noticed.filter((key) => !unanswered.has(key))),
    })
    const failed = runs.flatMap(({ run, ends }) => {
      return ends.flatMap(({ image, state, reason }) => (state === 'done' ? [] : [`run ${run}, ${image}: ${reason}`]))
    })
    return {
      ...{ kills: this.#kills, fullDisks: this.#fullDisks, duplicates: this.#duplicates },
      runs: runs.length,
      releases: releases.length,
      failed,
      faults,
    }
  }

  async close(): Promise<void> {
    this.#isClosing = true
    for (const child of [...this.#workers, this.#registry]) {
      if (child === undefined || child.exitCode !== null || child.signalCode !== null) continue
      const ended = once(child, 'close')
      child.kill('SIGKILL')
      await ended
    }
    if (this.#fullDisks !== undefined) execFileSync('umount', ['-l', this.#disk])
    await this.#store.close()
    await this.#postgres.stop()
  }

  get #disk(): string {
    return join(this.#place.folder, 'registry')
  }

  /** Two schedulers notice the same, at once. */
  async #notice(round: number): Promise<number> {
    const notice = async () => {
      const seen = new Date().toISOString()
      const events = await this.#store.events.record(FAMILIES.map((family) => eventOf(family, round, seen)))
      return await startRun(this.#store, await this.#store.plans.record(planOf(events, round, seen)), seen)
    }
    for (const family of FAMILIES) {
      const { key } = eventOf(family, round, '')
      if (!this.#noticed.includes(key)) this.#noticed.push(key)
    }
    const [run = 0, other] = await Promise.all([notice(), notice()])
    if (run !== other) throw new Error(`two schedulers have started the runs ${run} and ${other}`)
    return run
  }

  /** Does something until the database is there to do it. */
  async #insist<Result>(work: () => Promise<Result>): Promise<Result> {
    for (let tried = 1; ; tried++) {
      try {
        return await work()
      } catch (error) {
        if (tried === 50) throw error
        await sleep(200)
      }
    }
  }

  async #duplicate(run: number): Promise<void> {
    const rows = await this.#store.database.query(
      'deliver messages twice',
      `insert into casemate_queue.job (name, data, retry_limit, retry_delay, heartbeat_seconds)
       select name, data, retry_limit, retry_delay, heartbeat_seconds from casemate_queue.job
       where name = 'batches' and (data->>'run')::bigint = $1 order by random() limit 2 returning id`,
      [run],
    )
    this.#duplicates += rows.length
  }

  /** No space is left for what the registry is to store, for a while. */
  async #fillDisk(): Promise<void> {
    if (this.#fullDisks === undefined) return
    const filler = join(this.#disk, 'filler')
    try {
      const chunk = Buffer.alloc(1 << 20, 1)
      for (let written = 0; written < 2 * DISK; written++) appendFileSync(filler, chunk)
    } catch (error) {
      if (!hasSystemCode(error, 'ENOSPC')) throw error
      this.#fullDisks++
      await sleep(randomInt(3000))
    } finally {
      rmSync(filler, { force: true })
    }
  }

  async #killRegistry(): Promise<void> {
    const registry = this.#registry
    if (registry === undefined) return
    const ended = once(registry, 'close')
    registry.kill('SIGKILL')
    await ended
    this.#kills.registry++
    // Down for a while.
    await sleep(randomInt(1500))
    await this.#serve()
  }

  async #killDatabase(): Promise<void> {
    const postmaster = await runningPostmaster(join(this.#options.folder, 'cluster/data'))
    if (postmaster === undefined) return
    const children = execFileSync('ps', ['-o', 'pid=', '--ppid', String(postmaster.pid)], { encoding: 'utf8' })
    for (const pid of [postmaster.pid, ...children.trim().split(/\s+/).map(Number)]) {
      try {
        process.kill(pid, 'SIGKILL')
      } catch (error) {
        if (!hasSystemCode(error, 'ESRCH')) throw error
      }
    }
    this.#kills.database++
    await sleep(randomInt(1000))
    await this.#store.close().catch(() => undefined)
    await this.#postgres.stop()
    this.#postgres = await startPostgres(this.#options)
    this.#store = await openStore(this.#postgres.address)
  }

  #work(number: number): void {
    if (this.#isClosing) return
    const { host, port, user, password = '', database } = this.#postgres.address
    const url = `postgres://${user}:${encodeURIComponent(password)}@localhost:${port}/${database}?host=${encodeURIComponent(host)}`
    const images = FAMILIES.flatMap((family) => [family, ...CHILDREN.map((child) => `${family}-${child}`)])
    const files = images.map((image) => `./${image}.yaml`)
    const place = ['--registry', `docker://127.0.0.1:${this.#port}/team`, '--key', 'casemate.key', '--image', ...files]
    const args = ['worker', ...place, '--policy', 'policies.yaml', '--workers', '1', '--json']
    const worker = this.#spawn(args, { CASEMATE_DATABASE: url, COSIGN_PASSWORD: 'secret' })
    this.#workers[number] = worker
    worker.once('close', () => this.#work(number))
  }

  async #serve(): Promise<void> {
    const args = ['registry', 'serve', 'registry', '--listen', `127.0.0.1:${this.#port}`]
    const registry = this.#spawn(args)
    this.#registry = registry
    await Promise.race([once(registry.stdout ?? registry, 'data'), once(registry, 'close')])
  }

  #spawn(args: readonly string[], env: Readonly<Record<string, string>> = {}): ChildProcess {
    const { folder: cwd, environment } = this.#place
    const child = spawn(process.execPath, ['--conditions=source', MAIN, ...args], {
      ...{ cwd, env: { ...environment, ...env } },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    child.stdout.resume()
    child.stderr.resume()
    return child
  }
}

/** Makes a folder a small disk of its own, where the caller may; gives whether it is one. */
function mountDisk(folder: string): boolean {
  mkdirSync(folder, { recursive: true })
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${DISK}m`, 'tmpfs', folder], { stdio: 'ignore' })
  } catch {
    return false
  }
  return true
}

function definition(image: string, above: string, packages: readonly string[], command: string): string {
  const test = `{ name: has its file, command: [/usr/bin/busybox, ${command.split(' ').join(', ')}], exit-code: 0 }`
  return `image: ${image}
${above}
packages: [${packages.join(', ')}]
platforms: [linux/amd64]
entrypoint: [/usr/bin/busybox]
tags: ["1", "latest"]
tests: [${test}]
`
}

function eventOf(family: string, round: number, seen: string): NewEvent {
  const subject = `test-1/lib${family}`
  const payload = { to: `1.${round}` }
  return { kind: 'archive-changed', subject, key: eventKey('archive-changed', subject, payload), payload, seen }
}

/** Every image of both families, because of the library of its base. */
function planOf(events: readonly FactoryEvent[], round: number, made: string): Plan {
  const images = FAMILIES.flatMap((family, at) => {
    const changes = [{ package: `lib${family}`, to: `1.${round}` }]
    const reasons = [
      { event: events[at]?.id ?? 0, source: `lib${family}`, advisories: [`CVE-2026-${1000 + round}`], changes },
    ]
    const children = CHILDREN.map((child) => ({
      image: `${family}-${child}`,
      after: [family],
      reasons,
      held: undefined,
    }))
    return [{ image: family, after: [], reasons, held: undefined }, ...children]
  })
  return { events: events.map(({ id }) => id).sort((left, right) => left - right), images, made }
}
