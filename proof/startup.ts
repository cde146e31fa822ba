import { mkdtempSync, rmSync } from 'node:fs'
import { arch, tmpdir } from 'node:os'
import { join } from 'node:path'
import { hexOf } from '#core'
import { buildCatalogueImage, type CatalogueBuild } from './parts/catalogue.ts'
import { runOrThrow, runShell } from './parts/command.ts'

const IMPORTS = 'import ssl, json, asyncio, http.client, urllib.request, logging, email'
const ROUNDS = 41
const WARM_UP = 3
const MOST = 1.2

/** A root in which Python is started. */
interface Contestant {
  readonly name: string
  readonly root: string
  readonly times: number[]
}

/**
 * Times the start of Python with the imports of a small web client, in bwrap and in turns: in the python image, in the
 * same image without its byte code, and in two roots that mmdebstrap fills by apt, maintainer scripts and all: with the
 * packages of the definition, and with `python3`, whose script compiles the whole library. Holds when the image's median
 * is within 1.2 of each of apt's. Needs root, bubblewrap, mmdebstrap and umoci.
 */
export async function run(): Promise<{ holds: boolean; lines: string[] }> {
  const folder = mkdtempSync(join(tmpdir(), 'casemate-startup-'))
  try {
    const platform = `linux/${arch() === 'x64' ? 'amd64' : arch()}`
    const build = await buildCatalogueImage({ name: 'python', variant: 'runtime', platform }, folder)
    const contestants = [
      await unpack(build, 'image', folder),
      await unpack(build, 'image without byte code', folder),
      await install(['python3.13-minimal', 'libpython3.13-stdlib'], folder),
      await install(['python3'], folder),
    ]
    for (let round = -WARM_UP; round < ROUNDS; round++) {
      for (const contestant of contestants) {
        const time = await start(contestant)
        if (round >= 0) contestant.times.push(time)
      }
    }
    const [own = Number.NaN, , ...byApt] = contestants.map(({ times }) => median(times))
    const lines = [
      `median, best and worst of ${ROUNDS} starts in milliseconds, and the image's median as a part of it`,
      ...contestants.map((one) => lineOf(one, own)),
    ]
    return { holds: byApt.length === 2 && byApt.every((peer) => own <= MOST * peer), lines }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

async function unpack({ layout, built }: CatalogueBuild, name: string, folder: string): Promise<Contestant> {
  const root = join(folder, name.replaceAll(' ', '-'))
  const derived = new Set(built.derived.map(({ digest }) => digest))
  const kept = name === 'image' ? built.image.layers : built.image.layers.filter(({ diffId }) => !derived.has(diffId))
  await runOrThrow(['mkdir', '-p', join(root, 'proc'), join(root, 'dev')])
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
  return { name: `apt: ${packages.join(' ')}`, root, times: [] }
}

async function start({ root }: Contestant): Promise<number> {
  const begin = performance.now()
  const mounts = ['--ro-bind', root, '/', '--proc', '/proc', '--dev', '/dev', '--unshare-all', '--clearenv']
  await runOrThrow(['bwrap', ...mounts, '/usr/bin/python3.13', '-c', IMPORTS])
  return performance.now() - begin
}

function lineOf({ name, times }: Contestant, own: number): string {
  const [middle, best, worst] = [median(times), Math.min(...times), Math.max(...times)]
  const numbers = [middle, best, worst].map((time) => time.toFixed(1).padStart(7)).join(' ')
  return `${name.padEnd(46)} ${numbers}   ${(own / middle).toFixed(2)}`
}

function median(times: readonly number[]): number {
  return times.toSorted((left, right) => left - right)[Math.floor(times.length / 2)] ?? Number.NaN
}
