import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { hexOf } from '#core'
import { hostPlatform } from '../src/cli/host-platform.ts'
import { buildCatalogueImage, type CatalogueBuild } from './parts/catalogue.ts'
import { runOrThrow, runShell } from './parts/command.ts'

const ROUNDS = 41
const WARM_UP = 3
const MOST = 1.2
/** nobody: whose name every root knows. */
const USER = 65_534

/** A program to start, from an image and from roots that apt filled. */
interface Program {
  readonly image: string
  /** Packages of each root to compare with. */
  readonly byApt: readonly (readonly string[])[]
  readonly command: readonly string[]
  /** Whether to start the image without its derived layers, too. */
  readonly withoutDerived?: boolean
  /** Has a database cluster at /data, which the first root of apt made. */
  readonly cluster?: boolean
}

const PYTHON = 'import ssl, json, asyncio, http.client, urllib.request, logging, email'
const NODE = "for (const name of ['http', 'https', 'crypto', 'zlib', 'worker_threads', 'stream']) require(name)"
const RUBY = 'require "json"; require "openssl"; require "net/http"; require "set"'
const PHP = 'echo json_encode([mb_strlen("é"), ctype_alpha("a"), hash("sha256", "a")]);'

/** Those of the image: each is a file to load at every start. */
const PHP_EXTENSIONS = 'bcmath curl gd intl mbstring mysql opcache pgsql readline sqlite3 xml zip'.split(' ')

const PROGRAMS: readonly Program[] = [
  {
    image: 'python',
    byApt: [['python3.13-minimal', 'libpython3.13-stdlib'], ['python3']],
    command: ['/usr/bin/python3.13', '-c', PYTHON],
    withoutDerived: true,
  },
  { image: 'node', byApt: [['nodejs']], command: ['/usr/bin/node', '-e', NODE] },
  { image: 'java-21', byApt: [['openjdk-21-jre-headless']], command: ['java', '-version'] },
  {
    image: 'php',
    byApt: [['cli', ...PHP_EXTENSIONS].map((name) => `php8.4-${name}`)],
    command: ['/usr/bin/php8.4', '-r', PHP],
  },
  { image: 'ruby', byApt: [['ruby3.3']], command: ['/usr/bin/ruby3.3', '-e', RUBY] },
  { image: 'nginx', byApt: [['nginx']], command: ['/usr/sbin/nginx', '-t', '-e', 'stderr', '-c', '/work/nginx.conf'] },
  {
    image: 'postgres',
    byApt: [['postgresql-17']],
    command: [
      ...['/usr/lib/postgresql/17/bin/postgres', '--single', '-D', '/data', '-c', 'jit=off'],
      ...['-c', 'unix_socket_directories=/tmp', '-c', 'log_min_messages=fatal', 'template1'],
    ],
    cluster: true,
  },
]

/** Temporary files of nginx go where both roots can be written to. */
const NGINX = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path /tmp/${name};`)

/** A root in which the program is started. */
interface Contestant {
  readonly name: string
  readonly root: string
  readonly times: number[]
}

/**
 * Times the start of programs, each with some work that needs its libraries, in bwrap as an ordinary user and in turns: in
 * the image, and in roots that mmdebstrap fills by apt, maintainer scripts and all. Holds when every image's median is within
 * 1.2 of each of apt's. Arguments are names of images; all unless given. Needs root, bubblewrap and mmdebstrap.
 */
export async function run(only: readonly string[] = []): Promise<{ holds: boolean; lines: string[] }> {
  const lines = [`median, best and worst of ${ROUNDS} starts in milliseconds, and the image's median as a part of it`]
  let holds = true
  for (const program of PROGRAMS.filter(({ image }) => only.length === 0 || only.includes(image))) {
    const { isFast, rows } = await race(program)
    holds &&= isFast
    lines.push('', `${isFast ? 'ok ' : 'NOT'} ${program.image}: ${program.command.join(' ').slice(0, 100)}`, ...rows)
    console.error(lines.slice(-rows.length - 1).join('\n'))
  }
  return { holds: holds && lines.length > 1, lines }
}

async function race(program: Program): Promise<{ isFast: boolean; rows: readonly string[] }> {
  const folder = mkdtempSync(join(tmpdir(), 'casemate-startup-'))
  try {
    chmodSync(folder, 0o755)
    const platform = hostPlatform()
    const build = await buildCatalogueImage({ name: program.image, variant: 'runtime', platform }, folder)
    const own = await unpack(build, 'image', folder)
    const peers: Contestant[] = []
    for (const packages of program.byApt) peers.push(await install(packages, folder))
    const others = program.withoutDerived === true ? [await unpack(build, 'image without byte code', folder)] : []
    await prepare(program, peers[0]?.root ?? '', folder)
    const contestants = [own, ...others, ...peers]
    for (let round = -WARM_UP; round < ROUNDS; round++) {
      for (const contestant of contestants) {
        const time = await start(contestant, program, folder)
        if (round >= 0) contestant.times.push(time)
      }
    }
    const middle = median(own.times)
    return {
      isFast: peers.length > 0 && peers.every(({ times }) => middle <= MOST * median(times)),
      rows: contestants.map((one) => lineOf(one, middle)),
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** What both sides are started with: a scratch folder, nginx's configuration, a cluster. */
async function prepare({ cluster }: Program, root: string, folder: string): Promise<void> {
  for (const name of ['work', 'data']) mkdirSync(join(folder, name))
  writeFileSync(
    join(folder, 'work/nginx.conf'),
    `pid /tmp/pid;\nevents {}\nhttp { access_log off; ${NGINX.join(' ')} server { listen 8080; } }\n`,
  )
  writeFileSync(join(folder, 'work/input'), 'select 6 * 7\n')
  await runOrThrow(['chown', '-R', `${USER}:${USER}`, join(folder, 'work'), join(folder, 'data')])
  if (cluster !== true) return
  const initdb = ['/usr/lib/postgresql/17/bin/initdb', '-D', '/data', '--locale=C', '-U', 'postgres', '--no-sync']
  await runOrThrow([...enter(root, folder), ...initdb])
}

/** bwrap in a root, as an ordinary user. */
function enter(root: string, folder: string): readonly string[] {
  return [
    ...['setpriv', `--reuid=${USER}`, `--regid=${USER}`, '--clear-groups'],
    ...['bwrap', '--ro-bind', root, '/', '--proc', '/proc', '--dev', '/dev', '--tmpfs', '/tmp', '--unshare-all'],
    ...['--bind', join(folder, 'work'), '/work', '--bind', join(folder, 'data'), '/data', '--clearenv'],
    ...[
      '--setenv',
      'PATH',
      '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
      '--setenv',
      'LANG',
      'C.UTF-8',
    ],
  ]
}

async function start({ root }: Contestant, { command }: Program, folder: string): Promise<number> {
  const line = 'exec "$@" < "$0"'
  const begin = performance.now()
  await runOrThrow(['sh', '-c', line, join(folder, 'work/input'), ...enter(root, folder), ...command])
  return performance.now() - begin
}

async function unpack({ layout, built }: CatalogueBuild, name: string, folder: string): Promise<Contestant> {
  const root = join(folder, name.replaceAll(' ', '-'))
  const derived = new Set(built.derived.map(({ digest }) => digest))
  const kept = name === 'image' ? built.image.layers : built.image.layers.filter(({ diffId }) => !derived.has(diffId))
  await runOrThrow(['mkdir', '-p', ...['proc', 'dev', 'work', 'data'].map((path) => join(root, path))])
  for (const { descriptor } of kept) {
    const blob = join(layout, 'blobs/sha256', hexOf(descriptor.digest))
    await runShell('gzip -dc "$1" | tar --extract --preserve-permissions --directory "$2"', blob, root)
  }
  return { name, root, times: [] }
}

async function install(packages: readonly string[], folder: string): Promise<Contestant> {
  const root = join(folder, packages.join('-'))
  const options = ['--quiet', '--variant=apt', `--include=${packages.join(',')}`]
  await runOrThrow(['mmdebstrap', ...options, 'trixie', root])
  await runOrThrow(['mkdir', '-p', join(root, 'work'), join(root, 'data')])
  return { name: `apt: ${packages.join(' ')}`, root, times: [] }
}

function lineOf({ name, times }: Contestant, own: number): string {
  const [middle, best, worst] = [median(times), Math.min(...times), Math.max(...times)]
  const numbers = [middle, best, worst].map((time) => time.toFixed(1).padStart(7)).join(' ')
  return `    ${name.padEnd(46)} ${numbers}   ${(own / middle).toFixed(2)}`
}

function median(times: readonly number[]): number {
  return times.toSorted((left, right) => left - right)[Math.floor(times.length / 2)] ?? Number.NaN
}
