import fs from 'node:fs'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { SandboxError } from '../errors.ts'
import type { Container, Sandbox } from '../sandbox.ts'
import {
  exitCodeOf,
  hasEnded,
  poll,
  reasonOf,
  runTool,
  sendSignal,
  standardStreams,
  startProgram,
  startTool,
  versionOf,
} from './process.ts'
import { runcSpec } from './runc-spec.ts'

/**
 * runc, by a bundle of its own and as root. Memory is limited for all processes together by a control group.
 * The program is held by a hook that waits, once the mounts stand, for a file that we make.
 */
export const runc: Sandbox = {
  name: 'runc',
  async unavailable() {
    if (process.getuid?.() !== 0) return 'runc is used as root only; bwrap and podman need no root'
    try {
      await runTool(['runc', '--version'])
      return undefined
    } catch (error) {
      return reasonOf(error)
    }
  },
  version: () => versionOf('runc'),
  async launch(spec) {
    const bundle = join(spec.directory, spec.id)
    const [state, go] = [join(bundle, 'state'), join(bundle, 'go')]
    fs.mkdirSync(bundle, 0o700)
    fs.writeFileSync(join(bundle, 'config.json'), JSON.stringify(runcSpec(spec, { state, go })))
    const runtime = ['runc', '--root', join(bundle, 'run')] as const
    const child = startTool([...runtime, 'run', '--bundle', bundle, spec.id], { stdio: ['pipe', 'pipe', 'pipe'] })
    const exited = exitCodeOf(child)
    const destroy = async () => {
      // Without its state file the hook gives up, and runc with it; a program that runs is ended by delete.
      fs.rmSync(state, { force: true })
      if (!hasEnded(child)) await runTool([...runtime, 'delete', '--force', spec.id]).catch(() => undefined)
      child.stdout?.resume()
      child.stderr?.resume()
      await exited.catch(() => undefined)
      fs.rmSync(bundle, { recursive: true, force: true })
    }
    const pid = await poll(
      () => readPid(state),
      () => !hasEnded(child),
    )
    if (!pid) {
      const words = child.stderr ? (await text(child.stderr)).trim() : ''
      await destroy()
      throw new SandboxError('SANDBOX_FAILED', `cannot start runc: ${words || 'it ended early'}`)
    }
    return {
      pid,
      root: `/proc/${pid}/root${spec.root}`,
      limits: { memory: spec.memory ? 'group' : 'none' },
      begin() {
        fs.writeFileSync(go, '')
        const { stdin, ...outputs } = standardStreams(child)
        stdin.end(spec.stdin)
        return { ...outputs, exited }
      },
      enter({ argv, environment, user, workDir }) {
        const options = ['--user', `${user.uid}:${user.gid}`, '--cwd', workDir]
        const variables = Object.entries(environment).flatMap(([name, value]) => ['--env', `${name}=${value}`])
        const command = [...runtime, 'exec', ...options, ...variables, spec.id, ...argv] as const
        return startProgram([...command])
      },
      async signal(number) {
        if (!hasEnded(child)) sendSignal(pid, number)
      },
      destroy,
    } satisfies Container
  },
}

/** The hook moves the whole file into place, so it is there and complete, or not there. */
function readPid(state: string): number | undefined {
  if (!fs.existsSync(state)) return undefined
  return Number(/"pid"\s*:\s*([0-9]+)/.exec(fs.readFileSync(state, 'utf8'))?.[1]) || undefined
}
