import { type DatabaseAddress, parseDatabaseAddress } from './address.ts'
import { StoreError } from './errors.ts'
import { clusterMajor, clusterPlace } from './postgres/cluster.ts'
import { type EmbeddedOptions, type EmbeddedPostgres, embeddedAddress, startPostgres } from './postgres/server.ts'
import { type OpenStore, openStore } from './store.ts'

/** Where the factory's memory is: in a database that somebody else runs, or in an embedded one. */
export type StatePlace = { readonly address: DatabaseAddress } | { readonly embedded: EmbeddedOptions }

/**
 * Reads where the factory's memory is: `CASEMATE_DATABASE`, an address, or else `folder`, with the programs of `CASEMATE_POSTGRES` as
 * the user `CASEMATE_POSTGRES_USER`, where they are set. Throws `DATABASE_INVALID`.
 */
export function statePlace(environment: Readonly<Record<string, string | undefined>>, folder: string): StatePlace {
  const { CASEMATE_DATABASE: address, CASEMATE_POSTGRES: programs, CASEMATE_POSTGRES_USER: user } = environment
  if (address) return { address: parseDatabaseAddress(address) }
  return { embedded: { folder, ...(programs ? { programs } : {}), ...(user ? { user } : {}) } }
}

/** The factory's memory, opened, with the server that was started for it. */
export interface OpenState {
  readonly store: OpenStore
  /** Present where this process runs the database. */
  readonly postgres: EmbeddedPostgres | undefined
  /** Closes the connections, and stops the database where it was started for this. */
  close(): Promise<void>
}

export interface StateOptions {
  /** Whether an embedded database is made where there is none; otherwise that is `DATABASE_FAILED`. */
  readonly create?: boolean
}

/**
 * Opens the factory's memory for a while, e.g. for one verb. An embedded database that another process runs is used while it
 * does; one that nobody runs is started. Rejects as `startPostgres` and `openStore` do, but never with `DATABASE_LOCKED`.
 */
export async function openState(place: StatePlace, options: StateOptions = {}): Promise<OpenState> {
  const { address, postgres } = await reachDatabase(place, options)
  try {
    const store = await openStore(address)
    const close = async () => {
      await store.close()
      await postgres?.stop()
    }
    return { store, postgres, close }
  } catch (error) {
    await postgres?.stop()
    throw error
  }
}

/** Whether there is a memory of a factory: an address that is named, or an embedded database that was made. */
export async function hasState(place: StatePlace): Promise<boolean> {
  return 'address' in place || (await clusterMajor(clusterPlace(place.embedded.folder))) !== undefined
}

/** As `openState`, without looking at what is in the database: gives its address, and the server where it was started for this. */
export async function reachDatabase(
  place: StatePlace,
  { create = false }: StateOptions = {},
): Promise<{ address: DatabaseAddress; postgres: EmbeddedPostgres | undefined }> {
  if ('address' in place) return { address: place.address, postgres: undefined }
  const { folder } = place.embedded
  if (!create && (await clusterMajor(clusterPlace(folder))) === undefined) {
    throw new StoreError('DATABASE_FAILED', `cannot open the database in ${folder}: there is none`)
  }
  try {
    const postgres = await startPostgres(place.embedded)
    return { address: postgres.address, postgres }
  } catch (error) {
    if (!(error instanceof StoreError && error.code === 'DATABASE_LOCKED')) throw error
    return { address: await embeddedAddress(folder), postgres: undefined }
  }
}
