import { hostname } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { CasemateError, hasSystemCode } from '#core'
import type { EngineClock, EnginePorts } from '#factory'
import { type OpenStore, openState, statePlace } from '#store'
import { type BuildSettings, withWorkshop } from '../build-platforms.ts'
import { UsageError } from '../errors.ts'
import { exitStatus, statusOfError } from '../exit-status.ts'
import { hostPlatform } from '../host-platform.ts'
import type { Terminal } from '../terminal.ts'
import type { PlaceOptions, StaleOptions } from '../verb.ts'
import { readFleetDefinitions } from './definition-places.ts'
import { RegistryPublisher } from './publisher.ts'
import { FactoryStages } from './stages.ts'
import { type FactoryTools, homeOf, signingTools } from './tools.ts'

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
}

/** A factory's store and tools, while it is open. */
export interface OpenFactory {
  readonly store: OpenStore
  readonly tools: FactoryTools
  readonly publisher: RegistryPublisher
  /** What an engine works with; who is told, and what tells it to stop, is the caller's. */
  readonly ports: Omit<EnginePorts, 'onNews' | 'stopping'>
}

/** Images of a factory where nobody says which. */
const DEFAULT_IMAGES = ['static', 'base', 'python', 'nginx']

/** Opens all that a part of a factory works with, calls `work`, and closes it. Rejects as opening does, and as `work`. */
export async function withFactory<Result>(
  options: FactoryVerbOptions,
  terminal: Terminal,
  work: (factory: OpenFactory) => Promise<Result>,
): Promise<Result> {
  const { home, ...signing } = await publishing(options)
  const { image: images = DEFAULT_IMAGES, definitions } = options
  const definitionOf = await readFleetDefinitions({ images, ...(definitions === undefined ? {} : { definitions }) })
  const settings: BuildSettings = options.workers === undefined ? {} : { workers: options.workers }
  const state = await openState(statePlace(process.env, options.state), { create: true })
  const publisher = new RegistryPublisher(signing)
  try {
    return await withWorkshop(settings, async (workshop) => {
      const { store } = state
      const tools: FactoryTools = {
        ...{ store, home, ...signing, workshop, definitionOf, terminal },
        options: {
          ...options,
          platforms: options.platform?.split(',') ?? [hostPlatform()],
          ...(options.variant === undefined ? {} : { variants: options.variant.split(',') }),
        },
      }
      const worker = `${hostname()} ${process.pid}`
      const ports = { store, stages: new FactoryStages(tools), publisher, clock: systemClock, canPass, worker }
      return await work({ store, tools, publisher, ports })
    })
  } finally {
    await publisher.close()
    await state.close()
  }
}

/** Where releases are published and who signs them. Rejects with `USAGE_INVALID`, and as `signingTools`. */
export async function publishing({ registry, key }: Pick<FactoryVerbOptions, 'registry' | 'key'>) {
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
