import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { type TestArchive, type TestArchiveOptions, testArchive } from '#testkit'
import { samplePackages } from './sample-packages.ts'

/** The definition that most tests build. */
export const DEFINITION = `image: greeting
description: Greets whoever runs it
archive: test-1
packages: [greet]
platforms: [linux/amd64]
paths:
  - { path: /etc/motd, content: "hello\\n" }
entrypoint: [/usr/bin/greet]
tags: ["{greet:upstream}"]
layers: { budget: 4 }
`

/** What a command line gave. */
export interface Run {
  readonly status: number | null
  readonly stdout: string
  readonly stderr: string
}

/** How a command line is run, where that differs from the usual. */
export interface RunOptions {
  readonly env?: Readonly<Record<string, string>>
  /** The umask of the process; the test's own unless given. */
  readonly umask?: number
  /** The executable of Node; the running one unless given. */
  readonly node?: string
  /** Ends the process with SIGKILL after so many milliseconds. */
  readonly killAfter?: number
}

const CHECKOUT = join(import.meta.dirname, '../..')
const MAIN = join(CHECKOUT, 'src/cli/main.ts')

/** A folder with a definition, the archive it is built from, and a command line that knows both and nothing of the host. */
export class Workplace {
  readonly archive: TestArchive
  readonly folder: string

  constructor(archive: TestArchive) {
    this.archive = archive
    this.folder = dirname(archive.archiveFolder)
  }

  /** Runs `casemate` in the folder. */
  async run(args: readonly string[], { env = {}, umask, node, killAfter }: RunOptions = {}): Promise<Run> {
    const command = [node ?? process.execPath, '--conditions=source', MAIN, ...args]
    const [program = '', ...rest] =
      umask === undefined ? command : ['/bin/sh', '-c', `umask ${umask.toString(8)}; exec "$@"`, 'sh', ...command]
    const child = spawn(program, rest, {
      cwd: this.folder,
      env: { ...this.environment, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const timer = killAfter === undefined ? undefined : setTimeout(() => child.kill('SIGKILL'), killAfter)
    const [stdout, stderr, [status]] = await Promise.all([
      child.stdout.setEncoding('utf8').toArray(),
      child.stderr.setEncoding('utf8').toArray(),
      once(child, 'close'),
    ])
    clearTimeout(timer)
    return { status, stdout: stdout.join(''), stderr: stderr.join('') }
  }

  /** Builds and gives the index digest; fails with what was printed when the build does not end well. */
  async digest(args: readonly string[] = [], options: RunOptions = {}): Promise<string> {
    return (await this.build(args, options)).digest
  }

  /** Builds into `out:greeting` unless told otherwise and gives the summary. */
  async build(args: readonly string[] = [], options: RunOptions = {}): Promise<Summary> {
    const outputs = args.some((arg) => arg === '-o') ? [] : ['-o', 'oci:out:greeting']
    const run = await this.run(['build', '.', '--json', ...outputs, ...args], options)
    if (run.status !== 0) throw new Error(`the build ended with ${run.status}: ${run.stderr}${run.stdout}`)
    return JSON.parse(run.stdout)
  }

  write(file: string, content: string | Uint8Array): void {
    mkdirSync(dirname(join(this.folder, file)), { recursive: true })
    writeFileSync(join(this.folder, file), content)
  }

  read(file: string): string {
    return readFileSync(join(this.folder, file), 'utf8')
  }

  remove(file: string): void {
    rmSync(join(this.folder, file), { recursive: true, force: true })
  }

  /** Every file below a folder, relative to it, in order; empty where there is none. */
  files(folder: string): readonly string[] {
    try {
      return readdirSync(join(this.folder, folder), { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => join(entry.parentPath, entry.name).slice(join(this.folder, folder).length + 1))
        .sort()
    } catch {
      return []
    }
  }

  /** Nothing of the caller's environment reaches the command line but what a test gives it. */
  get environment(): Record<string, string> {
    return {
      PATH: process.env['PATH'] ?? '',
      HOME: this.folder,
      XDG_CACHE_HOME: join(this.folder, 'cache'),
      CASEMATE_MIRROR: `${this.archive.name}=${this.archive.mirror.url}`,
      // The sources are compiled once for all tests, not once a workplace.
      NODE_COMPILE_CACHE: join(tmpdir(), 'casemate-tests-code'),
    }
  }
}

/** The parts of `build --json` that tests look at. */
export interface Summary {
  readonly digest: string
  readonly platforms: readonly {
    readonly platform: string
    readonly digest: string
    readonly packages: readonly { readonly name: string; readonly version: string }[]
    readonly layers: readonly { readonly digest: string; readonly diffId: string; readonly size: number }[]
  }[]
  readonly user: { readonly name?: string; readonly uid: number; readonly gid: number }
  readonly tags: readonly string[]
  readonly members: { readonly reused: number; readonly made: number }
  readonly lock?: string
}

/** What calls back when the workplace is not needed any more, as a test does. */
export interface CleansUp {
  after(stop: () => Promise<void>): void
}

/** Makes a workplace with the sample packages, unless told of others, and `DEFINITION` as `casemate.yaml`. */
export async function openWorkplace(t: CleansUp, options: TestArchiveOptions = {}): Promise<Workplace> {
  const archive = await testArchive(t, {
    debs: samplePackages('amd64'),
    archiveLines: ['release: { id: debian, version: "13", codename: trixie }', 'merged-usr: made'],
    ...options,
  })
  const workplace = new Workplace(archive)
  workplace.write('casemate.yaml', DEFINITION)
  return workplace
}
