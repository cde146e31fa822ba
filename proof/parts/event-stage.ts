import { randomBytes } from 'node:crypto'
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { DATA_VARIABLE } from '../../bench/advisory-data.ts'
import { type Ended, runProgram } from './command.ts'
import { ARCHIVE, FLEET, layFleet, TAG } from './event-fleet.ts'
import { type Installed, installedIn } from './expected-rebuilds.ts'
import { type InstalledPackage, installPacked } from './installed-package.ts'
import { type Heard, listenForWebhooks, RunningFactory } from './running-factory.ts'
import { StagedMirror } from './staged-mirror.ts'

/** Names of all images of the fleet. */
export const IMAGES = [...FLEET.bases, ...FLEET.overlays]

/** What the fleet is at one moment. */
export interface FleetState {
  /** Of what `TAG` names, by image. */
  readonly digests: ReadonlyMap<string, string>
  readonly contents: ReadonlyMap<string, Installed>
}

interface Place {
  readonly folder: string
  readonly mirror: StagedMirror
  readonly secret: string
  readonly webhook: { readonly url: string; readonly heard: Heard[] }
  readonly installed: InstalledPackage
}

/** A folder with a fleet, an installed Casemate, a mirror and a webhook; and what was found so far. */
export class EventStage {
  readonly #place: Place
  readonly #ends: (() => Promise<void>)[]
  readonly #announced: string
  readonly #env: NodeJS.ProcessEnv
  readonly lines: string[] = []
  #factory: RunningFactory | undefined
  #isWell = true

  private constructor(place: Place, ends: (() => Promise<void>)[]) {
    this.#place = place
    this.#ends = ends
    const data = process.env[DATA_VARIABLE] ?? ''
    if (data === '') throw new Error(`cannot run: ${DATA_VARIABLE} names no folder of advisories`)
    this.#announced = readFileSync(join(data, 'debian-advisories/DSA-list'), 'utf8')
    const sources = {
      tracker: join(data, 'debian-tracker/export-resolved-only.json'),
      dsa: join(place.folder, 'DSA-list'),
      dla: join(data, 'debian-advisories/DLA-list'),
      kev: join(data, 'kev/known_exploited_vulnerabilities.json'),
    }
    const given = Object.entries(sources).map(([kind, path]) => `${kind}=${path}`)
    this.#env = {
      ...process.env,
      XDG_CACHE_HOME: join(place.folder, 'cache'),
      CASEMATE_ADVISORIES: given.join(' '),
      CASEMATE_MAX_AGE: '3650d',
      HOOK_SECRET: place.secret,
      ...(process.getuid?.() === 0 ? { CASEMATE_POSTGRES_USER: 'postgres' } : {}),
    }
  }

  /** Lays everything out; `ends` gets what takes it away. */
  static async set(ends: (() => Promise<void>)[]): Promise<EventStage> {
    const folder = mkdtempSync(join(tmpdir(), 'casemate-event-'))
    ends.unshift(async () => rmSync(folder, { recursive: true, force: true }))
    // The database's user has to get there.
    chmodSync(folder, 0o755)
    const mirror = await StagedMirror.start(ends)
    const secret = `whsec_${randomBytes(32).toString('base64')}`
    const webhook = await listenForWebhooks(secret, ends)
    const installed = await installPacked(folder)
    const stage = new EventStage({ folder, mirror, secret, webhook, installed }, ends)
    const references = layFleet(folder, mirror.key)
    const hook = `{ webhook: "${webhook.url}", secret: env:HOOK_SECRET, allow-internal: 127.0.0.1 }`
    const runs = '{ platforms: [linux/amd64], variants: [runtime] }'
    const settings = `images: [${references.join(', ')}]\nruns: ${runs}\nnotify: [${hook}]\n`
    writeFileSync(join(folder, 'factory.yaml'), settings)
    stage.announce('')
    return stage
  }

  get mirror(): StagedMirror {
    return this.#place.mirror
  }

  /** What the webhook was told, each message once. */
  get heard(): readonly Heard[] {
    return this.#place.webhook.heard
  }

  get up(): RunningFactory {
    if (this.#factory === undefined) throw new Error('the factory was not started')
    return this.#factory
  }

  get isWell(): boolean {
    return this.#isWell
  }

  /** Keeps whether something is as it must be. */
  check(isSo: boolean, text: string): void {
    this.#isWell &&= isSo
    this.note(`${isSo ? 'ok ' : 'NOT'} ${text}`)
  }

  note(...lines: readonly string[]): void {
    this.lines.push(...lines)
    for (const line of lines) console.error(line)
  }

  /** Puts announcements before those that are there already. */
  announce(text: string): void {
    writeFileSync(join(this.#place.folder, 'DSA-list'), text + this.#announced)
  }

  /** Starts the factory: where it was before, or the first time on any port. */
  start(): RunningFactory {
    const { folder, mirror, installed } = this.#place
    const before = this.#factory
    const command = [process.execPath, installed.program, 'up', '--listen', before?.address ?? '127.0.0.1:0']
    const known = before === undefined ? {} : { address: before.address, token: before.token }
    const env = { ...this.#env, CASEMATE_MIRROR: mirror.url }
    const started = new RunningFactory(command, { cwd: folder, env, ...known })
    this.#factory = started
    this.#ends.unshift(async () => void (await started.end('SIGKILL')))
    return started
  }

  /** Runs the installed program beside the factory; the mirror is this machine's own. */
  casemate(args: readonly string[]): Promise<Ended> {
    const { folder, installed } = this.#place
    return runProgram([process.execPath, installed.program, ...args], { cwd: folder, env: this.#env })
  }

  async digests(): Promise<ReadonlyMap<string, string>> {
    const found = new Map<string, string>()
    for (const image of IMAGES) found.set(image, await this.up.digestOf(image, TAG))
    return found
  }

  /** What all images are now. */
  async fleet(): Promise<FleetState> {
    const digests = await this.digests()
    const contents = new Map<string, Installed>()
    for (const [image, digest] of digests) contents.set(image, await installedIn(this.up.address, image, digest))
    return { digests, contents }
  }

  /** A reference to an image by digest or tag, as the program takes it. */
  reference(image: string, digest: string = TAG): string {
    return `docker://${this.up.address}/${image}${digest.startsWith('sha256:') ? '@' : ':'}${digest}`
  }

  /** Has the mirror asked so often more by the factory: it has looked. */
  async looked(times: number): Promise<void> {
    const until = this.mirror.looks + times
    await this.up.until('a look at the archive', async () => this.mirror.looks >= until)
    // A look ends with what it records.
    await sleep(2000)
  }

  /** Waits for so many seconds at most until something is so, whether it comes or not. */
  async patiently(isSo: () => Promise<boolean>, seconds = 30): Promise<void> {
    for (const end = Date.now() + seconds * 1000; Date.now() < end && !(await isSo()); ) await sleep(100)
  }

  /** The subject of the archive's security suite. */
  get subject(): string {
    return `${ARCHIVE}/trixie-security`
  }
}
