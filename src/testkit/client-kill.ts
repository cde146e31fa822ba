import { spawn } from 'node:child_process'
import { randomBytes, randomInt } from 'node:crypto'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { digestOf } from '#core'
import { fetchPackages, type OpenArchiveOptions, openArchive } from '#debian'
import { type TestArchive, testArchive } from './archive.ts'
import type { Fault, MirrorRequest } from './mirror.ts'

/** What became of clients that were killed. */
export interface ClientKills {
  readonly rounds: number
  /** Rounds in which the signal found the client at work. */
  readonly killed: number
  /** Downloads that went on where a killed client had left them. */
  readonly resumed: number
  /** Rounds after which the next client did not get every file right; each with its reason. */
  readonly failures: readonly string[]
}

/**
 * Starts a client on an empty cache, kills it with SIGKILL at a random moment, and lets another client finish on the
 * same cache; until so many were killed at work.
 */
export async function killClients(t: { after(stop: () => Promise<void>): void }, times: number): Promise<ClientKills> {
  const debs = Array.from({ length: 6 }, (_, at) => ({
    name: `package-${at}`,
    files: { '/data': randomBytes(150_000) },
  }))
  const archive = await testArchive(t, { debs })
  const slow = ({ path }: MirrorRequest): Fault | undefined =>
    path.startsWith('/pool') ? { kind: 'slow', piece: 4096, pause: 2 } : undefined
  archive.mirror.fault = slow
  const { milliseconds } = await runClient(
    { ...archive.options, cache: `${archive.cache}-0` },
    Number.POSITIVE_INFINITY,
  )
  archive.mirror.requests.length = 0
  const failures: string[] = []
  let killed = 0
  let rounds = 0
  while (killed < times && rounds < 5 * times) {
    const options = { ...archive.options, cache: `${archive.cache}-${++rounds}` }
    const delay = randomInt(Math.ceil(milliseconds))
    archive.mirror.fault = slow
    if (!(await runClient(options, delay)).done) killed++
    archive.mirror.fault = () => undefined
    const failure = await recover(archive, options).catch((error: unknown) => String(error))
    if (failure !== undefined) failures.push(`round ${rounds}, killed after ${delay} ms: ${failure}`)
    await rm(options.cache, { recursive: true })
  }
  const resumed = archive.mirror.requests.filter(({ headers }) => headers.range !== undefined).length
  return { rounds, killed, resumed, failures }
}

/** Runs a client that is killed so many milliseconds after it started. */
async function runClient(options: OpenArchiveOptions, delay: number): Promise<{ done: boolean; milliseconds: number }> {
  const script = join(import.meta.dirname, 'archive-client.ts')
  const client = spawn(process.execPath, [...process.execArgv, script, JSON.stringify(options)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const ended = once(client, 'close')
  let output = ''
  client.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text
  })
  await once(client.stdout, 'data')
  const start = performance.now()
  await Promise.race([ended, delay === Number.POSITIVE_INFINITY ? ended : sleep(delay)])
  client.kill('SIGKILL')
  await ended
  return { done: output.includes('done'), milliseconds: performance.now() - start }
}

/** Says what is wrong with what the next client gets and leaves, if anything is. */
async function recover(archive: TestArchive, options: OpenArchiveOptions): Promise<string | undefined> {
  const { universe, close } = await openArchive(options)
  const files = [...universe.names()].flatMap((name) => universe.versions(name))
  close()
  const paths = await fetchPackages(files, options)
  const wrong = files.filter(({ digest }, at) => digestOf(readFileSync(paths[at] ?? '')) !== digest)
  if (files.length !== 6 || wrong.length > 0) return `${files.length} packages, ${wrong.length} of them wrong`
  const left = readdirSync(join(options.cache ?? archive.cache, 'partial'))
  return left.length > 0 ? `partial files are left: ${left.join(', ')}` : undefined
}
