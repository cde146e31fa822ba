import type { LicenceExpectation } from '../expectation.ts'
import type { ImageConfig } from '../image-config.ts'
import type { Argv, ImageTest } from '../image-test.ts'
import type { CommandOutcome, Ending, FileState, LicenceOutcome, Outcome, Output } from '../outcome.ts'
import type { Sandbox } from '../sandbox.ts'
import { type ContainerFiles, holdWritable } from './container-files.ts'
import { copyImage } from './image-copy.ts'
import type { TestedFiles } from './known-files.ts'
import { planLaunch } from './launch-plan.ts'
import type { PreparedImage } from './prepared-image.ts'
import { awaitEnd, readOutput } from './process.ts'
import { type Run, watchService } from './watch-service.ts'

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
      const seen = await observe({ sandbox, container, spec: plan.spec, test, image, signal })
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
async function observe(
  input: Pick<Run, 'sandbox' | 'container' | 'spec' | 'test' | 'image' | 'signal'>,
): Promise<Pick<Outcome, 'ending' | 'service' | 'stdout' | 'stderr'>> {
  const { container, test } = input
  const began = performance.now()
  const program = container.begin()
  const stdout = readOutput(program.stdout)
  const stderr = readOutput(program.stderr)
  const said = () => ({ stdout: stdout.soFar(), stderr: stderr.soFar() })
  const run: Run = { ...input, program, said, began }
  const seen = test.service
    ? await watchService(run, test.service)
    : { ending: await awaitEnd(program, test.timeout, input.signal) }
  await container.destroy()
  return { ...seen, stdout: await stdout.whole, stderr: await stderr.whole }
}

/** What a test sees that looks at files and metadata alone, of an image whose files are known. */
export function inspectKnown(files: TestedFiles, config: ImageConfig, test: ImageTest): Outcome {
  return { ...nothingRun({ kind: 'none' }), files: look(files, test), ...(test.metadata && { config }) }
}

/** What a test without a program asks for. */
function inspect({ files, config }: PreparedImage, test: ImageTest): Partial<Outcome> {
  return {
    files: look(files, test),
    ...(test.metadata && { config }),
    ...(test.licences && { licences: lookAtLicences(files, test.licences) }),
  }
}

function look(files: TestedFiles, test: ImageTest): Map<string, FileState | undefined> {
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

function nothingRun(ending: Ending): Outcome {
  const nothing: Output = { text: '', truncated: false }
  return { ending, stdout: nothing, stderr: nothing, files: new Map(), duration: 0, limits: { memory: 'none' } }
}
