import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import type { Ending, Output } from '../outcome.ts'
import { type Container, EMULATOR_PATH, type LaunchSpec, type Sandbox } from '../sandbox.ts'
import { ContainerFiles, holdWritable } from './container-files.ts'
import { findEmulator } from './emulator.ts'
import { addMountPoint } from './prepared-image.ts'
import { readOutput } from './process.ts'
import { type ImageLayer, unpackRootfs } from './rootfs.ts'

/** A program to run in the files of layers, for the files that it makes. */
export interface ProgramRun {
  /** Lowest first. */
  readonly layers: readonly ImageLayer[]
  /** Of the program, as an image configuration names it. */
  readonly architecture: string
  /** Begins with the program's absolute path. */
  readonly argv: readonly [string, ...string[]]
  readonly environment: Readonly<Record<string, string>>
  readonly stdin: string
  /** An absolute path at which the program finds an empty directory, the only one that it can write to. */
  readonly output: string
  /** Milliseconds. */
  readonly timeout: number
}

/** What came of a program. */
export interface ProgramResult {
  readonly ending: Ending
  readonly stdout: Output
  readonly stderr: Output
  /** What it left below `output`, by path from there, e.g. `/a/b`. */
  readonly files: ReadonlyMap<string, Uint8Array>
}

/** An account that owns nothing. */
const NOBODY = { uid: 65534, gid: 65534 }

/**
 * Unpacks layers into a root of their own, runs a program over it some times at once, without network and as nobody, and
 * removes every trace. No run can write to the root, so each finds it fresh. Rejects with `SANDBOX_MISSING` when nothing here runs programs of the architecture, `SANDBOX_FAILED` also when the
 * program left something else than files and directories, and as `unpackRootfs` does.
 */
export async function runProgram(sandbox: Sandbox, run: ProgramRun, times: number): Promise<ProgramResult[]> {
  const emulator = findEmulator(run.architecture)?.path
  const rootfs = await unpackRootfs(run.layers)
  try {
    const files = new ContainerFiles(rootfs.root)
    for (const path of ['/proc', '/dev', '/sys']) addMountPoint(files, rootfs.root, path)
    const { path: output } = addMountPoint(files, rootfs.root, run.output)
    const [program, ...args] = run.argv
    const spec: Omit<LaunchSpec, 'id'> = {
      directory: rootfs.directory,
      root: rootfs.root,
      argv: emulator ? [EMULATOR_PATH, '-0', program, program, ...args] : run.argv,
      environment: run.environment,
      workDir: '/',
      user: NOBODY,
      writable: [{ path: output, mode: 0o755 }],
      network: 'none',
      ...(emulator && { emulator }),
    }
    const runs = Array.from({ length: times }, () => launch(sandbox, run, { ...spec, id: `casemate-${randomUUID()}` }))
    // The files must not go before every run has ended, whatever becomes of the others.
    await Promise.allSettled(runs)
    return await Promise.all(runs)
  } finally {
    rootfs.remove()
  }
}

async function launch(sandbox: Sandbox, run: ProgramRun, spec: LaunchSpec): Promise<ProgramResult> {
  const container = await sandbox.launch(spec)
  try {
    const held = holdWritable(container.root, spec)
    try {
      const seen = await observe(container, run)
      return { ...seen, files: held.contents(spec.writable[0]?.path ?? '') }
    } finally {
      held.close()
    }
  } finally {
    await container.destroy()
  }
}

async function observe(container: Container, { stdin, timeout }: ProgramRun): Promise<Omit<ProgramResult, 'files'>> {
  const program = container.begin()
  program.stdin.end(stdin)
  const stdout = readOutput(program.stdout)
  const stderr = readOutput(program.stderr)
  const timer = new AbortController()
  const ending = await Promise.race([
    program.exited.then((code): Ending => ({ kind: 'exited', code })),
    delay(timeout, undefined, { signal: timer.signal }).then((): Ending => ({ kind: 'timed-out' })),
  ]).finally(() => timer.abort())
  await container.destroy()
  return { ending, stdout: await stdout.whole, stderr: await stderr.whole }
}
