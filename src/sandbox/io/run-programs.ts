import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import type { Ending, Output } from '../outcome.ts'
import { type Container, EMULATOR_PATH, type LaunchSpec, type Sandbox } from '../sandbox.ts'
import { ContainerFiles, holdWritable } from './container-files.ts'
import { findEmulator } from './emulator.ts'
import { addMountPoint } from './prepared-image.ts'
import { readOutput } from './process.ts'
import { type ImageLayer, unpackRootfs } from './rootfs.ts'

/** A program to run for the files that it makes. */
export interface Program {
  /** Begins with the program's absolute path. */
  readonly argv: readonly [string, ...string[]]
  readonly environment: Readonly<Record<string, string>>
  readonly stdin: string
}

/** Programs, and what they run in. */
export interface ProgramRun {
  readonly programs: readonly Program[]
  /** Lowest first. */
  readonly layers: readonly ImageLayer[]
  /** Of the programs, as an image configuration names it. */
  readonly architecture: string
  /** An absolute path at which each program finds an empty directory, the only one that it can write to. */
  readonly output: string
  /** For each program, in milliseconds. */
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
 * Unpacks layers into a root of their own, runs programs over it one after another, each some times at once, without
 * network and as nobody, and removes every trace. No program can write to the root, so each finds it fresh. Gives the
 * results by program. Rejects with `SANDBOX_MISSING` when nothing here runs programs of the architecture,
 * `SANDBOX_FAILED` also when a program left something else than files and directories, and as `unpackRootfs` does.
 */
export async function runPrograms(sandbox: Sandbox, run: ProgramRun, times: number): Promise<ProgramResult[][]> {
  const emulator = findEmulator(run.architecture)?.path
  const rootfs = await unpackRootfs(run.layers)
  try {
    const files = new ContainerFiles(rootfs.root)
    for (const path of ['/proc', '/dev', '/sys']) addMountPoint(files, rootfs.root, path)
    const shared = {
      directory: rootfs.directory,
      root: rootfs.root,
      workDir: '/',
      user: NOBODY,
      writable: [{ path: addMountPoint(files, rootfs.root, run.output).path, mode: 0o755 }],
      network: 'none',
      ...(emulator && { emulator }),
    } as const
    const results: ProgramResult[][] = []
    for (const program of run.programs) {
      const spec = { ...shared, ...program, argv: emulated(program, emulator) }
      const runs = Array.from({ length: times }, () => launch(sandbox, spec, { timeout: run.timeout }))
      // The files must not go before every run has ended, whatever becomes of the others.
      await Promise.allSettled(runs)
      results.push(await Promise.all(runs))
    }
    return results
  } finally {
    rootfs.remove()
  }
}

function emulated({ argv }: Program, emulator: string | undefined): Program['argv'] {
  const [program, ...args] = argv
  return emulator ? [EMULATOR_PATH, '-0', program, program, ...args] : argv
}

async function launch(
  sandbox: Sandbox,
  shared: Omit<LaunchSpec, 'id'>,
  given: { timeout: number },
): Promise<ProgramResult> {
  const spec = { ...shared, id: `casemate-${randomUUID()}` }
  const container = await sandbox.launch(spec)
  try {
    const held = holdWritable(container.root, spec)
    try {
      const seen = await observe(container, given)
      return { ...seen, files: held.contents(spec.writable[0]?.path ?? '') }
    } finally {
      held.close()
    }
  } finally {
    await container.destroy()
  }
}

async function observe(container: Container, { timeout }: { timeout: number }): Promise<Omit<ProgramResult, 'files'>> {
  const program = container.begin()
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
