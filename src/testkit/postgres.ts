import { existsSync, mkdtempSync, readdirSync, rmSync, statfsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after } from 'node:test'
import pg from 'pg'
import {
  type DatabaseAddress,
  type EmbeddedOptions,
  type EmbeddedPostgres,
  type OpenStore,
  openStore,
  startPostgres,
} from '#store'

/** The PostgreSQL of the npm package, or the one of this machine's Debian. */
export type TestServer = 'embedded' | 'debian'

/** Both, for tests that run on each. */
export const TEST_SERVERS: readonly TestServer[] = ['embedded', 'debian']

/** The user that PostgreSQL runs as where the tests are root's; Debian's package, which the tests install, brings it. */
export const TEST_POSTGRES_USER = 'postgres'

const TEMPLATE = 'template_store'
const ROOM = 2 ** 30

/** A folder for a database, which goes with the test: in memory where there is room, because a loaded disk takes seconds to sync. */
export function databaseFolder(t: { after(end: () => unknown): void }): string {
  const folder = makeFolder()
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

function makeFolder(): string {
  const memory = '/dev/shm'
  const hasRoom = existsSync(memory) && ((stats) => stats.bavail * stats.bsize > ROOM)(statfsSync(memory))
  return mkdtempSync(join(hasRoom ? memory : tmpdir(), 'cm-db-'))
}

/** The folder of Debian's own PostgreSQL programs, the newest. */
export function debianPrograms(): string {
  const majors = readdirSync('/usr/lib/postgresql').map(Number)
  return `/usr/lib/postgresql/${Math.max(...majors)}/bin`
}

/** What `startPostgres` is told to start a server of a kind. */
export function serverOptions(server: TestServer, folder: string): EmbeddedOptions {
  return { folder, user: TEST_POSTGRES_USER, ...(server === 'debian' ? { programs: debianPrograms() } : {}) }
}

/** Servers that all tests of a file share. */
export interface TestServers {
  /** The address of an empty database. */
  database(server: TestServer): Promise<DatabaseAddress>
  /** A store with the schema and nothing in it: a copy of a template, so that each test has its own for some milliseconds. */
  store(t: { after(end: () => unknown): void }, server: TestServer): Promise<OpenStore>
}

/** To be called once at the top of a test file: the servers start when they are first wanted and end with the file. */
export function testServers(): TestServers {
  const servers = new Map<TestServer, Promise<EmbeddedPostgres>>()
  const folders: string[] = []
  let databases = 0
  after(async () => {
    for (const server of servers.values()) await (await server).stop()
    for (const folder of folders) rmSync(folder, { recursive: true, force: true })
  })
  const start = (server: TestServer) => {
    const folder = makeFolder()
    folders.push(folder)
    const starting = startWithTemplate(serverOptions(server, folder))
    servers.set(server, starting)
    return starting
  }
  const create = async (server: TestServer, template: string) => {
    const { address } = await (servers.get(server) ?? start(server))
    const database = `test_${++databases}`
    await administer(address, `create database ${database} template ${template}`)
    return { ...address, database }
  }
  return {
    database: (server) => create(server, 'template0'),
    store: async (t, server) => {
      const store = await openStore(await create(server, TEMPLATE))
      t.after(() => store.close())
      return store
    },
  }
}

async function startWithTemplate(options: EmbeddedOptions): Promise<EmbeddedPostgres> {
  const postgres = await startPostgres(options)
  await administer(postgres.address, `create database ${TEMPLATE}`)
  const store = await openStore({ ...postgres.address, database: TEMPLATE })
  await store.close()
  return postgres
}

async function administer({ host, port, user, password, database }: DatabaseAddress, statement: string): Promise<void> {
  const client = new pg.Client({ host, port, user, password: password ?? '', database })
  await client.connect()
  await client.query(statement)
  await client.end()
}
