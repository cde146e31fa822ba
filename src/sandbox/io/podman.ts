import { SandboxError } from '../errors.ts'
import {
  type Container,
  EMULATOR_PATH,
  HELPER_PATH,
  type LaunchSpec,
  type Sandbox,
  WRITABLE_BYTES,
} from '../sandbox.ts'
import { exitCodeOf, reasonOf, runTool, standardStreams, startProgram, startTool, versionOf } from './process.ts'

/**
 * podman, for who has nothing else or wants what production runs: the slowest, some tenths of a second a container.
 * Memory is limited for all processes together by a control group. `podman init` makes the container ready and holds
 * its program. podman adds files of its own (`/etc/hosts`, `/run/.containerenv`), and `container=podman`.
 */
export const podman: Sandbox = {
  name: 'podman',
  async unavailable() {
    try {
      await runTool(['podman', 'info', '--format', '{{.Version.Version}}'])
      return undefined
    } catch (error) {
      return reasonOf(error)
    }
  },
  version: () => versionOf('podman'),
  async launch(spec) {
    const runtime = ['podman', ...(await runtimeOption())] as [string, ...string[]]
    const remove = () => runTool([...runtime, 'rm', '--force', '--ignore', '--time', '0', spec.id])
    let ended = false
    try {
      await runTool([...runtime, 'create', ...options(spec), spec.root, ...spec.argv])
      await runTool([...runtime, 'init', spec.id])
      const pid = Number(await runTool([...runtime, 'inspect', '--format', '{{.State.Pid}}', spec.id]))
      if (!pid) throw new SandboxError('SANDBOX_FAILED', 'cannot start podman: the container has no process')
      return {
        pid,
        root: `/proc/${pid}/root/`,
        limits: { memory: spec.memory ? 'group' : 'none' },
        begin() {
          const child = startTool([...runtime, 'start', '--attach', '--interactive', '--sig-proxy=false', spec.id], {
            stdio: ['pipe', 'pipe', 'pipe'],
          })
          const exited = exitCodeOf(child).finally(() => {
            ended = true
          })
          const { stdin, ...outputs } = standardStreams(child)
          stdin.end(spec.stdin)
          return { ...outputs, exited }
        },
        enter({ argv, environment, user, workDir }) {
          const options = [`--user=${user.uid}:${user.gid}`, `--workdir=${workDir}`]
          const variables = Object.entries(environment).map(([name, value]) => `--env=${name}=${value}`)
          return startProgram([...runtime, 'exec', ...options, ...variables, spec.id, ...argv])
        },
        async signal(number) {
          if (!ended) await runTool([...runtime, 'kill', '--signal', String(number), spec.id])
        },
        async destroy() {
          await remove()
        },
      } satisfies Container
    } catch (error) {
      await remove()
      throw error
    }
  },
}

/** Debian's crun does not start where control groups are mounted in the hybrid way; runc does everywhere. */
async function runtimeOption(): Promise<string[]> {
  const works = await runTool(['runc', '--version']).catch(() => undefined)
  return works === undefined ? [] : ['--runtime=runc']
}

function options(spec: LaunchSpec): string[] {
  const { user, memory } = spec
  const size = memory ?? WRITABLE_BYTES
  const list = ['--interactive', '--name', spec.id, '--rootfs', '--read-only-tmpfs=false']
  if (!spec.rootIsWritable) list.push('--read-only')
  list.push('--cap-drop=ALL', '--security-opt=no-new-privileges', `--user=${user.uid}:${user.gid}`)
  // podman's own limits are above what an unprivileged root may set.
  list.push('--ulimit=nofile=1024:1024', '--ulimit=nproc=1024:1024', '--pids-limit=1024', '--log-driver=none')
  const network = typeof spec.network === 'string' ? spec.network : `container:${spec.network.id}`
  list.push(`--network=${network}`, `--workdir=${spec.workDir}`, '--http-proxy=false', '--entrypoint=')
  if (spec.network === 'none') list.push('--hostname=casemate')
  if (memory) list.push(`--memory=${memory}b`, `--memory-swap=${memory}b`)
  if (spec.emulator) list.push(`--volume=${spec.emulator}:${EMULATOR_PATH}:ro`)
  if (spec.helper) list.push(`--volume=${spec.helper}:${HELPER_PATH}:ro,nosuid,nodev`)
  for (const { path } of spec.writable) list.push(`--mount=type=tmpfs,destination=${path},tmpfs-size=${size},U=true`)
  for (const [name, value] of Object.entries(spec.environment)) list.push(`--env=${name}=${value}`)
  return list
}
