/**
 * Times what changes a finished image: an overlay on a cached base and the patch of one package, by the packed npm package as a new
 * process, the latter against apt in buildah, in turns; and the rebase of an application in the embedded registry, in this process:
 * `node --conditions=source bench/change.ts [ROUNDS]`. Needs root, Debian's mmdebstrap and buildah.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { cpus, loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { digestOf, encodeTarEntry, TAR_END, tarPadding } from '#core'
import {
  composeImage,
  composeIndex,
  layerBlobs,
  MEDIA_TYPES,
  memoryBlobs,
  openImage,
  parseReference,
  pushImage,
  type RegistryReference,
} from '#oci'
import { RegistryServer } from '#oci/registry'
import { runOrThrow } from '../proof/parts/command.ts'
import { hostMirrors } from '../proof/parts/host-network.ts'
import { installPacked } from '../proof/parts/installed-package.ts'
import { layArchiveWithout } from '../proof/parts/older-archive.ts'
import { writeTarLayout } from '../proof/parts/tar-layout.ts'
import { measureProcess, median, type ProcessCost } from './process.ts'
import { timeRebase } from './rebase-time.ts'

/** The most that the issue allows: seconds, and how many times faster than the peer. */
export const CHANGE_LIMITS = { overlay: 0.5, rebase: 0.06, patch: 2, times: 5 } as const

/** The packages that are patched, each alone: one of 90 kB as .deb, one of 2.4 MB. */
const PATCHED = ['zlib1g', 'libssl3t64'] as const

/** One row of the table. */
export interface ChangeTiming {
  readonly title: string
  readonly seconds: number
  readonly processorSeconds: number
  /** What it may take, where the issue says so. */
  readonly limit?: number
}

/** What the benchmark found. */
export interface ChangeTimings {
  readonly rows: readonly ChangeTiming[]
  /** How many times faster than apt in buildah the patch of each package is. */
  readonly ratios: readonly (readonly [name: string, ratio: number])[]
  /** Bytes of the patched image's files. */
  readonly imageSize: number
  readonly load: number
}

/** Measures so many rounds. Removes everything it made. */
export async function measureChanges(rounds: number): Promise<ChangeTimings> {
  const root = mkdtempSync(join(tmpdir(), 'casemate-bench-'))
  try {
    const { program } = await installPacked(root)
    const bench = new ChangeBench(root, program)
    const overlay = await bench.overlay(rounds)
    const rebase = await bench.rebase(rounds)
    const { patches, imageSize } = await bench.patch(rounds)
    const rows = [overlay, rebase, ...patches.flatMap(({ own, peer }) => [own, peer])]
    const ratios = patches.map(({ name, own, peer }) => [name, peer.seconds / own.seconds] as const)
    return { rows, ratios, imageSize, load: loadavg()[0] ?? 0 }
  } finally {
    rmSync(root, { recursive: true, force: true })
  }
}

class ChangeBench {
  readonly #root: string
  readonly #program: string

  constructor(root: string, program: string) {
    this.#root = root
    this.#program = program
  }

  /** The verbs with the host's cache, where packages and indexes are; what is made goes into caches of the bench's own. */
  #run(...args: readonly string[]): Promise<ProcessCost> {
    return measureProcess([process.execPath, this.#program, ...args], { cwd: this.#root })
  }

  /** One package and one file above the catalogue's python, which is in the cache; the file, and so the lock, is another in each round. */
  async overlay(rounds: number): Promise<ChangeTiming> {
    const folder = join(this.#root, 'overlay')
    mkdirSync(folder)
    const define = (round: number) => {
      const file = `{ path: /etc/team, content: "round ${round}, run ${process.pid}\\n" }`
      writeFileSync(join(folder, 'casemate.yaml'), `image: team\nfrom: python\npackages: [tini]\npaths:\n  - ${file}\n`)
    }
    const costs: ProcessCost[] = []
    const build = ['build', folder, '--platform', 'linux/amd64', '-o', `oci:${join(this.#root, 'overlay-out')}:team`]
    define(0)
    await this.#run('lock', folder)
    await this.#run(...build)
    for (let round = 1; round <= rounds; round++) {
      define(round)
      await this.#run('lock', folder)
      costs.push(await this.#run(...build))
    }
    return { ...medianOf('locked overlay on a cached base, new process', costs), limit: CHANGE_LIMITS.overlay }
  }

  /** An application of one layer, from a python without the security and updates suites to today's. */
  async rebase(rounds: number): Promise<ChangeTiming> {
    const server = await RegistryServer.start(join(this.#root, 'registry'), { host: '127.0.0.1', port: 0 })
    try {
      const archive = layArchiveWithout(this.#root, ['trixie-security', 'trixie-updates'])
      const older = join(this.#root, 'python.yaml')
      writeFileSync(older, `image: python\narchive: ${archive}\nextends: python\n`)
      const [old, next] = [`${server.address}/python:old`, `${server.address}/python:new`]
      await this.#run('build', older, '--platform', 'linux/amd64', '-o', `docker://${old}`)
      await this.#run('build', 'python', '--platform', 'linux/amd64', '-o', `docker://${next}`)
      const made = `docker://${server.address}/app/own:latest`
      await pushApplication(`docker://${old}`, made)
      const { times, processor } = await timeRebase({ made, old, next }, { rounds: 20 + rounds, counted: rounds })
      return {
        title: 'rebase in the registry, in this process',
        seconds: median(times) / 1000,
        processorSeconds: median(processor) / 1000,
        limit: CHANGE_LIMITS.rebase,
      }
    } finally {
      await server.close(1000)
    }
  }

  /** One package of an image that mmdebstrap made without the security suite; indexes and .deb at hand for both. */
  async patch(rounds: number) {
    const tar = join(this.#root, 'image.tar')
    const source = `deb [trusted=yes] ${(await hostMirrors()).debian} trixie main`
    await runOrThrow(['mmdebstrap', '--quiet', '--variant=minbase', 'trixie', tar, source])
    const layout = join(this.#root, 'image')
    await writeTarLayout(layout, [readFileSync(tar)])
    const image = `oci:${layout}:image`
    const peer = new AptInBuildah(this.#root, image)
    await peer.prepare()
    const patches: { readonly name: string; readonly own: ChangeTiming; readonly peer: ChangeTiming }[] = []
    try {
      for (const name of PATCHED) patches.push(await this.#patchOf(name, image, peer, rounds))
    } finally {
      await peer.remove()
    }
    return { patches, imageSize: statSync(tar).size }
  }

  async #patchOf(name: string, image: string, peer: AptInBuildah, rounds: number) {
    const output = join(this.#root, 'patched')
    const patch = ['patch', image, '--only', name, '-o', `oci:${output}:image`]
    await this.#run(...patch)
    const costs = { own: [] as ProcessCost[], peer: [] as ProcessCost[] }
    for (let round = 0; round < rounds; round++) {
      rmSync(output, { recursive: true })
      costs.own.push(await this.#run(...patch, '--offline'))
      costs.peer.push(await peer.upgrade(name))
    }
    return {
      name,
      own: { ...medianOf(`patch of ${name}, new process`, costs.own), limit: CHANGE_LIMITS.patch },
      peer: medianOf('the same by apt in buildah', costs.peer),
    }
  }
}

/** apt-get in a container of the image: from its own store, where the image is already, to a layout. */
class AptInBuildah {
  readonly #folder: string
  readonly #image: string
  readonly #name = `casemate-bench-${process.pid}`

  constructor(root: string, image: string) {
    this.#folder = join(root, 'buildah')
    this.#image = image
  }

  /** Takes the image into the store, and fetches indexes and .debs into folders that every container of a round gets. */
  async prepare(): Promise<void> {
    for (const name of ['lists', 'archives/partial']) mkdirSync(join(this.#folder, name), { recursive: true })
    const { debian, security } = await hostMirrors()
    const sources = ['trixie', 'trixie-updates', 'trixie-security'].map(
      (suite) => `deb [trusted=yes] ${suite.endsWith('security') ? security : debian} ${suite} main\n`,
    )
    writeFileSync(join(this.#folder, 'sources.list'), sources.join(''))
    const fetch = `apt-get -qq update; apt-get -qq -y --download-only --only-upgrade install ${PATCHED.join(' ')}`
    await this.#contained(fetch)
  }

  /** One container: made, upgraded and committed. */
  upgrade(name: string): Promise<ProcessCost> {
    const out = join(this.#folder, 'out')
    rmSync(out, { recursive: true, force: true })
    const script = [
      `name=$(buildah from --quiet --pull-never localhost/${this.#name})`,
      `buildah run ${this.#options} $name -- sh -ec "DEBIAN_FRONTEND=noninteractive apt-get -qq -y --no-download --only-upgrade install ${name}"`,
      `buildah commit --quiet $name oci:${out}:image`,
      'buildah rm $name',
    ]
    return measureProcess(['bash', '-ec', script.join('\n')], { cwd: this.#folder })
  }

  async remove(): Promise<void> {
    await runOrThrow(['bash', '-c', `buildah rm --all; buildah rmi localhost/${this.#name}; true`])
  }

  async #contained(script: string): Promise<void> {
    const lines = [
      `skopeo copy --quiet ${this.#image} containers-storage:localhost/${this.#name}`,
      `name=$(buildah from --quiet --pull-never localhost/${this.#name})`,
      `buildah run --network=host ${this.#options} $name -- sh -ec "${script}"`,
      `buildah rm $name`,
    ]
    await runOrThrow(['bash', '-ec', lines.join('\n')])
  }

  get #options(): string {
    const mounts = [
      'sources.list:/etc/apt/sources.list',
      'lists:/var/lib/apt/lists',
      'archives:/var/cache/apt/archives',
    ]
    return `--isolation=chroot ${mounts.map((mount) => `-v ${this.#folder}/${mount}`).join(' ')}`
  }
}

/** Puts one layer with one file on a base and pushes it. */
async function pushApplication(base: string, made: string): Promise<void> {
  const opened = await openImage(parseReference(base), { platform: { os: 'linux', architecture: 'amd64' } })
  const content = Buffer.from('print("ours")\n')
  const header = { path: 'app/main.py', type: 'file', mode: 0o644, uid: 0, gid: 0, mtime: 0 } as const
  const tar = Buffer.concat([
    ...[encodeTarEntry({ ...header, size: content.length }), content, new Uint8Array(tarPadding(content.length))],
    TAR_END,
  ])
  const layer = gzipSync(tar)
  const descriptor = { mediaType: MEDIA_TYPES.layerGzip, digest: digestOf(layer), size: layer.length }
  const { diffIds: _, ...config } = opened.config
  const layers = [...opened.layers, { descriptor, diffId: digestOf(tar) }]
  const image = composeImage({ config, layers: layers.map(({ descriptor, diffId }) => ({ descriptor, diffId })) })
  const source = composeIndex([image], memoryBlobs([{ descriptor, bytes: layer }], layerBlobs(opened.layers)))
  await pushImage(source, parseReference(made) as RegistryReference)
  await opened.close()
}

function medianOf(title: string, costs: readonly ProcessCost[]): ChangeTiming {
  return {
    title,
    seconds: median(costs.map(({ seconds }) => seconds)),
    processorSeconds: median(costs.map(({ processorSeconds }) => processorSeconds)),
  }
}

/** The limits, each kept or not. */
export function judgeChanges({
  rows,
  ratios,
}: ChangeTimings): readonly { readonly text: string; readonly isKept: boolean }[] {
  const own = rows.flatMap(({ title, seconds, limit }) =>
    limit === undefined
      ? []
      : [{ text: `${title}: ${seconds.toFixed(3)} s, at most ${limit}`, isKept: seconds <= limit }],
  )
  const each = ratios.map(([name, ratio]) => `${name} ${ratio.toFixed(1)}`).join(', ')
  const mean = ratios.reduce((sum, [, ratio]) => sum + ratio, 0) / ratios.length
  const text = `patches are ${mean.toFixed(1)} times faster than apt in buildah in the mean (${each}), at least ${CHANGE_LIMITS.times}`
  return [...own, { text, isKept: mean >= CHANGE_LIMITS.times }]
}

/** Writes the table and what of the limits is kept. */
export function formatChanges(timings: ChangeTimings): string[] {
  const { rows, imageSize, load } = timings
  return [
    `medians; the patched image has ${(imageSize / 1e6).toFixed(0)} MB as tar; load of the machine at the end ${load.toFixed(1)} on ${cpus().length} cores`,
    '',
    `${''.padEnd(46)} seconds  processor s`,
    ...rows.map(
      ({ title, seconds, processorSeconds }) =>
        `${title.padEnd(46)} ${seconds.toFixed(3).padStart(7)}  ${processorSeconds.toFixed(3).padStart(11)}`,
    ),
    '',
    ...judgeChanges(timings).map(({ text, isKept }) => `${isKept ? 'kept' : 'NOT KEPT'}: ${text}`),
  ]
}

if (import.meta.main) console.log(formatChanges(await measureChanges(Number(process.argv[2] ?? 5))).join('\n'))
