import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { FactorySettings } from '#factory'
import { openWebhooks, type PullLog, Teller } from '#integrations'
import { addressBehind, collectGarbage, peerAddress, type RegistryServer } from '#oci/registry'
import { Api, type FactoryCommands, ServerError } from '#server'
import type { OpenStore } from '#store'
import { openScanStore } from '../archive-evidence.ts'
import { formatError } from '../exit-status.ts'
import { holdAdvisories } from '../stale-advisories.ts'
import type { Terminal } from '../terminal.ts'
import { packageVersion } from '../version.ts'
import { type EmbeddedRegistry, startEmbeddedRegistry } from './embedded-registry.ts'
import { FactoryAuthority } from './factory-authority.ts'

const HOUR = 3_600_000
/** What was pushed and has no tag yet stays for a day. */
const GRACE = 24 * HOUR

/** What the services of a factory are started with. */
export interface ServiceOptions {
  readonly store: OpenStore
  /** Where all that the factory makes is. */
  readonly folder: string
  readonly settings: FactorySettings
  readonly terminal: Terminal
  /** Notes what is pulled. */
  readonly pulls: PullLog
}

/** The registry with the API on the same port. What the API does at once comes when all is there. */
export async function startRegistry(
  { store, folder, settings, terminal, pulls }: ServiceOptions,
  watching: { readonly commands: FactoryCommands },
): Promise<EmbeddedRegistry & { readonly api: Api }> {
  const onError = (error: unknown) => terminal.warn(formatError(error))
  const { host, port, isOpen, hosts, url, tls, proxies } = settings.server
  const addressOf = proxies === undefined ? peerAddress : addressBehind(proxies)
  const authority = new FactoryAuthority(store.tokens, isOpen)
  const late: { api?: Api; server?: RegistryServer } = {}
  const { server, name } = await startEmbeddedRegistry(join(folder, 'registry'), authority, {
    ...{ host, port, url, addressOf, onError },
    onAccess: (access) => pulls.note(access),
    ...(tls === undefined ? {} : { tls: { cert: await readFile(tls.certificate), key: await readFile(tls.key) } }),
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
    ...{ store, isOpen, hosts, addressOf, commands, registry: name, version: packageVersion(), onError },
    ...{ url: url ?? urlOf(settings, name), levels: settings.levels },
    metrics: () => server.metrics.format(),
    warnings: async () => advisoryWarnings(),
  })
  late.api = api
  return { server, name, api }
}

/** What is stale or missing of the advisories that images are judged by. */
function advisoryWarnings(): readonly string[] {
  const lines: string[] = []
  const advisories = openScanStore()
  try {
    holdAdvisories(advisories.parts, { isError: false }, { warn: (line) => lines.push(line) })
  } finally {
    advisories.close()
  }
  return lines
}

async function command<Command>(given: Command | undefined): Promise<Command> {
  if (given !== undefined) return given
  throw new ServerError('COMMAND_UNAVAILABLE', 'cannot do this yet: the factory is starting')
}

/** Who tells webhooks, and by what they know him. */
export interface TellingOptions extends Pick<ServiceOptions, 'store' | 'settings' | 'terminal'> {
  readonly address: string
  /** Who an image belongs to, by its definition. */
  ownerOf(image: string): string | undefined
}

/** Tells webhooks what is in the outbox. Rejects with `WEBHOOK_INVALID`. */
export async function startTeller(options: TellingOptions): Promise<Teller> {
  const { store, settings, address, terminal, ownerOf } = options
  const source = settings.server.url ?? urlOf(settings, address)
  const teller = new Teller({
    ...{ store, ownerOf, webhooks: await openWebhooks(settings.notify, process.env), source },
    onTold: ({ webhook, message, outcome }) => {
      if (outcome.state === 'dead') terminal.warn(`${webhook} was never told "${message.title}": ${outcome.reason}`)
    },
    onTrouble: (reason) => terminal.warn(reason),
  })
  teller.start()
  return teller
}

/** The address of a place where this factory listens. */
export function urlOf({ server: { tls } }: FactorySettings, address: string): string {
  return `${tls === undefined ? 'http' : 'https'}://${address}`
}
