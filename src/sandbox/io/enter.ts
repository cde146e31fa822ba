import { SandboxError } from '../errors.ts'
import type { EntrySpec, LaunchSpec } from '../sandbox.ts'
import { quote } from '../unshare-script.ts'

/**
 * The command that runs another program in a container that util-linux or bwrap has made, with nsenter(1): `pid` is the container's
 * process 1, `owner` a process in the user namespace that owns its mounts. As root we enter the mounts and become the image's user, whose
 * number is the same in and outside of the container; without root we enter the user namespaces that are ours.
 * The working directory is that of process 1: its path would be resolved outside. Throws `SANDBOX_FAILED` for root in the
 * container, which would keep capabilities there.
 */
export function enterArgv({ entry, pid, owner }: { entry: EntrySpec; pid: number; owner: number }): string[] {
  const { argv, environment, user } = entry
  if (user.uid === 0) {
    throw new SandboxError('SANDBOX_FAILED', 'cannot enter the container as root: only runc and podman do so safely')
  }
  const variables = Object.entries(environment).map(([name, value]) => quote(`${name}=${value}`))
  const spaces = [`--target=${pid}`, '--mount', '--net', '--ipc', '--uts', '--pid', '--root', '--wd']
  const ids = isRoot() ? [`--setgid=${user.gid}`, `--setuid=${user.uid}`] : ['--user', '--preserve-credentials']
  const outer =
    !isRoot() && owner !== pid ? ['"$nsenter"', `--target=${owner}`, '--user', '--preserve-credentials', '--'] : []
  const command = ['exec', '"$env"', '-i', ...variables, '"$setpriv"', '--no-new-privs', ...outer]
  const enter = ['"$nsenter"', ...spaces, ...ids, '--', ...argv.map(quote)]
  const tools = ['env', 'setpriv', 'nsenter'].map((name) => `${name}=$(command -v ${name})`).join(' ')
  return ['sh', '-c', `${tools}\n${[...command, ...enter].join(' ')}`]
}

/**
 * What a launch is put behind so that it happens in another container's network: nothing where it has one of its own. As
 * root we become the container's user, unless the driver does so itself.
 */
export function joinArgv({ network, user }: LaunchSpec, identity: 'change' | 'keep' = 'change'): string[] {
  if (typeof network === 'string') return []
  const enter = ['nsenter', `--target=${network.pid}`]
  if (!isRoot()) return [...enter, '--user', '--preserve-credentials', '--net', '--']
  const become = ['setpriv', `--reuid=${user.uid}`, `--regid=${user.gid}`, '--clear-groups', '--']
  return [...enter, '--net', '--', ...(identity === 'change' ? become : [])]
}

function isRoot(): boolean {
  return process.getuid?.() === 0
}
