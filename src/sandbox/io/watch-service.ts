import { constants } from 'node:os'
import { SandboxError } from '../errors.ts'
import type { ImageTest, ServiceExpectation } from '../image-test.ts'
import type { Ending, ServiceOutcome } from '../outcome.ts'
import type { Container, LaunchSpec, RunningProgram, Sandbox } from '../sandbox.ts'
import { listeningPorts } from './network.ts'
import type { PreparedImage } from './prepared-image.ts'
import { probeService } from './probe-service.ts'
import { awaitEnd, poll } from './process.ts'

/** A test whose program runs. */
export interface Run {
  readonly test: ImageTest
  readonly sandbox: Sandbox
  readonly image: PreparedImage
  /** What its container was made of. */
  readonly spec: LaunchSpec
  readonly container: Container
  readonly program: RunningProgram
  /** When the program began, on the clock of `performance.now`. */
  readonly began: number
  /** What the program has said so far. */
  readonly said: () => { readonly stdout: string; readonly stderr: string }
  readonly signal?: AbortSignal | undefined
}

/** Awaits a service, asks it, and stops it where the test says so. */
export async function watchService(
  run: Run,
  want: ServiceExpectation,
): Promise<{ readonly ending: Ending; readonly service: ServiceOutcome }> {
  const { container, program, began, signal } = run
  const deadline = began + run.test.timeout
  let alive = true
  const gone = () => {
    alive = false
  }
  program.exited.then(gone, gone)
  let listening: number[] = []
  const ready = await poll(
    () => {
      listening = listeningPorts(container.pid)
      return isReady(want, listening, run.said()) || undefined
    },
    () => alive && performance.now() < deadline && !signal?.aborted,
  )
  if (!ready) return { ending: await awaitEnd(program, 0, signal), service: { ready: false, listening } }
  const readyAfter = performance.now() - began
  const probed = want.probe && (await probeService(run, want.probe, deadline))
  const startup = Math.round(readyAfter + (probed?.took ?? 0))
  const service = { ready: true, listening, startup, ...(probed && { reply: probed.reply }) }
  if (!want.stop || !alive) return { ending: await awaitEnd(program, 0, signal), service }
  await container.signal(signalNumber(want.stop.signal ?? run.image.contract['stop-signal']))
  const stopped = await awaitEnd(program, want.stop.within, signal)
  return { ending: stopped, service: { ...service, stopped } }
}

function isReady(
  { ready, ports }: ServiceExpectation,
  listening: readonly number[],
  said: ReturnType<Run['said']>,
): boolean {
  const wanted = ready.port === undefined ? ports : [ready.port, ...ports]
  const hasSaid = said.stdout.includes(ready.stdout ?? '') && said.stderr.includes(ready.stderr ?? '')
  return hasSaid && wanted.every((port) => listening.includes(port))
}

/** Linux counts the real-time signals that programs may use from 34. */
function signalNumber(name: string): number {
  const known = Object.entries(constants.signals).find(([signal]) => signal === name)?.[1]
  const realTime = /^SIGRTMIN(?:\+([0-9]+))?$/.exec(name)
  if (known === undefined && !realTime)
    throw new SandboxError('CONTRACT_INVALID', `cannot send signal "${name}": it is unknown`)
  return known ?? 34 + Number(realTime?.[1] ?? 0)
}
