import type { ChildProcess, SpawnOptions } from 'node:child_process'
import fs from 'node:fs'
import { Socket } from 'node:net'
import { join } from 'node:path'
import type { LaunchSpec, RunningProgram } from '../sandbox.ts'
import { runTool, startTool } from './process.ts'

const { O_NONBLOCK, O_RDONLY, O_WRONLY } = fs.constants

/** A tool that will run a container's program, and what the program writes. */
export interface PipedTool {
  readonly child: ChildProcess
  readonly outputs: Pick<RunningProgram, 'stdout' | 'stderr'>
}

/**
 * Starts a tool whose standard input is a file of the container's user, and whose output and error are pipes of that user, two
 * descriptors more being Node's. Node's own pipes are sockets, which nobody can open a second time; servers log to /dev/stdout and
 * read settings from /dev/stdin by opening them, so every container engine gives them what can be opened. With `errors` the program's
 * standard error is that descriptor, and the tool's own is a pipe of Node's.
 */
export async function startPiped(
  argv: readonly [string, ...string[]],
  spec: LaunchSpec,
  { errors, ...identity }: Pick<SpawnOptions, 'uid' | 'gid'> & { readonly errors?: 5 } = {},
): Promise<PipedTool> {
  const path = (name: string) => join(spec.directory, `${spec.id}-${name}`)
  await runTool(['mkfifo', '--mode=0600', path('stdout'), path('stderr')])
  const [stdout, stderr] = [openPipe(path('stdout'), spec), openPipe(path('stderr'), spec)]
  const stdin = openInput(path('stdin'), spec)
  try {
    const own =
      errors === undefined ? ([stderr.end, 'pipe', 'pipe'] as const) : (['pipe', 'pipe', 'pipe', stderr.end] as const)
    const child = startTool(argv, { ...identity, stdio: [stdin, stdout.end, ...own] })
    return { child, outputs: { stdout: stdout.stream, stderr: stderr.stream } }
  } finally {
    for (const end of [stdin, stdout.end, stderr.end]) fs.closeSync(end)
  }
}

/** The input as a file that is gone from its folder already; a pipe that is opened again waits for somebody to write. */
function openInput(path: string, spec: LaunchSpec): number {
  fs.writeFileSync(path, spec.stdin, { mode: 0o600, flag: 'wx' })
  const input = fs.openSync(path, O_RDONLY)
  give(input, spec)
  fs.rmSync(path)
  return input
}

/** A pipe's writing end, and what comes out of it. */
function openPipe(path: string, spec: LaunchSpec): { readonly end: number; readonly stream: Socket } {
  // Without waiting, the reading end opens at once, and the writing end then finds a reader.
  const source = fs.openSync(path, O_RDONLY | O_NONBLOCK)
  const end = fs.openSync(path, O_WRONLY)
  give(end, spec)
  fs.rmSync(path)
  return { end, stream: new Socket({ fd: source, readable: true, writable: false }) }
}

function give(end: number, { user }: LaunchSpec): void {
  if (process.getuid?.() === 0) fs.fchownSync(end, user.uid, user.gid)
}
