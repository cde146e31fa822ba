import { readPublishers, withPlaces } from '#advisory'
import { defaultCacheFolder } from '#debian'
import { excuseOf, type FactorySettings, standingOf } from '#factory'
import {
  DefinitionFolderWatch,
  GitDefinitionWatch,
  type GitRepository,
  openWebhooks,
  type Poll,
  type PullLog,
  pollAdvisories,
  pollArchive,
  pollBases,
  pollDates,
  pollInventory,
  Scheduler,
  tellLate,
} from '#integrations'
import { debianArchitectureOf, parsePlatform } from '#oci'
import type { OpenStore } from '#store'
import type { FleetDefinitions } from '../fleet-definitions.ts'
import { everyWay } from '../ledger-clocks.ts'
import { placeOf } from '../place.ts'
import { readArchiveFacts } from '../plan-basis.ts'
import type { Terminal } from '../terminal.ts'
import type { PlaceOptions } from '../verb.ts'
import { visibleText } from '../visible-text.ts'
import { archiveFoldersOf } from './fleet-references.ts'
import { inventorySources } from './inventory-sources.ts'

/** What a factory watches, and with what. */
export interface WatchOptions {
  readonly store: OpenStore
  readonly settings: FactorySettings
  /** Where the definitions are from, where that is a repository; their folder is a checkout of it then. */
  readonly repository: GitRepository | undefined
  /** What was pulled from the registry. */
  readonly pulls: PullLog
  readonly place: PlaceOptions
  /** Where all that the factory makes is. */
  readonly folder: string
  readonly platforms: readonly string[]
  readonly terminal: Terminal
  definitions(): Promise<FleetDefinitions>
  /** Called when something was recorded. */
  onEvents(): void
}

const SECOND = 1000
const MINUTE = 60 * SECOND
/** Milliseconds between two looks. A mirror of one's own may be asked often, public ones not. */
const EVERY = {
  ownMirror: 15 * SECOND,
  mirror: 5 * MINUTE,
  definitions: 5 * SECOND,
  repository: MINUTE,
  pulls: MINUTE,
  levels: MINUTE,
  advisories: 60 * MINUTE,
  dates: 60 * MINUTE,
  retention: 60 * MINUTE,
}
/** Messages of each image that stay however old they are: what a feed shows at least. */
const KEPT_MESSAGES = 100
const ADVISORIES = 'advisories'
/** Where advisories are had from in place of their publishers. */
const ADVISORY_SOURCES = 'CASEMATE_ADVISORIES'

/** What looks at everything that a factory watches. */
export interface Watches {
  readonly scheduler: Scheduler
  /** Resolves when advisories were looked at once, whatever came of it: gates judge by them. */
  readonly firstAdvisories: Promise<void>
}

/** Makes the scheduler of all that a factory watches. Trouble is told by name when it is another one than before. */
export async function openWatches(options: WatchOptions): Promise<Watches> {
  const { settings, terminal, definitions } = options
  const { archives } = await definitions()
  const polls = [
    ...archives.map((archive) => archivePoll(archive, options)),
    ...(options.repository === undefined
      ? settings.definitions !== undefined && 'folder' in settings.definitions
        ? [definitionPoll(settings.definitions.folder, options)]
        : []
      : [repositoryPoll(options.repository, options)]),
    basePoll(options),
    datePoll(options),
    levelPoll(options),
    pullPoll(options),
    retentionPoll(options),
    ...inventoryPoll(options),
    ...(options.place.offline === true ? [] : [advisoryPoll(options)]),
  ]
  const told = new Map<string, string>()
  const { promise: firstAdvisories, resolve: looked } = Promise.withResolvers<void>()
  if (options.place.offline === true) looked()
  const scheduler = new Scheduler(polls, {
    onLook: ({ name, troubles }) => {
      if (name === ADVISORIES) looked()
      // The same trouble again is no news; it is looked at again all the time.
      if (told.get(name) === troubles.join('\n')) return
      if (troubles.length === 0 && told.has(name)) terminal.warn(`${name}: all is well again`)
      told.set(name, troubles.join('\n'))
      const [first, ...more] = troubles
      const others = more.length === 0 ? '' : `, and ${more.length} more like that`
      if (first !== undefined) terminal.warn(`${name}: ${visibleText(first)}${others}; tried again until it works`)
    },
  })
  return { scheduler, firstAdvisories }
}

function archivePoll(archive: string, options: WatchOptions): Poll {
  const { store, settings, place, platforms, definitions } = options
  const isOwn = place.mirror !== undefined || (process.env['CASEMATE_MIRROR'] ?? '') !== ''
  const architectures = [...new Set(platforms.map((platform) => debianArchitectureOf(parsePlatform(platform))))]
  return {
    name: `archive ${archive}`,
    every: settings.poll ?? (isOwn ? EVERY.ownMirror : EVERY.mirror),
    look: async () => {
      const fleet = await definitions()
      const { events, troubles } = await pollArchive({
        ...(await placeOf(place, fleet.files)),
        ...{ store, archive, architectures, now: () => new Date() },
      })
      if (events.length > 0) options.onEvents()
      return troubles.map(({ message }) => message)
    },
  }
}

function definitionPoll(folder: string, { store, onEvents }: WatchOptions): Poll {
  const watch = new DefinitionFolderWatch({ store, folder, name: 'definitions', now: () => new Date() })
  return {
    name: 'definitions',
    every: EVERY.definitions,
    look: async () => {
      const { events, troubles } = await watch.look()
      if (events.length > 0) onEvents()
      return troubles
    },
    hint: (changed, signal) => watch.hint(changed, signal),
  }
}

function repositoryPoll(repository: GitRepository, { store, onEvents }: WatchOptions): Poll {
  const watch = new GitDefinitionWatch({ store, repository, name: 'definitions', now: () => new Date() })
  return {
    name: 'definitions',
    every: EVERY.repository,
    look: async (signal) => {
      const { events, troubles } = await watch.look(signal)
      if (events.length > 0) onEvents()
      return troubles
    },
  }
}

/** Looks where the tags of images of others are that images stack on. */
function basePoll({ store, settings, place, definitions, onEvents }: WatchOptions): Poll {
  return {
    name: 'bases',
    every: settings.bases.poll,
    look: async () => {
      const { bases } = await definitions()
      if (bases.length === 0 || place.offline === true) return []
      const { events, troubles } = await pollBases({ store, bases, now: () => new Date() })
      if (events.length > 0) onEvents()
      return troubles
    },
  }
}

/** Records what was pulled since the last time. */
function pullPoll({ pulls }: WatchOptions): Poll {
  return {
    name: 'pulls',
    every: EVERY.pulls,
    look: async () => {
      await pulls.flush()
      return []
    },
  }
}

/** Forgets messages that have reached everybody, after the time that they are kept. */
function retentionPoll({ store, settings: { retention, notify } }: WatchOptions): Poll {
  return {
    name: 'retention',
    every: EVERY.retention,
    look: async (signal) => {
      if (retention.messages === undefined) return []
      const subscribers = (await openWebhooks(notify, process.env)).map(({ name }) => name)
      const before = new Date(Date.now() - retention.messages).toISOString()
      while (!signal.aborted && (await store.outbox.forget({ before, subscribers, keep: KEPT_MESSAGES })) > 0);
      return []
    },
  }
}

/** Looks at what runs, where the settings say that something does. */
function inventoryPoll({ store, settings: { inventory }, folder }: WatchOptions): readonly Poll[] {
  const sources = inventorySources(inventory.places, folder)
  if (sources.length === 0) return []
  const look = async (signal: AbortSignal) =>
    (await pollInventory({ store, sources, now: () => new Date() }, signal)).troubles
  return [{ name: 'inventory', every: inventory.poll, look }]
}

/** Tells of findings whose time is nearly up, or up. */
function levelPoll({ store, settings: { levels } }: WatchOptions): Poll {
  return {
    name: 'service levels',
    every: EVERY.levels,
    look: async () => {
      const now = new Date().toISOString()
      const excuses = (await store.ledger.ofKind('excuse')).map(excuseOf)
      const ways = await Array.fromAsync(everyWay(store, undefined, now))
      await tellLate(
        store,
        ways.map((way) => standingOf(way, { levels, excuses, now })),
        now,
      )
      return []
    },
  }
}

function datePoll({ store, definitions, onEvents }: WatchOptions): Poll {
  return {
    name: 'dates',
    every: EVERY.dates,
    look: async () => {
      const events = await pollDates(store, (await definitions()).supported, new Date())
      if (events.length > 0) onEvents()
      return []
    },
  }
}

function advisoryPoll({ store, definitions, onEvents }: WatchOptions): Poll {
  return {
    name: ADVISORIES,
    every: EVERY.advisories,
    look: async () => {
      const given = (process.env[ADVISORY_SOURCES] ?? '').split(/\s+/).filter((one) => one !== '')
      const sources = withPlaces(await readPublishers(), given, ADVISORY_SOURCES)
      const fleet = await fleetSources(store, await definitions())
      const { events, troubles } = await pollAdvisories({
        ...{ store, sources, fleet, cache: defaultCacheFolder(), now: () => new Date() },
      })
      if (events.length > 0) onEvents()
      return troubles
    },
  }
}

/** The source packages that released images hold, by the release that they are of. */
async function fleetSources({ fleet }: OpenStore, definitions: FleetDefinitions) {
  const facts = await readArchiveFacts(archiveFoldersOf(definitions))
  const heads = await fleet.heads()
  const contents = await fleet.contents(heads.map((head) => head.contents))
  const sources = new Map<string, { readonly release: string; readonly source: string }>()
  for (const { archive, source } of [...contents.values()].flat()) {
    const release = facts.release(archive)
    if (release !== undefined) sources.set(`${release} ${source.name}`, { release, source: source.name })
  }
  return [...sources.values()]
}
