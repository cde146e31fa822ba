import { type ChildProcess, spawn } from 'node:child_process'
import { createCipheriv, randomBytes, randomInt } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { digestOf, messageOf } from '#core'
import { MEDIA_TYPES } from '#oci'
import { RegistryStore, scrub } from '#oci/registry'

const WORKERS = 6
const REPOSITORIES = ['team/a', 'team/b', 'c']
const TAGS = 4
/** Of the images that the last kill cannot have touched, one in so many is read back after it; at the end all are. */
const SAMPLE = 8
const READERS = 8
const MAX_ALIVE = 600

/** What a tag may name: what was acknowledged last, or what was on its way when the process was killed; `undefined` for nothing. */
type Allowed = Set<string | undefined>

/**
 * Kills a registry with SIGKILL at random moments while six clients push, overwrite and delete, and garbage is collected
 * with next to no grace; the first argument says how often, 500 unless given. After each kill everything that was acknowledged
 * must be there, to its last byte, and no tag may name what is not.
 */
export async function run(args: readonly string[] = []): Promise<{ holds: boolean; lines: string[] }> {
  const times = Number(args[0] ?? 500)
  const root = await mkdtemp(join(tmpdir(), 'casemate-kill-'))
  const trial = new Trial(join(root, 'r'))
  try {
    for (let round = 0; round < times && trial.faults.length === 0; round++) await trial.round()
    await trial.finish()
    const { counts, faults } = trial
    return {
      holds: faults.length === 0 && counts.killed === times && counts.acknowledged > times,
      lines: [
        `registries killed with SIGKILL at a random moment of their work: ${counts.killed}`,
        `pushes acknowledged: ${counts.acknowledged}; refused, because their blobs had been collected meanwhile: ${counts.refused}`,
        `pushes acknowledged that were one request with up to 100 contents: ${counts.together}`,
        `deletions acknowledged: ${counts.deleted}; requests under way when the process was killed: ${counts.cut}`,
        `images read back whole and hashed after a kill: ${counts.checked}, with ${counts.blobs} blobs`,
        `at the end: ${counts.tags} tags, ${counts.contents} contents read again, ${counts.damaged} damaged`,
        ...faults,
      ],
    }
  } finally {
    await rm(root, { recursive: true, force: true })
  }
}

class Trial {
  readonly counts = {
    killed: 0,
    acknowledged: 0,
    together: 0,
    refused: 0,
    deleted: 0,
    cut: 0,
    checked: 0,
    blobs: 0,
    tags: 0,
    contents: 0,
    damaged: 0,
  }
  readonly faults: string[] = []
  readonly #folder: string
  readonly #allowed = new Map<string, Allowed>()
  /** Big enough to be a file of its own, and shared by many images, so that it comes and goes. */
  readonly #shared = [1, 2, 3].map((seed) => bytesOf(300_000, `shared ${seed}`))
  #address = ''

  constructor(folder: string) {
    this.#folder = folder
  }

  /** Names that were asked to change since the last check. */
  readonly #touched = new Set<string>()

  /** Starts a registry, checks what it has, pushes, and kills it. */
  async round(): Promise<void> {
    const child = await this.#start()
    try {
      await this.#check()
      let isOver = false
      const over = () => isOver
      const workers = Array.from({ length: WORKERS }, (_, worker) => this.#push(worker, over))
      await pause(randomInt(10, MAX_ALIVE))
      isOver = true
      child.kill('SIGKILL')
      this.counts.killed++
      await Promise.all(workers)
    } finally {
      child.kill('SIGKILL')
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
    }
  }

  /** Checks what the last kill left, over HTTP and then by reading everything again. */
  async finish(): Promise<void> {
    const child = await this.#start()
    await this.#check(true)
    child.kill('SIGKILL')
    await once(child, 'exit')
    const store = await RegistryStore.open(this.#folder)
    const { contents, damaged, broken } = await scrub(store)
    await store.close()
    this.counts.contents = contents
    this.counts.damaged = damaged.length
    this.faults.push(...broken, ...damaged.map(({ digest }) => `${digest} is damaged`))
    this.counts.tags = [...this.#allowed.values()].filter((allowed) => !allowed.has(undefined)).length
  }

  async #start(): Promise<ChildProcess> {
    const program = join(import.meta.dirname, 'parts/registry-process.ts')
    const child = spawn(process.execPath, ['--conditions=source', program, this.#folder], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, NODE_COMPILE_CACHE: join(this.#folder, '../compiled') },
    })
    const [line] = await Promise.race([once(child.stdout, 'data'), once(child, 'exit').then(() => [undefined])])
    if (line === undefined) throw new Error('the registry did not start on what a kill had left')
    this.#address = String(line).trim()
    return child
  }

  /** Every tag names what it may, and that is there with all its parts; then it is known again what each tag names. */
  async #check(isAll = false): Promise<void> {
    const names = [...this.#allowed.keys()].filter(
      (name) => isAll || this.#touched.has(name) || randomInt(SAMPLE) === 0,
    )
    this.#touched.clear()
    const rest = names.values()
    const reader = async () => {
      for (const name of rest) await this.#checkName(name)
    }
    await Promise.all(Array.from({ length: READERS }, reader))
  }

  async #checkName(name: string): Promise<void> {
    const allowed = this.#allowed.get(name) ?? new Set()
    const [repository = '', tag = ''] = name.split(':')
    const answer = await this.#ask(`/v2/${repository}/manifests/${tag}`)
    const bytes = answer?.status === 200 ? await answer.bytes() : undefined
    const found = bytes && digestOf(bytes)
    if (!allowed.has(found)) {
      this.faults.push(`${name} names ${found}, not ${[...allowed].join(' or ')}`)
      return
    }
    this.#allowed.set(name, new Set([found]))
    if (bytes !== undefined) await this.#checkParts(name, bytes)
  }

  async #checkParts(name: string, manifest: Uint8Array): Promise<void> {
    const { config, layers }: { config: { digest: string }; layers: { digest: string }[] } = JSON.parse(
      Buffer.from(manifest).toString(),
    )
    const repository = name.split(':')[0]
    for (const { digest } of [config, ...layers]) {
      const blob = await this.#ask(`/v2/${repository}/blobs/${digest}`)
      const found = blob?.status === 200 ? digestOf(await blob.bytes()) : `status ${blob?.status}`
      if (found !== digest) this.faults.push(`${name} has lost ${digest}: ${found}`)
      this.counts.blobs++
    }
    this.counts.checked++
  }

  /** One client: its tags are its own, so that it knows what each may name. */
  async #push(worker: number, isOver: () => boolean): Promise<void> {
    while (!isOver()) {
      const repository = REPOSITORIES[randomInt(REPOSITORIES.length)] ?? ''
      const name = `${repository}:w${worker}-${randomInt(TAGS)}`
      const [current] = this.#allowed.get(name) ?? [undefined]
      const isDone =
        randomInt(8) === 0 && current !== undefined ? await this.#delete(name, current) : await this.#pushImage(name)
      if (!isDone) return
    }
  }

  async #pushImage(name: string): Promise<boolean> {
    if (randomInt(2) === 0) return await this.#pushTogether(name)
    const [repository, tag] = name.split(':')
    const blobs = [Buffer.from('{}'), this.#shared[randomInt(3)] ?? Buffer.alloc(0), randomBytes(randomInt(1, 2000))]
    for (const blob of blobs) {
      const answer = await this.#ask(`/v2/${repository}/blobs/uploads/?digest=${digestOf(blob)}`, {
        method: 'POST',
        body: blob,
      })
      if (answer?.status !== 201) return answer !== undefined && this.#fault(name, `a blob got ${answer.status}`)
    }
    const manifest = manifestOf(blobs)
    const allowed = this.#expect(name, digestOf(manifest))
    const headers = { 'content-type': MEDIA_TYPES.manifest }
    const answer = await this.#ask(`/v2/${repository}/manifests/${tag}`, { method: 'PUT', body: manifest, headers })
    if (answer === undefined) return false
    if (answer.status === 201) {
      this.counts.acknowledged++
      this.#allowed.set(name, new Set([digestOf(manifest)]))
    } else if (answer.status === 404) {
      this.counts.refused++
      this.#allowed.set(name, allowed)
    } else return this.#fault(name, `a manifest got ${answer.status}`)
    return true
  }

  /** The image with many more blobs, in one request: after a kill all of it is there, or the tag is where it was. */
  async #pushTogether(name: string): Promise<boolean> {
    const [repository, tag] = name.split(':')
    const blobs = [
      Buffer.from('{}'),
      ...Array.from({ length: randomInt(1, 100) }, () => randomBytes(randomInt(1, 2000))),
    ]
    const manifest = manifestOf(blobs)
    const contents = [...blobs, manifest].map((bytes) => ({ digest: digestOf(bytes), size: bytes.length }))
    const manifests = [{ digest: digestOf(manifest), mediaType: MEDIA_TYPES.manifest, tags: [{ tag }] }]
    const repositories = [{ repository, blobs: blobs.map((blob) => ({ digest: digestOf(blob) })), manifests }]
    const list = Buffer.from(`${JSON.stringify({ contents, repositories })}\n`)
    this.#expect(name, digestOf(manifest))
    const body = Buffer.concat([list, ...blobs, manifest])
    const answer = await this.#ask('/v2/_casemate/contents', { method: 'POST', body })
    if (answer === undefined) return false
    if (answer.status !== 201) return this.#fault(name, `contents got ${answer.status}`)
    this.counts.acknowledged++
    this.counts.together++
    this.#allowed.set(name, new Set([digestOf(manifest)]))
    return true
  }

  async #delete(name: string, digest: string): Promise<boolean> {
    this.#expect(name, undefined)
    const answer = await this.#ask(`/v2/${name.split(':')[0]}/manifests/${digest}`, { method: 'DELETE' })
    if (answer === undefined) return false
    if (answer.status !== 202) return this.#fault(name, `a deletion got ${answer.status}`)
    this.counts.deleted++
    this.#allowed.set(name, new Set([undefined]))
    return true
  }

  /** From now on a tag may name something else too; gives what it could name before. */
  #expect(name: string, next: string | undefined): Allowed {
    const before = this.#allowed.get(name) ?? new Set([undefined])
    this.#touched.add(name)
    this.#allowed.set(name, new Set([...before, next]))
    return before
  }

  #fault(name: string, what: string): boolean {
    this.faults.push(`${name}: ${what}`)
    return false
  }

  /** Gives `undefined` when the connection broke, which it may when the process is killed. */
  async #ask(
    path: string,
    options: RequestInit = {},
  ): Promise<{ status: number; bytes: () => Promise<Uint8Array> } | undefined> {
    try {
      const reply = await fetch(`http://${this.#address}${path}`, options)
      const bytes = new Uint8Array(await reply.arrayBuffer())
      return { status: reply.status, bytes: async () => bytes }
    } catch (error) {
      if (!/fetch failed|terminated|other side closed/.test(messageOf(error))) throw error
      this.counts.cut++
      return undefined
    }
  }
}

function manifestOf([config, ...layers]: readonly Uint8Array[]): Buffer {
  const descriptor = (mediaType: string, bytes: Uint8Array = new Uint8Array()) => ({
    mediaType,
    digest: digestOf(bytes),
    size: bytes.length,
  })
  return Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: MEDIA_TYPES.manifest,
      config: descriptor(MEDIA_TYPES.config, config),
      layers: layers.map((layer) => descriptor(MEDIA_TYPES.layer, layer)),
    }),
  )
}

function bytesOf(length: number, seed: string): Buffer {
  const key = Buffer.from(digestOf(seed).slice('sha256:'.length), 'hex')
  return createCipheriv('aes-256-ctr', key, Buffer.alloc(16)).update(Buffer.alloc(length))
}
