import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { DATA_VARIABLE } from '../bench/advisory-data.ts'
import { runOrThrow, runProgram } from './parts/command.ts'
import { Container, HARDENED, readySeconds } from './parts/containers.ts'
import { hostMirrors } from './parts/host-network.ts'
import { podman, pullImage } from './parts/podman.ts'

const ROOT = resolve(import.meta.dirname, '..')
const NAME = `casemate-proof-${process.pid}`
const RELEASED = /static +done +released as/
const PASSWORD = 'outside'
const DATABASE = `postgres://postgres:${PASSWORD}@127.0.0.1:5432/postgres?sslmode=disable`
const REGISTRY = 'casemate:5000'
const TRIES = 20

/**
 * The image of Casemate, built twice with one lock, and run by podman without rights, on a read-only root: with its own database in a volume, stopped,
 * started again, beside a second container on the same volume; then with a database outside and a worker in a container of its own.
 * The argument is a layout with the image, where it is built already. Where CASEMATE_ADVISORY_DATA names a folder of advisories, those are taken in place of the publishers'.
 */
export async function run([layout]: readonly string[]): Promise<{ holds: boolean; lines: string[] }> {
  // podman wants names of layouts in small letters.
  const folder = join(tmpdir(), NAME)
  mkdirSync(folder, { mode: 0o755 })
  const proof = new Proof(folder)
  try {
    const image = layout === undefined ? await proof.build() : await pullImage(`oci:${layout}`)
    try {
      await proof.alone(image)
      await proof.beside(image)
    } finally {
      await proof.end()
      await podman(['rmi', '--force', image])
    }
    return { holds: proof.isKept, lines: proof.lines }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

class Proof {
  readonly #folder: string
  readonly #containers: Container[] = []
  readonly #volumes: string[] = []
  readonly lines: string[] = []
  isKept = true

  constructor(folder: string) {
    this.#folder = folder
  }

  /** Twice, the second time in another folder; gives the image in podman's storage. */
  async build(): Promise<string> {
    const [one, two] = [join(this.#folder, 'one'), join(this.#folder, 'two')]
    const make = async (out: string, ...args: string[]) => {
      const start = performance.now()
      await runOrThrow(['npm', 'run', '--silent', 'image', '--', '--out', out, ...args], { cwd: ROOT })
      const index: { manifests: { digest: string; size: number }[] } = JSON.parse(
        readFileSync(join(out, 'casemate/index.json'), 'utf8'),
      )
      return { digest: index.manifests[0]?.digest ?? '', seconds: (performance.now() - start) / 1000 }
    }
    const first = await make(one)
    const second = await make(two, '--lock', join(one, 'casemate-image/casemate.lock'), '--untested')
    const took = `${first.seconds.toFixed(0)} s with its tests, ${second.seconds.toFixed(0)} s without`
    this.#say(first.digest === second.digest, `built twice: ${first.digest}, ${second.digest}; ${took}`)
    return await pullImage(`oci:${join(one, 'casemate')}`)
  }

  /** A factory with its own database in a volume. */
  async alone(image: string): Promise<void> {
    const volume = await this.#volume('state')
    const options = [...(await this.#settings()), '--volume', `${volume}:/var/lib/casemate`]
    const args = [...options, '--publish=127.0.0.1::5000', image, 'up', '--listen', '0.0.0.0:5000', '--image', 'static']
    const up = await this.#run('up', args)
    const { url, seconds } = await this.#ready(up)
    this.#say(true, `up with its own database in an empty volume: ready after ${seconds.toFixed(1)} s`)
    const [, token = ''] = await up.printed(/token +(\S+)/)
    await up.printed(RELEASED)
    this.#say(true, 'static is locked, built, tested in the container, held against the gates, signed and released')
    const before = await this.#releases(url, token)
    const other = await runProgram(['podman', '--runtime=runc', 'run', '--rm', ...HARDENED, ...args])
    this.#say(
      other.status === 3 && /another process/.test(other.stderr) && (await up.isRunning()),
      `a second factory on the same volume ends with ${other.status}: ${other.stderr.trim().split('\n').at(-1)}`,
    )
    const ended = await up.stop()
    this.#say(ended.status === '0', `SIGTERM ends it with ${ended.status} after ${ended.seconds.toFixed(1)} s`)
    const from = (await up.log()).length
    await up.start()
    const again = await this.#ready(up)
    const after = await this.#releases(again.url, token)
    const words = (await up.log()).slice(from)
    this.#say(
      before.length > 0 && JSON.stringify(before) === JSON.stringify(after) && !/token /.test(words),
      `started again: ready after ${again.seconds.toFixed(1)} s, with the same ${after.length} releases and tokens`,
    )
    this.#say((await up.stop()).status === '0', 'and ended again in order')
  }

  /** A factory with a database outside, and a worker in another container. */
  async beside(image: string): Promise<void> {
    const state = await this.#volume('outside')
    const database = await this.#database(image)
    const settings = join(this.#folder, 'settings')
    mkdirSync(settings)
    writeFileSync(
      join(settings, 'factory.yaml'),
      `images: [static, base-nossl]\nserver: { url: "http://${REGISTRY}" }\nruns: { variants: [runtime] }\n`,
    )
    const options = [
      ...(await this.#settings()),
      ...[`--network=container:${database.name}`, `--env=CASEMATE_DATABASE=${DATABASE}`],
      ...['--volume', `${settings}:/settings:ro`],
    ]
    const volume = ['--volume', `${state}:/var/lib/casemate`]
    const command = ['up', '--listen', '0.0.0.0:5000', '--settings', '/settings/factory.yaml', '--concurrency', '1']
    const up = await this.#run('up-outside', [...options, ...volume, image, ...command])
    const { url, seconds } = await this.#ready(up, database)
    await up.printed(RELEASED)
    await up.printed(/base-nossl +done +released as/)
    const isOutside =
      (await up.execute('ls', 'state')).includes('registry') && !/cluster/.test(await up.execute('ls', 'state'))
    this.#say(
      isOutside,
      `with a database outside: ready after ${seconds.toFixed(1)} s, released, and none in the volume`,
    )
    const token =
      (await up.execute('casemate', 'token', 'create', 'worker', '--role', 'admin'))
        .split(/\s+/)
        .find((word) => word.startsWith('casemate_')) ?? ''
    const worker = await this.#worker({ image, options, state, settings, token })
    const { tries, log } = await this.#share(worker, url, token)
    this.#say(
      /\b(static|base-nossl) +(lock|done) /.test(log),
      `a worker in another container does work of the same runs after ${tries} of them`,
    )
    for (const one of [worker, up]) {
      const { status, seconds: took } = await one.stop()
      this.#say(
        status === '0',
        `SIGTERM ends ${one === worker ? 'the worker' : 'the factory'} with ${status} after ${took.toFixed(1)} s`,
      )
    }
  }

  /** PostgreSQL of the same image, as somebody else's; other containers share its network. */
  async #database(image: string): Promise<Container> {
    const script = [
      `echo ${PASSWORD} > /tmp/password`,
      'bin=/usr/lib/postgresql/17/bin',
      '$bin/initdb --pgdata=/data/cluster --username=postgres --pwfile=/tmp/password --auth=scram-sha-256 > /tmp/log',
      'exec $bin/postgres -D /data/cluster -c listen_addresses=127.0.0.1 -c unix_socket_directories=/tmp',
    ].join('\n')
    const args = ['--tmpfs=/data:mode=1777', '--publish=127.0.0.1::5000', '--entrypoint=/bin/sh', image, '-euc', script]
    const database = await this.#run('database', args)
    await database.printed(/ready to accept connections/)
    return database
  }

  async #worker(given: {
    readonly image: string
    readonly options: readonly string[]
    readonly state: string
    readonly settings: string
    readonly token: string
  }): Promise<Container> {
    const auth = Buffer.from(`worker:${given.token}`).toString('base64')
    writeFileSync(join(given.settings, 'auth.json'), JSON.stringify({ auths: { [REGISTRY]: { auth } } }))
    const worker = await this.#run('worker', [
      ...given.options,
      ...['--volume', `${await this.#volume('worker')}:/var/lib/casemate`, '--volume', `${given.state}:/factory:ro`],
      ...['--env=REGISTRY_AUTH_FILE=/settings/auth.json', '--env=COSIGN_PASSWORD='],
      ...[`--env=CASEMATE_REGISTRY_AT=${REGISTRY}=http://127.0.0.1:5000`, given.image],
      ...['worker', '--settings', '/settings/factory.yaml', '--registry', `docker://${REGISTRY}`],
      ...['--key', '/factory/state/keys/casemate.key', '--concurrency', '2'],
    ])
    await worker.printed(/working for casemate:5000/)
    return worker
  }

  /** Asks for rebuilds until the worker has done one. */
  async #share(
    worker: Container,
    url: string,
    token: string,
  ): Promise<{ readonly tries: number; readonly log: string }> {
    const from = (await worker.log()).length
    for (let tries = 1; ; tries++) {
      for (const image of ['static', 'base-nossl']) {
        const answer = await fetch(`${url}/api/v1/images/${image}/rebuild`, {
          method: 'POST',
          headers: {
            ...{ authorization: `Bearer ${token}`, 'content-type': 'application/json' },
            'idempotency-key': `${image}-${tries}`,
          },
          body: JSON.stringify({ reason: 'to see who does it' }),
        })
        if (!answer.ok) throw new Error(`cannot ask for ${image}: ${answer.status} ${await answer.text()}`)
        await new Promise((done) => setTimeout(done, 3000))
      }
      const log = (await worker.log()).slice(from)
      if (/ (lock|done) /.test(log) || tries === TRIES) return { tries, log }
    }
  }

  /** The mirrors and advisories of this machine, where they are not the public ones. */
  async #settings(): Promise<readonly string[]> {
    const { debian, security } = await hostMirrors()
    const mirrors = `--env=CASEMATE_MIRROR=debian=${debian},debian-security=${security}`
    const data = process.env[DATA_VARIABLE]
    if (data === undefined) return [mirrors]
    const places = {
      tracker: 'debian-tracker/export-resolved-only.json',
      dsa: 'debian-advisories/DSA-list',
      dla: 'debian-advisories/DLA-list',
      kev: 'kev/known_exploited_vulnerabilities.json',
    }
    const given = Object.entries(places).map(([kind, file]) => `${kind}=/advisories/${file}`)
    return [
      ...[mirrors, `--volume=${data}:/advisories:ro`, '--env=CASEMATE_MAX_AGE=3650d'],
      `--env=CASEMATE_ADVISORIES=${given.join(' ')}`,
    ]
  }

  async #run(name: string, args: readonly string[]): Promise<Container> {
    const container = await Container.run(`${NAME}-${name}`, args)
    this.#containers.unshift(container)
    return container
  }

  async #volume(name: string): Promise<string> {
    const volume = (await podman(['volume', 'create', `${NAME}-${name}`])).trim()
    this.#volumes.push(volume)
    return volume
  }

  async #ready(up: Container, published = up): Promise<{ readonly url: string; readonly seconds: number }> {
    const url = `http://${(await podman(['port', published.name, '5000/tcp'])).trim()}`
    return { url, seconds: await readySeconds(`${url}/readyz`) }
  }

  async #releases(url: string, token: string): Promise<readonly object[]> {
    const answer = await fetch(`${url}/api/v1/releases`, { headers: { authorization: `Bearer ${token}` } })
    const page: { items: readonly object[] } = JSON.parse(await answer.text())
    return page.items
  }

  #say(isKept: boolean, line: string): void {
    this.isKept &&= isKept
    this.lines.push(`${isKept ? 'ok ' : 'NOT'} ${line}`)
    console.error(this.lines.at(-1))
  }

  async end(): Promise<void> {
    for (const container of this.#containers) await container.remove()
    for (const volume of this.#volumes) await podman(['volume', 'rm', '--force', volume])
  }
}
