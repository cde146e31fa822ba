import { constants } from 'node:os'
import { setTimeout as delay } from 'node:timers/promises'
import { SandboxError } from '../errors.ts'
import type { LicenceExpectation } from '../expectation.ts'
import type { Argv, ImageTest, ServiceExpectation } from '../image-test.ts'
import type { CommandOutcome, Ending, FileState, LicenceOutcome, Outcome, Output, ServiceOutcome } from '../outcome.ts'
import type { Container, RunningProgram, Sandbox } from '../sandbox.ts'
import { type ContainerFiles, holdWritable } from './container-files.ts'
import { copyImage } from './image-copy.ts'
import { planLaunch } from './launch-plan.ts'
import { askService, listeningPorts } from './network.ts'
import type { PreparedImage } from './prepared-image.ts'
import { poll, readOutput } from './process.ts'

interface Seen {
  readonly ending: Ending
  readonly service?: ServiceOutcome
}

interface Run {
  readonly test: ImageTest
  readonly container: Container
  readonly program: RunningProgram
  /** What the program has said so far. */
  readonly said: () => { readonly stdout: string; readonly stderr: string }
  /** On the clock of `performance.now`. */
  readonly deadline: number
  readonly stopSignal: string
  readonly signal?: AbortSignal | undefined
}

/**
 * Runs one test in containers of its own and tells what was seen. Every process is gone when it returns.
 * Rejects with `SANDBOX_FAILED` when the container could not be made, or with the signal's reason.
 */
export async function runTest(
  sandbox: Sandbox,
  image: PreparedImage,
  test: ImageTest,
  signal?: AbortSignal,
): Promise<Outcome> {
  if (!test.around) return runProgram(sandbox, image, test, signal)
  const copy = await copyImage(image)
  try {
    const before = await runCommands(sandbox, copy, { test, commands: test.around.before, signal })
    if (before.some(hasFailed)) return { ...nothingRun({ kind: 'none' }), around: before }
    const outcome = await runProgram(sandbox, copy, test, signal)
    const after = await runCommands(sandbox, copy, { test, commands: test.around.after, signal })
    return { ...outcome, around: [...before, ...after] }
  } finally {
    copy.remove()
  }
}

/** Runs commands one after the other, each in a container of its own, up to the first that fails. */
async function runCommands(
  sandbox: Sandbox,
  image: PreparedImage,
  { test, commands, signal }: { test: ImageTest; commands: readonly Argv[]; signal: AbortSignal | undefined },
): Promise<CommandOutcome[]> {
  const done: CommandOutcome[] = []
  for (const argv of commands) {
    const { service: _, ...rest } = test
    const command: ImageTest = { ...rest, program: { kind: 'command', argv }, stdin: '', files: [] }
    const { ending, stderr } = await runProgram(sandbox, image, command, signal)
    const outcome = { argv, ending, stderr }
    done.push(outcome)
    if (hasFailed(outcome)) break
  }
  return done
}

function hasFailed({ ending }: CommandOutcome): boolean {
  return ending.kind !== 'exited' || ending.code !== 0
}

async function runProgram(
  sandbox: Sandbox,
  image: PreparedImage,
  test: ImageTest,
  signal?: AbortSignal,
): Promise<Outcome> {
  signal?.throwIfAborted()
  const started = performance.now()
  if (test.program.kind === 'none') return { ...nothingRun({ kind: 'none' }), ...inspect(image, test) }
  const plan = planLaunch(image, test)
  if (plan.kind === 'not-started') return nothingRun(plan)
  const container = await sandbox.launch(plan.spec)
  try {
    const files = holdWritable(container.root, plan.spec, image.rootfs.owners)
    try {
      const seen = await observe({ container, test, image, signal })
      const limits = { ...container.limits, ...(image.emulator && { emulator: image.emulator.name }) }
      const duration = Math.round(performance.now() - started)
      return { ...seen, files: look(files, test), duration, limits }
    } finally {
      files.close()
    }
  } finally {
    await container.destroy()
  }
}

/** Lets the program begin and watches it to its end, by itself or by us. */
async function observe(input: {
  container: Container
  test: ImageTest
  image: PreparedImage
  signal: AbortSignal | undefined
}): Promise<Pick<Outcome, 'ending' | 'service' | 'stdout' | 'stderr'>> {
  const { container, test, image, signal } = input
  const program = container.begin()
  program.stdin.end(test.stdin)
  const stdout = readOutput(program.stdout)
  const stderr = readOutput(program.stderr)
  const stopSignal = test.service?.stop?.signal ?? image.contract['stop-signal']
  const deadline = performance.now() + test.timeout
  const said = () => ({ stdout: stdout.soFar(), stderr: stderr.soFar() })
  const run = { test, container, program, said, deadline, stopSignal, signal }
  const seen = test.service ? await watchService(run, test.service) : { ending: await awaitEnd(run, test.timeout) }
  await container.destroy()
  return { ...seen, stdout: await stdout.whole, stderr: await stderr.whole }
}

async function watchService(run: Run, want: ServiceExpectation): Promise<Seen> {
  const { container, program, deadline, signal } = run
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
  if (!ready) return { ending: await awaitEnd(run, 0), service: { ready: false, listening } }
  const timeout = Math.max(1, Math.round(deadline - performance.now()))
  const target = { pid: container.pid, network: run.test.network, timeout }
  const reply = want.probe && (await askService(want.probe, target))
  const service = { ready: true, listening, ...(reply && { reply }) }
  if (!want.stop || !alive) return { ending: await awaitEnd(run, 0), service }
  await container.signal(signalNumber(run.stopSignal))
  const stopped = await awaitEnd(run, want.stop.within)
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

/** How the program ends within a time. */
async function awaitEnd({ program, signal }: Run, milliseconds: number): Promise<Ending> {
  const timer = new AbortController()
  const stop = signal ? AbortSignal.any([timer.signal, signal]) : timer.signal
  try {
    return await Promise.race([
      program.exited.then((code): Ending => ({ kind: 'exited', code })),
      delay(milliseconds, undefined, { signal: stop }).then((): Ending => ({ kind: 'timed-out' })),
    ])
  } finally {
    timer.abort()
  }
}

/** What a test without a program asks for. */
function inspect({ files, config }: PreparedImage, test: ImageTest): Partial<Outcome> {
  return {
    files: look(files, test),
    ...(test.metadata && { config }),
    ...(test.licences && { licences: lookAtLicences(files, test.licences) }),
  }
}

function look(files: ContainerFiles, test: ImageTest): Map<string, FileState | undefined> {
  return new Map(
    test.files.map(({ path, keepsLink, content: want }) => {
      const state = files.state(path, keepsLink ? 'keep' : 'follow')
      const content = want && files.read(path)
      return [path, state && { ...state, ...(content && { content }) }]
    }),
  )
}

const DOCUMENTATION = '/usr/share/doc'

function lookAtLicences(files: ContainerFiles, want: LicenceExpectation): LicenceOutcome {
  const folders = want.debian ? files.folders(DOCUMENTATION) : undefined
  const paths = [...(folders ?? []).map((name) => `${DOCUMENTATION}/${name}/copyright`), ...want.files]
  return { hasFolder: folders !== undefined, texts: new Map(paths.map((path) => [path, files.read(path)])) }
}

/** Linux counts the real-time signals that programs may use from 34. */
function signalNumber(name: string): number {
  const known = Object.entries(constants.signals).find(([signal]) => signal === name)?.[1]
  const realTime = /^SIGRTMIN(?:\+([0-9]+))?$/.exec(name)
  if (known === undefined && !realTime)
    throw new SandboxError('CONTRACT_INVALID', `cannot send signal "${name}": it is unknown`)
  return known ?? 34 + Number(realTime?.[1] ?? 0)
}

function nothingRun(ending: Ending): Outcome {
  const nothing: Output = { text: '', truncated: false }
  return { ending, stdout: nothing, stderr: nothing, files: new Map(), duration: 0, limits: { memory: 'none' } }
}
