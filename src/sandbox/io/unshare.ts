import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import fs from 'node:fs'
import { text } from 'node:stream/consumers'
import { SandboxError } from '../errors.ts'
import type { Container, LaunchSpec, Sandbox } from '../sandbox.ts'
import { UNSHARE_DESCRIPTORS, type UnshareMode, unshareScript } from '../unshare-script.ts'
import { isSameDirectory } from './container-files.ts'
import { enterArgv, joinArgv } from './enter.ts'
import { exitCodeOf, extraPipe, hasEnded, reasonOf, runTool, sendSignal, startProgram, versionOf } from './process.ts'
import { type PipedTool, startPiped } from './program-pipes.ts'

/**
 * util-linux alone, which every Linux has: unshare(1), mount(8), setpriv(1) and a shell. As root it needs no user
 * namespace; else it makes two, one to mount in and one in which we are the image's user. The last choice: it enforces
 * less than the others, and says so (`Limits.notEnforced`).
 */
export const unshare: Sandbox = {
  name: 'unshare',
  async unavailable() {
    try {
      await runTool([
        ...namespaces({ network: 'none', user: { uid: 0, gid: 0 } }),
        'setpriv',
        '--no-new-privs',
        'mount',
        '-t',
        'proc',
        'proc',
        '/proc',
      ])
      return undefined
    } catch (error) {
      return reasonOf(error)
    }
  },
  version: () => versionOf('unshare'),
  async launch(spec) {
    const limit = spec.memory ? ['prlimit', `--data=${spec.memory}`, '--'] : []
    const [program = 'setpriv', ...args] = [...joinArgv(spec, 'keep'), ...limit, ...namespaces(spec), 'sh', '-c']
    const { errors } = UNSHARE_DESCRIPTORS
    const argv: [string, ...string[]] = [program, ...args, unshareScript(spec, mode())]
    const { child, outputs } = await startPiped(argv, spec, { errors })
    const exited = exitCodeOf(child)
    try {
      return await adopt({ child, exited, spec, outputs })
    } catch (cause) {
      outputs.stdout.resume()
      outputs.stderr.resume()
      const words = (await text(child.stderr ?? outputs.stderr)).trim()
      await exited.catch(() => undefined)
      throw new SandboxError('SANDBOX_FAILED', `cannot start unshare: ${words || reasonOf(cause)}`, { cause })
    }
  },
}

/** Waits until the mounts stand; the program is held by its pipe all the while. */
async function adopt(started: {
  child: ChildProcess
  exited: Promise<number>
  spec: LaunchSpec
  outputs: PipedTool['outputs']
}): Promise<Container> {
  const { child, exited, spec, outputs } = started
  // Its end does not come before the container's: the process that waits for it holds the pipe as well.
  const told = once(extraPipe(child, UNSHARE_DESCRIPTORS.info), 'data').then(([line]) => Number(line))
  const pid = await Promise.race([told, exited.then(() => 0)])
  if (!pid) throw new Error('it ended early')
  // The shell's root is the host's until it becomes the program: the container's is where it stands.
  const root = fs.openSync(`/proc/${pid}/cwd`, fs.constants.O_RDONLY | fs.constants.O_DIRECTORY)
  child.stderr?.resume()
  let isOpen = true
  const end = () => {
    if (!hasEnded(child)) sendSignal(pid, 'SIGKILL')
    if (isOpen) fs.closeSync(root)
    isOpen = false
  }
  if (!isSameDirectory(`/proc/self/fd/${root}/.`, spec.root)) {
    end()
    throw new Error('its root is not the image')
  }
  return {
    // The process that waits for the program: its user namespace is the one that owns the network.
    pid: child.pid ?? pid,
    root: `/proc/self/fd/${root}/`,
    limits: { memory: spec.memory ? 'process' : 'none', notEnforced: notEnforced(spec) },
    begin() {
      extraPipe(child, UNSHARE_DESCRIPTORS.hold).end('go\n')
      return { ...outputs, exited }
    },
    enter: (entry) => startProgram(enterArgv({ entry, pid, owner: child.pid ?? pid })),
    async signal(number) {
      if (!hasEnded(child)) sendSignal(pid, number)
    },
    async destroy() {
      end()
      outputs.stdout.resume()
      outputs.stderr.resume()
      await exited
    },
  }
}

function mode(): UnshareMode {
  return process.getuid?.() === 0 ? 'root' : 'user-namespace'
}

/** A container ends with us as far as the kernel lets it: with its own user it no longer hears of its parent's end. */
function namespaces({ network, user }: Pick<LaunchSpec, 'network' | 'user'>): [string, ...string[]] {
  const argv: [string, ...string[]] = ['setpriv', '--pdeathsig=KILL', 'unshare']
  if (mode() === 'user-namespace') argv.push('--user', '--map-user=0', `--map-group=${user.uid === 0 ? user.gid : 0}`)
  if (network === 'none') argv.push('--net')
  return [...argv, '--mount', '--ipc', '--uts', '--cgroup', '--pid', '--fork', '--kill-child=SIGKILL', '--']
}

function notEnforced({ user }: LaunchSpec): string[] {
  const gaps = ['no limit on processes', 'no /dev/pts']
  if (mode() === 'user-namespace') gaps.push('every file is the user’s own')
  if (user.uid === 0) return [...gaps, 'root keeps the capabilities chroot, setgid and setuid']
  const kept = mode() === 'root' ? 'chroot, setgid and setuid' : 'all that a user namespace has'
  return [...gaps, `the bounding set of capabilities keeps ${kept}; without new privileges it is of no use`]
}
