import type { ChildProcess } from 'node:child_process'
import fs from 'node:fs'
import { dirname } from 'node:path'
import { text } from 'node:stream/consumers'
import { SandboxError } from '../errors.ts'
import {
  type Container,
  EMULATOR_PATH,
  HELPER_PATH,
  type LaunchSpec,
  type Sandbox,
  WRITABLE_BYTES,
} from '../sandbox.ts'
import { isSameDirectory } from './container-files.ts'
import { enterArgv, joinArgv } from './enter.ts'
import {
  exitCodeOf,
  extraPipe,
  hasEnded,
  poll,
  reasonOf,
  runTool,
  sendSignal,
  startProgram,
  versionOf,
} from './process.ts'
import { type PipedTool, startPiped } from './program-pipes.ts'

const INFO = 3
const HOLD = 4

/**
 * bubblewrap: the quickest, and the one that needs no root. It makes a user namespace with one user in it. When we
 * are root it is started as the image's user, so that permissions count as they will in production; else the image's
 * user is us under another number, owns every file, and has no /dev/pts. Memory is limited per process (RLIMIT_DATA).
 */
export const bwrap: Sandbox = {
  name: 'bwrap',
  async unavailable() {
    try {
      // As a test does: a container that hides parts of its /proc lets nobody in it have another one.
      await runTool(['bwrap', '--ro-bind', '/', '/', '--unshare-all', '--proc', '/proc', '--', 'true'])
      return undefined
    } catch (error) {
      const reason = reasonOf(error)
      return reason.includes('mount proc')
        ? `${reason}; in a container all of its /proc has to be there, e.g. podman run --security-opt unmask=ALL`
        : reason
    }
  },
  version: () => versionOf('bwrap'),
  async launch(spec) {
    const identity = process.getuid?.() === 0 ? spec.user : undefined
    for (const directory of [spec.directory, ...(spec.helper ? [dirname(spec.helper)] : [])]) {
      if (identity) fs.chownSync(directory, identity.uid, identity.gid)
    }
    const joined = typeof spec.network === 'object'
    const named = await mayName()
    const [program, ...args] = [...joinArgv(spec), ...command(spec, named)]
    const { child, outputs } = await startPiped([program ?? '', ...args], spec, joined ? undefined : identity)
    const exited = exitCodeOf(child)
    try {
      return await adopt({ child, exited, spec, outputs, named })
    } catch (cause) {
      outputs.stdout.resume()
      const words = (await text(outputs.stderr)).trim()
      await exited.catch(() => undefined)
      throw new SandboxError('SANDBOX_FAILED', `cannot start bwrap: ${words || reasonOf(cause)}`, { cause })
    }
  },
}

/** Waits until the mounts stand; the program is held by its pipe all the while. */
async function adopt(started: {
  child: ChildProcess
  exited: Promise<number>
  spec: LaunchSpec
  outputs: PipedTool['outputs']
  named: boolean
}): Promise<Container> {
  const { child, exited, spec, outputs, named } = started
  const pid = await Promise.race([text(extraPipe(child, INFO)).then(parseChildPid), exited.then(() => undefined)])
  const root = `/proc/${pid}/root/`
  const entered = await poll(
    () => isSameDirectory(root, spec.root) || undefined,
    () => !hasEnded(child),
  )
  if (!pid || !entered) {
    end(child, pid)
    throw new Error('it ended early')
  }
  return {
    pid,
    root,
    limits: {
      memory: spec.memory ? 'process' : 'none',
      ...(named ? {} : { notEnforced: ['the host has the name of this container'] }),
    },
    begin() {
      extraPipe(child, HOLD).end('.')
      return { ...outputs, exited }
    },
    enter: (entry) => startProgram(enterArgv({ entry, pid, owner: pid })),
    async signal(number) {
      if (!hasEnded(child)) sendSignal(pid, number)
    },
    async destroy() {
      end(child, pid)
      outputs.stdout.resume()
      outputs.stderr.resume()
      await exited
    },
  }
}

let naming: Promise<boolean> | undefined

/** Whether a host name may be given here: container engines filter that call, even in a namespace of one's own. */
function mayName(): Promise<boolean> {
  const argv: [string, ...string[]] = ['bwrap', '--ro-bind', '/', '/', '--unshare-all', '--hostname', 'casemate']
  naming ??= runTool([...argv, '--', 'true']).then(
    () => true,
    (error) => !reasonOf(error).includes('hostname'),
  )
  return naming
}

/**
 * bwrap mounts /dev/pts as the root of one user namespace and runs the program in another below it. Who is not root
 * can then not enter the network namespace, which belongs to the first, to probe a service; so does without.
 */
function devices(): string[] {
  if (process.getuid?.() === 0) return ['--dev', '/dev']
  const nodes = ['null', 'zero', 'full', 'random', 'urandom'].flatMap((name) => [
    '--dev-bind',
    `/dev/${name}`,
    `/dev/${name}`,
  ])
  const links = ['stdin', 'stdout', 'stderr'].flatMap((name, fd) => [
    '--symlink',
    `/proc/self/fd/${fd}`,
    `/dev/${name}`,
  ])
  return ['--tmpfs', '/dev', ...nodes, ...links, '--symlink', '/proc/self/fd', '/dev/fd', '--tmpfs', '/dev/shm']
}

/**
 * The kernel ends a whole process namespace with its first process, and bwrap, having reaped that, ends as well.
 * The other way round does not do: until the program has begun, its process would not follow bwrap.
 */
function end(child: ChildProcess, pid: number | undefined): void {
  if (hasEnded(child)) return
  if (pid) sendSignal(pid, 'SIGKILL')
  else child.kill('SIGKILL')
}

function parseChildPid(info: string): number | undefined {
  return Number(/"child-pid"\s*:\s*([0-9]+)/.exec(info)?.[1]) || undefined
}

function command(spec: LaunchSpec, named: boolean): [string, ...string[]] {
  const { user, memory } = spec
  const size = String(memory ?? WRITABLE_BYTES)
  const argv = memory ? ['prlimit', `--data=${memory}`, '--', 'bwrap'] : ['bwrap']
  argv.push('--unshare-all', '--unshare-user', '--uid', `${user.uid}`, '--gid', `${user.gid}`, '--cap-drop', 'ALL')
  argv.push('--as-pid-1', '--die-with-parent', '--new-session', '--clearenv')
  if (named) argv.push('--hostname', 'casemate')
  if (spec.network !== 'none') argv.push('--share-net')
  argv.push(spec.rootIsWritable ? '--bind' : '--ro-bind', spec.root, '/', '--proc', '/proc', ...devices())
  if (spec.emulator) argv.push('--ro-bind', spec.emulator, EMULATOR_PATH)
  if (spec.helper) argv.push('--ro-bind', spec.helper, HELPER_PATH)
  for (const { path, mode } of spec.writable) argv.push('--perms', mode.toString(8), '--size', size, '--tmpfs', path)
  for (const [name, value] of Object.entries(spec.environment)) argv.push('--setenv', name, value)
  argv.push('--chdir', spec.workDir, '--info-fd', `${INFO}`, '--block-fd', `${HOLD}`, '--', ...spec.argv)
  const [program = 'bwrap', ...args] = argv
  return [program, ...args]
}
