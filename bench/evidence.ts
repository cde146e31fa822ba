/**
 * What publishing images with all their evidence costs the registry and its client, contents singly and together:
 * `node --conditions=source bench/evidence.ts [IMAGES [KB]]`. Each image has two platforms, two layers that are mounted from a base and a
 * small one of its own, nine statements a platform (KB thousand bytes in all) and two about its index; each lies in a repository of its own.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { generateKeyPair, keySignatory, openPrivateKey, PREDICATES, type Signatory } from '#attest'
import { digestOf } from '#core'
import { attachTogether, type SubjectEvidence } from '#evidence'
import {
  type ContentsOf,
  composeImage,
  composeIndex,
  describe,
  type ImageDocument,
  type ImageSource,
  type Layer,
  MEDIA_TYPES,
  memoryBlobs,
  platformOfDebian,
  pushImage,
  RegistryClient,
  type Repository,
  storeContents,
} from '#oci'

/** What one way of publishing has cost, for all images. */
export interface EvidenceCost {
  readonly way: 'singly' | 'together'
  readonly images: number
  readonly requests: number
  readonly megabytes: number
  /** From the first request to the last acknowledgement. */
  readonly seconds: number
  /** Of processor, the signatures' own among the client's. */
  readonly clientSeconds: number
  readonly signingSeconds: number
  readonly serverSeconds: number
  /** Of processor and of the clock until the registry has closed its folder, with all its small contents in files. */
  readonly closingSeconds: number
  readonly closingClock: number
}

const ARCHITECTURES = ['amd64', 'arm64']
const BASE = 'bench/base'
/** How the bytes of a platform's statements are shared among them. */
const SHARES = [0.35, 0.25, 0.15, 0.05, 0.08, 0.04, 0.04, 0.02, 0.02]

/** Measures one way of publishing on a registry of its own. */
export async function measureEvidence(
  way: EvidenceCost['way'],
  count: number,
  kilobytes: number,
): Promise<EvidenceCost> {
  const root = mkdtempSync(join(tmpdir(), 'casemate-bench-'))
  const registry = await serve(root)
  const signing = countedSignatory()
  try {
    const base = new RegistryClient({ registry: registry.address, repository: BASE })
    const layers = [layerOf(randomBytes(300_000)), layerOf(randomBytes(200_000))]
    await pushImage(imageOf(layers), { transport: 'docker', registry: registry.address, repository: BASE, tag: '1' })
    await base.close()
    const before = { ...(await registry.counts()), cpu: registry.cpu(), own: process.cpuUsage() }
    const started = performance.now()
    await publish(registry.address, { way, count, kilobytes, layers, signatory: signing.signatory })
    const seconds = (performance.now() - started) / 1000
    const own = process.cpuUsage(before.own)
    const after = { ...(await registry.counts()), cpu: registry.cpu() }
    const closing = performance.now()
    const closed = await registry.close()
    return {
      ...{ way, images: count, seconds, signingSeconds: signing.seconds() },
      requests: after.requests - before.requests - 1,
      megabytes: (after.received - before.received) / 1e6,
      clientSeconds: (own.user + own.system) / 1e6,
      serverSeconds: after.cpu - before.cpu,
      closingSeconds: closed - after.cpu,
      closingClock: (performance.now() - closing) / 1000,
    }
  } finally {
    await registry.close()
    rmSync(root, { recursive: true, force: true })
  }
}

interface Publishing {
  readonly way: EvidenceCost['way']
  readonly count: number
  readonly kilobytes: number
  readonly layers: readonly BenchLayer[]
  readonly signatory: Signatory
}

/** Images and evidence first, of twenty repositories at a time, then the tags of all. */
async function publish(registry: string, publishing: Publishing): Promise<void> {
  for (let start = 0; start < publishing.count; start += 20) {
    const size = Math.min(20, publishing.count - start)
    const parts = Array.from({ length: size }, (_, at) => partOf(registry, start + at, publishing))
    await storeContents(parts.map(({ contents }) => contents))
    await attachTogether(parts.flatMap(({ evidence }) => evidence))
    await storeContents(parts.map(({ tagged }) => tagged))
    for (const { client } of parts) await client.close()
  }
}

/** One image with what is said about it. */
function partOf(registry: string, number: number, { way, kilobytes, layers, signatory }: Publishing) {
  const client = new RegistryClient({ registry, repository: `bench/app-${number}` })
  const repository = way === 'singly' ? singly(client) : client
  const image = imageOf([...layers, layerOf(randomBytes(3000))])
  const signing = { repository, signatory, signedAs: client.name, signedAt: 1_790_000_000, isFresh: true }
  const evidence: SubjectEvidence[] = image.images.map(({ manifest }) => {
    const statements = Object.values(PREDICATES).map((predicateType, at) => {
      const length = Math.round(kilobytes * 1000 * (SHARES[at] ?? 0))
      return { predicateType, predicate: { text: randomBytes(length / 2).toString('hex') } }
    })
    return { subject: manifest.descriptor, statements, isSigned: true, signing }
  })
  const about = [PREDICATES.provenance, PREDICATES.recipe].map((predicateType) => ({ predicateType, predicate: {} }))
  evidence.push({ subject: image.top.descriptor, statements: about, isSigned: true, signing })
  const tag = [{ document: image.top, reference: '1' }]
  return {
    ...{ client, evidence, contents: contentsOf(repository, image, layers) },
    tagged: { repository, contents: { blobs: [], manifests: [tag] } },
  }
}

function contentsOf(
  repository: Repository,
  image: ImageSource & { own: ImageDocument[] },
  base: readonly BenchLayer[],
): ContentsOf {
  const byDigest = (document: ImageDocument) => ({ document, reference: document.descriptor.digest })
  const mounted = new Set(base.map(({ descriptor }) => descriptor.digest))
  return {
    repository,
    contents: {
      blobs: [
        ...image.images.map(({ config }) => config),
        ...image.own.filter(({ descriptor }) => !mounted.has(descriptor.digest)),
      ],
      others: base.map(({ descriptor }) => ({ blob: descriptor, from: [BASE] })),
      manifests: [image.images.map(({ manifest }) => byDigest(manifest)), [byDigest(image.top)]],
    },
  }
}

/** A layer that is in memory; what is in it does not matter. */
type BenchLayer = Layer & ImageDocument

function layerOf(bytes: Uint8Array): BenchLayer {
  return { descriptor: describe(MEDIA_TYPES.layerGzip, bytes), bytes, diffId: digestOf(bytes) }
}

function imageOf(layers: readonly BenchLayer[]): ImageSource & { own: ImageDocument[] } {
  const images = ARCHITECTURES.map((architecture) =>
    composeImage({ config: { platform: platformOfDebian(architecture), config: { User: '65532:65532' } }, layers }),
  )
  return { ...composeIndex(images, memoryBlobs(layers)), own: [...layers] }
}

/** A repository that is no client of a registry of ours as far as anybody can tell, so that all goes piece by piece. */
function singly(client: RegistryClient): Repository {
  return {
    name: client.name,
    readManifest: (reference) => client.readManifest(reference),
    referrers: (digest) => client.referrers(digest),
    tags: () => client.tags(),
    blobs: () => client.blobs(),
    ensureBlob: (blob, blobs) => client.ensureBlob(blob, blobs, [BASE]),
    putManifest: (document, reference) => client.putManifest(document, reference),
    close: () => client.close(),
  }
}

/** A key in a file, as it is used, and the processor's time that its signatures take. */
function countedSignatory() {
  const { privatePem } = generateKeyPair('', 'ecdsa-p256-sha256')
  const signatory = keySignatory(openPrivateKey(privatePem, '', 'key'))
  let microseconds = 0
  const counted = async <Result>(work: () => Promise<Result>): Promise<Result> => {
    const before = process.cpuUsage()
    const result = await work()
    const used = process.cpuUsage(before)
    microseconds += used.user + used.system
    return result
  }
  const counting: Signatory = {
    name: signatory.name,
    signStatement: (payload) => counted(() => signatory.signStatement(payload)),
    signPayload: (payload) => counted(() => signatory.signPayload(payload)),
  }
  return { signatory: counting, seconds: () => microseconds / 1e6 }
}

/** Our registry as it is used: a process of its own, by the command line. */
async function serve(root: string) {
  const program = resolve(import.meta.dirname, '../src/cli/main.ts')
  const args = ['registry', 'serve', join(root, 'r'), '--listen', '127.0.0.1:0', '--gc-interval', '0']
  const child = spawn(process.execPath, ['--conditions=source', program, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [line] = await once(child.stdout, 'data')
  child.stdout.resume()
  const address = /http:\/\/([\w.]+:\d+)/.exec(String(line))?.[1] ?? ''
  let used = 0
  const cpu = () => {
    used = cpuSeconds(child) ?? used
    return used
  }
  const counts = async () => {
    const text = await (await fetch(`http://${address}/metrics`)).text()
    const sum = (pattern: RegExp) => [...text.matchAll(pattern)].reduce((all, [, value]) => all + Number(value), 0)
    return {
      requests: sum(/^casemate_registry_requests_total\{.*\} (\d+)$/gm),
      received: sum(/^casemate_registry_received_bytes_total (\d+)$/gm),
    }
  }
  const close = async () => {
    if (child.exitCode !== null || child.signalCode !== null) return used
    child.kill('SIGTERM')
    const timer = setInterval(cpu, 20)
    await once(child, 'exit')
    clearInterval(timer)
    return used
  }
  return { address, cpu, counts, close }
}

/** The processor's time of a process so far (proc_pid_stat(5)), in seconds; `undefined` when it has ended. */
function cpuSeconds({ pid }: ChildProcess): number | undefined {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? []
    const ticks = Number(fields[11]) + Number(fields[12])
    return ticks > 0 ? ticks / 100 : undefined
  } catch {
    return undefined
  }
}

/** Writes a table, a column for each way. */
export function formatEvidenceCosts(costs: readonly EvidenceCost[]): string[] {
  const row = (name: string, value: (cost: EvidenceCost) => string) =>
    `${name.padEnd(44)}${costs.map((cost) => value(cost).padStart(12)).join('')}`
  return [
    row('', ({ way }) => way),
    row('images', ({ images }) => String(images)),
    row('requests an image', ({ requests, images }) => (requests / images).toFixed(2)),
    row('KB an image', ({ megabytes, images }) => ((megabytes * 1000) / images).toFixed(0)),
    row('ms an image', ({ seconds, images }) => ((seconds * 1000) / images).toFixed(1)),
    row('processor ms an image: client', ({ clientSeconds, images }) => ((clientSeconds * 1000) / images).toFixed(1)),
    row('  of it for signatures', ({ signingSeconds, images }) => ((signingSeconds * 1000) / images).toFixed(1)),
    row('processor ms an image: registry', ({ serverSeconds, images }) => ((serverSeconds * 1000) / images).toFixed(1)),
    row('processor ms an image: closing it', ({ closingSeconds, images }) =>
      ((closingSeconds * 1000) / images).toFixed(1),
    ),
    row('seconds to close it', ({ closingClock }) => closingClock.toFixed(1)),
  ]
}

if (import.meta.main) {
  const [count = '200', kilobytes = '100'] = process.argv.slice(2)
  const costs: EvidenceCost[] = []
  for (const way of ['singly', 'together'] as const)
    costs.push(await measureEvidence(way, Number(count), Number(kilobytes)))
  console.log(formatEvidenceCosts(costs).join('\n'))
}
