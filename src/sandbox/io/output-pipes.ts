import fs from 'node:fs'
import { Socket } from 'node:net'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import type { LaunchSpec } from '../sandbox.ts'
import { runTool } from './process.ts'

const { O_NONBLOCK, O_RDONLY, O_WRONLY } = fs.constants

/** What a program writes to its standard output or error. */
export interface OutputPipe {
  /** The descriptor that the program is given; to be closed here once it has it. */
  readonly end: number
  readonly stream: Readable
}

/**
 * Makes the pipes for a program's standard output and error. Node's own are sockets, which nobody can open a second
 * time; servers log to /dev/stdout by opening it, so under every container engine it is a pipe of the program's user.
 */
export async function openOutputPipes(
  { directory, id }: Pick<LaunchSpec, 'directory' | 'id'>,
  user: LaunchSpec['user'] | undefined,
): Promise<readonly [stdout: OutputPipe, stderr: OutputPipe]> {
  const paths = [join(directory, `${id}-stdout`), join(directory, `${id}-stderr`)] as const
  await runTool(['mkfifo', '--mode=0600', ...paths])
  return [openPipe(paths[0], user), openPipe(paths[1], user)]
}

function openPipe(path: string, user: LaunchSpec['user'] | undefined): OutputPipe {
  // Without waiting, the reading end opens at once, and the writing end then finds a reader.
  const source = fs.openSync(path, O_RDONLY | O_NONBLOCK)
  const end = fs.openSync(path, O_WRONLY)
  if (user) fs.fchownSync(end, user.uid, user.gid)
  fs.rmSync(path)
  return { end, stream: new Socket({ fd: source, readable: true, writable: false }) }
}
