import { setTimeout as delay } from 'node:timers/promises'
import type { ImageConfig } from '../image-config.ts'
import type { Argv, CommandProbe, Probe } from '../image-test.ts'
import type { CommandOutput, ProbeReply } from '../outcome.ts'
import type { RunningProgram } from '../sandbox.ts'
import { helperOf, planLaunch } from './launch-plan.ts'
import { askService } from './network.ts'
import { awaitEnd, readOutput } from './process.ts'
import type { Run } from './watch-service.ts'

/** What a probe heard, and the milliseconds until it did. */
export interface Probed {
  readonly reply: ProbeReply
  readonly took: number
}

/**
 * Asks a service that is ready. `deadline` is on the clock of `performance.now`. Rejects with `SANDBOX_FAILED` where the
 * sandbox cannot run what asks, and `HELPER_MISSING`.
 */
export async function probeService(run: Run, probe: Probe, deadline: number): Promise<Probed> {
  const timeout = Math.max(1, Math.round(deadline - performance.now()))
  switch (probe.kind) {
    case 'command':
      return probe.helper === undefined
        ? once(await runInside(run, probe.argv, timeout))
        : once(await runBeside(run, { ...probe, helper: probe.helper }, timeout))
    case 'healthcheck':
      return checkHealth(run, deadline)
    default:
      return askService(probe, { pid: run.container.pid, network: run.test.network, timeout })
  }
}

interface Ran {
  readonly output: CommandOutput
  readonly took: number
}

const once = ({ output, took }: Ran): Probed => ({ reply: { kind: 'command', attempts: 1, ...output }, took })

/** Milliseconds between two runs of a health check: its own interval is meant for services that run for long. */
const PAUSE = 200
/** Milliseconds for one run where the image says nothing, as Docker has it. */
const ATTEMPT = 30_000

/** Runs the image's health check until it passes or time is up. */
async function checkHealth(run: Run, deadline: number): Promise<Probed> {
  const check = healthcheckOf(run.image.config)
  if (check === undefined) return { reply: { kind: 'no-healthcheck' }, took: 0 }
  const began = performance.now()
  let last: CommandOutput | undefined
  for (let attempts = 1; ; attempts++) {
    const left = Math.max(1, Math.round(deadline - performance.now()))
    const { output: seen } = await runInside(run, check.argv, Math.min(check.timeout, left))
    // Of a run that our time limit has cut off, the one before says more.
    const output = seen.ending.kind === 'timed-out' && left < check.timeout ? (last ?? seen) : seen
    last = output
    const hasPassed = output.ending.kind === 'exited' && output.ending.code === 0
    if (hasPassed || performance.now() + PAUSE >= deadline) {
      return { reply: { kind: 'command', attempts, ...output }, took: performance.now() - began }
    }
    await delay(PAUSE, undefined, run.signal ? { signal: run.signal } : {})
  }
}

/** The command of an image's health check, with its time in milliseconds; `undefined` where it has none. */
function healthcheckOf({ config }: ImageConfig): { readonly argv: Argv; readonly timeout: number } | undefined {
  const [kind, ...words] = config?.Healthcheck?.Test ?? []
  const timeout = Math.round((config?.Healthcheck?.Timeout ?? 0) / 1e6) || ATTEMPT
  if (kind === 'CMD') return { argv: words, timeout }
  if (kind === 'CMD-SHELL') return { argv: ['/bin/sh', '-c', words.join(' ')], timeout }
  return undefined
}

/** Runs a program of the image in the service's own container. */
async function runInside({ container, image, test, signal }: Run, argv: Argv, timeout: number): Promise<Ran> {
  const plan = planLaunch(image, { ...test, program: { kind: 'command', argv } })
  if (plan.kind === 'not-started') return { output: nothingSaid(plan), took: 0 }
  return watch(container.enter(plan.spec), timeout, signal)
}

/** Runs a program of another image in a container of its own that has the service's network. */
async function runBeside(run: Run, probe: CommandProbe & { helper: string }, timeout: number): Promise<Ran> {
  const { sandbox, container, image, test, spec, signal } = run
  const { user: _, helper: __, ...rest } = test
  const plan = planLaunch(helperOf(image, probe.helper), {
    ...rest,
    environment: {},
    stdin: '',
    program: { kind: 'command', argv: probe.argv },
  })
  if (plan.kind === 'not-started') return { output: nothingSaid(plan), took: 0 }
  const network = test.network === 'host' ? 'host' : { pid: container.pid, id: spec.id }
  const beside = await sandbox.launch({ ...plan.spec, network })
  try {
    return await watch(beside.begin(), timeout, signal)
  } finally {
    await beside.destroy()
  }
}

async function watch(program: RunningProgram, timeout: number, signal: AbortSignal | undefined): Promise<Ran> {
  const began = performance.now()
  const [stdout, stderr] = [readOutput(program.stdout), readOutput(program.stderr)]
  const ending = await awaitEnd(program, timeout, signal)
  const took = performance.now() - began
  // What still runs holds its pipes open until its container is gone: what it has said so far must do.
  if (ending.kind === 'timed-out') {
    stdout.whole.catch(() => undefined)
    stderr.whole.catch(() => undefined)
    const said = (text: string) => ({ text, truncated: true })
    return { output: { ending, stdout: said(stdout.soFar()), stderr: said(stderr.soFar()) }, took }
  }
  return { output: { ending, stdout: await stdout.whole, stderr: await stderr.whole }, took }
}

function nothingSaid(ending: CommandOutput['ending']): CommandOutput {
  const nothing = { text: '', truncated: false }
  return { ending, stdout: nothing, stderr: nothing }
}
