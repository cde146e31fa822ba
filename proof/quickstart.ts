import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { DATA_VARIABLE } from '../bench/advisory-data.ts'
import { readmeSteps } from '../test/readme-blocks.ts'
import { runProgram } from './parts/command.ts'

const ROOT = resolve(import.meta.dirname, '..')
const UP = 'npx casemate up'
const FIRST = ['static', 'base', 'python', 'nginx']
/** Seconds that the issue allows from the start to four images. */
const LIMIT = 120
const PATIENCE = 600_000

/**
 * Does what `docs/quickstart.md` says, line by line, in an empty folder with an empty cache: `casemate up` beside everything else, its
 * first four images within two minutes, podman pulls one, it is verified and scanned, a definition of one's own is released, and SIGTERM ends
 * it. Where CASEMATE_ADVISORY_DATA names a folder of advisories, those are taken in place of the publishers'. Needs podman; as root the
 * database runs as `postgres`.
 */
export async function run(): Promise<{ holds: boolean; lines: string[] }> {
  const folder = mkdtempSync(join(tmpdir(), 'casemate-quickstart-'))
  // The database's user has to get there.
  chmodSync(folder, 0o755)
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'))
  const reader = new Reader(folder)
  const lines: string[] = []
  try {
    let isWell = true
    for (const step of readmeSteps(readFileSync(join(ROOT, 'docs/quickstart.md'), 'utf8'))) {
      if (step.kind === 'definition') {
        const path = join(folder, 'images', step.path)
        mkdirSync(dirname(path), { recursive: true })
        writeFileSync(path, step.text)
        continue
      }
      const seconds = step.line === UP ? await reader.up() : await reader.command(step.line)
      const isKept = seconds !== undefined && (step.line !== UP || seconds <= LIMIT)
      isWell &&= isKept
      const took = seconds === undefined ? 'failed' : `${seconds.toFixed(1)} s`
      lines.push(
        `${isKept ? 'ok ' : 'NOT'} ${step.line}: ${took}${step.line === UP ? ` to ${FIRST.join(', ')}; at most ${LIMIT}` : ''}`,
      )
      console.error(lines.at(-1))
    }
    const own = await reader.released('hello')
    lines.push(`${own ? 'ok ' : 'NOT'} the image of one's own is released`)
    const status = await reader.end()
    lines.push(`${status === 0 ? 'ok ' : 'NOT'} SIGTERM ends it with ${status}`)
    return {
      holds: isWell && own && status === 0,
      lines: [...lines, '', ...reader.output.trimEnd().split('\n').slice(-60)],
    }
  } finally {
    await reader.end()
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Somebody with two terminals in an empty folder. */
class Reader {
  readonly #folder: string
  readonly #env: NodeJS.ProcessEnv
  #child: ChildProcess | undefined
  #ended: Promise<number | null> | undefined
  output = ''

  constructor(folder: string) {
    this.#folder = folder
    const data = process.env[DATA_VARIABLE]
    const places = {
      tracker: 'debian-tracker/export-resolved-only.json',
      dsa: 'debian-advisories/DSA-list',
      dla: 'debian-advisories/DLA-list',
      kev: 'kev/known_exploited_vulnerabilities.json',
    }
    const given = Object.entries(places).map(([kind, file]) => `${kind}=${join(data ?? '', file)}`)
    this.#env = {
      ...process.env,
      XDG_CACHE_HOME: join(folder, 'cache'),
      npm_config_offline: 'true',
      ...(process.getuid?.() === 0 ? { CASEMATE_POSTGRES_USER: 'postgres' } : {}),
      ...(data === undefined ? {} : { CASEMATE_ADVISORIES: given.join(' '), CASEMATE_MAX_AGE: '3650d' }),
    }
  }

  /** Starts the factory; gives the seconds until its first images have their tags. */
  async up(): Promise<number | undefined> {
    const start = performance.now()
    // As npx runs it, but so that a signal reaches it and its status is its own.
    const program = join(this.#folder, 'node_modules/.bin/casemate')
    const child = spawn(process.execPath, [program, 'up'], { cwd: this.#folder, env: this.#env })
    this.#child = child
    this.#ended = once(child, 'close').then(([status]) => status)
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.output += text
      })
    }
    for (const image of FIRST) if (!(await this.released(image))) return undefined
    return (performance.now() - start) / 1000
  }

  /** Waits until an image is released; `false` where it never is. */
  async released(image: string): Promise<boolean> {
    const done = new RegExp(`${image} +done +released as`)
    for (const end = Date.now() + PATIENCE; Date.now() < end; await sleep(50)) {
      if (done.test(this.output)) return true
      if (this.#child?.exitCode !== null || new RegExp(`${image} +failed`).test(this.output)) return false
    }
    return false
  }

  async command(line: string): Promise<number | undefined> {
    const start = performance.now()
    const { status, stdout, stderr } = await runProgram(['sh', '-c', line], { cwd: this.#folder, env: this.#env })
    if (status !== 0) this.output += `$ ${line}\n${stdout}${stderr}`
    return status === 0 ? (performance.now() - start) / 1000 : undefined
  }

  async end(): Promise<number | null | undefined> {
    this.#child?.kill('SIGTERM')
    return await this.#ended
  }
}
