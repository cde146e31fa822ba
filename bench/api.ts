/**
 * What the API and the status page take with 1,000 images of 30 findings each, from a process of its own over 16 kept connections:
 * `node --conditions=source bench/api.ts [SECONDS]`. Prints requests a second, median and p99. `limit` says how many
 * images are in an answer.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import http from 'node:http'
import { cpus, loadavg } from 'node:os'
import { parseFactorySettings } from '#factory'
import { Api, createFirstToken, serveApi } from '#server'
import { openStore, startPostgres } from '#store'
import { databaseFolder, heldPackage, releaseOf, serverOptions } from '#testkit'

const IMAGES = 1000
const FINDINGS = 30
const CONNECTIONS = 16

interface Load {
  readonly perSecond: number
  readonly median: number
  readonly p99: number
  readonly bytes: number
}

/** Asks as fast as it is answered. */
async function load(url: string, token: string, seconds: number): Promise<Load> {
  const agent = new http.Agent({ keepAlive: true, maxSockets: CONNECTIONS })
  const headers = { authorization: `Bearer ${token}` }
  const times: number[] = []
  let bytes = 0
  const ask = () =>
    new Promise<void>((resolve, reject) => {
      const request = http.get(url, { agent, headers }, (response) => {
        if (response.statusCode !== 200) reject(new Error(`${url} answers ${response.statusCode}`))
        bytes = 0
        response.on('data', (chunk: Buffer) => {
          bytes += chunk.length
        })
        response.on('end', resolve)
      })
      request.on('error', reject)
    })
  const end = performance.now() + seconds * 1000
  const began = performance.now()
  const client = async () => {
    while (performance.now() < end) {
      const start = performance.now()
      await ask()
      times.push(performance.now() - start)
    }
  }
  await Promise.all(Array.from({ length: CONNECTIONS }, client))
  const took = (performance.now() - began) / 1000
  agent.destroy()
  times.sort((left, right) => left - right)
  const at = (share: number) => times[Math.min(times.length - 1, Math.floor(times.length * share))] ?? 0
  return { perSecond: times.length / took, median: at(0.5), p99: at(0.99), bytes }
}

async function fill(store: Awaited<ReturnType<typeof openStore>>): Promise<void> {
  const at = '2026-11-20T12:00:00.000Z'
  const names = Array.from({ length: IMAGES }, (_, number) => `team-${number % 40}/app-${number}`)
  const packages = [heldPackage('openssl', '3.5.6-1')]
  await store.releases.record(names.map((image) => releaseOf(image, packages, ['1.2.3', '1.2', 'latest'])))
  for (const image of names) {
    const marks = Array.from({ length: FINDINGS }, (_, number) => {
      const common = { finding: `CVE-2026-${10_000 + number} source-${number}`, image, severity: 'medium' } as const
      const fix = { ...common, mark: 'fix-available', at } as const
      return [{ ...common, mark: 'disclosed', at } as const, ...(number % 3 === 0 ? [fix] : [])]
    })
    await store.clocks.record(marks.flat())
  }
  await store.database.query('gather statistics', 'analyze')
}

async function main(seconds: number): Promise<void> {
  const ends: (() => unknown)[] = []
  const postgres = await startPostgres(serverOptions('embedded', databaseFolder({ after: (end) => ends.push(end) })))
  const store = await openStore(postgres.address)
  await fill(store)
  const token = (await createFirstToken(store, { by: 'bench', at: new Date().toISOString(), command: 'bench' })) ?? ''
  const { levels } = parseFactorySettings('', 'factory.yaml')
  const rates = { token: { burst: 1e9, perSecond: 1e9 } }
  const known = { registry: 'localhost:5000', url: 'http://localhost', version: '0' }
  const api = new Api({ store, levels, isOpen: false, rates, ...known, onError: console.error })
  const server = await serveApi(api, { host: '127.0.0.1', port: 0 })
  console.log(
    `${IMAGES} images, ${FINDINGS} findings each, ${CONNECTIONS} connections, ${cpus().length} cores, load ${loadavg()[0]?.toFixed(1)}`,
  )
  for (const path of [
    '/healthz',
    '/api/v1/me',
    '/api/v1/images?limit=20',
    '/api/v1/images',
    '/api/v1/images?limit=1000',
    '/',
  ]) {
    const url = `http://127.0.0.1:${server.port}${path}`
    const child = spawn(
      process.execPath,
      ['--conditions=source', import.meta.filename, 'load', url, token, String(seconds)],
      {
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    )
    let text = ''
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk
    })
    await once(child, 'close')
    const { perSecond, median, p99, bytes }: Load = JSON.parse(text)
    console.log(
      `${path.padEnd(26)} ${perSecond.toFixed(0).padStart(6)} a second  median ${median.toFixed(1).padStart(6)} ms  p99 ${p99.toFixed(1).padStart(6)} ms  ${bytes} bytes`,
    )
  }
  await server.close(0)
  await store.close()
  await postgres.stop()
  for (const end of ends) await end()
}

const [kind, url = '', token = '', seconds = '5'] = process.argv.slice(2)
if (kind === 'load') console.log(JSON.stringify(await load(url, token, Number(seconds))))
else await main(Number(kind ?? '5'))
