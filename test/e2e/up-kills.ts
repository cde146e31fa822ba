import { randomInt } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { faultsOfHistory } from '#factory'
import { embeddedAddress, type OpenStore, openStore } from '#store'
import { type DebSpec, databaseFolder } from '#testkit'
import { readHistory, readPublished } from './factory-history.ts'
import { freePort, PATIENCE, Up } from './up-process.ts'
import { type CleansUp, openWorkplace, type Workplace } from './workplace.ts'

const CHILDREN = ['one', 'two']
const IMAGES = ['base', ...CHILDREN]
/** The longest time from a start to a kill, and from the beginning of a run to one, in milliseconds. */
const LONGEST = 9000
const AMID = 5000
/** What the engine says of an image that a later run has released. */
const SUPERSEDED = /: run \d+ has released a newer one meanwhile$/
/** Milliseconds that a stage is waited for: there may be nothing to do. */
const RUN_PATIENCE = 40_000

/** What became of factories of one process that were killed again and again. */
export interface UpKills {
  readonly kills: number
  /** Kills while a run was open, as far as could be seen. */
  readonly amidRuns: number
  readonly runs: number
  readonly releases: number
  /** Images that were not released, each with its reason. */
  readonly failed: readonly string[]
  /** Images of runs that a later run was faster than, which is how such a run shall end. */
  readonly superseded: number
  /** What `faultsOfHistory` says. */
  readonly faults: readonly string[]
}

const library = (version: number): DebSpec => ({
  name: 'libbase',
  version: `1.${version}`,
  files: {
    '/usr/share/base': `${version}\n`,
    '/usr/share/doc/libbase/copyright': 'Licence: as you like it.\n',
  },
})
const program = (name: string): DebSpec => ({ name, version: '1', files: { [`/usr/share/${name}`]: `${name}\n` } })

/**
 * Runs `casemate up`, publishes newer packages again and again, kills the process with SIGKILL at random, its database too now and then, and
 * starts it again; then lets it come to its end and looks at what it did.
 */
export async function killUp(t: CleansUp, kills: number): Promise<UpKills> {
  const victim = await Victim.open(t)
  try {
    for (let killed = 0; killed < kills; killed++) await victim.round(killed)
    return await victim.end(kills)
  } finally {
    await victim.close()
  }
}

class Victim {
  readonly #place: Workplace
  readonly #state: string
  readonly #listen: string
  #up: Up
  #version = 0
  #amidRuns = 0

  private constructor(place: Workplace, state: string, listen: string) {
    this.#place = place
    this.#state = state
    this.#listen = listen
    this.#up = this.#start()
  }

  static async open(t: CleansUp): Promise<Victim> {
    const place = await openWorkplace(t, { debs: [library(0), ...CHILDREN.map(program)], label: 'Debian-Security' })
    const rest = 'platforms: [linux/amd64]\ntags: ["1", latest]\n'
    place.write('casemate.yaml', `image: base\narchive: test-1\npackages: [libbase]\n${rest}`)
    for (const name of CHILDREN)
      place.write(`${name}/casemate.yaml`, `image: ${name}\nfrom: ../\npackages: [${name}]\n${rest}`)
    place.write('policies.yaml', POLICIES)
    place.write(
      'factory.yaml',
      `images: [., ${CHILDREN.map((name) => `./${name}`).join(', ')}]\narchives: { poll: 1s }\n`,
    )
    return new Victim(
      place,
      databaseFolder({ after: (end) => t.after(async () => void end()) }),
      `127.0.0.1:${await freePort()}`,
    )
  }

  /** Something new to do, and an end in the middle of it, or of coming up. */
  async round(number: number): Promise<void> {
    if (number % 2 === 0) await this.#place.archive.publish(library(++this.#version))
    // One in four while it comes up, the others while it has something to do: a stage takes a second or two.
    const isAmid = number % 4 !== 3 && (await this.#hasBegun())
    await sleep(randomInt(isAmid ? AMID : LONGEST))
    const open = isAmid ? await this.#openRuns().catch(() => []) : []
    if (open.length > 0) this.#amidRuns++
    await this.#up.end('SIGKILL')
    this.#up = this.#start()
  }

  /** Nobody is killed any more: what was published last has to come out, and everything to end. */
  async end(kills: number): Promise<UpKills> {
    await this.#place.archive.publish(library(++this.#version))
    await this.#up.printed(/status +http/)
    const store = await openStore(await embeddedAddress(this.#state))
    try {
      await this.#settled(store)
      return { ...(await this.#report(store)), kills, amidRuns: this.#amidRuns }
    } finally {
      await store.close()
    }
  }

  async close(): Promise<void> {
    await this.#up.end('SIGTERM')
  }

  #start(): Up {
    return new Up(this.#place, this.#state, this.#listen, ['--policy', 'policies.yaml'])
  }

  /** Waits until the process that runs now has done a stage of a run; `false` where it does none for long. */
  async #hasBegun(): Promise<boolean> {
    const stage = /^\d\d:\d\d:\d\d +\S+ +(?:lock|build|test|gate) /m
    for (const end = Date.now() + RUN_PATIENCE; Date.now() < end; await sleep(50)) {
      if (stage.test(this.#up.output)) return true
    }
    return false
  }

  async #openRuns(): Promise<readonly number[]> {
    const store = await openStore(await embeddedAddress(this.#state))
    try {
      return await store.work.open()
    } finally {
      await store.close()
    }
  }

  /** Waits until every image has the newest library and nothing is open. */
  async #settled(store: OpenStore): Promise<void> {
    for (const end = Date.now() + 2 * PATIENCE; Date.now() < end; await sleep(500)) {
      const heads = await store.fleet.heads()
      const packages = await store.fleet.contents(heads.map(({ contents }) => contents))
      const isNew = heads.filter(({ contents }) =>
        packages.get(contents)?.some(({ name, version }) => name === 'libbase' && version === `1.${this.#version}`),
      )
      const isIdle = (await store.work.open()).length === 0 && (await store.events.open(1)).length === 0
      if (isNew.length === IMAGES.length && isIdle) return
    }
  }

  async #report(store: OpenStore): Promise<Omit<UpKills, 'kills' | 'amidRuns'>> {
    const rows = await store.database.query<{ id: number }>(
      'list runs',
      'select id::int as id from casemate.run order by id',
    )
    const events = await store.database.query<{ key: string }>('list events', 'select key from casemate.event')
    const { runs, releases } = await readHistory(
      store,
      rows.map(({ id }) => id),
    )
    const publicKey = readFileSync(join(this.#state, 'keys/casemate.pub'), 'utf8')
    const { tags, signed } = await readPublished(releases, { home: this.#listen, publicKey })
    const open = new Set(await store.work.open())
    const unanswered = new Set((await store.events.open(100_000)).map(({ key }) => key))
    const noticed = events.map(({ key }) => key)
    const faults = faultsOfHistory({
      ...{ releases, tags, signed, noticed, ledger: await store.ledger.read(0, 1_000_000) },
      runs: runs.map((one) => ({ ...one, isOver: !open.has(one.run) })),
      answered: new Set(noticed.filter((key) => !unanswered.has(key))),
    })
    const failed = runs.flatMap(({ run, ends }) =>
      ends.flatMap(({ image, state, reason }) => (state === 'done' ? [] : [`run ${run}, ${image}: ${reason}`])),
    )
    const late = failed.filter((line) => SUPERSEDED.test(line))
    return {
      runs: runs.length,
      releases: releases.length,
      failed: failed.filter((line) => !SUPERSEDED.test(line)),
      superseded: late.length,
      faults: [...faults, ...(await this.#faultsOfEnd(store))],
    }
  }

  /** The newest package is in what is released, and the ledger holds. */
  async #faultsOfEnd(store: OpenStore): Promise<readonly string[]> {
    const heads = await store.fleet.heads()
    const packages = await store.fleet.contents(heads.map(({ contents }) => contents))
    const wanted = `1.${this.#version}`
    const old = heads.flatMap(({ image, contents }) => {
      const found = packages.get(contents)?.find(({ name }) => name === 'libbase')?.version
      return found === wanted ? [] : [`${image} has libbase ${found}, want ${wanted}`]
    })
    const missing = IMAGES.filter((image) => heads.every((head) => head.image !== image))
    return [...old, ...missing.map((image) => `${image} was never released`)]
  }
}

const POLICIES = `policies:
  - { name: signed, expression: "evidence.refusals + evidence.refused", reason: Who made it is not shown., remedy: Sign it. }
`
