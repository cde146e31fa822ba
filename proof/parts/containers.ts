import { setTimeout as sleep } from 'node:timers/promises'
import { runProgram } from './command.ts'
import { LIMITS, podman } from './podman.ts'

/** What a container of Casemate is allowed: nothing but its volume and /tmp, and a /proc that tests of images can have of their own. */
export const HARDENED: readonly string[] = [
  ...LIMITS,
  ...['--read-only', '--read-only-tmpfs=false', '--tmpfs=/tmp', '--cap-drop=ALL'],
  ...['--security-opt=no-new-privileges', '--security-opt=unmask=ALL'],
]
/** Milliseconds that anything may take at most. */
const PATIENCE = 600_000

/** A container that runs until it is stopped. */
export class Container {
  readonly name: string

  private constructor(name: string) {
    this.name = name
  }

  /** Starts one, with what `podman run` is told behind its own options. */
  static async run(name: string, args: readonly string[]): Promise<Container> {
    await podman(['run', '--detach', '--name', name, ...HARDENED, ...args])
    return new Container(name)
  }

  /** What it has printed, both streams. */
  async log(): Promise<string> {
    const { stdout, stderr } = await runProgram(['podman', 'logs', this.name])
    return stdout + stderr
  }

  /** Waits until it has printed something behind `from` characters. */
  async printed(pattern: RegExp, from = 0): Promise<RegExpExecArray> {
    for (const end = Date.now() + PATIENCE; Date.now() < end; await sleep(250)) {
      const found = pattern.exec((await this.log()).slice(from))
      if (found !== null) return found
      if (!(await this.isRunning())) break
    }
    throw new Error(`${this.name} never printed ${pattern}:\n${await this.log()}`)
  }

  async isRunning(): Promise<boolean> {
    return (await podman(['inspect', '--format', '{{.State.Running}}', this.name])).trim() === 'true'
  }

  /** Runs a program in it, and gives what it prints. */
  async execute(...command: readonly string[]): Promise<string> {
    return (await podman(['exec', this.name, ...command])).trim()
  }

  /** Ends it by SIGTERM; gives its status and the seconds that it took. */
  async stop(): Promise<{ readonly status: string; readonly seconds: number }> {
    const start = performance.now()
    await podman(['stop', '--time', '90', this.name])
    const status = (await podman(['inspect', '--format', '{{.State.ExitCode}}', this.name])).trim()
    return { status, seconds: (performance.now() - start) / 1000 }
  }

  async start(): Promise<void> {
    await podman(['start', this.name])
  }

  async remove(): Promise<void> {
    await podman(['rm', '--force', '--time', '1', this.name])
  }
}

/** The seconds until a page answers with 200. */
export async function readySeconds(url: string): Promise<number> {
  const start = performance.now()
  for (const end = Date.now() + PATIENCE; Date.now() < end; await sleep(50)) {
    const status = await fetch(url).then(
      (answer) => answer.status,
      () => undefined,
    )
    if (status === 200) return (performance.now() - start) / 1000
  }
  throw new Error(`${url} never was ready`)
}
