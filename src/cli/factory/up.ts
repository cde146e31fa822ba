import { mkdir } from 'node:fs/promises'
import { userInfo } from 'node:os'
import { join, resolve } from 'node:path'
import { type FactorySettings, parseFactorySettings } from '#factory'
import { type GitRepository, PullLog, type Scheduler } from '#integrations'
import { createFirstToken, type FactoryCommands } from '#server'
import { type OpenState, type OpenStore, openState, statePlace } from '#store'
import { withWorkshop } from '../build-platforms.ts'
import { type ExitStatus, formatError } from '../exit-status.ts'
import type { FleetDefinitions } from '../fleet-definitions.ts'
import { readSettings } from '../plan-settings.ts'
import type { Terminal } from '../terminal.ts'
import { definitionsByName } from './definition-places.ts'
import { EmbeddedPublisher } from './embedded-registry.ts'
import { factoryKey } from './factory-key.ts'
import { startRegistry, startTeller, urlOf } from './factory-services.ts'
import { fleetOf, fleetReferences, withNamedImages } from './fleet-references.ts'
import { checkOutDefinitions } from './git-definitions.ts'
import {
  enginePorts,
  type FactoryVerbOptions,
  factoryOptions,
  type OpenFactory,
  patienceOf,
  systemClock,
} from './open-factory.ts'
import { PlanningLoop } from './planning-loop.ts'
import { RegistryPublisher } from './publisher.ts'
import { type FactoryTools, homeOf, sandboxOnce, signingTools } from './tools.ts'
import { upCommands } from './up-commands.ts'
import { openWatches } from './watches.ts'
import { Workbench } from './workbench.ts'
import { signalled, wholeNumber, work } from './worker.ts'

/** The options of `casemate up`, as the command line gives them. */
export interface UpOptions extends FactoryVerbOptions {
  readonly listen?: string
  readonly concurrency: string
  readonly grace: string
  readonly untilDone?: boolean
  readonly json?: boolean
}

/** Milliseconds that are waited for advisories: gates that want newer ones say so. */
const LONGEST_WAIT = 60_000
/** Where definitions of one's own are, unless the settings say otherwise; made where it is not there. */
const OWN_IMAGES = './images'
/**
 * Runs a whole factory until a signal says to stop: its memory, registry, API and status page, watchers, planner, one worker, and who
 * tells others. Everything that it makes is below the state's folder.
 */
export async function runUp(options: UpOptions, terminal: Terminal): Promise<ExitStatus> {
  const folder = resolve(options.state)
  const written = withImages(await readSettings(options.settings), options)
  const { settings, repository } = await checkOutDefinitions(written, folder, terminal)
  const working = {
    concurrency: wholeNumber(options.concurrency, '--concurrency'),
    grace: wholeNumber(options.grace, '--grace'),
    json: options.json === true,
  }
  if (
    settings.definitions !== undefined &&
    'folder' in settings.definitions &&
    settings.definitions.folder === OWN_IMAGES
  )
    await mkdir(OWN_IMAGES, { recursive: true })
  const signals = signalled()
  terminal.progress('starting the database …')
  const state = await openState(statePlace(process.env, folder), { create: true })
  try {
    const keys = options.key === undefined ? await factoryKey(join(folder, 'keys')) : undefined
    const signing = await signingTools(options.key ?? keys?.privateKey ?? '')
    await using served = await serve({ state, folder, settings, repository, options, terminal, signing })
    const { factory, planner, address } = served
    const token = await createFirstToken(state.store, { by: userInfo().username, at: now(), command: 'casemate up' })
    if (!working.json) introduce({ settings, address, token, publicKey: keys?.publicKey }, terminal)
    terminal.progress('bringing advisories up to date …')
    await Promise.race([
      served.firstAdvisories,
      signals.first,
      systemClock.sleep(LONGEST_WAIT, new AbortController().signal),
    ])
    terminal.progress('')
    await planner.askForNew()
    planner.start((error) => terminal.warn(formatError(error)))
    const until = options.untilDone === true ? served.allDone() : new Promise<never>(() => undefined)
    return await work(factory, { ...working, until, signals }, terminal)
  } finally {
    signals.forget()
    await state.close()
  }
}

interface Starting {
  readonly state: OpenState
  readonly folder: string
  readonly settings: FactorySettings
  /** Where the definitions are from, where that is a repository. */
  readonly repository: GitRepository | undefined
  readonly options: UpOptions
  readonly terminal: Terminal
  readonly signing: Pick<FactoryTools, 'signatory' | 'trust'>
}

/** What is up, in the order of its ending: who makes new work first, what is needed to end it last. */
interface Served extends AsyncDisposable {
  readonly factory: OpenFactory
  readonly planner: PlanningLoop
  readonly address: string
  readonly firstAdvisories: Promise<void>
  /** Resolves when nothing is open and no run is under way. */
  allDone(): Promise<void>
}

async function serve(starting: Starting): Promise<Served> {
  const { state, settings, repository, options, terminal, signing } = starting
  const { store } = state
  await using ends = new AsyncDisposableStack()
  const making = factoryOptions(options, settings)
  const { platforms } = making
  let owners: FleetDefinitions['owners'] = new Map()
  const definitions = async () => {
    const found = await fleetOf(settings)
    owners = found.owners
    return found
  }
  const pulls = new PullLog(store)
  const planner = new PlanningLoop({ store, settings, place: options, terminal, now })
  const watching: { scheduler?: Scheduler; commands: FactoryCommands } = { commands: {} }
  const registry = await startRegistry({ ...starting, store, pulls }, watching)
  ends.defer(() => registry.server.close())
  ends.defer(() => registry.api.stop())
  const home = settings.registry === 'embedded' ? registry.name : homeOf(settings.registry)
  const publisher =
    settings.registry === 'embedded' ? new EmbeddedPublisher(signing, registry.server) : new RegistryPublisher(signing)
  ends.defer(() => publisher.close())
  const workshop = await openedWorkshop(options, ends)
  const named = await namedDefinitions(settings, planner)
  const tools: FactoryTools = {
    ...{ store, home, ...signing, workshop, bench: ends.use(new Workbench(home)), terminal, sandbox: sandboxOnce() },
    definitionOf: named.definitionOf,
    options: making,
  }
  const ports = enginePorts(tools, publisher, named.archiveFolders)
  // Who tells looks at each message once: an owner that is not known by then is not told.
  await definitions()
  const ownerOf = (image: string) => owners.get(image)
  const teller = await startTeller({ store, settings, address: registry.name, terminal, ownerOf })
  ends.defer(() => teller.stop())
  const { scheduler, firstAdvisories } = await openWatches({
    ...{
      store,
      folder: starting.folder,
      settings,
      repository,
      pulls,
      place: options,
      platforms,
      terminal,
      definitions,
    },
    onEvents: () => planner.wake(),
  })
  watching.scheduler = scheduler
  watching.commands = upCommands({ store, planner, scheduler, publisher, home })
  scheduler.start()
  ends.defer(() => scheduler.stop())
  ends.defer(() => planner.stop())
  const moved = ends.move()
  return {
    ...{
      factory: { store, tools, publisher, ports, patience: patienceOf(settings) },
      planner,
      address: registry.name,
    },
    firstAdvisories,
    allDone: () => untilIdle(store, planner),
    [Symbol.asyncDispose]: () => moved.disposeAsync(),
  }
}

/** Where images are defined; read again before each plan. */
async function namedDefinitions(settings: FactorySettings, planner: PlanningLoop) {
  const read = async () => definitionsByName(await fleetReferences(settings))
  let known = await read()
  planner.beforePlan(async () => {
    known = await read()
  })
  return { definitionOf: (image: string) => known.definitionOf(image), archiveFolders: () => known.archiveFolders }
}

/** A workshop that stays open until the stack is left. */
async function openedWorkshop(options: UpOptions, ends: AsyncDisposableStack): Promise<FactoryTools['workshop']> {
  const { promise: opened, resolve: open, reject } = Promise.withResolvers<FactoryTools['workshop']>()
  const { promise: over, resolve: end } = Promise.withResolvers<void>()
  const settings = options.workers === undefined ? {} : { workers: options.workers }
  const whole = withWorkshop(settings, async (workshop) => {
    open(workshop)
    await over
  })
  whole.catch(reject)
  ends.defer(async () => {
    end()
    await whole
  })
  return opened
}

async function untilIdle(store: OpenStore, planner: PlanningLoop): Promise<void> {
  for (;;) {
    // Events first: a plan that was made since then has a run by the time that is asked for.
    const isOpen = (await store.events.open(1)).length > 0 || planner.isPlanning || (await store.work.open()).length > 0
    if (!isOpen) return
    await systemClock.sleep(500, new AbortController().signal)
  }
}

/** What the command line says over what the settings say. */
function withImages(settings: FactorySettings, options: UpOptions): FactorySettings {
  const { registry, listen } = options
  return {
    ...withNamedImages({ ...settings, definitions: settings.definitions ?? { folder: OWN_IMAGES } }, options),
    ...(registry === undefined ? {} : { registry }),
    ...(listen === undefined ? {} : { server: listeningOn(listen, settings) }),
  }
}

function introduce(
  {
    settings,
    address,
    token,
    publicKey,
  }: {
    readonly settings: FactorySettings
    readonly address: string
    readonly token: string | undefined
    readonly publicKey: string | undefined
  },
  terminal: Terminal,
): void {
  const { server } = settings
  const line = (name: string, text: string) => terminal.print(`${terminal.style('bold', name.padEnd(12))}${text}`)
  line('status', `${server.url ?? urlOf(settings, address)}/${server.isOpen ? '' : '  (for who has a token)'}`)
  line('images', `podman pull ${server.tls === undefined ? '--tls-verify=false ' : ''}${address}/IMAGE`)
  if (publicKey !== undefined) line('verify by', publicKey)
  if (token !== undefined) line('token', `${token}  (an administrator's, shown this once)`)
  terminal.print()
}

/** The section as it would be with this place, so that what follows from the place is the same. Throws `SETTINGS_INVALID`. */
function listeningOn(listen: string, { server }: FactorySettings): FactorySettings['server'] {
  const { reading } = server
  const written = { server: { listen, ...(reading === undefined ? {} : { reading }) } }
  const { host, port, isOpen } = parseFactorySettings(JSON.stringify(written), '--listen').server
  return { ...server, host, port, isOpen }
}

function now(): string {
  return new Date().toISOString()
}
