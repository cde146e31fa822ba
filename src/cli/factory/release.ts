import { userInfo } from 'node:os'
import { eventKey, type FactoryStore, type Hold, type Plan, type PlannedImage, type Reason, startRun } from '#factory'
import { parseLock } from '#image'
import { type ExitStatus, exitStatus } from '../exit-status.ts'
import { parentOf } from '../foreign-base.ts'
import { readLockText } from '../lock-choice.ts'
import type { Terminal } from '../terminal.ts'
import { visibleText } from '../visible-text.ts'
import { type FactoryVerbOptions, type OpenFactory, systemClock, withFactory } from './open-factory.ts'
import { openedOf } from './tools.ts'
import { work } from './worker.ts'

/** The options of `casemate release`, as the command line gives them. */
export interface ReleaseOptions extends FactoryVerbOptions {
  /** Packages, or `true` for all. */
  readonly update?: readonly string[] | true
  readonly reason?: string
  readonly json?: boolean
}

/**
 * Releases images because somebody asks: records that, plans it, runs it, and works on it here until it is over. Whoever else works
 * for the factory may do parts of it. The status is "no" where one was not released, and where a hold is on one.
 */
export async function runRelease(
  images: readonly string[],
  options: ReleaseOptions,
  terminal: Terminal,
): Promise<ExitStatus> {
  return await withFactory(options, terminal, async (factory) => {
    const { store } = factory
    const held = await holdsOn(store, images)
    for (const { image = 'all images', by, reason } of held) {
      terminal.print(visibleText(`${image}: held by ${by}: ${reason}`))
    }
    if (held.length > 0) return exitStatus.no
    const run = await ask(factory, images, options)
    const isJson = options.json === true
    const until = ended(store, run)
    const status = await work(factory, { concurrency: 2, grace: 60, json: isJson, until }, terminal)
    const state = await store.work.state(run)
    const isReleased = state?.images.every(({ end }) => end?.state === 'done') === true
    return isReleased ? exitStatus.done : status === exitStatus.done ? exitStatus.notDone : status
  })
}

async function holdsOn(store: FactoryStore, images: readonly string[]): Promise<readonly Hold[]> {
  const holds = await store.decisions.holds(systemClock.now())
  return holds.filter(({ image }) => image === undefined || images.includes(image))
}

/** Records that images are asked for, plans them in the order in which they are built on one another, and starts the run. */
async function ask(
  factory: OpenFactory,
  images: readonly string[],
  { update, reason = 'asked for' }: ReleaseOptions,
): Promise<number> {
  const { store, tools } = factory
  const parents = new Map<string, string | undefined>()
  for (const image of images) {
    parents.set(image, parentOf(await openedOf(tools, image)))
  }
  const now = systemClock.now()
  const { username } = userInfo()
  const payload = { images: [...images], by: username, reason, at: now }
  const subject = images.join(' ')
  const [event] = await store.events.record([
    { kind: 'asked', subject, key: eventKey('asked', subject, payload), payload, seen: now },
  ])
  const planned: PlannedImage[] = []
  for (const image of inOrder(parents)) {
    const parent = parents.get(image)
    const changes = (await packagesToUpdate(factory, image, update)).map((name) => ({ package: name }))
    const why: Reason = { event: event?.id ?? 0, because: `${username}: ${reason}`, advisories: [], changes }
    planned.push({
      ...{ image, reasons: [why], held: undefined },
      after: parent !== undefined && parents.has(parent) ? [parent] : [],
    })
  }
  const plan: Plan = { events: [event?.id ?? 0], images: planned, made: now }
  return await startRun(store, await store.plans.record(plan), now)
}

/** Images behind those that they are built on. */
function inOrder(parents: ReadonlyMap<string, string | undefined>): readonly string[] {
  const ordered = new Set<string>()
  const add = (image: string) => {
    const parent = parents.get(image)
    if (parent !== undefined && parents.has(parent) && !ordered.has(parent)) add(parent)
    ordered.add(image)
  }
  for (const image of parents.keys()) add(image)
  return [...ordered]
}

/** The packages of an image that are to be taken anew. Throws `USAGE_INVALID` for one that it does not have. */
async function packagesToUpdate(
  { store, tools }: OpenFactory,
  image: string,
  update: ReleaseOptions['update'],
): Promise<readonly string[]> {
  if (update === undefined) return []
  if (update !== true) return update
  const opened = await openedOf(tools, image)
  const names = new Set<string>()
  for (const variant of opened.definition.variants.keys()) {
    const release = await store.releases.latest(image, variant)
    for (const { contents } of release?.manifests ?? []) {
      for (const { name } of (await store.releases.packages(contents)) ?? []) names.add(name)
    }
  }
  if (names.size > 0) return [...names].sort()
  const beside = await readLockText(opened.lockFile)
  if (beside === undefined) return []
  const { platforms } = parseLock(beside, opened.lockFile)
  return [...new Set(Object.values(platforms).flatMap(({ packages }) => packages.map(({ name }) => name)))].sort()
}

async function ended(store: FactoryStore, run: number): Promise<void> {
  const never = new AbortController().signal
  while ((await store.work.open()).includes(run)) await systemClock.sleep(200, never)
}
