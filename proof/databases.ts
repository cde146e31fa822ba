import { mkdir, rm, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { buildCatalogueImage } from './parts/catalogue.ts'
import { runProgram } from './parts/command.ts'
import { LIMITS, podman, pullImage } from './parts/podman.ts'

/** A database, and how its own client writes and reads. */
interface Database {
  readonly name: string
  readonly port: number
  readonly data: string
  /** Directories beside the data that it writes to. */
  readonly scratch: readonly string[]
  readonly environment: Readonly<Record<string, string>>
  readonly args: readonly string[]
  readonly signal: string
  /** The probe that its page names. */
  readonly health: readonly string[]
  /** SQL for /docker-entrypoint-initdb.d, which runs where an empty volume is made ready. */
  readonly script: string | undefined
  write(row: number): readonly string[]
  /** Prints the number of rows, and nothing else. */
  readonly count: readonly string[]
}

const SECRET = `it's "a" $ecret\\`

const psql = ['psql', '--host=127.0.0.1', '--username=app', '--dbname=shop', '-qAt', '--set=ON_ERROR_STOP=1', '-c']
const mariadb = ['mariadb', '--host=127.0.0.1', '--user=app', 'shop', '--skip-column-names', '--execute']

const databases: readonly Database[] = [
  {
    name: 'postgres',
    port: 5432,
    data: '/var/lib/postgresql/data',
    scratch: ['/run/postgresql'],
    environment: { POSTGRES_PASSWORD: SECRET, POSTGRES_USER: 'app', POSTGRES_DB: 'shop', PGPASSWORD: SECRET },
    args: [],
    signal: 'SIGINT',
    health: ['pg_isready', '--host=127.0.0.1'],
    script: 'CREATE TABLE rows (n integer PRIMARY KEY);',
    write: (row) => [...psql, `INSERT INTO rows VALUES (${row})`],
    count: [...psql, 'SELECT count(*) FROM rows'],
  },
  {
    name: 'mariadb',
    port: 3306,
    data: '/var/lib/mysql',
    scratch: ['/run/mysqld'],
    environment: {
      MARIADB_ROOT_PASSWORD: 'root of it',
      MARIADB_USER: 'app',
      MARIADB_PASSWORD: SECRET,
      MARIADB_DATABASE: 'shop',
      MYSQL_PWD: SECRET,
    },
    args: [],
    signal: 'SIGTERM',
    health: ['mariadb-admin', '--host=127.0.0.1', '--user=app', 'ping'],
    script: 'CREATE TABLE `rows` (n INTEGER PRIMARY KEY);',
    write: (row) => [...mariadb, `INSERT INTO \`rows\` VALUES (${row})`],
    count: [...mariadb, 'SELECT count(*) FROM `rows`'],
  },
  ...['redis', 'valkey'].map((name): Database => {
    return {
      name,
      port: 6379,
      data: '/data',
      scratch: [],
      environment: {},
      // Acknowledged is what is on the disk.
      args: ['--appendonly', 'yes', '--appendfsync', 'always'],
      signal: 'SIGTERM',
      health: [`${name}-cli`, '-e', 'ping'],
      script: undefined,
      write: (row) => [`${name}-cli`, '-e', 'SADD', 'rows', String(row)],
      count: [`${name}-cli`, '-e', 'SCARD', 'rows'],
    }
  }),
]

const ROWS = 25
const BEFORE_THE_KILL = 10

/**
 * postgres, mariadb, redis and valkey under podman with a volume, a published port, a read-only root and no capability:
 * each makes its data in the empty volume, its own client writes to it, it is stopped by the contract's signal and started
 * on the same volume, and then once more after SIGKILL in the midst of writing. Holds when it ends with 0 and every row
 * that was acknowledged is there each time. Arguments are names of databases; all unless given.
 */
export async function run(only: readonly string[] = []): Promise<{ holds: boolean; lines: string[] }> {
  const lines: string[] = []
  let holds = true
  // podman makes an image's name of a layout's path, and names are lower case.
  const folder = join(tmpdir(), `casemate-databases-${process.pid}`)
  await mkdir(folder)
  try {
    for (const database of databases.filter(({ name }) => only.length === 0 || only.includes(name))) {
      await prove(database, folder, (good, line) => {
        holds &&= good
        lines.push(`${good ? 'ok ' : 'NOT'} ${database.name.padEnd(9)} ${line}`)
        console.error(lines.at(-1))
      })
    }
    return { holds: holds && lines.length > 0, lines }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

async function prove(database: Database, folder: string, note: (good: boolean, line: string) => void): Promise<void> {
  const { layout } = await buildCatalogueImage(
    { name: database.name, variant: 'runtime', platform: 'linux/amd64' },
    folder,
  )
  const image = await pullImage(`oci:${layout}:image`)
  const volume = (await podman(['volume', 'create'])).trim()
  const scripts = join(folder, `${database.name}-scripts`)
  await mkdir(scripts)
  if (database.script !== undefined) await writeFile(join(scripts, 'rows.sql'), database.script)
  const server = new Server(database, image, { volume, scripts })
  try {
    const signal = (await podman(['inspect', '--format', '{{.Config.StopSignal}}', image])).trim()
    note(signal === database.signal, `declares ${signal} to stop it`)
    note(true, `makes an empty volume ready: answers after ${await server.start()} ms`)
    for (let row = 1; row <= ROWS; row++) await server.client(database.write(row))
    note((await server.rows()) === ROWS, `${await server.rows()} of ${ROWS} rows read back at once`)
    const { status, milliseconds } = await server.stop()
    note(status === 0, `${signal} ends it with ${status} in ${milliseconds} ms`)
    const restarted = await server.start()
    const kept = await server.rows()
    note(kept === ROWS, `started on the same volume, answers after ${restarted} ms: ${kept} of ${ROWS} rows`)
    const acknowledged = await server.writeUntilKilled(ROWS + 1)
    note(acknowledged >= BEFORE_THE_KILL, `SIGKILL while it writes, ${acknowledged} rows more acknowledged`)
    const recovered = await server.start()
    const after = await server.rows()
    // The row under way at the kill may have been written without an answer.
    const [least, most] = [ROWS + acknowledged, ROWS + acknowledged + 1]
    const whole = after >= least && after <= most
    note(whole, `started after SIGKILL, answers after ${recovered} ms: ${after} rows, ${least} were acknowledged`)
    note((await server.stop()).status === 0, 'and ends in order')
  } finally {
    await server.remove()
    await podman(['volume', 'rm', '--force', volume])
    await podman(['rmi', '--force', image])
  }
}

interface Mounts {
  /** A named volume with the data. */
  readonly volume: string
  /** A folder of the host. */
  readonly scripts: string
}

/** One container after another on the same volume. */
class Server {
  readonly #database: Database
  readonly #image: string
  readonly #mounts: Mounts
  #container = ''

  constructor(database: Database, image: string, mounts: Mounts) {
    this.#database = database
    this.#image = image
    this.#mounts = mounts
  }

  /** Starts a new container and gives the milliseconds until it answered, inside and on the published port. */
  async start(): Promise<number> {
    await this.remove()
    const { port, data, scratch, environment, args, health } = this.#database
    const begin = performance.now()
    const options = [
      ...[
        '--read-only',
        '--read-only-tmpfs=false',
        '--cap-drop=ALL',
        '--tmpfs=/tmp',
        `--volume=${this.#mounts.volume}:${data}`,
      ],
      `--volume=${this.#mounts.scripts}:/docker-entrypoint-initdb.d:ro`,
      ...scratch.map((path) => `--volume=${path}`),
      ...Object.entries(environment).map(([name, value]) => `--env=${name}=${value}`),
      `--publish=127.0.0.1::${port}`,
    ]
    this.#container = (await podman(['run', '--detach', ...LIMITS, ...options, this.#image, ...args])).trim()
    for (;;) {
      const { status, stderr } = await this.#exec(health)
      if (status === 0) break
      if (performance.now() - begin > 60_000) throw new Error(`cannot start ${this.#database.name}: ${stderr}`)
      await delay(50)
    }
    await this.#connect()
    return Math.round(performance.now() - begin)
  }

  /** Runs the image's own client, which must succeed, and gives what it printed. */
  async client(command: readonly string[]): Promise<string> {
    const { status, stdout, stderr } = await this.#exec(command)
    if (status !== 0) throw new Error(`cannot run ${command.join(' ')}: ${stderr}${stdout}`)
    return stdout.trim()
  }

  async rows(): Promise<number> {
    return Number(await this.client(this.#database.count))
  }

  /** Stops it as podman does, by the signal that the image declares. */
  async stop(): Promise<{ status: number; milliseconds: number }> {
    const begin = performance.now()
    await podman(['stop', '--time', '30', this.#container])
    const milliseconds = Math.round(performance.now() - begin)
    return {
      status: Number(await podman(['inspect', '--format', '{{.State.ExitCode}}', this.#container])),
      milliseconds,
    }
  }

  /** Writes rows from `first` on until SIGKILL ends the server, and gives how many were acknowledged. */
  async writeUntilKilled(first: number): Promise<number> {
    let acknowledged = 0
    let killed: Promise<string> | undefined
    while ((await this.#exec(this.#database.write(first + acknowledged))).status === 0) {
      acknowledged++
      if (acknowledged >= BEFORE_THE_KILL) killed ??= podman(['kill', '--signal', 'SIGKILL', this.#container])
    }
    await killed
    return acknowledged
  }

  async remove(): Promise<void> {
    if (this.#container !== '') await podman(['rm', '--force', '--volumes', this.#container])
    this.#container = ''
  }

  #exec(command: readonly string[]) {
    return runProgram(['podman', '--runtime=runc', 'exec', this.#container, ...command])
  }

  /** A connection from outside, through the published port. */
  async #connect(): Promise<void> {
    const address = (await podman(['port', this.#container, `${this.#database.port}/tcp`])).trim()
    const [host = '', port = ''] = address.split(':')
    await new Promise<void>((resolve, reject) => {
      const socket = connect(Number(port), host, () => {
        socket.destroy()
        resolve()
      })
      socket.on('error', reject)
    })
  }
}
