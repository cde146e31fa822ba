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
 * Starts a tool whose standard output and error are pipes of the container's user, its input and two descriptors more
 * being Node's. Node's own pipes are sockets, which nobody can open a second time; servers log to /dev/stdout by opening
 * it, so every container engine gives them what this gives.
 */
export async function startPiped(
  argv: readonly [string, ...string[]],
  spec: LaunchSpec,
  identity: Pick<SpawnOptions, 'uid' | 'gid'> = {},
): Promise<PipedTool> {
  const paths = [join(spec.directory, `${spec.id}-stdout`), join(spec.directory, `${spec.id}-stderr`)] as const
  await runTool(['mkfifo', '--mode=0600', ...paths])
  const [stdout, stderr] = [openPipe(paths[0], spec), openPipe(paths[1], spec)]
  try {
    const child = startTool(argv, { ...identity, stdio: ['pipe', stdout.end, stderr.end, 'pipe', 'pipe'] })
    return { child, outputs: { stdout: stdout.stream, stderr: stderr.stream } }
  } finally {
    for (const { end } of [stdout, stderr]) fs.closeSync(end)
  }
}

/** A pipe's writing end, and what comes out of it. */
function openPipe(path: string, { user }: LaunchSpec): { readonly end: number; readonly stream: Socket } {
  // Without waiting, the reading end opens at once, and the writing end then finds a reader.
  const source = fs.openSync(path, O_RDONLY | O_NONBLOCK)
  const end = fs.openSync(path, O_WRONLY)
  if (process.getuid?.() === 0) fs.fchownSync(end, user.uid, user.gid)
  fs.rmSync(path)
  return { end, stream: new Socket({ fd: source, readable: true, writable: false }) }
}
