import { hostname } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { CasemateError, hasSystemCode } from '#core'
import type { EngineClock, EnginePorts, EngineSettings, FactorySettings } from '#factory'
import { type OpenStore, openState, statePlace } from '#store'
import { type BuildSettings, withWorkshop } from '../build-platforms.ts'
import { UsageError } from '../errors.ts'
import { exitStatus, statusOfError } from '../exit-status.ts'
import { hostPlatform } from '../host-platform.ts'
import { readSettings } from '../plan-settings.ts'
import type { Terminal } from '../terminal.ts'
import type { PlaceOptions, StaleOptions } from '../verb.ts'
import { definitionsByName } from './definition-places.ts'
import { fleetReferences, withNamedImages } from './fleet-references.ts'
import { RegistryPublisher } from './publisher.ts'
import { openReleaseFindings } from './release-findings.ts'
import { FactoryStages } from './stages.ts'
import { type FactoryOptions, type FactoryTools, homeOf, sandboxOnce, signingTools } from './tools.ts'
import { Workbench } from './workbench.ts'

/** The options of every verb that works as a part of a factory, as the command line gives them. */
export interface FactoryVerbOptions extends PlaceOptions, StaleOptions {
  readonly state: string
  readonly registry?: string
  readonly key?: string
  readonly image?: readonly string[]
  readonly definitions?: string
  readonly platform?: string
  readonly variant?: string
  readonly policy?: readonly string[]
  readonly exceptions?: string
  readonly workers?: string
  /** The factory's settings; what the command line says comes before them. */
  readonly settings?: string
}

/** A factory's store and tools, while it is open. */
export interface OpenFactory {
  readonly store: OpenStore
  readonly tools: FactoryTools
  readonly publisher: RegistryPublisher
  /** What an engine works with; who is told, and what tells it to stop, is the caller's. */
  readonly ports: Omit<EnginePorts, 'onNews' | 'stopping'>
  /** How patient the engine is, where it is not as usual. */
  readonly patience?: Partial<EngineSettings>
}

/** Opens all that a part of a factory works with, calls `work`, and closes it. Rejects as opening does, and as `work`. */
export async function withFactory<Result>(
  options: FactoryVerbOptions,
  terminal: Terminal,
  work: (factory: OpenFactory) => Promise<Result>,
): Promise<Result> {
  const settings = await readSettings(options.settings)
  const { home, ...signing } = await publishing({ registry: registryOf(settings), ...options })
  const { definitionOf, archiveFolders } = await definitionsByName(await imagesHere(options, settings))
  const build: BuildSettings = options.workers === undefined ? {} : { workers: options.workers }
  const state = await openState(statePlace(process.env, options.state), { create: true })
  const publisher = new RegistryPublisher(signing)
  try {
    return await withWorkshop(build, async (workshop) => {
      const { store } = state
      await using bench = new Workbench(home)
      const tools: FactoryTools = {
        ...{ store, home, ...signing, workshop, bench, definitionOf, terminal, sandbox: sandboxOnce() },
        options: factoryOptions(options, settings),
      }
      const ports = enginePorts(tools, publisher, () => archiveFolders)
      return await work({ store, tools, publisher, ports, patience: patienceOf(settings) })
    })
  } finally {
    await publisher.close()
    await state.close()
  }
}

/** What an engine of this process works with; `archiveFolders` gives where archives of the fleet's own are described. */
export function enginePorts(
  tools: FactoryTools,
  publisher: RegistryPublisher,
  archiveFolders: () => readonly string[],
): OpenFactory['ports'] {
  return {
    ...{ store: tools.store, stages: new FactoryStages(tools), publisher, clock: systemClock, canPass },
    worker: `${hostname()} ${process.pid}`,
    openFindings: openReleaseFindings(archiveFolders),
  }
}

/** How images are made: as the command line says, else the settings, else for this machine and with all that there is. */
export function factoryOptions(options: FactoryVerbOptions, { runs, bases }: FactorySettings): FactoryOptions {
  const variants = options.variant?.split(',') ?? runs.variants
  const policy = options.policy ?? runs.policies
  const exceptions = options.exceptions ?? runs.exceptions
  return {
    ...options,
    bases: bases.trust,
    platforms: options.platform?.split(',') ?? runs.platforms ?? [hostPlatform()],
    ...(variants === undefined ? {} : { variants }),
    ...(policy === undefined ? {} : { policy }),
    ...(exceptions === undefined ? {} : { exceptions }),
  }
}

/** How patient an engine shall be. */
export function patienceOf({ runs: { attempts, timeOut } }: FactorySettings): Partial<EngineSettings> {
  return { ...(attempts === undefined ? {} : { attempts }), ...(timeOut === undefined ? {} : { timeOut }) }
}

function registryOf({ registry }: FactorySettings): string | undefined {
  return registry === 'embedded' ? undefined : registry
}

/** The images that are made here. A repository is checked out by `casemate up` only: without a folder, what it defines is not known. */
function imagesHere(options: FactoryVerbOptions, settings: FactorySettings): Promise<readonly string[]> {
  const { definitions } = settings
  const known = definitions !== undefined && 'git' in definitions ? undefined : definitions
  return fleetReferences(withNamedImages({ ...settings, definitions: known }, options))
}

/** Where releases are published and who signs them. Rejects with `USAGE_INVALID`, and as `signingTools`. */
export async function publishing({ registry, key }: { readonly registry?: string | undefined; readonly key?: string }) {
  const missing =
    registry === undefined ? '--registry docker://HOST[:PORT][/PREFIX]' : key === undefined ? '--key KEY' : ''
  if (registry === undefined || key === undefined) {
    throw new UsageError(
      'USAGE_INVALID',
      `cannot publish: say ${missing === '--key KEY' ? 'who signs' : 'where'}, by ${missing}`,
    )
  }
  return { home: homeOf(registry), ...(await signingTools(key)) }
}

export const systemClock: EngineClock = {
  now: () => new Date().toISOString(),
  sleep: async (milliseconds, signal) => {
    await sleep(milliseconds, undefined, { signal, ref: false }).catch(() => undefined)
  },
}

/** Codes of what could not be done, and will be no other when it is tried again: nobody is to be believed who was not. */
const LASTING =
  /^(SUITE_(UNTRUSTED|ROLLED_BACK|EXPIRED|INVALID)|.*_(INVALID|UNTRUSTED|LIMIT|REFUSED|MISMATCH)|CANDIDATE_UNSIGNED|BLOB_MISMATCH|DATABASE_NEWER|MIGRATION_CHANGED)$/

/** Whether an error is one of network, disk or missing data, which may be another one in a while. */
export function canPass(error: unknown): boolean {
  if (error instanceof CasemateError) {
    return statusOfError(error) === exitStatus.notDone && !LASTING.test(error.code)
  }
  return hasSystemCode(error, 'ENOSPC', 'EDQUOT', 'EIO', 'EMFILE', 'ENFILE', 'ENOMEM', 'ECONNREFUSED', 'ECONNRESET')
}
