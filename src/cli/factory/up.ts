import { hostname, userInfo } from 'node:os'
import { join, resolve } from 'node:path'
import type { FactorySettings } from '#factory'
import { openWebhooks, type Scheduler, Teller } from '#integrations'
import { collectGarbage, type RegistryServer } from '#oci/registry'
import { Api, createFirstToken, type FactoryCommands } from '#server'
import { type OpenState, type OpenStore, openState, statePlace } from '#store'
import { withWorkshop } from '../build-platforms.ts'
import { UsageError } from '../errors.ts'
import { type ExitStatus, formatError } from '../exit-status.ts'
import { type FleetDefinitions, openFleet } from '../fleet-definitions.ts'
import { readSettings } from '../plan-settings.ts'
import type { Terminal } from '../terminal.ts'
import { packageVersion } from '../version.ts'
import { readFleetDefinitions } from './definition-places.ts'
import { EmbeddedPublisher, startEmbeddedRegistry } from './embedded-registry.ts'
import { FactoryAuthority } from './factory-authority.ts'
import { factoryKey } from './factory-key.ts'
import { fleetReferences } from './fleet-references.ts'
import {
  canPass,
  type FactoryVerbOptions,
  factoryOptions,
  type OpenFactory,
  patienceOf,
  systemClock,
} from './open-factory.ts'
import { Planner } from './planner.ts'
import { RegistryPublisher } from './publisher.ts'
import { FactoryStages } from './stages.ts'
import { type FactoryTools, homeOf, sandboxOnce, signingTools } from './tools.ts'
import { upCommands } from './up-commands.ts'
import { openWatches } from './watches.ts'
import { wholeNumber, work } from './worker.ts'

/** The options of `casemate up`, as the command line gives them. */
export interface UpOptions extends FactoryVerbOptions {
  readonly settings?: string
  readonly listen: string
  readonly open?: boolean
  readonly concurrency: string
  readonly grace: string
  readonly untilDone?: boolean
  readonly json?: boolean
}

const HOUR = 3_600_000
/** What was pushed and has no tag yet stays for a day. */
const GRACE = 24 * HOUR

/**
 * Runs a whole factory until a signal says to stop: its memory, registry, API and status page, watchers, planner, one worker, and who
 * tells others. Everything that it makes is below the state's folder.
 */
export async function runUp(options: UpOptions, terminal: Terminal): Promise<ExitStatus> {
  const settings = withImages(await readSettings(options.settings), options)
  const folder = resolve(options.state)
  const { host, port } = listenOf(options.listen)
  const isOpen = options.open === true || /^(?:127\.|localhost$|::1$)/.test(host)
  const working = {
    concurrency: wholeNumber(options.concurrency, '--concurrency'),
    grace: wholeNumber(options.grace, '--grace'),
    json: options.json === true,
  }
  terminal.progress('starting the database …')
  const state = await openState(statePlace(process.env, folder), { create: true })
  try {
    const keys = options.key === undefined ? await factoryKey(join(folder, 'keys')) : undefined
    const signing = await signingTools(options.key ?? keys?.privateKey ?? '')
    await using served = await serve({ state, folder, host, port, isOpen, settings, options, terminal, signing })
    const { factory, planner, address } = served
    const token = await createFirstToken(state.store, { by: userInfo().username, at: now(), command: 'casemate up' })
    if (!working.json) introduce({ address, isOpen, token, publicKey: keys?.publicKey }, terminal)
    await planner.askForNew()
    planner.start((error) => terminal.warn(formatError(error)))
    const until = options.untilDone === true ? served.allDone() : new Promise<never>(() => undefined)
    return await work(factory, { ...working, until }, terminal)
  } finally {
    await state.close()
  }
}

interface Starting {
  readonly state: OpenState
  readonly folder: string
  readonly host: string
  readonly port: number
  readonly isOpen: boolean
  readonly settings: FactorySettings
  readonly options: UpOptions
  readonly terminal: Terminal
  readonly signing: Pick<FactoryTools, 'signatory' | 'trust'>
}

/** What is up, in the order of its ending: who makes new work first, what is needed to end it last. */
interface Served extends AsyncDisposable {
  readonly factory: OpenFactory
  readonly planner: Planner
  readonly address: string
  /** Resolves when nothing is open and no run is under way. */
  allDone(): Promise<void>
}

async function serve(starting: Starting): Promise<Served> {
  const { state, settings, options, terminal, signing } = starting
  const { store } = state
  await using ends = new AsyncDisposableStack()
  const making = factoryOptions(options, settings)
  const { platforms } = making
  const definitions = () => definitionsOf(settings)
  const planner = new Planner({ store, settings, place: options, terminal, now })
  const watching: { scheduler?: Scheduler; commands: FactoryCommands } = { commands: {} }
  const registry = await startRegistry(starting, watching)
  ends.defer(() => registry.server.close())
  ends.defer(() => registry.api.stop())
  const home = settings.registry === 'embedded' ? registry.server.address : homeOf(settings.registry)
  const publisher =
    settings.registry === 'embedded' ? new EmbeddedPublisher(signing, registry.server) : new RegistryPublisher(signing)
  ends.defer(() => publisher.close())
  const workshop = await openedWorkshop(options, ends)
  const tools: FactoryTools = {
    ...{ store, home, ...signing, workshop, terminal, sandbox: sandboxOnce() },
    definitionOf: await namedDefinitions(settings, planner),
    options: making,
  }
  const worker = `${hostname()} ${process.pid}`
  const ports = { store, stages: new FactoryStages(tools), publisher, clock: systemClock, canPass, worker }
  const teller = await startTeller(store, settings, { address: registry.server.address, terminal })
  ends.defer(() => teller.stop())
  const scheduler = await openWatches({
    ...{ store, settings, place: options, platforms, terminal, definitions },
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
      address: registry.server.address,
    },
    allDone: () => untilIdle(store),
    [Symbol.asyncDispose]: () => moved.disposeAsync(),
  }
}

/** The registry with the API on the same port. What the API does at once comes when all is there. */
async function startRegistry(
  { state: { store }, folder, host, port, isOpen, terminal }: Starting,
  watching: { readonly commands: FactoryCommands },
): Promise<{ readonly server: RegistryServer; readonly api: Api }> {
  const onError = (error: unknown) => terminal.warn(formatError(error))
  const authority = new FactoryAuthority(store.tokens, isOpen)
  const late: { api?: Api; server?: RegistryServer } = {}
  const server = await startEmbeddedRegistry(join(folder, 'registry'), authority, {
    ...{ host, port, onError },
    elsewhere: (request, response) => {
      if (late.api !== undefined) late.api.handle(request, response)
      else response.writeHead(503, { 'retry-after': '1' }).end()
    },
  })
  const collecting = setInterval(() => void collectGarbage(server.store, { grace: GRACE }).catch(onError), HOUR)
  collecting.unref()
  const commands: FactoryCommands = {
    preview: async (images) => (await command(watching.commands.preview))(images),
    look: async (subject) => (await command(watching.commands.look))(subject),
    rollback: async (release, wish) => (await command(watching.commands.rollback))(release, wish),
  }
  const api = new Api({
    ...{
      store,
      isOpen,
      commands,
      registry: server.address,
      url: `http://${server.address}`,
      version: packageVersion(),
      onError,
    },
    metrics: () => server.metrics.format(),
  })
  late.api = api
  return { server, api }
}

async function command<Command>(given: Command | undefined): Promise<Command> {
  if (given !== undefined) return given
  throw new UsageError('USAGE_INVALID', 'cannot do this yet: the factory is starting')
}

async function startTeller(
  store: OpenStore,
  { notify }: FactorySettings,
  { address, terminal }: { readonly address: string; readonly terminal: Terminal },
): Promise<Teller> {
  const teller = new Teller({
    ...{ store, webhooks: await openWebhooks(notify, process.env), source: `http://${address}` },
    onTold: ({ webhook, message, outcome }) => {
      if (outcome.state === 'dead') terminal.warn(`${webhook} was never told "${message.title}": ${outcome.reason}`)
    },
    onTrouble: (reason) => terminal.warn(reason),
  })
  teller.start()
  return teller
}

/** Where images are defined; read again whenever somebody asks for one that is not known. */
async function namedDefinitions(settings: FactorySettings, planner: Planner): Promise<(image: string) => string> {
  const place = () => ({
    images: settings.images,
    ...(settings.definitions !== undefined && 'folder' in settings.definitions
      ? { definitions: settings.definitions.folder }
      : {}),
  })
  let known = await readFleetDefinitions(place())
  planner.beforePlan(async () => {
    known = await readFleetDefinitions(place())
  })
  return (image) => known(image)
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

async function definitionsOf(settings: FactorySettings): Promise<FleetDefinitions> {
  return openFleet(await fleetReferences(settings))
}

async function untilIdle(store: OpenStore): Promise<void> {
  for (;;) {
    const isOpen = (await store.events.open(1)).length > 0 || (await store.work.open()).length > 0
    if (!isOpen) return
    await systemClock.sleep(500, new AbortController().signal)
  }
}

function withImages(settings: FactorySettings, { image, definitions, registry }: UpOptions): FactorySettings {
  return {
    ...settings,
    ...(image === undefined ? {} : { images: image }),
    ...(definitions === undefined ? {} : { definitions: { folder: definitions } }),
    ...(registry === undefined ? {} : { registry }),
  }
}

function introduce(
  {
    address,
    isOpen,
    token,
    publicKey,
  }: { address: string; isOpen: boolean; token: string | undefined; publicKey: string | undefined },
  terminal: Terminal,
): void {
  const line = (name: string, text: string) => terminal.print(`${terminal.style('bold', name.padEnd(12))}${text}`)
  line('status', `http://${address}/${isOpen ? '' : '  (for who has a token)'}`)
  line('images', `podman pull ${/^(?:127\.|localhost)/.test(address) ? '--tls-verify=false ' : ''}${address}/IMAGE`)
  if (publicKey !== undefined) line('verify by', publicKey)
  if (token !== undefined) line('token', `${token}  (an administrator's, shown this once)`)
  terminal.print()
}

function listenOf(text: string): { readonly host: string; readonly port: number } {
  const [, bracketed, plain, port] = /^(?:\[([0-9a-fA-F:]+)\]|([^\s:/]+)):(\d{1,5})$/.exec(text) ?? []
  const host = bracketed ?? plain
  if (host !== undefined && Number(port) < 65_536) return { host, port: Number(port) }
  throw new UsageError('USAGE_INVALID', `cannot listen on "${text}": want HOST:PORT, e.g. 127.0.0.1:8380 or [::]:8380`)
}

function now(): string {
  return new Date().toISOString()
}
